# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``version_ready``: wait, by watch, until a version can take traffic, or until waiting is of no use."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .._cluster.client import Cluster, NotFound, Ref
from .._cluster.mirror import Mirror, Selection
from .._core.durations import seconds, text
from .._core.errors import BlueGreenError, SpecError
from .._core.readiness import Readiness, judge_endpoints, judge_workload, pod_summary, ready_endpoints
from .backends import endpoint_slices
from .verb import Module, Result, connect, finish, with_auth

PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets"}
SERVICE_LABEL = "kubernetes.io/service-name"
# The API server answers 503 itself while it cannot reach a pod that has only just become ready.
REQUEST_PATIENCE = 10.0
REQUEST_TIMEOUT = 5.0


def argument_spec() -> dict[str, Any]:
    """The module's options and rules."""
    named = {"name": {"type": "str", "required": True}, "namespace": {"type": "str", "required": True}}
    kind = {"type": "str", "default": "Deployment", "choices": sorted(PLURALS)}
    request = {
        "port": {"type": "int", "required": True},
        "path": {"type": "str", "default": "/"},
        "status": {"type": "list", "elements": "int", "default": []},
    }
    return {
        "argument_spec": with_auth(
            {
                "version": {"type": "str"},
                "workloads": {"type": "list", "elements": "dict", "default": [], "options": {**named, "kind": kind}},
                "service": {"type": "dict", "options": named},
                "min_endpoints": {"type": "int", "default": 1},
                "timeout": {"type": "raw", "default": "5m"},
                "hold": {"type": "raw", "default": 0},
                "request": {"type": "dict", "options": request},
            }
        ),
        "required_by": {"request": ["service"]},
        "supports_check_mode": True,
    }


def run(module: Module) -> None:
    """Wait and leave."""
    finish(module, _version_ready)


def _version_ready(module: Module) -> Result:
    params = {**module.params, **{name: _duration(module.params, name) for name in ("timeout", "hold")}}
    # An empty list counts as given in Ansible's own rules for options.
    if not (params["workloads"] or params["service"]):
        raise BlueGreenError("workloads: there is nothing to wait for; name workloads, service, or both")
    cluster = connect(module)
    begun = time.monotonic()
    result: Result
    try:
        if module.check_mode:
            return {"changed": False, **_look(cluster, params)}
        # What is followed anyway needs no look before.
        result = {"ready": False} if params["hold"] else _look(cluster, params)
        if not result["ready"]:
            result = _watch(cluster, params, begun)
        if params["request"]:
            result["request"] = _request(cluster, params)
    except NotFound as missing:
        if not module.check_mode:
            raise BlueGreenError(
                f"{_subject(params)} is not there: {missing.message}; deploy it first, or mend its name"
            ) from missing
        result = {"ready": False, "reason": missing.message, "pods": [], "endpoints": 0}
    return {"changed": False, **result, "waited": round(time.monotonic() - begun, 3)}


def _duration(params: Mapping[str, Any], name: str) -> float:
    try:
        return seconds(params[name])
    except ValueError as error:
        raise SpecError(name, str(error)) from None


def _look(cluster: Cluster, params: Mapping[str, Any]) -> Result:
    """The cheap first look: one read a workload, one for the Service."""
    service = params["service"]
    workloads = [cluster.get(_workload_ref(item)) for item in params["workloads"]]
    slices = endpoint_slices(cluster, service["namespace"], service["name"]) if service else []
    readiness = _judged(params, [judge_workload(workload, [], []) for workload in workloads], slices)
    return _result(readiness, [], slices)


def _watch(cluster: Cluster, params: Mapping[str, Any], begun: float) -> Result:
    """Follow workloads and endpoints, and the pods of what is not ready, until ready (and held), hopeless, or late.

    While it is held, a pod that is replaced has the time that a start has; nothing ready at all ends it at once.
    """
    late = begun + params["timeout"]
    held_since: float | None = None
    whole = True
    with Mirror(cluster, _selections(params), late + params["hold"] + params["timeout"]) as mirror:
        while True:
            seen = mirror.changes
            readiness, result = _seen(params, mirror)
            # Only the pods can say why.
            if not readiness.ready and mirror.follow(_pod_selections(params, mirror)):
                continue
            now = time.monotonic()
            held_since = now if held_since is None and readiness.ready else held_since
            if readiness.ready and held_since is not None and now >= held_since + params["hold"]:
                return result
            if held_since is not None and whole and not readiness.ready:
                late = now + params["timeout"]
            whole = readiness.ready
            _refuse_unready(params, readiness, result, held_since, late)
            mirror.wait(seen, held_since + params["hold"] if whole and held_since is not None else late)


def _refuse_unready(
    params: Mapping[str, Any], readiness: Readiness, result: Result, held_since: float | None, late: float
) -> None:
    """Raise BlueGreenError when waiting is of no use, or may not go on."""
    now = time.monotonic()
    if readiness.ready:
        return
    if readiness.hopeless:
        raise BlueGreenError(
            f"{_subject(params)} will not become ready: {readiness.reason}; {readiness.remedy}", **result
        )
    if held_since is not None and not (result["endpoints"] or any(pod["ready"] for pod in result["pods"])):
        raise BlueGreenError(
            f"{_subject(params)} has nothing ready any more, {text(now - held_since)} into its verification pause: "
            f"{readiness.reason}; look at its pods before it gets more traffic",
            **result,
        )
    if now >= late:
        raise BlueGreenError(
            f"{_subject(params)} is not ready after {text(params['timeout'])}: {readiness.reason}; look at its pods' "
            "events, or give it more time with timeout",
            **result,
        )


def _seen(params: Mapping[str, Any], mirror: Mirror) -> tuple[Readiness, Result]:
    judged = []
    pods: list[dict[str, Any]] = []
    for position, item in enumerate(params["workloads"]):
        found = mirror.objects(f"workload{position}")
        if not found:
            judged.append(
                Readiness(False, f"{item['kind']} {item['namespace']}/{item['name']} does not exist", True, "deploy it")
            )
            continue
        own = mirror.objects(f"pods{position}")
        pods += own
        judged.append(judge_workload(found[0], own, mirror.objects(f"replica_sets{position}")))
    slices = mirror.objects("slices")
    readiness = _judged(params, judged, slices)
    return readiness, _result(readiness, pods, slices)


def _judged(params: Mapping[str, Any], workloads: list[Readiness], slices: list[dict[str, Any]]) -> Readiness:
    """The first thing that keeps the version from being ready, hopeless ones before those that only take time."""
    service = params["service"]
    judged = list(workloads)
    if service:
        judged.append(judge_endpoints(f"{service['namespace']}/{service['name']}", slices, params["min_endpoints"]))
    unready = [item for item in judged if not item.ready]
    hopeless = [item for item in unready if item.hopeless]
    return (hopeless or unready or judged)[0]


def _selections(params: Mapping[str, Any]) -> dict[str, Selection]:
    selections = {}
    for position, item in enumerate(params["workloads"]):
        selections[f"workload{position}"] = Selection(
            Ref("apps/v1", PLURALS[item["kind"]], item["namespace"]), field_selector=f"metadata.name={item['name']}"
        )
    service = params["service"]
    if service:
        selections["slices"] = Selection(
            Ref("discovery.k8s.io/v1", "endpointslices", service["namespace"]), f"{SERVICE_LABEL}={service['name']}"
        )
    return selections


def _pod_selections(params: Mapping[str, Any], mirror: Mirror) -> dict[str, Selection]:
    selections = {}
    for position, item in enumerate(params["workloads"]):
        for workload in mirror.objects(f"workload{position}"):
            labels = workload["spec"]["selector"].get("matchLabels") or {}
            selector = ",".join(f"{key}={value}" for key, value in labels.items())
            selections[f"pods{position}"] = Selection(Ref("v1", "pods", item["namespace"]), selector)
            if item["kind"] == "Deployment":
                selections[f"replica_sets{position}"] = Selection(
                    Ref("apps/v1", "replicasets", item["namespace"]), selector
                )
    return selections


def _request(cluster: Cluster, params: Mapping[str, Any]) -> Result:
    """One request to the version's own Service, where it has no other traffic yet."""
    request, service = params["request"], params["service"]
    name = f"{service['namespace']}/{service['name']}:{request['port']}{request['path']}"
    give_up = time.monotonic() + REQUEST_PATIENCE
    while True:
        status, answer = cluster.request_service(
            service["namespace"], service["name"], request["port"], request["path"], REQUEST_TIMEOUT
        )
        unreached = status == 503 and "error trying to reach service" in answer
        if not unreached or time.monotonic() >= give_up:
            break
        # Nothing announces that a listener is open: asking is the only way to see it.
        time.sleep(0.1)
    passed = status in request["status"] if request["status"] else 200 <= status < 500
    if not passed:
        wanted = ", ".join(map(str, request["status"])) or "any status below 500"
        raise BlueGreenError(
            f"{_subject(params)} answers {status} to GET {name}, wanted {wanted}: {answer.strip()[:200]}; mend the "
            "version, or say with verify.path and verify.status what a healthy answer is",
            status=status,
        )
    return {"url": name, "status": status}


def _workload_ref(item: Mapping[str, Any]) -> Ref:
    return Ref("apps/v1", PLURALS[item["kind"]], item["namespace"], item["name"])


def _subject(params: Mapping[str, Any]) -> str:
    if params["version"]:
        return f"version {params['version']}"
    names = [item["name"] for item in params["workloads"]] or [params["service"]["name"]]
    return ", ".join(names)


def _result(readiness: Readiness, pods: list[dict[str, Any]], slices: list[dict[str, Any]]) -> Result:
    return {
        "ready": readiness.ready,
        "reason": readiness.reason,
        "pods": sorted((pod_summary(pod) for pod in pods), key=lambda pod: str(pod["name"])),
        "endpoints": len(ready_endpoints(slices)),
    }
