# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a version can take traffic, and when it cannot, whether waiting will help.

The causes that do not heal by waiting are the kubelet's own words for them, see
U(https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/) and
U(https://kubernetes.io/docs/concepts/containers/images/).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

HOPELESS_WAITING = {
    "ErrImagePull": "mend the image's name or tag, or the pull secret",
    "ImagePullBackOff": "mend the image's name or tag, or the pull secret",
    "InvalidImageName": "mend the image's name",
    "ErrImageNeverPull": "load the image onto the nodes, or change imagePullPolicy",
    "CreateContainerConfigError": "create the ConfigMap or Secret it names, or mend the reference",
    "CreateContainerError": "look at the pod's events",
    "RunContainerError": "mend the container's command",
    "CrashLoopBackOff": "look at the container's log",
}


@dataclass(frozen=True)
class Readiness:
    """What was found: ``hopeless`` means that waiting longer is of no use; ``remedy`` what is."""

    ready: bool
    reason: str
    hopeless: bool = False
    remedy: str = ""


def judge_workload(workload: Object, pods: Sequence[Object], replica_sets: Sequence[Object]) -> Readiness:
    """Judge a workload by its status, and its own newest pods when it is not complete."""
    name = f"{workload['kind']} {workload['metadata']['namespace']}/{workload['metadata']['name']}"
    if workload["spec"].get("replicas") == 0:
        return Readiness(False, f"{name} is scaled to 0 replicas", True, "scale it up before it gets traffic")
    status = workload.get("status") or {}
    # What the status says until then is about the specification before, its failures too.
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return Readiness(False, f"{name}: its controller has not seen the newest specification yet")
    conditions = {item["type"]: item for item in status.get("conditions") or []}
    failure = conditions.get("ReplicaFailure", {})
    if failure.get("status") == "True":
        return Readiness(
            False,
            f"{name}: {failure.get('reason')}: {failure.get('message')}",
            True,
            "raise the quota or mend the pod template",
        )
    cause = _hopeless_pod(workload, pods, replica_sets)
    if cause is not None:
        return cause
    progressing = conditions.get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Readiness(False, f"{name}: {progressing.get('message')}")
    return _judge_counts(name, workload, status)


def _judge_counts(name: str, workload: Object, status: Object) -> Readiness:
    """Whether all pods are there, and only those of the newest specification."""
    wanted = workload["spec"].get("replicas", 1)
    if workload["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled") or 0
        if wanted == 0:
            return Readiness(False, f"{name} has no node to run on", True, "mend its nodeSelector or its tolerations")
        status = {key: status.get(daemons) for key, daemons in _OF_DAEMONS.items()}
    counts = {
        key: status.get(key) or 0 for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    }
    if workload["kind"] == "StatefulSet" and status.get("updateRevision") == status.get("currentRevision"):
        counts["updatedReplicas"] = counts["replicas"]
    if min(counts["updatedReplicas"], counts["readyReplicas"], counts["availableReplicas"]) < wanted:
        return Readiness(
            False,
            f"{name}: {counts['updatedReplicas']} of {wanted} pods are of the newest specification, "
            f"{counts['readyReplicas']} ready, {counts['availableReplicas']} available",
        )
    if counts["replicas"] > counts["updatedReplicas"]:
        return Readiness(
            False, f"{name}: {counts['replicas'] - counts['updatedReplicas']} pods of an older specification remain"
        )
    return Readiness(True, f"{name}: {wanted} of {wanted} pods ready")


# The words of a Deployment's status, and of a DaemonSet's.
_OF_DAEMONS = {
    "replicas": "currentNumberScheduled",
    "updatedReplicas": "updatedNumberScheduled",
    "readyReplicas": "numberReady",
    "availableReplicas": "numberAvailable",
}


def pods_wanted(workload: Object) -> int:
    """How many pods a workload had when it was read."""
    status = workload.get("status") or {}
    return int(status.get("replicas") or status.get(_OF_DAEMONS["replicas"]) or 0)


def judge_endpoints(service: str, slices: Iterable[Object], minimum: int) -> Readiness:
    """Judge a Service by the endpoints that its EndpointSlices list as ready."""
    count = len(ready_endpoints(slices))
    if count < minimum:
        return Readiness(False, f"Service {service}: {count} ready endpoints, {minimum} wanted")
    return Readiness(True, f"Service {service}: {count} ready endpoints")


def judge_pods(selector: str, pods: Iterable[Object], minimum: int) -> Readiness:
    """Judge what a Service would have as its endpoints, were this its selector."""
    count = sum(pod_summary(pod)["ready"] and not pod["metadata"].get("deletionTimestamp") for pod in pods)
    return Readiness(count >= minimum, f"{count} ready pods have the labels {selector}, {minimum} wanted")


def judge_switched(service: str, slices: Iterable[Object], pods: Iterable[Object], minimum: int) -> Readiness:
    """Judge whether a Service's endpoints are those of its selector alone, and enough of them are ready."""
    slices, selected = list(slices), {pod["metadata"]["name"] for pod in pods}
    for item in slices:
        for endpoint in item.get("endpoints") or []:
            pod = (endpoint.get("targetRef") or {}).get("name")
            if pod not in selected:
                stranger = f"pod {pod}" if pod else ", ".join(endpoint.get("addresses") or [])
                return Readiness(False, f"Service {service} still has {stranger} among its endpoints")
    return judge_endpoints(service, slices, minimum)


def ready_endpoints(slices: Iterable[Object]) -> list[Object]:
    """The endpoints that take traffic; the API says to read an unset ``ready`` as ready."""
    return [
        endpoint
        for item in slices
        for endpoint in item.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready") is not False
    ]


def pod_summary(pod: Object) -> dict[str, Any]:
    """A pod for a result: name, ready, what its containers wait for."""
    conditions = {item["type"]: item["status"] for item in pod.get("status", {}).get("conditions") or []}
    waiting = [state.get("reason", "") for _name, state, _status in _waiting(pod)]
    return {
        "name": pod["metadata"]["name"],
        "ready": conditions.get("Ready") == "True",
        "reason": ", ".join(filter(None, waiting)) or pod.get("status", {}).get("phase", "Unknown"),
    }


def _hopeless_pod(workload: Object, pods: Sequence[Object], replica_sets: Sequence[Object]) -> Readiness | None:
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp") or not _is_newest(workload, pod, replica_sets):
            continue
        cause = hopeless_cause(pod)
        if cause is not None:
            return cause
    return None


def hopeless_cause(pod: Object) -> Readiness | None:
    """What keeps a pod from running that waiting will not heal; None when there is nothing of the kind."""
    where = f"pod {pod['metadata']['name']}"
    for container, state, status in _waiting(pod):
        remedy = HOPELESS_WAITING.get(state.get("reason", ""))
        if remedy is None:
            continue
        last = (status.get("lastState") or {}).get("terminated") or {}
        detail = f", restarted {status['restartCount']} times" if status.get("restartCount") else ""
        detail += f", last exit code {last['exitCode']}" if "exitCode" in last else ""
        message = f": {state['message']}" if state.get("message") else ""
        return Readiness(False, f"{where}, container {container}: {state['reason']}{message}{detail}", True, remedy)
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return Readiness(
                False,
                f"{where}: Unschedulable: {condition.get('message')}",
                True,
                "make room in the cluster, or lower the requests",
            )
    return None


def restarts(pod: Object) -> dict[str, int]:
    """How often each container of a pod was restarted."""
    status = pod.get("status", {})
    return {
        item["name"]: int(item.get("restartCount") or 0)
        for key in ("initContainerStatuses", "containerStatuses")
        for item in status.get(key) or []
    }


def _waiting(pod: Object) -> list[tuple[str, Object, Object]]:
    """The containers that wait, init containers first: name, waiting state, status."""
    status = pod.get("status", {})
    return [
        (item["name"], item["state"]["waiting"], item)
        for key in ("initContainerStatuses", "containerStatuses")
        for item in status.get(key) or []
        if (item.get("state") or {}).get("waiting")
    ]


def _is_newest(workload: Object, pod: Object, replica_sets: Sequence[Object]) -> bool:
    """Whether a pod is of the workload's newest specification: an older one's troubles are being replaced."""
    labels = pod["metadata"].get("labels") or {}
    if workload["kind"] == "StatefulSet":
        newest = (workload.get("status") or {}).get("updateRevision")
        return newest is None or labels.get("controller-revision-hash") == newest
    if workload["kind"] == "DaemonSet":
        generation = (workload["metadata"].get("annotations") or {}).get(_TEMPLATE_GENERATION)
        return generation is None or labels.get("pod-template-generation") in (None, generation)
    revision = (workload["metadata"].get("annotations") or {}).get(_REVISION)
    hashes = {
        (item["metadata"].get("labels") or {}).get("pod-template-hash")
        for item in replica_sets
        if (item["metadata"].get("annotations") or {}).get(_REVISION) == revision
    }
    return labels.get("pod-template-hash") in hashes


_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_REVISION = "deployment.kubernetes.io/revision"
