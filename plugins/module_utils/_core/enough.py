# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many ready endpoints a version has to have before it gets its share: the key ``capacity`` of a release.

The measure is what the live versions had ready when the release began, which the journal has noted. What a candidate
wants for itself is seen before: it is not deployed until all of its own pods are ready.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ReleaseError
from .section import Section, integer
from .weights import Weights

PROPORTIONAL = "proportional"


@dataclass(frozen=True)
class Enough:
    """At least ``count`` endpoints, or at least ``percent`` of what live had, or as much of that as the share is."""

    count: int = 1
    percent: int | None = None
    proportional: bool = False

    @property
    def is_relative(self) -> bool:
        """Whether it has to be known what live had."""
        return self.proportional or self.percent is not None

    def endpoints(self, weights: Weights, live: int) -> dict[str, int]:
        """How many each version with weight has to have, where live had so many; never less than one."""
        return {
            name: max(1, self._of(live, weight) if self.is_relative else self.count)
            for name, weight in weights.items()
            if weight
        }

    def _of(self, live: int, weight: int) -> int:
        return math.ceil(live * (weight if self.percent is None else self.percent) / 100)


def read_enough(release: Section) -> Enough:
    """The key ``capacity``; without it, one ready endpoint is enough."""
    with release.section("capacity") as section:
        value = section.raw("min_ready")
        section.refuse_unknown()
        if value is None and not release.has("capacity"):
            return Enough()
        if value == PROPORTIONAL:
            return Enough(proportional=True)
        if isinstance(value, str) and value.endswith("%"):
            return Enough(percent=integer(value.removesuffix("%"), section.at("min_ready"), 1, 100))
        if value is None:
            raise section.error(
                "min_ready", f'is required: a number of endpoints, "80%" of what live had, {PROPORTIONAL}'
            )
        if isinstance(value, str) and not value.isdigit():
            raise section.error(
                "min_ready", f'expected integer ≥ 1, a percentage such as "80%", or {PROPORTIONAL}, got "{value}"'
            )
        return Enough(integer(value, section.at("min_ready"), 1))


def live_ready(path: str, service: str, live: Iterable[str], noted: Mapping[str, Mapping[str, Any]]) -> int:
    """How many pods these versions had ready together when the release began.

    ``noted`` is the journal's note of each version. Raises ReleaseError when one has none.
    """
    total = 0
    for name in live:
        if name not in noted:
            raise ReleaseError(
                f"{path}: how many pods {name} of {service} had ready when the release began is not known, as its "
                "workload was not there: write a number of endpoints instead"
            )
        total += noted[name]["ready"]
    return total
