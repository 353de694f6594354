# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readiness: what keeps a version from taking traffic, and whether waiting helps."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.readiness import (
    HOPELESS_WAITING,
    judge_endpoints,
    judge_pods,
    judge_switched,
    judge_workload,
    pod_summary,
    ready_endpoints,
)

REVISION = "deployment.kubernetes.io/revision"
COMPLETE = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}


def deployment(wanted: int | None = 2, **status: Any) -> dict[str, Any]:
    """A Deployment in its second revision; all is well but for what is given."""
    return {
        "kind": "Deployment",
        "metadata": {"name": "web-green", "namespace": "prod", "generation": 2, "annotations": {REVISION: "2"}},
        "spec": {} if wanted is None else {"replicas": wanted},
        "status": {**COMPLETE, **status},
    }


def starting(**status: Any) -> dict[str, Any]:
    """One of which no pod is ready."""
    return deployment(**{"readyReplicas": None, "availableReplicas": None, **status})


def replica_set(revision: str, template: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"pod-template-hash": template}, "annotations": {REVISION: revision}}}


REPLICA_SETS = [replica_set("1", "old"), replica_set("2", "new")]


def pod(waiting: dict[str, Any] | None = None, template: str = "new", **keys: Any) -> dict[str, Any]:
    """A pod with one container."""
    state = {"waiting": waiting} if waiting else {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    container = {"name": "app", "state": state, "restartCount": 0, **keys.pop("container", {})}
    return {
        "metadata": {
            "name": f"web-green-{template}-x",
            "labels": {"pod-template-hash": template},
            **keys.pop("metadata", {}),
        },
        "status": {"phase": "Pending", "containerStatuses": [container], **keys},
    }


def stateful_set(**status: Any) -> dict[str, Any]:
    found = deployment(**{"currentRevision": "web-1", "updateRevision": "web-1", **status})
    return {**found, "kind": "StatefulSet"}


def test_a_complete_deployment_is_ready() -> None:
    found = judge_workload(deployment(), [], [])
    assert (found.ready, found.hopeless, found.reason) == (True, False, "Deployment prod/web-green: 2 of 2 pods ready")


def test_replicas_that_are_not_written_are_one() -> None:
    assert judge_workload(deployment(wanted=None), [], []).ready


def test_a_deployment_without_any_status_is_not_ready() -> None:
    found = judge_workload({**deployment(), "status": {}}, [], [])
    assert found.reason == "Deployment prod/web-green: its controller has not seen the newest specification yet"
    assert not found.ready
    assert not found.hopeless


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"updatedReplicas": 1}, "1 of 2 pods are of the newest specification, 2 ready, 2 available"),
        ({"updatedReplicas": None}, "0 of 2 pods are of the newest specification, 2 ready, 2 available"),
        ({"readyReplicas": 1}, "2 of 2 pods are of the newest specification, 1 ready, 2 available"),
        ({"availableReplicas": 0}, "2 of 2 pods are of the newest specification, 2 ready, 0 available"),
        ({"replicas": 3}, "1 pods of an older specification remain"),
    ],
)
def test_an_incomplete_deployment_may_still_become_ready(status: dict[str, Any], reason: str) -> None:
    found = judge_workload(deployment(**status), [pod()], REPLICA_SETS)
    assert (found.ready, found.hopeless, found.reason) == (False, False, f"Deployment prod/web-green: {reason}")


def test_what_is_scaled_to_zero_takes_no_traffic() -> None:
    found = judge_workload(deployment(wanted=0), [], [])
    assert (found.hopeless, found.reason) == (True, "Deployment prod/web-green is scaled to 0 replicas")
    assert found.remedy == "scale it up before it gets traffic"


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}]},
        {"readyReplicas": 0},
    ],
)
def test_a_specification_that_was_not_seen_yet_is_judged_by_no_old_status(status: dict[str, Any]) -> None:
    crashing = pod({"reason": "CrashLoopBackOff"})
    found = judge_workload(deployment(**{**status, "observedGeneration": 1}), [crashing], REPLICA_SETS)
    assert found.reason == "Deployment prod/web-green: its controller has not seen the newest specification yet"
    assert not found.hopeless


def test_a_quota_that_forbids_pods_does_not_heal() -> None:
    message = 'pods "web-green-new-x" is forbidden: exceeded quota: small'
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    found = judge_workload(starting(conditions=[failure]), [], REPLICA_SETS)
    assert (found.hopeless, found.reason) == (True, f"Deployment prod/web-green: FailedCreate: {message}")
    assert found.remedy == "raise the quota or mend the pod template"
    assert not judge_workload(starting(conditions=[{**failure, "status": "False"}]), [], REPLICA_SETS).hopeless


@pytest.mark.parametrize("reason", HOPELESS_WAITING)
@pytest.mark.parametrize("containers", ["containerStatuses", "initContainerStatuses"])
def test_what_a_container_waits_for_in_vain(reason: str, containers: str) -> None:
    waiting = {"name": "app", "restartCount": 0, "state": {"waiting": {"reason": reason, "message": "its message"}}}
    found = judge_workload(starting(), [pod(None, "new", **{containers: [waiting]})], REPLICA_SETS)
    assert found.hopeless
    assert found.reason == f"pod web-green-new-x, container app: {reason}: its message"
    assert found.remedy == HOPELESS_WAITING[reason]


def test_a_crash_loop_tells_how_it_ends() -> None:
    crashed = {"restartCount": 3, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
    found = judge_workload(starting(), [pod({"reason": "CrashLoopBackOff"}, container=crashed)], REPLICA_SETS)
    assert found.reason == (
        "pod web-green-new-x, container app: CrashLoopBackOff, restarted 3 times, last exit code 137"
    )
    assert found.remedy == "look at the container's log"


@pytest.mark.parametrize("waiting", [None, {"reason": "ContainerCreating"}, {"reason": "PodInitializing"}])
def test_a_pod_that_starts_is_waited_for(waiting: dict[str, Any] | None) -> None:
    assert not judge_workload(starting(), [pod(waiting)], REPLICA_SETS).hopeless


def test_a_pod_that_fits_nowhere_does_not_heal() -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes available"}
    pending = {"metadata": pod()["metadata"], "status": {"phase": "Pending", "conditions": [condition]}}
    found = judge_workload(starting(), [pending], REPLICA_SETS)
    assert (found.hopeless, found.reason) == (True, "pod web-green-new-x: Unschedulable: 0/3 nodes available")
    assert found.remedy == "make room in the cluster, or lower the requests"


@pytest.mark.parametrize(
    "ignored",
    [
        pod({"reason": "CrashLoopBackOff"}, template="old"),
        pod({"reason": "CrashLoopBackOff"}, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
        pod({"reason": "CrashLoopBackOff"}, metadata={"labels": {}}),
    ],
)
def test_the_troubles_of_pods_that_are_on_their_way_out_are_none(ignored: dict[str, Any]) -> None:
    assert not judge_workload(starting(), [ignored], REPLICA_SETS).hopeless
    assert judge_workload(starting(), [ignored, pod({"reason": "ErrImagePull"})], REPLICA_SETS).hopeless


def test_progress_that_takes_too_long_is_said_but_may_still_come() -> None:
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow"}
    found = judge_workload(starting(conditions=[condition]), [], REPLICA_SETS)
    assert (found.ready, found.reason) == (False, "Deployment prod/web-green: too slow")


def test_a_stateful_set_is_ready_once_its_revision_is_complete() -> None:
    # A controller of an older API leaves updatedReplicas out once all are of one revision.
    assert judge_workload(stateful_set(updatedReplicas=None), [], []).ready
    rolling = stateful_set(updateRevision="web-2", updatedReplicas=1)
    assert judge_workload(rolling, [], []).reason.startswith(
        "StatefulSet prod/web-green: 1 of 2 pods are of the newest"
    )


def test_only_the_newest_revision_of_a_stateful_set_can_be_hopeless() -> None:
    def crashing(revision: str) -> dict[str, Any]:
        return pod({"reason": "CrashLoopBackOff"}, metadata={"labels": {"controller-revision-hash": revision}})

    rolling = stateful_set(updateRevision="web-2", readyReplicas=1)
    assert not judge_workload(rolling, [crashing("web-1")], []).hopeless
    assert judge_workload(rolling, [crashing("web-2")], []).hopeless


def endpoint(ready: bool | None) -> dict[str, Any]:
    return {"addresses": ["10.0.0.1"], "conditions": {} if ready is None else {"ready": ready}}


def test_endpoints_are_counted_over_all_slices() -> None:
    slices: list[dict[str, Any]] = [
        {"endpoints": [endpoint(True), endpoint(False)]},
        {"endpoints": [endpoint(True)]},
        {"endpoints": None},
    ]
    assert len(ready_endpoints(slices)) == 2
    assert judge_endpoints("prod/web-green", slices, 2).ready
    found = judge_endpoints("prod/web-green", slices, 3)
    assert (found.ready, found.hopeless) == (False, False)
    assert found.reason == "Service prod/web-green: 2 ready endpoints, 3 wanted"


@pytest.mark.parametrize("unset", [endpoint(None), {"addresses": ["10.0.0.1"], "conditions": None}, {"addresses": []}])
def test_an_endpoint_that_does_not_say_is_ready(unset: dict[str, Any]) -> None:
    assert ready_endpoints([{"endpoints": [unset]}]) == [unset]


def test_no_slices_are_no_endpoints() -> None:
    assert judge_endpoints("prod/web-green", [], 1).reason == "Service prod/web-green: 0 ready endpoints, 1 wanted"


def test_a_pod_in_a_result_says_what_it_waits_for() -> None:
    assert pod_summary(pod({"reason": "ErrImagePull"})) == {
        "name": "web-green-new-x",
        "ready": False,
        "reason": "ErrImagePull",
    }
    ready = pod(phase="Running", conditions=[{"type": "Ready", "status": "True"}])
    assert pod_summary(ready) == {"name": "web-green-new-x", "ready": True, "reason": "Running"}
    assert pod_summary({"metadata": {"name": "new"}})["reason"] == "Unknown"


def test_pods_that_a_service_would_have_count_while_they_are_ready_and_stay() -> None:
    ready: dict[str, Any] = {"conditions": [{"type": "Ready", "status": "True"}]}
    pods = [pod(**ready), pod(), pod(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}, **ready)]
    assert judge_pods("app=web", pods, 1).ready
    found = judge_pods("app=web", pods, 2)
    assert (found.ready, found.reason) == (False, "1 ready pods have the labels app=web, 2 wanted")


@pytest.mark.parametrize(
    ("endpoints", "reason"),
    [
        ([{"targetRef": {"name": "web-green-new-x"}}], ""),
        ([{"targetRef": {"name": "web-green-new-x"}, "conditions": {"ready": False}}], "0 ready endpoints, 1 wanted"),
        (
            [{"targetRef": {"name": "web-green-new-x"}}, {"targetRef": {"name": "other"}}],
            "still has pod other among its endpoints",
        ),
        ([{"addresses": ["10.0.0.9"]}], "still has 10.0.0.9 among its endpoints"),
        ([], "0 ready endpoints, 1 wanted"),
    ],
)
def test_endpoints_have_switched_once_they_are_of_the_selected_pods_alone(
    endpoints: list[dict[str, Any]], reason: str
) -> None:
    found = judge_switched("prod/web", [{"endpoints": endpoints}, {}], [pod()], 1)
    assert found.ready is not bool(reason)
    assert reason in found.reason
