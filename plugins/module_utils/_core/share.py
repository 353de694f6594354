# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does traffic split as wanted? A sequential decision over the answers of versions, with stated error rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import Literal

from .statistics import binomial_at_least, binomial_at_most, quantile, share_interval

# What a decision may take, unless its tolerance needs more.
REQUESTS = 2500
# At 0 and 100 a single wrong answer decides; this many right ones end the wait for it.
REQUESTS_AT_THE_ENDS = 300

# "outside": when it is looked for, as a fraction of the requests, and which part of its error each look may spend
# (Lan & DeMets 1983). The early looks end gross mismatches; a mismatch of the tolerance is found by the last two.
_LOOKS = (
    *((0.04, 0.005), (0.08, 0.005), (0.12, 0.005), (0.20, 0.005)),
    *((0.28, 0.01), (0.40, 0.02), (0.60, 0.75), (1.0, 0.20)),
)
# The false alarms of a decision at a weight of 50, in parts of the whole error. Away from 50 a mismatch is easier to
# see, and they fall with the square of the variance, down to a fifth: four steps together stay below the whole error.
_ALARMS = 0.4
_FEWEST_ALARMS = 0.2
# "within": its error is shared by a likelihood ratio that may be watched at every answer, and one last look.
_WATCHED = 0.5
_LAST_LOOK = 1.0 - _WATCHED
# A right share is still undecided at the last look in at most this part of the decisions, on each side.
_UNDECIDED = 0.01


def tolerance_at(weight: int, tolerance: float) -> float:
    """The tolerance in points at a weight. It shrinks towards 0 and 100, where a whole weight would fit into it."""
    return min(tolerance, weight / 2, (100 - weight) / 2)


@dataclass(frozen=True)
class Wanted:
    """What the data plane is to show: percentages by version, how exactly, how surely and how soon."""

    weights: Mapping[str, int]
    service: str = ""
    candidate: str | None = None
    live: str | None = None
    tolerance: float = 5.0
    """Points of a percentage."""
    confidence: float = 0.99
    deadline: float = 30.0
    """Seconds that the data plane has to converge."""

    def tolerance_of(self, version: str) -> float:
        """The tolerance of a version in points; 0 at a weight of 0 or 100, where no other answer is tolerated."""
        return tolerance_at(self.weights[version], self.tolerance)


@dataclass(frozen=True)
class ShareDecision:
    """How a decision ended, and on which numbers; shares and intervals are percentages."""

    verdict: Literal["within", "outside", "undecided"]
    reason: str
    shares: dict[str, float]
    intervals: dict[str, list[float]]
    requests: int


def supports(tolerance: float, weight: int, confidence: float) -> int:
    """How many requests a decision needs to tell a weight from what lies ``tolerance`` points beside it."""
    reach = tolerance_at(weight, tolerance) / 100
    if reach == 0.0:
        return REQUESTS_AT_THE_ENDS
    share = weight / 100
    surely = quantile(1 - (1 - confidence) * _LAST_LOOK)
    mostly = quantile(1 - _UNDECIDED)
    widest = max(_deviation(share - reach), _deviation(share + reach))
    return ceil(((surely * widest + mostly * _deviation(share)) / reach) ** 2)


def _deviation(share: float) -> float:
    return sqrt(share * (1 - share))


class ShareTest:
    """Feed it answers with ``observe`` and ask for its ``decision``: after each answer, or after a whole lump."""

    def __init__(
        self, weights: Mapping[str, int], tolerance: float = 5.0, confidence: float = 0.99, requests: int | None = None
    ) -> None:
        _check(weights, tolerance, confidence)
        self.counts: dict[str, int] = dict.fromkeys(weights, 0)
        self.total = 0
        needed = {version: supports(tolerance, weight, confidence) for version, weight in weights.items()}
        slowest = max(needed, key=lambda version: needed[version])
        if requests is not None and requests < needed[slowest]:
            reach = tolerance_at(weights[slowest], tolerance)
            raise ValueError(
                f"{requests} requests cannot tell {weights[slowest]} % for {slowest} from what lies {reach:g} points "
                f"beside it with confidence {confidence:g}: "
                f"allow at least {needed[slowest]} requests or a wider tolerance"
            )
        self._absent = [version for version, weight in weights.items() if weight == 0]
        split = {version: weight for version, weight in weights.items() if 0 < weight < 100}
        self._enough = REQUESTS_AT_THE_ENDS if self._absent or not split else 0
        least = REQUESTS if split else REQUESTS_AT_THE_ENDS
        self.requests_needed = requests or max(least, needed[slowest])
        # Two versions are one question: what one of them lacks, the other has too much.
        asked = list(split)[:1] if len(split) == 2 else list(split)
        error = 1 - confidence
        self._questions = [Question(version, split[version], tolerance, error, error / len(asked)) for version in asked]
        self._confidence = confidence
        self._tolerance = tolerance
        self._weights = dict(weights)
        self._looks = [(ceil(fraction * self.requests_needed), part) for fraction, part in _LOOKS]
        self._looked = 0
        self._decision: ShareDecision | None = None

    def observe(self, version: str, count: int = 1) -> None:
        """Count answers of one of the versions. Ask for the decision after a whole lump: its order means nothing."""
        if count < 0:
            raise ValueError(f"{version}: expected a number of answers ≥ 0, got {count}")
        if version not in self.counts:
            raise ValueError(f"{version}: not one of the versions {', '.join(self.counts)}")
        self.counts[version] += count
        self.total += count

    @property
    def decision(self) -> ShareDecision | None:
        """The decision, as soon as there is one; it stays what it was when more answers come."""
        if self._decision is None and self.total:
            self._decision = self._decide()
        return self._decision

    def _decide(self) -> ShareDecision | None:
        for version in self._absent:
            if self.counts[version]:
                return self._ended("outside", self._compared(version))
        if self.total < self._enough:
            return None
        due = self._spend()
        last = self.total >= self.requests_needed
        # First: a large lump may show a share that is not quite the wanted one, and yet well within the tolerance.
        if all(question.within(self.counts[question.version], self.total, last) for question in self._questions):
            return self._ended("within", self._all_compared())
        for question in self._questions:
            if due and question.outside(self.counts[question.version], self.total, due):
                return self._ended("outside", self._compared(question.version))
        if last:
            return self._ended("undecided", f"too close to the edge of the tolerance to tell: {self._all_compared()}")
        return None

    def _spend(self) -> float:
        """The part of the error for false alarms that is due: of each look that was reached since the last one."""
        due = 0.0
        while self._looked < len(self._looks) and self.total >= self._looks[self._looked][0]:
            due += self._looks[self._looked][1]
            self._looked += 1
        return due

    def _all_compared(self) -> str:
        return "; ".join(map(self._compared, self.counts))

    def _compared(self, version: str) -> str:
        share = 100 * self.counts[version] / self.total
        wanted = f"{self._weights[version]} ± {tolerance_at(self._weights[version], self._tolerance):g} %"
        return f"{version} got {share:.4g} % ({self.counts[version]} of {self.total}), wanted {wanted}"

    def _ended(self, verdict: Literal["within", "outside", "undecided"], reason: str) -> ShareDecision:
        intervals = {}
        for version, count in self.counts.items():
            low, high = share_interval(count, self.total, self._confidence)
            intervals[version] = [100 * low, 100 * high]
        shares = {version: 100 * count / self.total for version, count in self.counts.items()}
        return ShareDecision(verdict, reason, shares, intervals, self.total)


class Question:
    """Is the share of one version within its tolerance around a weight between 0 and 100?"""

    def __init__(self, version: str, weight: int, tolerance: float, error: float, alarms: float) -> None:
        self.version = version
        self._share = weight / 100
        reach = tolerance_at(weight, tolerance) / 100
        self._edges = (self._share - reach, self._share + reach)
        self._alarms = _ALARMS * alarms * max(_FEWEST_ALARMS, (4 * self._share * (1 - self._share)) ** 2)
        self._threshold = -log(error * _WATCHED)
        self._last_error = error * _LAST_LOOK
        # What an answer of this version, and one of another, say for the wanted share and against each edge.
        self._evidence = [(log(self._share / edge), log((1 - self._share) / (1 - edge))) for edge in self._edges]

    def outside(self, count: int, total: int, part: float) -> bool:
        """Whether a share like this, or further off, is too rare for the wanted one at this look."""
        tail = min(binomial_at_least(count, total, self._share), binomial_at_most(count, total, self._share))
        return 2 * tail <= part * self._alarms

    def within(self, count: int, total: int, last: bool) -> bool:
        """Whether both edges, and with them all that lies beyond, are refuted."""
        others = total - count
        if all(count * own + others * other >= self._threshold for own, other in self._evidence):
            return True
        low, high = self._edges
        return last and (
            binomial_at_most(count, total, high) <= self._last_error
            and binomial_at_least(count, total, low) <= self._last_error
        )


def _check(weights: Mapping[str, int], tolerance: float, confidence: float) -> None:
    if not weights or any(not 0 <= weight <= 100 for weight in weights.values()) or sum(weights.values()) != 100:
        written = ", ".join(f"{version}: {weight}" for version, weight in weights.items()) or "none"
        raise ValueError(f"expected weights from 0 to 100 that sum to 100, got {written}")
    if not 0 < tolerance < 100:
        raise ValueError(f"expected a tolerance between 0 and 100 points, got {tolerance:g}")
    if not 0.5 <= confidence < 1:
        raise ValueError(f"expected a confidence from 0.5 to below 1, got {confidence:g}")
