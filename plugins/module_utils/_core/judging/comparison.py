# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is the candidate worse than live? Error rates by counts, latency by ranks.

Both carry no state between looks and still keep their error however often one looks: everything counted or measured
since the step began goes into each call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf, isnan, log, sqrt
from typing import Any

from ..statistics import exceedances_at_least, log_mean
from ..statistics import quantile as normal_quantile
from ..verdict import FAIL, INCONCLUSIVE, PASS, Verdict

# The false failures of one step of a release, in parts of the whole error: four steps with both comparisons stay
# below it. For errors it is the part at a candidate with half of the traffic, and falls in proportion to either side.
_ERRORS = 0.4
_LATENCY = 0.03

# Latency is first looked at with this many samples, or with as few as may pass.
_SMALLEST_LOOK = 100

# What the comparison of errors is laid out for, and how many standard deviations a fixed test would see it from.
_DOUBLED = 2.0
_CLEARLY = 1.9
# A part of the error looks for what is much worse than doubled, or only a little, by likelihood ratios for these.
_RATIOS = (1.3, 2.0, 4.0, 20.0, inf)
_EXTREMES = 0.04


@dataclass(frozen=True)
class Counts:
    """Errors among requests, since the step began."""

    errors: float
    total: float

    def usable(self) -> bool:
        """Whether both are numbers, and none is negative."""
        return 0 <= self.errors < inf and 0 <= self.total < inf

    def whole(self) -> Counts:
        """As whole numbers: a metric store extrapolates, by less than one and beyond the total."""
        total = round(self.total)
        return Counts(min(round(self.errors), total), total)

    def rate(self) -> float:
        return self.errors / self.total


@dataclass(frozen=True)
class Comparison:
    """What a comparison found; ``statistics`` is plain JSON and holds every number that the verdict rests on."""

    verdict: Verdict
    reason: str
    statistics: Mapping[str, Any] = field(default_factory=dict)


def compare_errors(
    candidate: Counts,
    live: Counts,
    confidence: float = 0.99,
    max_ratio: float | None = 1.2,
    max_difference: float | None = None,
    min_samples: int = 500,
) -> Comparison:
    """Fail when the candidate is known to err more often than live, and by more than is tolerated.

    ``max_difference`` is one of rates: 0.01 is one error more in a hundred requests. Pass takes ``min_samples``
    requests to each of both; a failure is known from fewer.
    """
    _check_confidence(confidence)
    if max_ratio is None and max_difference is None:
        raise ValueError("expected a largest ratio or a largest difference to live, got neither")
    if not (candidate.usable() and live.usable()):
        return Comparison(INCONCLUSIVE, "the counts of errors and requests are not all numbers ≥ 0")
    candidate, live = candidate.whole(), live.whole()
    statistics: dict[str, Any] = {
        "candidate": {"errors": candidate.errors, "total": candidate.total},
        "live": {"errors": live.errors, "total": live.total},
        "confidence": confidence,
    }
    for name, counts in (("the candidate", candidate), ("live", live)):
        if not counts.total:
            return Comparison(INCONCLUSIVE, f"{name} had no requests", statistics)
    evidence = _evidence(candidate, live, 1 - confidence)
    ratio = candidate.errors * live.total / (candidate.total * live.errors) if live.errors else None
    difference = candidate.rate() - live.rate()
    statistics |= {"ratio": ratio, "difference": difference, **evidence}
    above = max_ratio is not None and candidate.errors * live.total > max_ratio * live.errors * candidate.total
    above = above or (max_difference is not None and difference > max_difference)
    compared = f"the candidate erred {_rate(candidate)}, live {_rate(live)}"
    if evidence["worse"] and above:
        tolerated = [
            *([f"{max_ratio:g} times live"] if max_ratio is not None else []),
            *([f"{100 * max_difference:g} % more than live"] if max_difference is not None else []),
        ]
        return Comparison(FAIL, f"{compared}: known to be worse; tolerated: {' and '.join(tolerated)}", statistics)
    short = _short({"the candidate": candidate.total, "live": live.total}, min_samples, "requests")
    if short:
        return Comparison(INCONCLUSIVE, f"{short}; {compared}", statistics)
    if above:
        return Comparison(PASS, f"{compared}: no more than chance explains", statistics)
    return Comparison(PASS, compared, statistics)


def _evidence(candidate: Counts, live: Counts, error: float) -> dict[str, Any]:
    """Given how many errors there are, which part of them is the candidate's? As large as its part of requests.

    Two boundaries, either may be crossed at any look. One is O'Brien & Fleming's (1979): the candidate's errors above
    what was expected stay below a constant up to a horizon, where a fixed test would see a doubled rate, and below
    a steep line from there. The other bounds a mixture of likelihood ratios (Robbins 1970) by Ville's inequality.
    """
    part = candidate.total / (candidate.total + live.total)
    alpha = _ERRORS * error * 2 * min(part, 1 - part)
    errors = candidate.errors + live.errors
    doubled = _DOUBLED * part / (1 - part + _DOUBLED * part)
    deviation = sqrt(part * (1 - part))
    doubled_deviation = sqrt(doubled * (1 - doubled))
    fixed = normal_quantile(1 - alpha) * deviation + _CLEARLY * doubled_deviation
    horizon = (fixed / (doubled - part)) ** 2
    # By the reflection principle the largest excess up to the horizon is twice as likely beyond it as the last one.
    boundary = normal_quantile(1 - alpha / 2) * deviation * sqrt(horizon)
    boundary *= max(1.0, 2 * errors / horizon - 1)
    excess = candidate.errors - errors * part
    threshold = -log(alpha * _EXTREMES)
    likelihood = log_mean([_log_likelihood_ratio(candidate.errors, live.errors, part, ratio) for ratio in _RATIOS])
    return {
        "excess": excess,
        "boundary": boundary,
        "horizon": horizon,
        "log_likelihood_ratio": likelihood,
        "threshold": threshold,
        "worse": excess >= boundary or likelihood >= threshold,
    }


def _log_likelihood_ratio(candidate: float, live: float, part: float, ratio: float) -> float:
    """For a candidate that errs ``ratio`` times as often as live, against one that errs alike."""
    if ratio == inf:
        return -inf if live else -candidate * log(part)
    return candidate * log(ratio) - (candidate + live) * log(1 - part + ratio * part)


def _rate(counts: Counts) -> str:
    return f"{100 * counts.rate():.3g} % ({counts.errors:.0f} of {counts.total:.0f})"


def compare_latency(
    candidate: Sequence[float],
    live: Sequence[float],
    quantile: float = 0.95,
    by: float = 1.2,
    confidence: float = 0.99,
    min_samples: int = 100,
) -> Comparison:
    """Fail when the candidate's quantile is known to lie above ``by`` times live's.

    Samples come in the order in which they were taken: a look judges the first so many of them, in a number that only
    doubles, so that looking more often does not look at anything new. Of live it takes as many, and four times as
    many where there are.
    """
    _check_confidence(confidence)
    if not 0 < quantile < 1:
        raise ValueError(f"expected a quantile between 0 and 1, got {quantile:g}")
    if by <= 0 or isnan(by):
        raise ValueError(f"expected a tolerated ratio above 0, got {by:g}")
    if min_samples < 1:
        raise ValueError(f"expected at least 1 sample, got {min_samples}")
    candidate_seen, live_seen = _numbers(candidate), _numbers(live)
    ignored = len(candidate) - len(candidate_seen) + len(live) - len(live_seen)
    statistics: dict[str, Any] = {
        "quantile": quantile,
        "by": by,
        "confidence": confidence,
        "samples": {"candidate": len(candidate_seen), "live": len(live_seen), "ignored": ignored},
    }
    if not candidate_seen or not live_seen:
        who = "live" if candidate_seen else "the candidate"
        return Comparison(INCONCLUSIVE, f"{who} has no samples of latency", statistics)
    own, others = _quantile_of(candidate_seen, quantile), _quantile_of(live_seen, quantile)
    smallest = min(min_samples, _SMALLEST_LOOK)
    looks = list(_looks(candidate_seen, live_seen, quantile, by, (1 - confidence) * _LATENCY, smallest))
    statistics |= {"candidate": own, "live": others, "looks": looks}
    compared = f"p{100 * quantile:g} of the candidate is {own:.4g}, of live {others:.4g}"
    if own > by * others and any(look["probability"] <= look["allowed"] for look in looks):
        return Comparison(FAIL, f"{compared}: known to be more than {by:g} times live's", statistics)
    short = _short({"the candidate": len(candidate_seen), "live": len(live_seen)}, min_samples, "samples")
    if short:
        return Comparison(INCONCLUSIVE, f"{short}; {compared}", statistics)
    if ignored:
        return Comparison(INCONCLUSIVE, f"{ignored} samples are no numbers ≥ 0; {compared}", statistics)
    if own > by * others:
        return Comparison(PASS, f"{compared}: no more than chance explains", statistics)
    return Comparison(PASS, compared, statistics)


def _looks(
    candidate: Sequence[float], live: Sequence[float], quantile: float, by: float, error: float, smallest: int
) -> Iterator[dict[str, Any]]:
    """The largest look that there are samples for, with as much of live and with four times as much."""
    for multiple in (1, 4):
        doublings = min(len(candidate), len(live) // multiple) // smallest
        if not doublings:
            continue
        look = doublings.bit_length() - 1
        size = smallest * 2**look
        controls = sorted(live[: size * multiple])
        rank = ceil(quantile * len(controls))
        limit = by * controls[rank - 1]
        exceeding = sum(sample > limit for sample in candidate[:size])
        yield {
            "candidate": size,
            "live": len(controls),
            "exceeding": exceeding,
            "probability": exceedances_at_least(exceeding, size, rank, len(controls)),
            "allowed": error / 2 / 2 ** (look + 1),
        }


def _numbers(samples: Sequence[float]) -> list[float]:
    return [sample for sample in samples if 0 <= sample < inf]


def _quantile_of(samples: Sequence[float], quantile: float) -> float:
    return sorted(samples)[ceil(quantile * len(samples)) - 1]


def _short(seen: Mapping[str, float], needed: int, what: str) -> str:
    """Who has too few, in words; empty when nobody has."""
    few = [f"{who} had {number:.0f}" for who, number in seen.items() if number < needed]
    return f"too few {what} ({', '.join(few)} of {needed})" if few else ""


def _check_confidence(confidence: float) -> None:
    if not 0.5 <= confidence < 1:
        raise ValueError(f"expected a confidence from 0.5 to below 1, got {confidence:g}")
