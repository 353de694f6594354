# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate ``exec``: a command in a pod."""

from __future__ import annotations

import json
from typing import Any

from .._cluster.client import Cluster, ClusterError, Ref
from .._cluster.exec import NotAllowed, run_in_pod
from .._core.errors import BlueGreenError
from .._core.judging.judge import Judge
from .._core.judging.measurements import Measurement
from .._core.manifests import selector_labels
from .._core.readiness import pod_summary
from .._core.sources import Exec
from . import version as followed
from .course import Scene
from .web import KEPT_CHARACTERS, KEPT_JSON_CHARACTERS


def judge_of(options: Exec) -> Judge:
    """An exit code of 0 is a pass, unless the condition says otherwise."""
    return Judge("answer", pass_when=options.pass_when, status=() if options.pass_when else (0,))


def run_once(options: Exec, scene: Scene) -> Measurement:
    """Run the command once; raises NotAllowed, and BlueGreenError for what will not come right by itself."""
    command = scene.said(list(options.command), scene.wanted.candidate, scene.course.elapsed)
    try:
        namespace, pod = pod_of(options, scene)
        ran = run_in_pod(scene.cluster(), namespace, pod, options.container, command, options.timeout)
    except NotAllowed:
        raise
    except ClusterError as error:
        return {"error": error.message}
    return {
        "answer": {
            "status": ran.code,
            "pod": pod,
            "stdout": _bounded(ran.stdout),
            "stderr": _bounded(ran.stderr),
            "json": _json(ran.stdout) if len(ran.stdout) <= KEPT_JSON_CHARACTERS else None,
        }
    }


class NoPod(ClusterError):
    """There is no ready pod to run the command in."""

    def __init__(self, namespace: str, selector: str, pods: int) -> None:
        super().__init__(f"none of {pods} pods with {selector} in {namespace} is ready")
        self.namespace = namespace


def pod_of(options: Exec, scene: Scene) -> tuple[str, str]:
    """The namespace and the name of the pod to run the command in; raises NoPod."""
    namespace = str(scene.said(options.namespace)) or scene.namespace
    if not namespace:
        raise BlueGreenError("the pod has no namespace; name one in exec.namespace or namespace")
    named = scene.said(options.pod, scene.wanted.candidate)
    return namespace, str(named or _ready_pod(scene.cluster(), namespace, options, scene))


def _ready_pod(cluster: Cluster, namespace: str, options: Exec, scene: Scene) -> str:
    """The first ready one by name, so that a repeated look asks the same pod."""
    selector = _selector(cluster, options, scene)
    pods = cluster.items(Ref("v1", "pods", namespace), selector).get("items") or []
    ready = sorted(
        str(pod["metadata"]["name"])
        for pod in pods
        if pod_summary(pod)["ready"] and not pod["metadata"].get("deletionTimestamp")
    )
    if not ready:
        raise NoPod(namespace, selector, len(pods))
    return ready[0]


def _selector(cluster: Cluster, options: Exec, scene: Scene) -> str:
    if options.selector is not None:
        return str(scene.said(options.selector, scene.wanted.candidate))
    version = scene.said(options.version, scene.wanted.candidate) or scene.wanted.candidate
    workloads = [workload for watched in scene.watched if watched.version == version for workload in watched.workloads]
    if len(workloads) == 1:
        return followed.label_selector(cluster.get(followed.workload_ref(workloads[0])))
    if not version or not scene.wanted.service:
        raise BlueGreenError("no pod is named to run the command in; name pod, selector, or candidate and service")
    return ",".join(f"{key}={value}" for key, value in selector_labels(scene.wanted.service, version).items())


def _bounded(text: str) -> str:
    return text if len(text) <= KEPT_CHARACTERS else f"{text[:KEPT_CHARACTERS]}…"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
