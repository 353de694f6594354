# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judgement: from measurements in their order to a verdict. The same measurements give the same verdict again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..verdict import FAIL, INCONCLUSIVE, Verdict, worst
from .criteria import Opinion, of_answer, of_requests, of_values
from .judge import Judge
from .measurements import ROLES, STRANGERS, Measurement, latencies_of


@dataclass(frozen=True)
class Judgement:
    """How things stand after a measurement; ``final`` when nothing that comes later can change it."""

    verdict: Verdict
    reason: str
    remedy: str = ""
    statistics: Mapping[str, Any] = field(default_factory=dict)
    final: bool = False


NOTHING = Judgement(INCONCLUSIVE, "nothing was measured", "look at its source, or give the step a longer pause")


class History:
    """Measurements as they come in, and how they are judged."""

    def __init__(self, judge: Judge) -> None:
        self.measurements: list[Measurement] = []
        self._judge = judge
        self._failures = 0
        self._errors_in_a_row = 0
        self._values: list[float] = []
        self._latencies: dict[str, list[float]] = {role: [] for role in ROLES}

    def add(self, measurement: Measurement) -> Judgement:
        """Take in a measurement and judge all that there are."""
        self.measurements.append(measurement)
        if "error" in measurement:
            return self._unmeasured(str(measurement["error"]))
        self._errors_in_a_row = 0
        if "missing" in measurement:
            opinions = [Opinion(INCONCLUSIVE, str(measurement["missing"]), "see that its source has data")]
        else:
            opinions = self._opinions(measurement)
        verdict = worst(opinion.verdict for opinion in opinions)
        decisive = [opinion for opinion in opinions if opinion.verdict == verdict]
        # Each told once, in the order of the criteria.
        reason = "; ".join(dict.fromkeys(opinion.reason for opinion in decisive if opinion.reason))
        statistics = {key: value for opinion in opinions for key, value in opinion.statistics.items()}
        if verdict == FAIL:
            return self._failed(reason, decisive, statistics)
        return Judgement(verdict, reason, decisive[0].remedy, self._counted(statistics))

    def add_all(self, measurements: Iterable[Measurement]) -> Judgement:
        """Take in measurements in their order, up to the first that decides."""
        judgement = NOTHING
        for measurement in measurements:
            judgement = self.add(measurement)
            if judgement.final:
                break
        return judgement

    def _opinions(self, measurement: Measurement) -> list[Opinion]:
        judge = self._judge
        if judge.shape == "answer":
            return of_answer(judge, measurement["answer"])
        found = {role: measurement[role] for role in ROLES if measurement.get(role) is not None}
        if judge.shape == "value":
            opinions = of_values(judge, found, self._values)
            number = found.get("candidate", math.nan)
            self._values += [number] if math.isfinite(number) else []
            return opinions
        for role in found:
            self._latencies[role] += latencies_of(found[role].get("latencies") or {})
        strangers = {key: int(measurement.get(key, 0)) for key in STRANGERS}
        return of_requests(judge, found, self._latencies, strangers)

    def _failed(self, reason: str, decisive: list[Opinion], statistics: Mapping[str, Any]) -> Judgement:
        self._failures += 1
        limit = self._judge.failure_limit
        remedy = decisive[0].remedy
        if self._failures > limit or any(opinion.proven for opinion in decisive):
            return Judgement(FAIL, reason, remedy, self._counted(statistics), final=True)
        tolerated = f"{reason} ({self._failures} of {limit} tolerated failures)"
        return Judgement(INCONCLUSIVE, tolerated, remedy, self._counted(statistics))

    def _unmeasured(self, error: str) -> Judgement:
        self._errors_in_a_row += 1
        gave_up = self._errors_in_a_row > self._judge.tolerated_errors
        return Judgement(
            INCONCLUSIVE,
            f"{error} ({self._errors_in_a_row} times in a row)" if self._errors_in_a_row > 1 else error,
            "see that the source answers, or tolerate more of this with consecutive_errors",
            self._counted({}),
            final=gave_up,
        )

    def _counted(self, statistics: Mapping[str, Any]) -> dict[str, Any]:
        return {**statistics, "looks": len(self.measurements), "failures": self._failures}
