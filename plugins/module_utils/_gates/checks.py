# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One gate, by its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .._core.errors import BlueGreenError
from .._core.gates import Gate
from .._core.judging.judge import Judge
from .._core.probing import Probe
from .._core.proxies import Proxies
from .._core.sources import Exec, Http, Job, Pods, Prometheus
from .._core.telemetry import Telemetry
from .._core.verdict import PASS, Finding
from . import measuring, probe, proxies, quiet, telemetry
from .course import Scene, Tell
from .exec import judge_of, run_once
from .job import run_job
from .metrics import ask_once, given, watch
from .pods import keep_well

Follows = Callable[[], None]


def check(gate: Gate, scene: Scene, tell: Tell, follows: Follows) -> Finding:
    """What a gate finds in the end; ``tell`` is called with what it has found so far.

    ``follows`` is called as soon as the data plane was seen to follow, by a gate that goes on after that.
    """
    options, judge = gate.options, gate.judge
    if gate.is_share:
        return _share(gate, scene, tell, follows)
    if judge is not None:
        return _measured(gate, judge, scene, tell)
    if isinstance(options, Exec):
        return ask_once(gate, judge_of(options), scene, tell, lambda: run_once(options, scene))
    if isinstance(options, Job):
        return run_job(gate, options, scene, tell)
    if isinstance(options, Pods):
        return keep_well(gate, options, scene, tell)
    raise BlueGreenError(f"a gate of {gate.kind} is run by the roles")


def _measured(gate: Gate, judge: Judge, scene: Scene, tell: Tell) -> Finding:
    options = gate.options
    if isinstance(options, Prometheus):
        return watch(gate, judge, scene, tell, lambda: measuring.of_prometheus(options, judge, scene), options.interval)
    if isinstance(options, Http) and options.value is None:
        return ask_once(gate, judge, scene, tell, lambda: measuring.of_answer(options, scene))
    if isinstance(options, Http):
        return watch(gate, judge, scene, tell, lambda: measuring.of_json(options, judge, scene), options.interval)
    if isinstance(options, tuple):
        return given(gate, judge, options)
    raise TypeError(f"{gate.kind} has no judge")


def _share(gate: Gate, scene: Scene, tell: Tell, follows: Follows) -> Finding:
    """Prove the share, and then, for a probe with a judge, go on sending through the window."""
    options = gate.options
    if isinstance(options, Proxies) and gate.place.drained:
        return proxies.prove_drained(
            options, scene.cluster, scene.course.stopped, gate.name,
            backends=gate.place.backends, deadline=scene.wanted.deadline,
        )  # fmt: skip
    if gate.place.quiet is not None and isinstance(options, (Proxies, Telemetry)):
        return quiet.prove_quiet(options, gate.place.quiet, scene, gate.name, gate.place.backends)
    if not scene.wanted.weights:
        raise BlueGreenError("which share is wanted? name the weights in expect.weights")
    arguments = (scene.wanted, scene.cluster, scene.course.stopped, gate.name)
    if isinstance(options, Telemetry):
        return telemetry.prove_share(options, *arguments)
    if isinstance(options, Proxies):
        place = gate.place
        return proxies.prove_share(
            options, *arguments, backends=place.backends, hosts=place.hosts, routes=place.routes, rules=place.rules
        )
    if not isinstance(options, Probe):
        raise TypeError(f"{gate.kind} is no share gate")
    finding = probe.prove_share(options, *arguments)
    judge = None if gate.judge is None else _applicable(gate.judge, scene)
    if finding.verdict != PASS or gate.judge is None:
        return finding
    if judge is None:
        reason = f"{finding.reason}; errors and latency are not judged, as one version is to get nothing now"
        return replace(finding, reason=reason)
    tell(finding)
    follows()
    if not scene.course.wait_to_begin():
        return finding
    with probe.Sampler(options, scene.wanted, scene.cluster) as sampler:
        later = watch(gate, judge, scene, tell, measuring.Requests(sampler, judge, scene), None)
    reason = f"{finding.reason}; {later.reason}" if later.verdict == PASS else later.reason
    return replace(later, reason=reason, details={**finding.details, **later.details})


def _applicable(judge: Judge, scene: Scene) -> Judge | None:
    """What can be judged by requests at these weights; None when that is nothing."""
    if scene.rests("candidate"):
        return None
    return judge.without_live() if scene.rests("live") and judge.compares else judge
