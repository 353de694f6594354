# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A version as its cluster has it: workloads, pods and endpoints, followed by watches."""

from __future__ import annotations

from typing import Any

from .._cluster.client import Ref
from .._cluster.mirror import Mirror, Selection
from .._core.readiness import Readiness, judge_endpoints, judge_workload, pod_summary, pods_wanted, ready_endpoints
from .._core.sources import Pods
from .._core.workloads import PLURALS, WorkloadRef

SERVICE_LABEL = "kubernetes.io/service-name"


def workload_ref(workload: WorkloadRef) -> Ref:
    """Where a workload is."""
    return Ref("apps/v1", PLURALS[workload.kind], workload.namespace, workload.name)


def subject(version: Pods) -> str:
    """How messages name it."""
    if version.version:
        return f"version {version.version}"
    return ", ".join(workload.name for workload in version.workloads) or (version.service or ("", ""))[1]


def selections(version: Pods, watched: bool = True) -> dict[str, Selection]:
    """What is followed from the beginning; without ``watched``, the workloads are only read."""
    followed = {
        f"workload{position}": Selection(
            Ref("apps/v1", PLURALS[workload.kind], workload.namespace),
            field_selector=f"metadata.name={workload.name}",
            watched=watched,
        )
        for position, workload in enumerate(version.workloads)
    }
    if version.service:
        namespace, name = version.service
        slices = Ref("discovery.k8s.io/v1", "endpointslices", namespace)
        followed["slices"] = Selection(slices, f"{SERVICE_LABEL}={name}")
    return followed


def is_calm(version: Pods, mirror: Mirror) -> bool:
    """Whether its pods are as many as its workloads had when they were read, and all ready."""
    for position in range(len(version.workloads)):
        pods = mirror.objects(f"pods{position}")
        wanted = sum(pods_wanted(found) for found in mirror.objects(f"workload{position}"))
        if len(pods) != wanted or not all(pod_summary(pod)["ready"] for pod in pods):
            return False
    return True


def pod_selections(version: Pods, mirror: Mirror, explained: bool = True) -> dict[str, Selection]:
    """The pods of its workloads, once these are known, and with ``explained`` what tells the newest of them."""
    followed = {}
    for position, workload in enumerate(version.workloads):
        for found in mirror.objects(f"workload{position}"):
            selector = label_selector(found)
            followed[f"pods{position}"] = Selection(Ref("v1", "pods", workload.namespace), selector)
            if explained and workload.kind == "Deployment":
                followed[f"replica_sets{position}"] = Selection(
                    Ref("apps/v1", "replicasets", workload.namespace), selector
                )
    return followed


def label_selector(workload: dict[str, Any]) -> str:
    """What selects the pods of a workload."""
    selector = workload["spec"]["selector"]
    labels = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    return ",".join(labels + [_requirement(item) for item in selector.get("matchExpressions") or []])


def _requirement(expression: dict[str, Any]) -> str:
    """One of its expressions, in the notation of requests."""
    key, operator = expression["key"], expression["operator"]
    if operator in ("Exists", "DoesNotExist"):
        return key if operator == "Exists" else f"!{key}"
    return f"{key} {operator.lower()} ({','.join(expression.get('values') or [])})"


def pods_of(version: Pods, mirror: Mirror) -> list[dict[str, Any]]:
    """The pods that are known."""
    return [pod for position in range(len(version.workloads)) for pod in mirror.objects(f"pods{position}")]


def seen(version: Pods, mirror: Mirror) -> tuple[Readiness, dict[str, Any]]:
    """How things stand: in short, and as results hold it."""
    workloads = []
    for position, workload in enumerate(version.workloads):
        found = mirror.objects(f"workload{position}")
        if found:
            own, sets = mirror.objects(f"pods{position}"), mirror.objects(f"replica_sets{position}")
            workloads.append(judge_workload(found[0], own, sets))
        else:
            missing = f"{workload.kind} {workload.namespace}/{workload.name} does not exist"
            workloads.append(Readiness(False, missing, True, "deploy it"))
    slices = mirror.objects("slices")
    readiness = judged(version, workloads, slices)
    return readiness, result(readiness, pods_of(version, mirror), slices)


def judged(version: Pods, workloads: list[Readiness], slices: list[dict[str, Any]]) -> Readiness:
    """The first thing that keeps it from being ready, hopeless ones before those that only take time."""
    found = list(workloads)
    if version.service:
        found.append(judge_endpoints("/".join(version.service), slices, version.min_endpoints))
    unready = [item for item in found if not item.ready]
    hopeless = [item for item in unready if item.hopeless]
    return (hopeless or unready or found)[0]


def result(readiness: Readiness, pods: list[dict[str, Any]], slices: list[dict[str, Any]]) -> dict[str, Any]:
    """As results hold it."""
    return {
        "ready": readiness.ready,
        "reason": readiness.reason,
        "pods": sorted((pod_summary(pod) for pod in pods), key=lambda pod: str(pod["name"])),
        "endpoints": len(ready_endpoints(slices)),
    }
