# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``version_ready``: wait, by watch, until a version can take traffic, or until waiting is of no use."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .._cluster.client import Cluster, NotFound
from .._cluster.mirror import Mirror
from .._core.durations import text
from .._core.errors import BlueGreenError
from .._core.readiness import Readiness, judge_workload
from .._core.sources import Pods
from .._core.workloads import WorkloadRef
from .._gates import version as followed
from .backends import endpoint_slices
from .verb import NAMED, WORKLOADS, Module, Result, connect, duration, finish, with_auth

# The API server answers 503 itself while it cannot reach a pod that has only just become ready.
REQUEST_PATIENCE = 10.0
REQUEST_TIMEOUT = 5.0


def argument_spec() -> dict[str, Any]:
    """The module's options and rules."""
    request = {
        "port": {"type": "int", "required": True},
        "path": {"type": "str", "default": "/"},
        "status": {"type": "list", "elements": "int", "default": []},
    }
    return {
        "argument_spec": with_auth(
            {
                "version": {"type": "str"},
                "workloads": WORKLOADS,
                "service": {"type": "dict", "options": NAMED},
                "min_endpoints": {"type": "int", "default": 1},
                "timeout": {"type": "raw", "default": "5m"},
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
    params = {**module.params, "timeout": duration(module.params, "timeout")}
    # An empty list counts as given in Ansible's own rules for options.
    if not (params["workloads"] or params["service"]):
        raise BlueGreenError("workloads: there is nothing to wait for; name workloads, service, or both")
    cluster = connect(module)
    begun = time.monotonic()
    try:
        result = _look(cluster, params)
        if module.check_mode:
            return {"changed": False, **result}
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


def _version(params: Mapping[str, Any]) -> Pods:
    service = params["service"]
    return Pods(
        version=params["version"] or "",
        workloads=tuple(WorkloadRef(item["kind"], item["name"], item["namespace"]) for item in params["workloads"]),
        service=(service["namespace"], service["name"]) if service else None,
        min_endpoints=params["min_endpoints"],
    )


def _look(cluster: Cluster, params: Mapping[str, Any]) -> Result:
    """The cheap first look: one read a workload, one for the Service."""
    version = _version(params)
    workloads = [cluster.get(followed.workload_ref(workload)) for workload in version.workloads]
    slices = endpoint_slices(cluster, *version.service) if version.service else []
    readiness = followed.judged(version, [judge_workload(workload, [], []) for workload in workloads], slices)
    return followed.result(readiness, [], slices)


def _watch(cluster: Cluster, params: Mapping[str, Any], begun: float) -> Result:
    """Follow workloads and endpoints, and the pods of what is not ready, until ready, hopeless, or late."""
    version = _version(params)
    late = begun + params["timeout"]
    with Mirror(cluster, followed.selections(version), late) as mirror:
        while True:
            seen = mirror.changes
            readiness, result = followed.seen(version, mirror)
            if readiness.ready:
                return result
            # Only the pods can say why.
            if mirror.follow(followed.pod_selections(version, mirror)):
                continue
            _refuse_hopeless(params, readiness, result, late)
            mirror.wait(seen, late)


def _refuse_hopeless(params: Mapping[str, Any], readiness: Readiness, result: Result, late: float) -> None:
    """Raise BlueGreenError when waiting is of no use, or may not go on."""
    if readiness.hopeless:
        raise BlueGreenError(
            f"{_subject(params)} will not become ready: {readiness.reason}; {readiness.remedy}", **result
        )
    if time.monotonic() >= late:
        raise BlueGreenError(
            f"{_subject(params)} is not ready after {text(params['timeout'])}: {readiness.reason}; look at its pods' "
            "events, or give it more time with timeout",
            **result,
        )


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


def _subject(params: Mapping[str, Any]) -> str:
    return followed.subject(_version(params))
