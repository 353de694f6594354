# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each criterion of a judge says of one measurement."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..conditions import Expression
from ..verdict import FAIL, INCONCLUSIVE, PASS, Verdict
from .comparison import Comparison, Counts, compare_errors, compare_latency
from .judge import Judge

# Of a number one look is enough; of a few requests no rate is known, and no latency.
MIN_LOOKS, MIN_REQUESTS, MIN_LATENCIES = 1, 500, 100

_MORE = "send more requests, give the step a longer pause, or lower min_samples"
_LOOK = "look at the candidate's log and its metrics"
# How much of an answer a reason shows.
_SHOWN = 200
# Two counters that Prometheus has extrapolated may differ a little although they count the same requests.
_ROUNDING = 1.05
# The part of all requests that may go to nobody: more could hide how a version really does.
_UNKNOWN = 0.01


@dataclass(frozen=True)
class Opinion:
    """What one criterion says; ``proven`` when such a failure is no matter of a single look."""

    verdict: Verdict
    reason: str
    remedy: str = ""
    statistics: Mapping[str, Any] = field(default_factory=dict)
    proven: bool = False


def of_answer(judge: Judge, answer: Mapping[str, Any]) -> list[Opinion]:
    """Judge one whole answer, of a server or of a command: its status, and the conditions over everything in it."""
    status = answer.get("status")
    told = f"the {'exit code' if 'stdout' in answer else 'status'} is {status}"
    said = " ".join(str(answer.get("stderr") or answer.get("stdout") or answer.get("text") or "").split())
    shown = f" ({said[:_SHOWN]}{'…' if len(said) > _SHOWN else ''})" if said else ""
    if judge.status and status not in judge.status:
        return [Opinion(FAIL, f"{told}, wanted {' or '.join(map(str, judge.status))}{shown}", _LOOK)]
    opinions = _conditions(judge, answer, told)
    bad = [Opinion(item.verdict, item.reason + shown, item.remedy) for item in opinions if item.verdict != PASS]
    return bad or [Opinion(PASS, told)]


def of_values(judge: Judge, numbers: Mapping[str, float], earlier: Sequence[float]) -> list[Opinion]:
    """Judge one number for each version; ``earlier`` are the candidate's in the order of their measurement."""
    unusable = _unusable(judge, numbers)
    if unusable is not None:
        return [unusable]
    compared, values = _compared(numbers), [*earlier, numbers["candidate"]]
    data: dict[str, Any] = {**compared, "values": values}
    statistics = {key: value for key, value in compared.items() if value is not None}
    opinions = [*_conditions(judge, data, _shown(data)), *_limits(judge, numbers, _shown(data))]
    least = judge.min_samples or MIN_LOOKS
    if len(values) < least:
        opinions.append(Opinion(INCONCLUSIVE, f"{len(values)} values, at least {least} are wanted", _MORE))
    return [*opinions, Opinion(PASS, _shown(data), statistics=statistics)]


def of_requests(
    judge: Judge,
    counts: Mapping[str, Mapping[str, Any]],
    latencies: Mapping[str, Sequence[float]],
    strangers: Mapping[str, int],
) -> list[Opinion]:
    """Judge errors among requests, and their latencies, of all that were counted so far.

    ``strangers`` are requests that are in no version's counts, since nobody knows which one has failed to answer.
    """
    unusable = next(
        (
            found
            for key in ("total", "errors")
            if (found := _unusable(judge, {role: float(counts[role][key]) for role in counts})) is not None
        ),
        None,
    )
    impossible = [role for role, item in counts.items() if not 0 <= item["errors"] <= item["total"] * _ROUNDING]
    if unusable is None and impossible:
        item = counts[impossible[0]]
        unusable = Opinion(
            INCONCLUSIVE,
            f"{impossible[0]}: {item['errors']:g} errors among {item['total']:g} requests",
            "see that errors and total count the same requests",
        )
    if unusable is not None:
        return [unusable]
    known = {role: Counts(min(item["errors"], item["total"]), item["total"]) for role, item in counts.items()}
    opinions = _of_rates(judge, known)
    nobody, somebody = strangers.get("none", 0), strangers.get("other", 0)
    everybody = nobody + somebody + sum(item.total for item in known.values())
    if nobody + somebody > _UNKNOWN * everybody:
        reason = (
            f"of {everybody:g} requests {nobody} had no answer that names a version, and {somebody} were answered by "
            "somebody else"
        )
        opinions.append(Opinion(INCONCLUSIVE, reason, "see what answers them, and mend identify where it is a version"))
    if judge.max_ratio_to_live is not None or judge.max_difference_to_live is not None:
        errors = compare_errors(
            known["candidate"],
            known["live"],
            confidence=judge.confidence,
            max_ratio=judge.max_ratio_to_live,
            max_difference=judge.max_difference_to_live,
            min_samples=judge.min_samples or MIN_REQUESTS,
        )
        opinions.append(_opinion_of(errors, "error_rate"))
    if judge.not_slower is not None:
        latency = compare_latency(
            latencies["candidate"],
            latencies["live"],
            quantile=judge.not_slower.quantile,
            by=judge.not_slower.by,
            confidence=judge.confidence,
            min_samples=judge.min_samples or MIN_LATENCIES,
        )
        opinions.append(_opinion_of(latency, "latency"))
    return opinions


def _of_rates(judge: Judge, counts: Mapping[str, Counts]) -> list[Opinion]:
    """The conditions, over rates of errors."""
    sums = {f"{role}_{key}": value for role, item in counts.items() for key, value in vars(item).items()}
    told = ", ".join(f"{role} {item.errors:g} errors of {item.total:g}" for role, item in counts.items())
    least = judge.min_samples or MIN_REQUESTS
    named = [role for role in counts if role == "candidate" or judge.compares]
    few = [role for role in named if counts[role].total < least]
    conditions = judge.pass_when is not None or judge.fail_when is not None
    if conditions and few:
        reason = f"{few[0]} had {counts[few[0]].total:g} requests, at least {least} are wanted"
        return [Opinion(INCONCLUSIVE, reason, _MORE, sums)]
    rates = {role: item.errors / item.total for role, item in counts.items() if item.total}
    if "candidate" not in rates:
        return [Opinion(INCONCLUSIVE, "the candidate had no requests", _MORE, sums)]
    data = {**_compared(rates), "values": [rates["candidate"]]}
    # The comparisons tell the same numbers themselves.
    compared = judge.max_ratio_to_live is not None or judge.max_difference_to_live is not None
    return [*_conditions(judge, data, told), Opinion(PASS, "" if compared else told, statistics=sums)]


def _conditions(judge: Judge, data: Mapping[str, Any], told: str) -> list[Opinion]:
    opinions = []
    for condition, bad in ((judge.fail_when, True), (judge.pass_when, False)):
        if condition is None:
            continue
        holds = condition.holds(data)
        if holds is None:
            opinions.append(_undecided(condition, data, told))
        elif holds is bad:
            # Between what is a pass and what is a failure nothing is known, when both are said.
            unclear = condition is judge.pass_when and judge.fail_when is not None
            said = f"fail_when holds: {condition.text}" if bad else f"pass_when does not hold: {condition.text}"
            opinions.append(Opinion(INCONCLUSIVE if unclear else FAIL, f"{told}; {said}", _LOOK))
        else:
            opinions.append(Opinion(PASS, told))
    return opinions


def _undecided(condition: Expression, data: Mapping[str, Any], told: str) -> Opinion:
    return Opinion(
        INCONCLUSIVE,
        f"{told}; {condition.text} gives {condition.of(data)!r} and not true or false",
        "mend the condition, or see that there is what it is about",
    )


def _limits(judge: Judge, numbers: Mapping[str, float], told: str) -> list[Opinion]:
    """Limits to the distance from live, for numbers: no statistics are known of them."""
    opinions = []
    ratio, difference = judge.max_ratio_to_live, judge.max_difference_to_live
    if ratio is not None:
        if min(numbers.values()) < 0:
            opinions.append(Opinion(INCONCLUSIVE, f"{told}; of negative numbers a ratio says nothing", _LOOK))
        elif numbers["candidate"] > ratio * numbers["live"]:
            opinions.append(Opinion(FAIL, f"{told}; at most {ratio:g} times live is tolerated", _LOOK))
    if difference is not None and numbers["candidate"] - numbers["live"] > difference:
        opinions.append(Opinion(FAIL, f"{told}; at most {difference:g} more than live is tolerated", _LOOK))
    return opinions


def _opinion_of(found: Comparison, key: str) -> Opinion:
    remedy = {FAIL: _LOOK, INCONCLUSIVE: _MORE, PASS: ""}[found.verdict]
    return Opinion(found.verdict, found.reason, remedy, {key: dict(found.statistics)}, proven=found.verdict == FAIL)


def _unusable(judge: Judge, numbers: Mapping[str, float]) -> Opinion | None:
    """Why these numbers say nothing: one is missing, or is none."""
    for role in ("candidate", "live"):
        if role == "live" and not judge.compares:
            continue
        if role not in numbers:
            return Opinion(INCONCLUSIVE, f"{role} was not measured", f"give the samples of {role} too")
        if not math.isfinite(numbers[role]):
            return Opinion(INCONCLUSIVE, f"{role} is {numbers[role]}, which is no number", "see that there is data")
    return None


def _compared(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """What conditions are about; without live, or when live is 0, there is no ratio."""
    candidate, live = numbers["candidate"], numbers.get("live")
    if live is None or not math.isfinite(live):
        return {"candidate": candidate, "live": None, "ratio": None, "difference": None}
    return {
        "candidate": candidate,
        "live": live,
        "ratio": candidate / live if live else None,
        "difference": candidate - live,
    }


def _shown(data: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} {data[key]:.4g}" for key in ("candidate", "live", "ratio", "difference") if data.get(key) is not None
    )
