# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations as users write them: seconds, or a number with a unit."""

from __future__ import annotations

import re

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")


def seconds(value: object) -> float:
    """Return the seconds of ``90``, ``"90s"``, ``"1.5m"``, ``"24h"`` or ``"2d"``.

    Raises ValueError for anything else, negative numbers included.
    """
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        match = _DURATION.fullmatch(str(value).strip())
        if match:
            return float(match.group(1)) * _UNITS[match.group(2)]
    raise ValueError(f'expected a duration such as 90, "90s", "10m" or "24h", got {value!r}')


def text(duration: float) -> str:
    """Write a duration for a person: the two largest units, ``1h 5m``."""
    left = round(duration)
    parts = []
    for unit in ("d", "h", "m", "s"):
        amount, left = divmod(left, int(_UNITS[unit]))
        if amount:
            parts.append(f"{amount}{unit}")
    return " ".join(parts[:2]) or "0s"
