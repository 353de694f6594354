# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts: what a gate finds, and what several of them mean together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["pass", "fail", "inconclusive"]

PASS: Verdict = "pass"  # noqa: S105
FAIL: Verdict = "fail"
INCONCLUSIVE: Verdict = "inconclusive"

# From best to worst. Not knowing is worse than a pass, and what is known to be wrong is worse than not knowing.
_ORDER: tuple[Verdict, ...] = (PASS, INCONCLUSIVE, FAIL)


@dataclass(frozen=True)
class Finding:
    """What one gate found: its verdict, the reason in one sentence with the numbers, and what they were.

    ``details`` is plain JSON, enough to judge again and come to the same verdict. ``remedy`` says what to do next
    when the verdict is not a pass.
    """

    name: str
    kind: str
    verdict: Verdict
    reason: str
    remedy: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As results and journals hold it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "verdict": self.verdict,
            "reason": self.reason,
            "remedy": self.remedy,
            **self.details,
        }


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of several gates together: the worst of them. No gate at all is inconclusive: no data, no pass."""
    return max(verdicts, key=_ORDER.index, default=INCONCLUSIVE)
