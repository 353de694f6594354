# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.application_host import pod as pods


def pod(
    *, containers: list[dict[str, Any]] | None = None, status: dict[str, Any] | None = None, **metadata: Any
) -> pods.Pod:
    return {
        "metadata": {"name": "web-1", "namespace": "prod", **metadata},
        "spec": {"containers": containers if containers is not None else [{"name": "web", "image": "web:1"}]},
        "status": status or {},
    }


def container(image: str = "web:1", **fields: Any) -> dict[str, Any]:
    return {"name": "web", "image": image, **fields}


def annotated(name: str, value: str) -> pods.Pod:
    return pod(annotations={name: value})


def test_a_pod_without_annotations_answers_at_once_and_without_errors() -> None:
    assert pods.behaviour(pod()) == pods.Behaviour(latency=0.0, error_rate=0.0)


@pytest.mark.parametrize(("text", "latency"), [("200ms", 0.2), ("1.5s", 1.5), ("2m", 120.0)])
def test_latency_is_a_duration(text: str, latency: float) -> None:
    assert pods.behaviour(annotated(pods.LATENCY, text)).latency == pytest.approx(latency)


@pytest.mark.parametrize("text", ["soon", "5", "-1s", "1h", ""])
def test_a_latency_that_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"lab\.bluegreen\.test/latency: expected a duration"):
        pods.behaviour(annotated(pods.LATENCY, text))


@pytest.mark.parametrize("text", ["-0.1", "1.1", "half", "nan"])
def test_an_error_rate_is_a_number_from_0_to_1(text: str) -> None:
    with pytest.raises(ValueError, match=r"error-rate: expected a number from 0 to 1"):
        pods.behaviour(annotated(pods.ERROR_RATE, text))


def test_ports_are_those_that_containers_name() -> None:
    first = container(ports=[{"containerPort": 8080}, {"containerPort": 53, "protocol": "UDP"}])
    second = container(ports=[{"containerPort": 9000, "protocol": "TCP"}, {"containerPort": 8080}])
    assert pods.ports(pod(containers=[first, second, container()])) == {8080: "", 9000: ""}


@pytest.mark.parametrize(
    ("hook", "seconds"),
    [
        (None, 0.0),
        ({"sleep": {"seconds": 5}}, 5.0),
        ({"exec": {"command": ["sleep", "7"]}}, 7.0),
        ({"exec": {"command": ["/bin/sh", "-c", "echo bye; sleep 3 && kill 1"]}}, 3.0),
        ({"exec": {"command": ["/bin/unsleep", "3"]}}, 0.0),
        ({"httpGet": {"path": "/stop", "port": 8080}}, 0.0),
    ],
)
def test_the_stop_sleep_is_read_from_the_hook(hook: dict[str, Any] | None, seconds: float) -> None:
    assert pods.stop_sleep(pod(containers=[container(lifecycle={"preStop": hook})])) == seconds


def test_the_longest_stop_sleep_counts() -> None:
    short, long = ({"preStop": {"sleep": {"seconds": seconds}}} for seconds in (2, 9))
    assert pods.stop_sleep(pod(containers=[container(lifecycle=short), container(lifecycle=long), container()])) == 9.0


@pytest.mark.parametrize(("sleep", "stops_after"), [(0, 0), (5, 5), (60, 30)])
def test_a_deleted_pod_serves_through_its_sleep_but_not_beyond_its_grace_period(sleep: int, stops_after: int) -> None:
    deleted = pod(
        containers=[container(lifecycle={"preStop": {"sleep": {"seconds": sleep}}})],
        deletionTimestamp="2026-01-01T00:00:30Z",
        deletionGracePeriodSeconds=30,
    )
    ending = pods.ending(deleted)
    deletion = ending.is_killed - 30
    assert ending.stops_listening - deletion == stops_after


@pytest.mark.parametrize(
    ("phase", "state", "running"),
    [("Running", "running", True), ("Running", "waiting", False), ("Pending", "running", False)],
)
def test_a_pod_runs_when_all_its_containers_do(phase: str, state: str, running: bool) -> None:
    statuses: list[dict[str, Any]] = [{"state": {"running": {}}}, {"state": {state: {}}}]
    assert pods.is_running(pod(status={"phase": phase, "containerStatuses": statuses})) is running


@pytest.mark.parametrize(("status", "listening"), [("True", True), ("False", False)])
def test_listening_is_a_condition(status: str, listening: bool) -> None:
    assert pods.is_listening(pod(status={"conditions": [{"type": pods.LISTENING, "status": status}]})) is listening
    assert not pods.is_listening(pod())


@pytest.mark.parametrize(
    ("image", "fault"),
    [("registry.example.com/web:1", False), ("registry.example.com/missing:1", True), ("web-crashing", True)],
)
def test_the_image_chooses_a_fault(image: str, fault: bool) -> None:
    assert pods.has_fault(pod(containers=[container(image)])) is fault


@pytest.mark.parametrize(
    ("labels", "version"),
    [
        ({"app.kubernetes.io/version": "green", "version": "old"}, "green"),
        ({"version": "v2"}, "v2"),
        ({}, ""),
    ],
)
def test_an_answer_names_its_version(labels: dict[str, str], version: str) -> None:
    assert pods.identity(pod(labels=labels)) == {
        "pod": "web-1",
        "namespace": "prod",
        "version": version,
        "labels": labels,
    }


@pytest.mark.parametrize(("value", "crashes"), [("true", True), ("false", False)])
def test_a_running_pod_crashes_when_it_is_told_to(value: str, crashes: bool) -> None:
    assert pods.has_fault(annotated(pods.CRASH, value)) is crashes


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({}, "ContainerCreating"),
        ({"state": {"running": {}}}, None),
        ({"state": {"terminated": {"exitCode": 0}}}, None),
        ({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}, "not found"),
        ({"state": {"waiting": {"reason": "ErrImagePull"}}}, "ErrImagePull"),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1}}}, None),
    ],
)
def test_only_a_container_that_ran_has_logs(status: dict[str, Any], reason: str | None) -> None:
    statuses = {"containerStatuses": [{"name": "web", **status}]} if status else {}
    assert pods.waits_for(pod(status=statuses), "web") == reason


@pytest.mark.parametrize(("text", "lines"), [("one\ntwo", "one\ntwo\n"), ("one\n", "one\n")])
def test_logs_are_what_the_annotation_says(text: str, lines: str) -> None:
    assert pods.logs(annotated(pods.LOGS, text)) == lines
    assert pods.logs(pod()) == ""


@pytest.mark.parametrize(
    ("argument", "same"),
    [
        ("localhost:15000/config_dump", "127.0.0.1:20120/config_dump"),
        ("http://127.0.0.1:15000", "http://127.0.0.1:20120"),
        ("localhost:150000", "localhost:150000"),
        ("localhost:8080", "localhost:8080"),
    ],
)
def test_in_the_pod_of_an_envoy_its_administration_is_where_istio_has_it(argument: str, same: str) -> None:
    envoy = annotated(pods.ENVOY_ADMIN_PORT, "20120")
    assert pods.inside(envoy, argument) == same
    assert pods.inside(pod(), argument) == argument


def test_other_ports_are_on_the_address_of_the_pod() -> None:
    status = {"podIP": "10.244.8.3"}
    envoy = pod(status=status, annotations={pods.ENVOY_ADMIN_PORT: "20120"})
    assert pods.reachable(envoy, 15000) == ("127.0.0.1", 20120)
    assert pods.reachable(envoy, 8080) == ("10.244.8.3", 8080)
    assert pods.reachable(pod(status=status), 15000) == ("10.244.8.3", 15000)


def test_a_command_in_a_pod_learns_whose_it_is() -> None:
    envoy = pod(status={"podIP": "10.244.8.3"}, annotations={pods.ENVOY_ADMIN_PORT: "20120"})
    assert pods.environment(envoy) == {
        "POD_NAME": "web-1",
        "POD_NAMESPACE": "prod",
        "POD_IP": "10.244.8.3",
        "LAB_ENVOY_ADMIN": "http://127.0.0.1:20120",
    }


def test_what_is_sent_in_a_pod_of_app_mesh_goes_through_its_envoy() -> None:
    found = pods.environment(annotated(pods.APP_MESH_PROXY, "http://127.0.0.1:20026"))
    assert found["http_proxy"] == "http://127.0.0.1:20026"
    assert "localhost" in found["no_proxy"].split(",")
    assert "http_proxy" not in pods.environment(pod())


@pytest.mark.parametrize("port", [15000, 9901])
def test_a_pod_finds_the_administration_of_its_envoy_where_its_mesh_has_it(port: int) -> None:
    known = annotated(pods.ENVOY_ADMIN_PORT, "20025")
    assert pods.inside(known, f"http://localhost:{port}/stats") == "http://127.0.0.1:20025/stats"
    assert pods.reachable(known, port) == ("127.0.0.1", 20025)


def test_a_container_may_say_what_it_answers() -> None:
    told = container(env=[{"name": "OTHER", "value": "1"}, {"name": "RESPONSE", "value": "hello"}])
    assert pods.answer(pod(containers=[container(), told])) == "hello"
    assert pods.answer(pod()) is None
