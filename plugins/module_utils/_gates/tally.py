# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers by version: how many, how many of them failed, how late, and what else came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .._core.identity import NONE, OTHER
from .._core.statistics import share_interval
from .answers import Answer

# Hours at the usual rate; beyond that nothing is gained by more.
_LATENCIES_KEPT = 1_000_000
_EXAMPLES = 3


class Tally:
    """Counts answers."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()
        self.latencies: dict[str, list[float]] = {}
        self._examples: dict[str, Counter[str]] = {}

    def add(self, answer: Answer) -> None:
        """Count an answer."""
        self.totals[answer.version] += 1
        if answer.problem:
            self.failed[answer.version] += 1
            self.problems[answer.problem] += 1
        if answer.problem or answer.version == OTHER:
            shown = self._examples.setdefault(answer.problem or OTHER, Counter())
            if answer.shown in shown or len(shown) < _EXAMPLES:
                shown[answer.shown] += 1
        if answer.latency is not None:
            kept = self.latencies.setdefault(answer.version, [])
            if len(kept) < _LATENCIES_KEPT:
                kept.append(answer.latency)

    @property
    def named(self) -> int:
        """How many answers name a version."""
        return self.all - self.totals[OTHER] - self.totals[NONE]

    @property
    def all(self) -> int:
        """How many answers and failures there are."""
        return sum(self.totals.values())

    def examples(self, kind: str) -> str:
        """What was read, or came instead, for answers of a kind: a problem, or OTHER."""
        return ", ".join(f'"{shown}"' for shown, _count in self._examples.get(kind, Counter()).most_common() if shown)

    def told(self) -> str:
        """What went wrong, most frequent first, each with an example."""
        parts = []
        for problem, count in self.problems.most_common():
            shown = self.examples(problem)
            parts.append(f"{count} times {problem}" + (f" ({shown})" if shown else ""))
        return ", ".join(parts)

    def plain(self, versions: Iterable[str], confidence: float) -> dict[str, Any]:
        """The numbers as plain JSON; shares are percentages of the answers that name a version."""
        counts = {version: self.totals[version] for version in versions}
        total = sum(counts.values())
        intervals = {}
        for version, count in counts.items() if total else ():
            low, high = share_interval(count, total, confidence)
            intervals[version] = [round(100 * low, 3), round(100 * high, 3)]
        return {
            "share": {version: round(100 * count / total, 3) for version, count in counts.items()} if total else {},
            "intervals": intervals,
            "counts": {**counts, OTHER: self.totals[OTHER]},
            "errors": dict(self.problems),
            "failures": {version: self.failed[version] for version in counts},
            "latency": {
                version: _percentiles(self.latencies[version]) for version in counts if version in self.latencies
            },
        }


def _percentiles(latencies: list[float]) -> dict[str, float]:
    """In seconds, by nearest rank."""
    ordered = sorted(latencies)
    return {f"p{part}": round(ordered[max(0, -(-len(ordered) * part // 100) - 1)], 6) for part in (50, 95, 99)}
