# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate ``exec``: which pod its command runs in, and what makes a pass."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Ref
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.exec import Ran
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import BlueGreenError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.gates import Gate, read_gates
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.judging.judgement import History
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.sources import Exec, Pods
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.workloads import WorkloadRef
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates import exec as exec_gate
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.course import Course, Scene
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.exec import NoPod, judge_of, pod_of, run_once
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.preflight import preflight

from tests.unit.plugins.module_utils._gates.api_server import ApiServer

OURS = {"app.kubernetes.io/name": "web", "app.kubernetes.io/version": "green"}


class Namespaces(ApiServer):
    """A cluster with one namespace."""

    def namespace_missing(self, namespace: str) -> bool:
        return namespace != "prod"


def with_pods(*pods: tuple[str, dict[str, str], bool]) -> Namespaces:
    cluster = Namespaces()
    for name, labels, ready in pods:
        condition = {"type": "Ready", "status": str(ready)}
        item = {"metadata": {"labels": labels}, "status": {"phase": "Running", "conditions": [condition]}}
        cluster.put(Ref("v1", "pods", "prod", name), item)
    return cluster


def gate_and_scene(cluster: Any, *watched: Pods, **keys: Any) -> tuple[Gate, Scene]:
    (gate,) = read_gates([{"exec": {"command": ["check"], **keys}}], "gates")
    wanted = Wanted({}, service="web", candidate="green")
    return gate, Scene(Course(0.0, 1.0), lambda: cluster, wanted, {"service": "web"}, "prod", watched)


def pod(cluster: Any, *watched: Pods, **keys: Any) -> tuple[str, str]:
    gate, scene = gate_and_scene(cluster, *watched, **keys)
    assert isinstance(gate.options, Exec)
    return pod_of(gate.options, scene)


def test_a_named_pod_is_taken_as_it_is() -> None:
    assert pod(ApiServer(), pod="web-$version-0", namespace="$service-tests") == ("web-tests", "web-green-0")


def test_the_first_ready_pod_of_a_selector_is_taken() -> None:
    labels = {"app": "green"}
    cluster = with_pods(("c", labels, True), ("a", labels, False), ("b", labels, True), ("0", {}, True))
    assert pod(cluster, selector="app=$version") == ("prod", "b")


def test_without_a_name_it_is_a_pod_of_the_candidate() -> None:
    cluster = with_pods(("other", {}, True), ("web-green-x", OURS, True))
    assert pod(cluster) == ("prod", "web-green-x")
    with pytest.raises(NoPod, match=r"none of 0 pods with .*version=blue in prod is ready"):
        pod(cluster, version="blue")


def test_an_existing_workload_says_what_selects_its_pods() -> None:
    cluster = with_pods(("x", {"app": "legacy"}, True))
    spec = {"selector": {"matchLabels": {"app": "legacy"}}}
    cluster.put(Ref("apps/v1", "deployments", "prod", "legacy-v2"), {"spec": spec})
    watched = Pods(version="green", workloads=(WorkloadRef("Deployment", "legacy-v2", "prod"),))
    assert pod(cluster, watched) == ("prod", "x")


def test_a_pod_that_is_not_there_yet_is_waited_for() -> None:
    gate, scene = gate_and_scene(with_pods())
    assert isinstance(gate.options, Exec)
    measured = run_once(gate.options, scene)
    assert measured["error"].startswith("none of 0 pods with ")
    assert History(judge_of(gate.options)).add(measured).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("keys", "answer", "verdict"),
    [
        ({}, {"status": 0, "stdout": ""}, "pass"),
        ({}, {"status": 3, "stdout": "", "stderr": "no\nroom"}, "fail"),
        ({"pass_when": "json.ok"}, {"status": 3, "stdout": "", "json": {"ok": True}}, "pass"),
        ({"pass_when": "status == `3`"}, {"status": 3, "stdout": ""}, "pass"),
        ({"pass_when": "contains(stdout, 'fine')"}, {"status": 0, "stdout": "broken"}, "fail"),
        ({"pass_when": "json.ok"}, {"status": 0, "stdout": "broken", "json": None}, "inconclusive"),
    ],
)
def test_the_exit_code_or_the_condition_decides(keys: dict[str, Any], answer: dict[str, Any], verdict: str) -> None:
    gate = gate_and_scene(None, **keys)[0]
    assert isinstance(gate.options, Exec)
    found = History(judge_of(gate.options)).add({"at": 0.0, "answer": answer})
    assert found.verdict == verdict
    if answer["status"] == 3 and verdict == "fail":
        assert found.reason == "the exit code is 3, wanted 0 (no room)"


def test_a_command_needs_a_namespace() -> None:
    gate, scene = gate_and_scene(None)
    nowhere = Scene(scene.course, scene.cluster, scene.wanted)
    assert isinstance(gate.options, Exec)
    with pytest.raises(BlueGreenError, match="the pod has no namespace; name one"):
        pod_of(gate.options, nowhere)


def test_before_traffic_moves_it_is_only_seen_whether_pods_can_be_found() -> None:
    cluster = with_pods()
    assert preflight([gate_and_scene(cluster)]) == []
    assert preflight([gate_and_scene(cluster, namespace="nowhere")]) == [
        "exec: the namespace nowhere does not exist; mend its name"
    ]
    assert preflight([gate_and_scene(cluster, pod="gone")])[0].startswith("exec: there is no pod prod/gone")
    cluster.forbidden = {"/pods"}
    assert "is forbidden" in preflight([gate_and_scene(cluster)])[0]


def test_more_json_than_a_result_can_hold_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for length, held in ((1000, True), (70_000, False)):
        ran = Ran(json.dumps({"text": "x" * length}), "", 0)
        monkeypatch.setattr(exec_gate, "run_in_pod", lambda *about, ran=ran: ran)
        gate, scene = gate_and_scene(ApiServer(), pod="a")
        assert isinstance(gate.options, Exec)
        answer = run_once(gate.options, scene)["answer"]
        assert (answer["json"] is not None, len(answer["stdout"]) < 5000) == (held, True)
