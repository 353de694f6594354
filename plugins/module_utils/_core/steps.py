# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps: the percentages by which a candidate gets the traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .errors import SpecError
from .gates import Gate, read_gates
from .section import Section, integer
from .weights import Weights, checked_weights

DEFAULT_STEPS: tuple[int, ...] = (5, 25, 50, 100)


@dataclass(frozen=True)
class Step:
    """One step: a percentage for the candidate, or whole weights, and the seconds of its verification pause."""

    percent: int | None
    pause: float
    weights: Weights | None = None
    gates: tuple[Gate, ...] = ()

    def percent_for(self, to: str) -> int:
        """What the candidate gets in this step."""
        if self.percent is not None:
            return self.percent
        return (self.weights or {}).get(to, 0)

    def plain(self) -> dict[str, Any]:
        """As the filter ``shift_steps`` returns it."""
        step: dict[str, Any] = {"percent": self.percent, "pause": self.pause, "approval": False}
        step["gates"] = [gate.plain() for gate in self.gates]
        if self.weights is not None:
            step["weights"] = self.weights
        return step


def read_steps(value: object, pause: float, path: str) -> tuple[Step, ...]:
    """Read a list of steps, ``{linear: 20}`` or ``{exponential: 2, from: 1}``; None gives 5, 25, 50, 100."""
    if value is None:
        value = DEFAULT_STEPS
    if isinstance(value, Mapping):
        return tuple(Step(percent, pause) for percent in _series(Section(value, path)))
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise SpecError(path, "expected a list of percentages, {linear: 20} or {exponential: 2, from: 1}")
    steps = tuple(_read_step(entry, pause, f"{path}[{position}]") for position, entry in enumerate(value))
    refuse_falling([step.percent for step in steps if step.percent is not None], path)
    return steps


def refuse_falling(percents: Sequence[int], path: str) -> None:
    """Raise SpecError unless each percentage is larger than the one before."""
    for before, after in pairwise(percents):
        if after <= before:
            raise SpecError(path, f"steps must rise, but {after} follows {before}; use rollback to go down")


def _read_step(entry: object, pause: float, path: str) -> Step:
    if not isinstance(entry, Mapping):
        return Step(integer(entry, path, 0, 100), pause)
    with Section(entry, path) as section:
        if section.has("percent") == section.has("weights"):
            raise SpecError(path, "expected either percent or weights")
        weights = checked_weights(section.raw("weights"), section.at("weights")) if section.has("weights") else None
        return Step(
            percent=section.integer("percent", 0, 0, 100) if weights is None else None,
            pause=section.duration("pause", pause),
            weights=weights,
            gates=read_gates(section.items("gates"), section.at("gates")),
        )


def _series(section: Section) -> list[int]:
    with section:
        if section.has("linear") == section.has("exponential"):
            raise SpecError(section.path, "expected either linear or exponential")
        if section.has("linear"):
            by = section.integer("linear", minimum=1, maximum=100)
            percents = list(range(by, 100, by))
        else:
            factor = section.integer("exponential", minimum=2, maximum=100)
            percent = section.integer("from", 1, 1, 100)
            percents = []
            while percent < 100:
                percents.append(percent)
                percent *= factor
        return [*percents, 100]
