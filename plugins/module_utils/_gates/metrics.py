# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gates that measure and are judged: looked at again and again through the window, or asked until they answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._core.gates import Gate
from .._core.judging.judge import Judge
from .._core.judging.judgement import NOTHING, History, Judgement
from .._core.judging.measurements import Measurement
from .._core.verdict import INCONCLUSIVE, PASS, Finding
from .course import Scene, Tell

Measure = Callable[[], Measurement]

# How often something that is to answer once is asked again while it does not.
RETRY = 1.0


def watch(gate: Gate, judge: Judge, scene: Scene, tell: Tell, measure: Measure, interval: float | None) -> Finding:
    """Look at every interval of the window; what is inconclusive at its end has until the deadline."""
    history, judgement = History(judge), NOTHING
    if scene.course.wait_to_begin():
        for over in scene.course.looks(interval, scene.deadline):
            judgement = history.add({"at": round(scene.course.elapsed, 3), **measure()})
            tell(found(gate, judgement, history))
            if judgement.final or (over and judgement.verdict == PASS):
                break
    return found(gate, judgement, history)


def ask_once(gate: Gate, judge: Judge, scene: Scene, tell: Tell, measure: Measure) -> Finding:
    """Ask when the window begins, and again while there is no answer, until the deadline."""
    history, judgement = History(judge), NOTHING
    if scene.course.wait_to_begin():
        for look in scene.course.tries(RETRY, scene.deadline):
            judgement = history.add({"at": look, **measure()})
            tell(found(gate, judgement, history))
            if judgement.final or judgement.verdict != INCONCLUSIVE:
                break
    return found(gate, judgement, history)


def given(gate: Gate, judge: Judge, measurements: Sequence[Measurement]) -> Finding:
    """Judge what was measured already."""
    history = History(judge)
    return found(gate, history.add_all(measurements), history)


def found(gate: Gate, judgement: Judgement, history: History) -> Finding:
    """A judgement with all that it rests on."""
    details = {"measurements": list(history.measurements), "statistics": dict(judgement.statistics)}
    remedy = "" if judgement.verdict == PASS else judgement.remedy
    return Finding(gate.name, gate.kind, judgement.verdict, judgement.reason, remedy, details)
