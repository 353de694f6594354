# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How measurements are judged, as users write it: by conditions, by comparison with live, and from how many on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from ..conditions import Expression, read_expression, refuse_undecided
from ..section import Range, Section
from .measurements import Shape

DEFAULT_CONFIDENCE = 0.99
DEFAULT_CONSECUTIVE_ERRORS = 4

CRITERIA = ("pass_when", "fail_when", "max_ratio_to_live", "max_difference_to_live", "not_slower")
# Which of them mean something for what is measured.
_APPLICABLE = {
    "value": ("pass_when", "fail_when", "max_ratio_to_live", "max_difference_to_live"),
    "counts": ("pass_when", "fail_when", "max_ratio_to_live", "max_difference_to_live"),
    "requests": CRITERIA,
    "answer": ("pass_when", "fail_when"),
}
_OF_LIVE = frozenset(("live", "ratio", "difference"))
_EXAMPLE = {"candidate": 1.0, "live": 1.0, "ratio": 1.0, "difference": 0.0, "values": [1.0]}


@dataclass(frozen=True)
class NotSlower:
    """The candidate's latency at a quantile may be at most ``by`` times that of live."""

    quantile: float
    by: float


@dataclass(frozen=True)
class Judge:
    """What makes a pass and what a failure."""

    shape: Shape
    pass_when: Expression | None = None
    fail_when: Expression | None = None
    max_ratio_to_live: float | None = None
    max_difference_to_live: float | None = None
    not_slower: NotSlower | None = None
    confidence: float = DEFAULT_CONFIDENCE
    min_samples: int | None = None
    failure_limit: int = 0
    consecutive_errors: int | None = None
    """None: as many as are usual; of an answer, which is one look, as many as there is time for."""
    status: tuple[int, ...] = ()
    """Which ``status`` of an answer is a pass; empty: any."""

    @property
    def tolerated_errors(self) -> float:
        """How many looks in a row may get no answer."""
        if self.consecutive_errors is None:
            return inf if self.shape == "answer" else DEFAULT_CONSECUTIVE_ERRORS
        return self.consecutive_errors

    @property
    def compares(self) -> bool:
        """Whether it needs to know how live does."""
        if self.max_ratio_to_live is not None or self.max_difference_to_live is not None or self.not_slower is not None:
            return True
        return any(map(self._about_live, (self.pass_when, self.fail_when)))

    def without_live(self) -> Judge | None:
        """What of it can be judged where live gets no traffic; None when that is nothing."""
        pass_when = None if self._about_live(self.pass_when) else self.pass_when
        fail_when = None if self._about_live(self.fail_when) else self.fail_when
        if pass_when is None and fail_when is None:
            return None
        alone = replace(self, max_ratio_to_live=None, max_difference_to_live=None, not_slower=None)
        return replace(alone, pass_when=pass_when, fail_when=fail_when)

    def _about_live(self, condition: Expression | None) -> bool:
        # In an answer the names are those of whoever answers.
        return self.shape != "answer" and condition is not None and bool(condition.names() & _OF_LIVE)


def read_judge(section: Section, shape: Shape) -> Judge:
    """Read a whole judge strictly; raises SpecError where it cannot judge what its source measures."""
    with section:
        pass_when, fail_when = read_expression(section, "pass_when"), read_expression(section, "fail_when")
        judge = Judge(
            shape=shape,
            pass_when=pass_when,
            fail_when=fail_when,
            max_ratio_to_live=section.optional_number("max_ratio_to_live", Range(above=0.0)),
            max_difference_to_live=section.optional_number("max_difference_to_live", Range(least=0.0)),
            not_slower=_read_not_slower(section.section("not_slower")) if section.has("not_slower") else None,
            confidence=section.number("confidence", DEFAULT_CONFIDENCE, Range(least=0.5, below=1.0)),
            min_samples=section.integer("min_samples", minimum=1) if section.has("min_samples") else None,
            failure_limit=section.integer("failure_limit", 0),
            consecutive_errors=section.integer("consecutive_errors") if section.has("consecutive_errors") else None,
        )
        _refuse_useless(section, shape)
    if shape != "answer":
        refuse_undecided(section, "pass_when", pass_when, _EXAMPLE)
        refuse_undecided(section, "fail_when", fail_when, _EXAMPLE)
    return judge


def _refuse_useless(section: Section, shape: Shape) -> None:
    applicable = _APPLICABLE[shape]
    for key in CRITERIA:
        if section.has(key) and key not in applicable:
            raise section.error(key, f"cannot be judged from what this source measures; use {', '.join(applicable)}")
    if not any(section.has(key) for key in applicable):
        raise section.error(applicable[0], f"is required, or another of {', '.join(applicable)}: nothing is judged yet")


def _read_not_slower(section: Section) -> NotSlower:
    with section:
        return NotSlower(
            quantile=section.number("quantile", 0.95, Range(above=0.0, below=1.0)),
            by=section.number("by", 1.2, Range(least=1.0)),
        )
