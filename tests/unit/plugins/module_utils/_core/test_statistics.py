# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tails against the same sums in fractions, and against figures that others have published."""

from __future__ import annotations

from fractions import Fraction
from math import comb, exp, inf, log

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.statistics import (
    binomial_at_least,
    binomial_at_most,
    exceedances_at_least,
    log_mean,
    quantile,
    share_interval,
)
from hypothesis import given
from hypothesis import strategies as st

trials = st.integers(1, 3000)
probabilities = st.floats(0.001, 0.999)


def binomial_in_fractions(successes: int, trials: int, probability: Fraction) -> float:
    terms = (
        comb(trials, count) * probability**count * (1 - probability) ** (trials - count)
        for count in range(successes, trials + 1)
    )
    return float(sum(terms, Fraction(0)))


def exceedances_in_fractions(exceeding: int, candidates: int, rank: int, controls: int) -> float:
    """Every order of candidates and controls is as likely as any other: those are counted that hold enough above."""
    ways = sum(
        comb(controls - rank + above, above) * comb(rank - 1 + candidates - above, candidates - above)
        for above in range(exceeding, candidates + 1)
    )
    return float(Fraction(ways, comb(controls + candidates, candidates)))


@pytest.mark.parametrize(
    ("successes", "trials", "probability"),
    [
        (5, 10, Fraction(1, 2)),
        (10, 10, Fraction(1, 2)),
        (3, 20, Fraction(1, 10)),
        (1, 300, Fraction(1, 100)),
        (140, 200, Fraction(1, 2)),
        (60, 200, Fraction(1, 2)),
        (40, 400, Fraction(1, 20)),
    ],
)
def test_binomial_tails_are_the_exact_ones(successes: int, trials: int, probability: Fraction) -> None:
    upper = binomial_in_fractions(successes, trials, probability)
    assert binomial_at_least(successes, trials, float(probability)) == pytest.approx(upper, rel=1e-10)
    assert binomial_at_most(successes - 1, trials, float(probability)) == pytest.approx(1 - upper, rel=1e-10)


def test_a_tail_so_far_out_that_its_complement_is_lost_is_still_exact() -> None:
    exact = binomial_in_fractions(900, 1000, Fraction(1, 2))
    assert 0 < exact < 1e-150
    assert binomial_at_least(900, 1000, 0.5) == pytest.approx(exact, rel=1e-9)
    assert binomial_at_most(100, 1000, 0.5) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    ("successes", "trials", "probability", "expected"),
    [(0, 10, 0.3, 1.0), (11, 10, 0.3, 0.0), (1, 10, 0.0, 0.0), (10, 10, 1.0, 1.0), (-1, 10, 0.5, 1.0)],
)
def test_the_ends_of_a_binomial(successes: int, trials: int, probability: float, expected: float) -> None:
    assert binomial_at_least(successes, trials, probability) == expected


@given(trials, probabilities, st.data())
def test_a_tail_falls_with_the_count_and_grows_with_the_probability(
    trials: int, probability: float, data: st.DataObject
) -> None:
    successes = data.draw(st.integers(0, trials))
    tail = binomial_at_least(successes, trials, probability)
    assert 0 <= tail <= 1
    assert binomial_at_least(successes + 1, trials, probability) <= tail + 1e-9
    assert binomial_at_least(successes, trials, min(probability + 0.01, 1.0)) >= tail - 1e-9


@given(trials, probabilities, st.data())
def test_the_two_tails_add_up(trials: int, probability: float, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    below = binomial_at_most(successes - 1, trials, probability)
    assert binomial_at_least(successes, trials, probability) + below == pytest.approx(1, abs=1e-9)


@given(st.integers(1, 40), st.integers(1, 60), st.data())
def test_exceedances_are_counted_over_all_orders(candidates: int, controls: int, data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, controls))
    exceeding = data.draw(st.integers(0, candidates + 1))
    exact = exceedances_in_fractions(exceeding, candidates, rank, controls)
    assert exceedances_at_least(exceeding, candidates, rank, controls) == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_exceedances_of_the_largest_of_as_many() -> None:
    """All of ten above the largest of ten: one order of all."""
    assert exceedances_at_least(10, 10, 10, 10) == pytest.approx(1 / comb(20, 10))


def test_the_interval_of_ten_in_a_hundred() -> None:
    """The figures that R's prop.test prints without its correction."""
    low, high = share_interval(10, 100, 0.95)
    assert [low, high] == pytest.approx([0.05522914, 0.17436566], abs=1e-8)


def test_the_interval_without_data_is_everything() -> None:
    assert share_interval(0, 0, 0.99) == (0.0, 1.0)


@given(trials, st.sampled_from([0.9, 0.95, 0.99]), st.data())
def test_an_interval_holds_its_share_and_narrows_with_the_confidence(
    trials: int, confidence: float, data: st.DataObject
) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = share_interval(successes, trials, confidence)
    assert 0 <= low <= successes / trials <= high <= 1
    narrower = share_interval(successes, trials, confidence - 0.1)
    assert low <= narrower[0]
    assert narrower[1] <= high


def test_the_quantile_of_the_normal_distribution() -> None:
    assert quantile(0.975) == pytest.approx(1.959963985, abs=1e-9)


def test_the_mean_of_numbers_too_large_for_a_float() -> None:
    assert log_mean([log(2), log(4), -inf]) == pytest.approx(log(2))
    assert log_mean([5000.0, 5000.0]) == 5000.0
    assert exp(log_mean([log(3), -5000.0])) == pytest.approx(1.5)
