# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measurements as plain JSON: what results hold, and what can be judged again from them.

A measurement is a mapping with ``at`` (seconds since the window began) and one of

- ``candidate`` and, where it is compared, ``live``: a number, or ``{errors, total}``, or that with ``latencies``,
- ``answer``: what a single request or command gave,
- ``missing``: why there is no number now, ``error``: why it could not be measured at all.

Counts grow from one measurement to the next; ``latencies`` are those since the measurement before, in seconds, as
``{"0.0102": 17}``: how often each.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from ..errors import SpecError
from ..identity import NONE, OTHER
from ..section import Section

Measurement = Mapping[str, Any]
# What a source measures: one number for a version, errors among requests, both with latencies, or one whole answer.
Shape = Literal["value", "counts", "requests", "answer"]

ROLES = ("candidate", "live")
# What a probe saw beside the versions: answers of somebody else, and requests that nobody has answered by name.
STRANGERS = (OTHER, NONE)
# Two latencies that are not this far apart are told as one: a result has to stay small enough to be read.
RESOLUTION = 1.019


def grouped(latencies: Iterable[float]) -> dict[str, int]:
    """Latencies as a measurement holds them, each at most a hundredth from what it was."""
    return dict(sorted(Counter(map(_grid, latencies)).items(), key=lambda item: float(item[0])))


def latencies_of(value: object) -> list[float]:
    """Latencies in full, of a list as it is, of what ``grouped`` gave as if they had come in no order at all.

    Whoever takes the first so many of them must not get the smallest: each stretch of the list is spread over all.
    """
    if isinstance(value, Mapping):
        ordered = sorted(float(latency) for latency, count in value.items() for one in range(int(count)))
        return [ordered[position] for position in _spread(len(ordered))]
    return [float(latency) for latency in value] if isinstance(value, Sequence) else []


def _spread(count: int) -> list[int]:
    """The positions from 0 in steps of the golden section, which keeps any first so many of them evenly apart."""
    step = max(1, round(count * (math.sqrt(5) - 1) / 2))
    while math.gcd(step, count) > 1:
        step += 1
    return [position * step % count for position in range(count)]


def _grid(latency: float) -> str:
    if latency <= 0:
        return "0"
    return f"{RESOLUTION ** round(math.log(latency, RESOLUTION)):.4g}"


def read_samples(value: object, path: str) -> tuple[tuple[Measurement, ...], Shape]:
    """Measurements that the user has, in one of three forms, and of which shape they are.

    A list is the ``measurements`` of an earlier result. In a mapping of ``candidate`` and ``live``, lists hold numbers
    in the order in which they were measured, and mappings hold ``errors``, ``total`` and ``latencies``.
    """
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        measurements = tuple(_checked(item, f"{path}[{position}]") for position, item in enumerate(value))
        return measurements, _shape(measurements, path)
    with Section(value, path) as section:
        found = {role: section.raw(role) for role in ROLES if section.has(role)}
        if "candidate" not in found:
            raise section.error("candidate", "is required: a list of numbers, or {errors: 3, total: 500}")
        if any(isinstance(item, Mapping) for item in found.values()):
            measurement = _checked({"at": 0.0, **found}, path)
            return (measurement,), _shape((measurement,), path)
        lists = {role: section.items(role) for role in found}
    if len(set(map(len, lists.values()))) > 1:
        raise SpecError(path, "candidate and live are measured together: their lists have to be equally long")
    looks = zip(*lists.values(), strict=True)
    return tuple(
        _checked({"at": float(at), **dict(zip(lists, look, strict=True))}, path) for at, look in enumerate(looks)
    ), "value"


def _checked(value: object, path: str) -> Measurement:
    with Section(value, path) as section:
        measurement: dict[str, Any] = {"at": section.raw("at") or 0.0}
        for key in ("missing", "error"):
            if section.has(key):
                measurement[key] = section.text(key)
        if section.has("answer"):
            measurement["answer"] = section.mapping("answer")
        for role in ROLES:
            if section.has(role):
                measurement[role] = _checked_role(section, role)
        for key in STRANGERS:
            if section.has(key):
                measurement[key] = section.integer(key)
    return measurement


def _checked_role(section: Section, role: str) -> Any:
    value = section.raw(role)
    if not isinstance(value, Mapping):
        return _number(section, role)
    with section.section(role) as counts:
        found: dict[str, Any] = {}
        if counts.has("latencies"):
            given = counts.raw("latencies")
            try:
                # What is judged the first time is what is judged again.
                found["latencies"] = _counted(given) if isinstance(given, Mapping) else grouped(_seconds(given))
            except (TypeError, ValueError):
                raise counts.error("latencies", "expected a list of seconds, or how often each latency was") from None
        measured = "latencies" in found
        found["errors"] = 0.0 if measured and not counts.has("errors") else _number(counts, "errors")
        found["total"] = (
            float(sum(found["latencies"].values()))
            if measured and not counts.has("total")
            else _number(counts, "total")
        )
    return found


def _counted(given: Mapping[Any, Any]) -> dict[str, int]:
    """How often each latency was; raises TypeError or ValueError for anything else."""
    if any(isinstance(count, bool) or not isinstance(count, int) or count < 0 for count in given.values()):
        raise ValueError("a latency is counted by a whole number")
    _seconds(given)
    return {str(latency): count for latency, count in given.items()}


def _seconds(given: Iterable[Any]) -> list[float]:
    """Latencies as numbers; raises TypeError or ValueError for anything else."""
    if isinstance(given, (str, bytes)):
        raise TypeError("a text is no list, though it has digits")
    found = [float(latency) for latency in given]
    if not all(math.isfinite(latency) and latency >= 0 for latency in found):
        raise ValueError("a latency is 0 or more seconds")
    return found


def _number(section: Section, key: str) -> float:
    try:
        # NaN and infinity are numbers here: that they say nothing is for the judge to say.
        return float(section.raw(key))
    except (TypeError, ValueError):
        raise section.error(key, f"expected a number, got {section.raw(key)!r}") from None


def _shape(measurements: Sequence[Measurement], path: str) -> Shape:
    """What all of them are; requests without a look at latencies may stand among those with one."""
    shapes = {shape for measurement in measurements for shape in _shapes(measurement)}
    if shapes == {"counts", "requests"}:
        return "requests"
    if len(shapes) > 1:
        raise SpecError(path, f"expected measurements of one kind, got {' and '.join(sorted(shapes))} in one list")
    return shapes.pop() if shapes else "value"


def _shapes(measurement: Measurement) -> Iterator[Shape]:
    if "answer" in measurement:
        yield "answer"
    for role in ROLES:
        if isinstance(measurement.get(role), Mapping):
            yield "requests" if "latencies" in measurement[role] else "counts"
        elif role in measurement:
            yield "value"
