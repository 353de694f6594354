# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured of the versions at one look: numbers from Prometheus or from JSON, requests of a probe."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Protocol

from .._core.conditions import Expression
from .._core.judging.judge import Judge
from .._core.judging.measurements import STRANGERS, Measurement, grouped
from .._core.placeholders import names_in
from .._core.sources import Http, Prometheus
from .course import Scene
from .probe import Sampler
from .prometheus import NoData, Unreachable, one_number, query, single_value
from .web import Unanswered, ask, kept

# What live did before the step is taken over at least so many seconds.
BEFORE = 60.0


class Number(Protocol):
    """Measures a version over so many seconds, up to now or up to a time."""

    def __call__(self, version: str, window: float, at: float | None) -> Any:
        """A number, or errors and total; raises NoData, Unreachable or Unanswered."""


def of_prometheus(options: Prometheus, judge: Judge, scene: Scene) -> Measurement:
    """Ask for each version that is needed."""
    asked = [options.query, options.errors, options.total]

    def number(version: str, window: float, at: float | None) -> Any:
        def said(expression: str | None) -> str:
            return str(scene.said(expression, version, window))

        if options.query is not None:
            return single_value(options.source, said(options.query), at)
        total = single_value(options.source, said(options.total), at)
        return {"errors": _errors(options, said(options.errors), at), "total": total}

    return _measured(number, judge, scene, asked, options.window)


def of_json(options: Http, judge: Judge, scene: Scene) -> Measurement:
    """Ask for each version that is needed, and find the number in each answer."""
    value = options.value
    if value is None:
        raise ValueError("only answers in which a number is looked for are measured")

    def number(version: str, window: float, at: float | None) -> Any:
        return _found(ask(said(options, scene, version, window)), value, options.status)

    return _measured(number, judge, scene, words_of(options), None)


def of_answer(options: Http, scene: Scene) -> Measurement:
    """Ask once: the whole answer."""
    try:
        return {"answer": kept(ask(said(options, scene, scene.wanted.candidate, scene.course.elapsed)))}
    except Unanswered as error:
        return {"error": error.message}


class Requests:
    """What a probe that goes on sending has seen since the window began."""

    def __init__(self, sampler: Sampler, judge: Judge, scene: Scene) -> None:
        self._sampler = sampler
        self._with_latencies = judge.not_slower is not None
        self._scene = scene
        self._told: dict[str, int] = {}

    def __call__(self) -> Measurement:
        """What is new since the last call, and the sums of all."""
        seen = self._sampler.snapshot()
        measurement: dict[str, Any] = {}
        for role, version in self._scene.versions().items():
            counts = seen.get(version) or {"total": 0, "errors": 0, "latencies": []}
            measurement[role] = {"errors": counts["errors"], "total": counts["total"]}
            if self._with_latencies:
                measurement[role]["latencies"] = grouped(counts["latencies"][self._told.get(role, 0) :])
                self._told[role] = len(counts["latencies"])
        for key in STRANGERS:
            strangers = int((seen.get(key) or {}).get("total", 0))
            if strangers:
                measurement[key] = strangers
        return measurement


def said(options: Http, scene: Scene, version: str | None, window: float) -> Http:
    """A request with its placeholders filled in."""
    words = words_of(options)
    return replace(options, **scene.said(words, version, window))


def words_of(options: Http) -> dict[str, Any]:
    """What of a request may hold placeholders."""
    return {key: getattr(options, key) for key in ("url", "host", "headers", "body")}


def _measured(number: Number, judge: Judge, scene: Scene, asked: Any, window: float | None) -> Measurement:
    """One number for the candidate, and one for live where it is asked about versions at all."""
    versions = scene.versions()
    if "version" not in names_in(asked):
        # The same question would have the same answer for every version.
        versions = {"candidate": versions.get("candidate", "")}
    elapsed = scene.course.elapsed
    measurement: dict[str, Any] = {}
    for role, version in versions.items():
        needed = role == "candidate" or judge.compares
        try:
            if role == "live" and scene.rests(role):
                # It gets nothing any more: what counts is how it did before.
                before = window or max(BEFORE, scene.course.window)
                measurement[role] = number(version, before, scene.course.started_at)
            else:
                measurement[role] = number(version, window or elapsed, None)
        except NoData as error:
            if needed:
                measurement.setdefault("missing", f"{role}: {error.message}")
        except (Unreachable, Unanswered) as error:
            if needed:
                measurement.setdefault("error", error.message)
    return measurement


def _errors(options: Prometheus, expression: str, at: float | None) -> float:
    """The number of errors: a query that is empty while there are requests means that there are none."""
    series = query(options.source, expression, at)
    return one_number(options.source, expression, series) if series else 0.0


def _found(answer: dict[str, Any], value: Expression, status: tuple[int, ...]) -> float:
    if answer["status"] not in status:
        raise Unanswered(f"the status is {answer['status']}, wanted {' or '.join(map(str, status))}")
    found = value.of(answer["json"]) if answer["json"] is not None else None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        raise NoData(f"{value.text} gives {found!r} in the answer, and no number")
    return float(found)
