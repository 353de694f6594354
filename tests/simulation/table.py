# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of the printed table, and whether each keeps its bound."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.statistics import share_interval


@dataclass(frozen=True)
class Row:
    """A figure in percent, with the bound it has to keep; exact, or simulated with its 95 % interval."""

    name: str
    percent: float
    at_most: float | None = None
    at_least: float | None = None
    interval: tuple[float, float] | None = None
    note: str = ""

    def kept(self) -> bool:
        """A simulated figure breaks its bound when its whole interval lies beyond it."""
        low, high = self.percent, self.percent
        if self.interval:
            low, high = self.interval
        return (self.at_most is None or low <= self.at_most) and (self.at_least is None or high >= self.at_least)

    def line(self) -> str:
        if self.at_most is not None:
            bound = f"≤ {self.at_most:g} %"
        elif self.at_least is not None:
            bound = f"≥ {self.at_least:g} %"
        else:
            bound = ""
        figure = f"{self.percent:.3f} %" if self.percent < 10 else f"{self.percent:.2f} %"
        how = f"[{self.interval[0]:.2f}, {self.interval[1]:.2f}]" if self.interval else "exact"
        said = "" if not bound else "kept" if self.kept() else "BROKEN"
        return f"  {self.name:<70} {figure:>10}  {how:<16} {bound:<8} {said:<6} {self.note}".rstrip()


def simulated(
    name: str, hits: int, runs: int, *, at_most: float | None = None, at_least: float | None = None, note: str = ""
) -> Row:
    """A row of so many hits in so many runs."""
    low, high = share_interval(hits, runs, 0.95)
    return Row(name, 100 * hits / runs, at_most, at_least, (100 * low, 100 * high), note)
