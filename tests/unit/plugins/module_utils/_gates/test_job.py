# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate ``job``: what it creates, how it ends, and what is left of it."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Ref
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import BlueGreenError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.gates import Gate, read_gates
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.jobs import job_name
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.sources import Job
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.verdict import Finding
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.course import Course, Scene
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.job import run_job
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.preflight import preflight

from tests.unit.plugins.module_utils._gates.api_server import ApiServer, Manifest

NAME = job_name("web-1.5", "web", "green", "cart")
JOB = Ref("batch/v1", "jobs", "prod", NAME)
MANIFEST: dict[str, Any] = {
    "metadata": {"generateName": "cart-", "labels": {"team": "cart"}},
    "spec": {
        "backoffLimit": 2,
        "template": {"spec": {"containers": [{"name": "a", "image": "cart:$version"}], "restartPolicy": "OnFailure"}},
    },
}


class Jobs(ApiServer):
    """A cluster whose controller does with a Job what ``fate`` says, as soon as it is created."""

    def __init__(self, fate: Callable[[Jobs], None] = lambda cluster: None) -> None:
        super().__init__()
        self.created: list[Manifest] = []
        self.on_create = self._created
        self._fate = fate

    def _created(self, manifest: Manifest) -> None:
        self.created.append(manifest)
        self._fate(self)

    def end(self, condition: str, message: str = "") -> None:
        self.set_pod(exit_code=0 if condition == "Complete" else 1)
        conditions = [{"type": condition, "status": "True", "message": message}]
        self.put(JOB, {**copy.deepcopy(self.created[-1]), "status": {"conditions": conditions}})

    def set_pod(self, waiting: str = "", exit_code: int | None = None) -> None:
        state: dict[str, Any] = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
        if exit_code is not None:
            state = {"terminated": {"exitCode": exit_code}}
        self.logs[f"prod/{NAME}-x/gate"] = "first line\nlast line"
        uid = self.get(JOB)["metadata"]["uid"]
        self.put(
            Ref("v1", "pods", "prod", f"{NAME}-x"),
            {
                "metadata": {
                    "labels": {"batch.kubernetes.io/job-name": NAME, "batch.kubernetes.io/controller-uid": uid}
                },
                "spec": {"containers": [{"name": "gate"}]},
                "status": {
                    "phase": "Pending" if waiting else "Running",
                    "containerStatuses": [{"name": "gate", "state": state}],
                },
            },
        )


def gate_and_scene(cluster: Any, deadline: float = 20.0, **keys: Any) -> tuple[Gate, Scene]:
    (gate,) = read_gates([{"name": "cart", "job": keys or {"image": "cart:1", "log_lines": 1}}], "gates")
    wanted = Wanted({}, service="web", candidate="green", deadline=deadline)
    words = {"release": "web-1.5", "service": "web", "namespace": "prod"}
    return gate, Scene(Course(0.0, 1.0), lambda: cluster, wanted, words, "prod")


def run(cluster: Jobs, deadline: float = 20.0, **keys: Any) -> Finding:
    gate, scene = gate_and_scene(cluster, deadline, **keys)
    assert isinstance(gate.options, Job)
    scene.course.begin()
    return run_job(gate, gate.options, scene, lambda finding: None)


def test_a_job_that_succeeds_is_a_pass_and_goes() -> None:
    cluster = Jobs(lambda running: running.end("Complete"))
    found = run(cluster)
    assert (found.verdict, found.reason) == ("pass", f"Job prod/{NAME} succeeded")
    assert found.details["pods"][0]["log"] == "last line"
    assert found.details["pods"][0]["exit_code"] == 0
    assert cluster.find(JOB) is None


def test_a_job_that_fails_says_so_with_its_log() -> None:
    found = run(Jobs(lambda running: running.end("Failed", "BackoffLimitExceeded")))
    assert (found.verdict, found.reason) == ("fail", f"Job prod/{NAME} failed: BackoffLimitExceeded")
    assert found.details["pods"][0]["exit_code"] == 1


def test_a_job_is_hardened_and_ours() -> None:
    cluster = Jobs(lambda running: running.end("Complete"))
    run(cluster, image="cart:$version", args=["--service=$service"], env={"TARGET": "$version.$namespace"})
    (job,) = cluster.created
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert job["metadata"]["labels"] == {
        "app.kubernetes.io/name": "web",
        "app.kubernetes.io/part-of": "web-1.5",
        "app.kubernetes.io/managed-by": "bluegreen.kubernetes",
    }
    assert (container["image"], container["args"]) == ("cart:green", ["--service=web"])
    assert container["env"] == [{"name": "TARGET", "value": "green.prod"}]
    assert (job["spec"]["backoffLimit"], pod["restartPolicy"]) == (0, "Never")
    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    assert job["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
    assert job["spec"]["ttlSecondsAfterFinished"] == 3600


def test_a_manifest_of_the_user_stays_as_it_is_but_for_its_name() -> None:
    cluster = Jobs(lambda running: running.end("Complete"))
    run(cluster, manifest=MANIFEST, keep=True)
    (job,) = cluster.created
    assert (job["metadata"]["name"], "generateName" in job["metadata"]) == (NAME, False)
    assert (job["metadata"]["labels"]["team"], job["spec"]["backoffLimit"]) == ("cart", 2)
    pod = job["spec"]["template"]["spec"]
    assert (pod["containers"], pod["restartPolicy"]) == ([{"name": "a", "image": "cart:green"}], "OnFailure")
    assert "ttlSecondsAfterFinished" not in job["spec"]
    assert cluster.find(JOB) is not None


def test_what_an_earlier_run_has_left_is_replaced() -> None:
    cluster = Jobs(lambda running: running.end("Complete"))
    cluster.put(JOB, {"spec": {}, "status": {"conditions": [{"type": "Failed", "status": "True"}]}})
    assert run(cluster).verdict == "pass"
    assert cluster.deleted == [JOB.path, JOB.path]


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "CreateContainerConfigError"])
def test_a_job_that_never_starts_ends_at_once_with_its_cause(reason: str) -> None:
    begun = time.monotonic()
    found = run(Jobs(lambda running: running.set_pod(waiting=reason)))
    assert time.monotonic() - begun < 5
    assert found.verdict == "inconclusive"
    assert found.reason == f"Job prod/{NAME} does not start: pod {NAME}-x, container gate: {reason}"
    assert found.remedy


def test_a_job_whose_pod_is_refused_ends_at_once() -> None:
    def refuse(cluster: Jobs) -> None:
        job = cluster.get(JOB)
        event = {
            "involvedObject": {"kind": "Job", "name": NAME, "uid": job["metadata"]["uid"]},
            "reason": "FailedCreate",
            "message": "exceeded quota: small",
        }
        cluster.put(Ref("v1", "events", "prod", "old"), {**event, "involvedObject": {"kind": "Job", "name": NAME}})
        cluster.put(Ref("v1", "events", "prod", "new"), event)

    found = run(Jobs(refuse))
    assert found.reason == f"Job prod/{NAME} does not start: FailedCreate: exceeded quota: small"


def test_a_container_that_crashes_is_tried_again_as_often_as_the_job_says() -> None:
    found = run(Jobs(lambda running: running.set_pod(waiting="CrashLoopBackOff")), deadline=0.2)
    assert (found.verdict, found.reason) == ("inconclusive", f"Job prod/{NAME} has not ended after 0s")


def test_a_job_that_takes_too_long_is_inconclusive_and_goes() -> None:
    cluster = Jobs(lambda running: running.set_pod())
    cluster.forbidden = {"/events", "/log"}
    found = run(cluster, deadline=0.2)
    assert found.verdict == "inconclusive"
    assert found.details["pods"][0]["log"].startswith("(no log: ")
    assert cluster.find(JOB) is None


def test_a_job_that_somebody_deletes_has_failed() -> None:
    found = run(Jobs(lambda running: running.delete(JOB)))
    assert (found.verdict, found.reason) == ("fail", f"Job prod/{NAME} failed: it was deleted by somebody else")


def test_a_job_goes_when_the_analysis_is_stopped() -> None:
    begun = threading.Event()
    cluster = Jobs(lambda running: begun.set())
    gate, scene = gate_and_scene(cluster)
    assert isinstance(gate.options, Job)
    found: list[Finding] = []
    options = gate.options
    thread = threading.Thread(target=lambda: found.append(run_job(gate, options, scene, lambda finding: None)))
    thread.start()
    scene.course.begin()
    assert begun.wait(5)
    scene.course.stop()
    thread.join(2)
    assert found[0].reason == f"Job prod/{NAME} has not ended yet"
    assert cluster.find(JOB) is None


def test_what_may_not_be_created_is_an_error() -> None:
    cluster = Jobs()
    cluster.forbidden = {f"jobs/{NAME}"}
    with pytest.raises(BlueGreenError, match="is forbidden; extend the Role"):
        run(cluster)


def test_before_traffic_moves_a_job_is_only_judged() -> None:
    cluster = Jobs()
    assert preflight([gate_and_scene(cluster)]) == []
    assert [(item["kind"], item["metadata"]["name"]) for item in cluster.dry_runs] == [
        ("Job", NAME),
        ("Pod", f"{NAME}-0"),
    ]
    assert cluster.created == []
    cluster.put(JOB, {"spec": {}})
    assert preflight([gate_and_scene(cluster)]) == []
    cluster.forbidden = {f"jobs/{NAME}"}
    assert preflight([gate_and_scene(cluster)])[0].startswith("cart: jobs prod/")


@pytest.mark.parametrize(
    ("release", "gate"), [("web", "cart"), ("web" * 40, "Cart test"), ("web", "x" * 90), ("web", "ünïcode!")]
)
def test_a_name_fits_and_belongs_to_one_gate(release: str, gate: str) -> None:
    name = job_name(release, "web", "green", gate)
    assert len(name) <= 63
    assert all(word.isalnum() for word in name.split("-"))
    assert name == job_name(release, "web", "green", gate)
    assert name != job_name(release, "web", "blue", gate)


def test_what_an_earlier_job_has_left_behind_is_not_taken_for_its_pod() -> None:
    def go_on(cluster: Jobs) -> None:
        cluster.set_pod()
        threading.Timer(0.2, cluster.end, ("Complete",)).start()

    cluster = Jobs(go_on)
    left = {"containerStatuses": [{"name": "gate", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}
    cluster.put(
        Ref("v1", "pods", "prod", f"{NAME}-left"),
        {
            "metadata": {
                "labels": {"batch.kubernetes.io/job-name": NAME, "batch.kubernetes.io/controller-uid": "before"}
            },
            "spec": {"containers": [{"name": "gate"}]},
            "status": {"phase": "Pending", **left},
        },
    )
    found = run(cluster)
    assert found.verdict == "pass"
    assert [pod["name"] for pod in found.details["pods"]] == [f"{NAME}-x"]
