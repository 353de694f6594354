# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before traffic moves: whether each gate can be asked at all. That there is no data yet is no problem."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from .._cluster.client import ClusterError, Conflict, Ref
from .._core.errors import BlueGreenError
from .._core.gates import Gate
from .._core.placeholders import names_in
from .._core.probing import Probe
from .._core.sources import Exec, Http, Job, Prometheus
from .._core.telemetry import Telemetry
from . import measuring, probe, telemetry
from .course import Scene
from .exec import NoPod, pod_of
from .job import prepared
from .web import ask

# What may be asked before its time: another method does something there.
_SAFE = ("GET", "HEAD", "OPTIONS")
# How the API server says that it is a matter of roles, and not of what was asked for.
_NO_RIGHT = "cannot create resource"


def preflight(gates: Sequence[tuple[Gate, Scene]]) -> list[str]:
    """What is wrong, each with the name of its gate; empty when every gate can be asked."""
    with ThreadPoolExecutor(max_workers=max(1, len(gates))) as pool:
        problems = list(pool.map(_problem, *zip(*gates, strict=True))) if gates else []
    return [f"{gate.name}: {problem}" for (gate, scene), problem in zip(gates, problems, strict=True) if problem]


def _problem(gate: Gate, scene: Scene) -> str:
    try:
        return _asked(gate, scene)
    except BlueGreenError as error:
        return error.message


def _asked(gate: Gate, scene: Scene) -> str:
    options, judge = gate.options, gate.judge
    if isinstance(options, Prometheus) and judge is not None:
        return str(measuring.of_prometheus(options, judge, scene).get("error", ""))
    if isinstance(options, Http):
        if options.method in _SAFE:
            _send(options, scene)
    elif isinstance(options, Probe):
        probe.preflight(options, scene.wanted)
    elif isinstance(options, Telemetry):
        versions = list(scene.wanted.weights or scene.versions().values())
        if not versions:
            raise BlueGreenError("which share is wanted? name the weights in expect.weights")
        telemetry.preflight(options, versions, scene.wanted.service)
    elif isinstance(options, Exec):
        _look_for_pods(options, scene)
    elif isinstance(options, Job):
        _dry_run(gate, options, scene)
    return ""


def _send(options: Http, scene: Scene) -> None:
    """Whether anybody answers: live, where it is asked about a version, as the candidate may not be there yet."""
    versions = scene.versions()
    version = versions.get("live" if "version" in names_in(measuring.words_of(options)) else "candidate")
    if version or "version" not in names_in(measuring.words_of(options)):
        ask(measuring.said(options, scene, version, 0.0))


def _look_for_pods(options: Exec, scene: Scene) -> None:
    """Whether pods may be seen there. The command may do something: it is not run before its time."""
    cluster = scene.cluster()
    try:
        namespace, pod = pod_of(options, scene)
    except NoPod as error:
        if cluster.namespace_missing(error.namespace):
            raise BlueGreenError(f"the namespace {error.namespace} does not exist; mend its name") from error
        # The candidate may not be there yet.
        return
    if options.pod is not None and cluster.find(Ref("v1", "pods", namespace, pod)) is None:
        raise BlueGreenError(f"there is no pod {namespace}/{pod}; mend its name, or select it with exec.selector")


def _dry_run(gate: Gate, job: Job, scene: Scene) -> None:
    """The API server's own judgement of the Job and of its pod: its admission, quotas and rights."""
    ref, manifest = prepared(gate, job, scene)
    cluster = scene.cluster()
    # What an earlier run has left is deleted when the gate runs.
    with suppress(Conflict):
        cluster.create(ref, manifest, dry_run=True)
    template = manifest["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": f"{ref.name}-0", "namespace": ref.namespace},
        "spec": template["spec"],
    }
    try:
        cluster.create(Ref("v1", "pods", ref.namespace, f"{ref.name}-0"), pod, dry_run=True)
    except ClusterError as error:
        # Only the Job's controller has to be allowed to: who may not ask sees it when the gate runs.
        if _NO_RIGHT not in error.message:
            raise
