# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers with bounds, as users write them in a section."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .section import Section


@dataclass(frozen=True)
class Range:
    """What a number may be: ``least`` and ``most`` belong to it, ``above`` and ``below`` do not."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        return math.isfinite(value) and not (
            (self.least is not None and value < self.least)
            or (self.most is not None and value > self.most)
            or (self.above is not None and value <= self.above)
            or (self.below is not None and value >= self.below)
        )

    def __str__(self) -> str:
        bounds = (("≥", self.least), (">", self.above), ("≤", self.most), ("<", self.below))
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


def number(section: Section, key: str, default: float, allowed: Range) -> float:
    """A number within a range; the default when absent."""
    found = optional_number(section, key, allowed)
    return default if found is None else found


def optional_number(section: Section, key: str, allowed: Range) -> float | None:
    """A number within a range, or None when absent."""
    value = section.raw(key)
    if value is None:
        return None
    try:
        # A number in an extra variable given as key=value, or one that a template made, is a string.
        found = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except ValueError:
        found = math.nan
    if found not in allowed:
        shown = f'"{value}"' if isinstance(value, str) else repr(value)
        raise section.error(key, f"expected a number {allowed}, got {shown}")
    return found
