# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numerics that decisions rest on: exact tails of two distributions, and an interval for a share."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

# A tail is summed until what a further term adds is below the resolution of a float.
_NEGLIGIBLE = 1e-17


def quantile(probability: float) -> float:
    """The quantile of the standard normal distribution."""
    return NormalDist().inv_cdf(probability)


def binomial_at_least(successes: int, trials: int, probability: float) -> float:
    """P(X ≥ successes) for X ~ Binomial(trials, probability), exact up to rounding."""
    if successes <= 0:
        return 1.0
    if successes > trials or probability <= 0.0:
        return 0.0
    if probability >= 1.0:
        return 1.0
    if successes > trials * probability:
        return _far_tail(successes, trials, probability)
    return 1.0 - _far_tail(trials - successes + 1, trials, 1.0 - probability)


def binomial_at_most(successes: int, trials: int, probability: float) -> float:
    """P(X ≤ successes) for X ~ Binomial(trials, probability), exact up to rounding."""
    return binomial_at_least(trials - successes, trials, 1.0 - probability)


def _far_tail(successes: int, trials: int, probability: float) -> float:
    """P(X ≥ successes) from above the mean, where each term is smaller than the one before it."""
    odds = probability / (1.0 - probability)
    term = exp(_log_binomial_term(successes, trials, probability))
    total = 0.0
    while successes <= trials and term > total * _NEGLIGIBLE:
        total += term
        term *= odds * (trials - successes) / (successes + 1)
        successes += 1
    return min(total, 1.0)


def _log_binomial_term(successes: int, trials: int, probability: float) -> float:
    return _log_ways(trials, successes) + successes * log(probability) + (trials - successes) * log1p(-probability)


def share_interval(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927): it also holds for shares near 0 and 1, and for few trials."""
    if trials == 0:
        return 0.0, 1.0
    z = quantile(0.5 + confidence / 2)
    share = successes / trials
    spread = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    centre = share + z * z / (2 * trials)
    scale = 1 + z * z / trials
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return low, high


def exceedances_at_least(exceeding: int, candidates: int, rank: int, controls: int) -> float:
    """P(at least ``exceeding`` of the candidates lie above the control of that rank), all from one distribution.

    The distribution of the number of exceedances (Gumbel & von Schelling 1950): it does not depend on the one that
    the samples come from. Ranks count from 1, the smallest.
    """
    if exceeding <= 0:
        return 1.0
    if exceeding > candidates:
        return 0.0
    if exceeding > candidates * (controls - rank + 1) / (controls + 1):
        return _far_exceedances(exceeding, candidates, rank, controls)
    return 1.0 - _far_exceedances(candidates - exceeding + 1, candidates, controls - rank + 1, controls)


def _far_exceedances(exceeding: int, candidates: int, rank: int, controls: int) -> float:
    above = controls - rank
    below = rank - 1
    term = exp(
        _log_ways(above + exceeding, exceeding)
        + _log_ways(below + candidates - exceeding, candidates - exceeding)
        - _log_ways(controls + candidates, candidates)
    )
    total = 0.0
    while exceeding <= candidates and term > total * _NEGLIGIBLE:
        total += term
        left = candidates - exceeding
        term *= (above + exceeding + 1) / (exceeding + 1) * left / max(below + left, 1)
        exceeding += 1
    return min(total, 1.0)


def _log_ways(things: int, chosen: int) -> float:
    return lgamma(things + 1) - lgamma(chosen + 1) - lgamma(things - chosen + 1)


def log_mean(logarithms: Sequence[float]) -> float:
    """The logarithm of the mean of numbers of which only the logarithms are given; one of them may be of 0."""
    largest = max(logarithms)
    return largest + log(sum(exp(each - largest) for each in logarithms) / len(logarithms))
