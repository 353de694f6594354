# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The share decision: what comes of it, computed exactly from its own boundaries for a true share."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Question, ShareTest

from tests.simulation.walk import Walk


@dataclass(frozen=True)
class Outcome:
    """Probabilities of the verdicts, of "outside" up to some numbers of requests, and the mean length."""

    wanted: int
    true: float
    requests: int
    outside: float
    outside_within: dict[int, float]
    within: float
    undecided: float
    mean: float


def outcome(wanted: int, true: float, *, tolerance: float = 5.0, milestones: tuple[int, ...] = (1500, 2500)) -> Outcome:
    """All of a decision between two versions, answer by answer, when one of them truly gets that percentage."""
    test = ShareTest({"candidate": wanted, "live": 100 - wanted}, tolerance)
    question = test._questions[0]
    looks = dict(test._looks)
    walk = Walk(true / 100)
    outside = within = mean = 0.0
    reached = {}
    for trials in range(1, test.requests_needed + 1):
        walk.step()
        if trials in looks:
            far = sum(walk.stop(count, count) for count in outside_counts(question, walk, looks[trials]))
            outside += far
            mean += far * trials
        near = walk.stop(*within_counts(question, trials))
        if trials == test.requests_needed:
            last = [count for count in range(walk.lowest, walk.highest + 1) if question.within(count, trials, True)]
            near += sum(walk.stop(count, count) for count in last)
        within += near
        mean += near * trials
        if trials in milestones:
            reached[trials] = outside
    undecided = walk.left()
    mean += undecided * test.requests_needed
    return Outcome(wanted, true, test.requests_needed, outside, reached, within, undecided, mean)


def outside_counts(question: Question, walk: Walk, part: float) -> list[int]:
    return [count for count in range(walk.lowest, walk.highest + 1) if question.outside(count, walk.trials, part)]


def within_counts(question: Question, trials: int) -> tuple[int, int]:
    """The first and the last count at which the likelihood ratios say "within"; last < first when there is none."""
    (low_own, low_other), (high_own, high_other) = question._evidence
    low = ceil((question._threshold - trials * low_other) / (low_own - low_other))
    high = floor((trials * high_other - question._threshold) / (high_other - high_own))
    if low <= high:
        ends = [question.within(count, trials, False) for count in (low - 1, low, high, high + 1)]
        assert ends == [False, True, True, False], f"{ends} at {low}..{high} of {trials}"
    return low, high
