# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes until a version that is not wanted any more gets no request, and where that time goes: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.bench.figures import Target
from tests.lab.records import percentile

AFTER_A_VERDICT = "rollback after a failed verdict"
BY_HAND = "rollback by its playbook"
EMPTY = "an empty play"
LAST = "the last request ends"


@dataclass(frozen=True)
class WayBack:
    """The moments of one rollback, in seconds since the epoch; the stages in between have names."""

    begun: float
    stages: tuple[tuple[str, float], ...]
    """Each with the moment of its end."""

    @property
    def seconds(self) -> float:
        return self.stages[-1][1] - self.begun

    def parts(self) -> dict[str, float]:
        """How long each stage took."""
        ends = [self.begun, *(end for _name, end in self.stages)]
        return {name: end - ends[number] for number, (name, end) in enumerate(self.stages)}


def way_back(begun: float, over: float, ends: Mapping[str, float | None]) -> WayBack:
    """The stages in the order of their ends, the last request's being the last of all; an unknown end is left out."""
    known = sorted((min(end, over), name) for name, end in ends.items() if end is not None)
    return WayBack(begun, (*((name, end) for end, name in known), (LAST, over)))


def row(name: str, seconds: Sequence[float]) -> dict[str, Any]:
    ordered = sorted(seconds)
    return {
        "name": name,
        "count": len(ordered),
        "median": median(ordered),
        "p95": percentile(ordered, 95),
        "least": ordered[0],
        "most": ordered[-1],
    }


def rows(name: str, ways: Sequence[WayBack]) -> list[dict[str, Any]]:
    """The whole first, then its stages."""
    stages = dict.fromkeys(stage for way in ways for stage in way.parts())
    found = [row(name, [way.seconds for way in ways])]
    for stage in stages:
        taken = [parts[stage] for way in ways if stage in (parts := way.parts())]
        found.append(row(f"  … {stage}", taken))
    return found


def targets(after_a_verdict: Sequence[WayBack], by_hand: Sequence[WayBack], empty: Sequence[float]) -> list[Target]:
    hand = sorted(way.seconds for way in by_hand)
    ratios = sorted(way.seconds / play for way, play in zip(by_hand, empty, strict=True))
    return [
        Target(f"{AFTER_A_VERDICT}, p95 in s", percentile(sorted(way.seconds for way in after_a_verdict), 95), 0.3),
        Target(f"{BY_HAND}, p95 in s", percentile(hand, 95), 3.0),
        Target(f"{BY_HAND} / {EMPTY}, p95", percentile(ratios, 95), 4.0),
    ]


def table(found: Sequence[dict[str, Any]]) -> str:
    """One line per row; times in milliseconds."""
    head = f"{'':<52}{'median':>9}{'p95':>9}{'least':>9}{'most':>9}{'n':>5}"
    lines = [
        f"{line['name']:<52}"
        + "".join(f"{1000 * line[key]:>6.0f} ms" for key in ("median", "p95", "least", "most"))
        + f"{line['count']:>5}"
        for line in found
    ]
    return "\n".join([head, *lines])
