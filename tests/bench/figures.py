# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the measurements say: medians, ratios, targets, and the table of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass
class Samples:
    """Seconds of whole plays, one of each kind per round."""

    one: list[float] = field(default_factory=list)
    """A play with one step."""
    many: list[float] = field(default_factory=list)
    """A play with one step and `steps` more."""
    steps: int = 1
    requests: Counter[str] = field(default_factory=Counter)
    """Of the last play with many steps."""

    @property
    def marginal(self) -> float:
        """What one more step costs."""
        return median((many - one) / self.steps for one, many in zip(self.one, self.many, strict=True))

    def average(self, empty: Sequence[float]) -> float:
        """What a step of the longer play costs, with everything that is paid once in it."""
        return median((many - none) / (self.steps + 1) for none, many in zip(empty, self.many, strict=True))

    def requests_per_step(self) -> dict[str, float]:
        return {name: count / (self.steps + 1) for name, count in sorted(self.requests.items())}


@dataclass(frozen=True)
class Target:
    """What something may cost."""

    text: str
    found: float
    allowed: float

    @property
    def met(self) -> bool:
        return self.found <= self.allowed

    def plain(self) -> dict[str, Any]:
        return {**vars(self), "met": self.met, "line": self.line()}

    def line(self) -> str:
        return f"{'met   ' if self.met else 'MISSED'}  {self.text}: {self.found:.3f}, allowed {self.allowed:.3f}"


def targets(step: Mapping[str, float], kubernetes_core: Mapping[str, float], script: float) -> list[Target]:
    """Each target by both ways to count: what is paid once per play weighs more in a short play."""
    return [
        target
        for key, counted in (("marginal", "one more step"), ("average", "average"))
        for target in (
            Target(f"traffic / (k8s_info + k8s), {counted}", step[key] / kubernetes_core[key], 1 / 25),
            Target(f"traffic / bare script from connect on, {counted}", step[key] / script, 1.5),
        )
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line per way; times in milliseconds."""
    head = f"{'':<36}{'one more step':>14}{'average':>10}{'ratio':>8}   requests per step"
    lines = [
        f"{row['name']:<36}{_milliseconds(row['marginal']):>14}{_milliseconds(row.get('average')):>10}"
        f"{row['ratio']:>8.2f}   {_requests(row.get('requests', {}))}".rstrip()
        for row in rows
    ]
    return "\n".join([head, *lines])


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{1000 * seconds:.0f} ms"


def _requests(counts: Mapping[str, float]) -> str:
    return ", ".join(f"{count:g} {name}" for name, count in counts.items())
