# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gates side by side: what is called when one has failed, whoever was the first to end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.gates import Gate, read_gates
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.verdict import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    Finding,
    Verdict,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates import runner
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.course import Course, Scene

Fate = Callable[[Course], Verdict]


def at_once(verdict: Verdict) -> Fate:
    return lambda course: verdict


def after_the_first(verdict: Verdict) -> Fate:
    def fate(course: Course) -> Verdict:
        assert course.stopped.wait(5)
        return verdict

    return fate


def broken(course: Course) -> Verdict:
    raise ZeroDivisionError("a mistake of ours")


def analysed(monkeypatch: pytest.MonkeyPatch, **fates: Fate) -> tuple[list[Finding], int]:
    """What each gate has found, and how often a failure was told of."""

    def check(gate: Gate, scene: Scene, *_tell: object) -> Finding:
        return Finding(gate.name, gate.kind, fates[gate.name](scene.course), "so it was")

    monkeypatch.setattr(runner, "check", check)
    course, called = Course(0.0, 1.0), list[str]()
    gates = read_gates([{"name": name, "http": {"url": "http://127.0.0.1:9"}} for name in fates], "gates")
    scene: Scene = Scene(course, lambda: None, Wanted({}))  # type: ignore[arg-type,return-value]
    findings = runner.analyse([(gate, scene) for gate in gates], course, lambda: called.append("failed"))
    return findings, len(called)


@pytest.mark.parametrize(
    ("first", "second", "called"),
    [
        (at_once(PASS), at_once(PASS), 0),
        (at_once(INCONCLUSIVE), after_the_first(INCONCLUSIVE), 0),
        (at_once(FAIL), after_the_first(PASS), 1),
        (at_once(FAIL), after_the_first(FAIL), 1),
        (at_once(INCONCLUSIVE), after_the_first(FAIL), 1),
    ],
)
def test_a_failure_is_told_of_once(monkeypatch: pytest.MonkeyPatch, first: Fate, second: Fate, called: int) -> None:
    findings, count = analysed(monkeypatch, first=first, second=second)
    assert count == called == int(FAIL in [finding.verdict for finding in findings])


def test_a_failure_stands_beside_a_mistake_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    (ours, theirs), called = analysed(monkeypatch, ours=broken, theirs=after_the_first(FAIL))
    assert (ours.verdict, ours.reason) == ("inconclusive", "ZeroDivisionError: a mistake of ours")
    assert (theirs.verdict, called) == ("fail", 1)
    with pytest.raises(ZeroDivisionError):
        analysed(monkeypatch, ours=broken, theirs=after_the_first(PASS))
