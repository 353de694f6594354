# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate ``pods``: the candidate's pods and endpoints stay well from the step's beginning to its window's end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from .._cluster.client import Unreachable
from .._cluster.mirror import Mirror
from .._core.durations import text
from .._core.gates import Gate
from .._core.readiness import Readiness, restarts
from .._core.sources import Pods
from .._core.verdict import FAIL, INCONCLUSIVE, PASS, Finding, Verdict
from . import version as followed
from .course import Scene, Tell

# How soon a gate that waits for its cluster sees that another has ended the analysis.
ATTENTION = 0.05
# How soon a cluster that did not answer is asked again.
AGAIN = 1.0
# Longer than any share gate takes.
WATCHED = 86400.0


def keep_well(gate: Gate, version: Pods, scene: Scene, tell: Tell) -> Finding:
    """Watch a version through share and window; what is not ready at the window's end has until the deadline.

    A cluster that does not answer has as long to come back, and what happened meanwhile is seen then.
    """
    watch = _Watch(gate, version, scene, tell)
    lost: float | None = None
    while True:
        try:
            return watch.to_the_end()
        except Unreachable:
            now = time.monotonic()
            lost = now if lost is None or watch.seen_at > lost else lost
            if now - lost >= scene.deadline or scene.course.stopped.wait(AGAIN):
                raise


class _Watch:
    """A version as it was at first, and how it fares."""

    def __init__(self, gate: Gate, version: Pods, scene: Scene, tell: Tell) -> None:
        self._gate = gate
        self._version = version
        self._scene = scene
        self._tell = tell
        self._begun = time.monotonic()
        self._baseline: dict[str, dict[str, int]] | None = None
        self.seen_at = self._begun

    def to_the_end(self) -> Finding:
        """Follow it until it has failed, or passed, or had its time."""
        version, course = self._version, self._scene.course
        until = time.monotonic() + WATCHED + course.window
        calm = True
        with Mirror(self._scene.cluster(), followed.selections(version, watched=False), until) as mirror:
            while True:
                changes = mirror.changes
                if mirror.follow(followed.pod_selections(version, mirror, explained=not calm)):
                    continue
                # While every pod is well, its workload has nothing to explain: a step costs as few requests as it can.
                calm = calm and followed.is_calm(version, mirror)
                if not calm and mirror.follow(followed.selections(version)):
                    continue
                finding = self._look(mirror)
                calm = calm and finding.verdict == PASS
                late = course.over and course.elapsed >= course.window + self._scene.deadline
                passed = course.over and finding.verdict == PASS
                if finding.verdict == FAIL or passed or late or course.stopped.is_set():
                    return finding
                mirror.wait(changes, time.monotonic() + ATTENTION)

    def _look(self, mirror: Mirror) -> Finding:
        readiness, result = followed.seen(self._version, mirror)
        pods = followed.pods_of(self._version, mirror)
        if self._baseline is None:
            # A pod that comes later begins at 0.
            self._baseline = {pod["metadata"]["uid"]: restarts(pod) for pod in pods}
        result["restarts"] = _restarted(pods, self._baseline)
        finding = _judged(self._gate, self._version, readiness, result, self._begun)
        self._tell(finding)
        self.seen_at = time.monotonic()
        return finding


def _restarted(pods: Sequence[dict[str, Any]], baseline: dict[str, dict[str, int]]) -> dict[str, int]:
    """How often the containers of each pod were restarted since the baseline, where they were."""
    since = {}
    for pod in pods:
        before = baseline.get(pod["metadata"]["uid"], {})
        count = sum(number - before.get(container, 0) for container, number in restarts(pod).items())
        if count > 0:
            since[str(pod["metadata"]["name"])] = count
    return since


def _judged(gate: Gate, version: Pods, readiness: Readiness, result: dict[str, Any], begun: float) -> Finding:
    # Its own reason is the finding's.
    details = {key: result[key] for key in ("pods", "endpoints", "restarts")}

    def found(verdict: Verdict, reason: str, remedy: str = "") -> Finding:
        return Finding(gate.name, gate.kind, verdict, f"{followed.subject(version)}: {reason}", remedy, details)

    passed = text(time.monotonic() - begun)
    restarted = result["restarts"]
    if sum(restarted.values()) > version.max_restarts:
        which = ", ".join(f"pod {name} {count} times" for name, count in sorted(restarted.items()))
        return found(
            FAIL,
            f"restarted since the step began {passed} ago: {which}; at most {version.max_restarts} tolerated",
            "look at the log of its previous container (kubectl logs --previous)",
        )
    if readiness.hopeless:
        return found(FAIL, readiness.reason, readiness.remedy)
    if version.service and version.min_endpoints and not result["endpoints"]:
        ready = sum(pod["ready"] for pod in result["pods"])
        service = "/".join(version.service)
        if ready:
            return found(
                FAIL,
                f"Service {service} has no endpoints although {ready} pods are ready",
                "compare the Service's selector with the labels of the pods: one of them was changed",
            )
        return found(FAIL, f"Service {service} has no ready endpoints; {readiness.reason}", "look at its pods' events")
    if version.workloads and not any(pod["ready"] for pod in result["pods"]):
        return found(FAIL, f"no pod is ready; {readiness.reason}", "look at its pods' events")
    if readiness.ready:
        return found(PASS, readiness.reason)
    return found(INCONCLUSIVE, readiness.reason, "look at its pods' events, or give it a longer deadline")
