# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does traffic split as wanted? What is decided, when, and how seldom wrongly.

The error rates themselves are computed exactly by `python -m tests.simulation`; here a few of them stand for all.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import (
    ShareDecision,
    ShareTest,
    Wanted,
    supports,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.simulation.shares import outcome

HALF = {"blue": 50, "green": 50}


def decided(weights: dict[str, int], true: float, source: Random) -> ShareDecision:
    """The decision about traffic of which green truly gets that percentage."""
    test = ShareTest(weights)
    while test.decision is None:
        test.observe("green" if source.random() < true / 100 else "blue")
    return test.decision


def in_one_lump(weights: dict[str, int], **counts: int) -> ShareDecision | None:
    test = ShareTest(weights)
    for version, count in counts.items():
        test.observe(version, count)
    return test.decision


@pytest.mark.parametrize(
    ("weight", "tolerance"),
    [(0, 0.0), (1, 0.5), (5, 2.5), (9, 4.5), (10, 5.0), (50, 5.0), (91, 4.5), (99, 0.5), (100, 0.0)],
)
def test_the_tolerance_shrinks_towards_the_ends(weight: int, tolerance: float) -> None:
    assert Wanted({"blue": 100 - weight, "green": weight}).tolerance_of("green") == tolerance


def test_a_narrow_tolerance_stays_as_it_is() -> None:
    assert Wanted(HALF, tolerance=1.5).tolerance_of("blue") == 1.5


@pytest.mark.parametrize("wanted", [5, 25, 50, 75, 95])
def test_what_is_right_is_found_within(wanted: int) -> None:
    verdicts = Counter(
        decided({"blue": 100 - wanted, "green": wanted}, wanted, Random(seed)).verdict for seed in range(60)
    )
    assert verdicts["within"] >= 57, verdicts


@pytest.mark.parametrize(("wanted", "true"), [(50, 60), (50, 40), (25, 35), (5, 15), (95, 85)])
def test_what_is_wrong_is_found_outside(wanted: int, true: int) -> None:
    verdicts = Counter(
        decided({"blue": 100 - wanted, "green": wanted}, true, Random(seed)).verdict for seed in range(60)
    )
    assert verdicts["outside"] >= 59, verdicts


@pytest.mark.parametrize("wanted", [1, 5, 25, 50])
def test_a_version_that_never_answers_is_outside(wanted: int) -> None:
    """What a paused control plane looks like after the first weight was written."""
    decision = decided({"blue": 100 - wanted, "green": wanted}, 0, Random(1))
    assert decision.verdict == "outside"
    assert decision.shares == {"blue": 100.0, "green": 0.0}


@pytest.mark.parametrize("wanted", [5, 25, 50])
def test_false_alarms_and_mismatches_have_the_stated_rates(wanted: int) -> None:
    right, wrong = outcome(wanted, wanted), outcome(wanted, wanted + 5)
    assert right.outside <= 0.0035
    assert right.undecided <= 0.02
    assert wrong.outside_within[1500] >= 0.8
    assert wrong.outside_within[2500] >= 0.95
    assert wrong.within <= 0.01


def test_exact_rates_and_simulated_ones_agree() -> None:
    exact = outcome(50, 55)
    runs = 150
    verdicts = Counter(decided(HALF, 55, Random(seed)).verdict for seed in range(runs))
    assert verdicts["outside"] == pytest.approx(exact.outside * runs, abs=3 * (0.05 * 0.95 * runs) ** 0.5)


def test_four_steps_raise_no_more_than_one_false_alarm_in_a_hundred() -> None:
    assert sum(outcome(percent, percent).outside for percent in (5, 25, 50)) <= 0.01
    assert sum(outcome(percent, percent).outside for percent in (20, 40, 60, 80)) <= 0.01


@pytest.mark.parametrize("weights", [{"blue": 100, "green": 0}, {"blue": 100}])
def test_nothing_else_in_300_answers_is_within(weights: dict[str, int]) -> None:
    too_few, enough = in_one_lump(weights, blue=299), in_one_lump(weights, blue=300)
    assert too_few is None
    assert enough is not None
    assert enough.verdict == "within"
    assert ShareTest(weights).requests_needed == 300


def test_a_single_answer_is_too_many_for_a_version_at_0() -> None:
    decision = in_one_lump({"blue": 100, "green": 0}, blue=10, green=1)
    assert decision is not None
    assert decision.verdict == "outside"
    assert decision.reason == "green got 9.091 % (1 of 11), wanted 0 ± 0 %"


def test_a_version_at_0_beside_two_others() -> None:
    weights = {"blue": 50, "green": 50, "red": 0}
    with_red = in_one_lump(weights, blue=1000, green=1000, red=1)
    without = in_one_lump(weights, blue=1000, green=1000)
    assert with_red is not None
    assert without is not None
    assert (with_red.verdict, without.verdict) == ("outside", "within")


@pytest.mark.parametrize(
    ("blue", "verdict"), [(1250, "within"), (1320, "undecided"), (1400, "outside")], ids=["right", "near", "far"]
)
def test_each_of_three_versions_has_to_be_right(blue: int, verdict: str) -> None:
    green = 750 - (blue - 1250) // 2
    decision = in_one_lump({"green": 30, "red": 20, "blue": 50}, blue=blue, green=green, red=2500 - blue - green)
    assert decision is not None
    assert decision.verdict == verdict


def test_a_large_lump_a_little_off_is_within() -> None:
    decision = in_one_lump(HALF, blue=505_000, green=495_000)
    assert decision is not None
    assert decision.verdict == "within"


def test_a_large_lump_beyond_the_tolerance_is_outside() -> None:
    decision = in_one_lump(HALF, blue=560_000, green=440_000)
    assert decision is not None
    assert decision.verdict == "outside"


def test_the_reason_holds_the_numbers() -> None:
    decision = in_one_lump({"blue": 75, "green": 25}, blue=1875, green=625)
    assert decision is not None
    assert decision.reason == (
        "blue got 75 % (1875 of 2500), wanted 75 ± 5 %; green got 25 % (625 of 2500), wanted 25 ± 5 %"
    )
    assert decision.requests == 2500
    low, high = decision.intervals["green"]
    assert 22 < low < 25 < high < 28


def test_no_answer_no_decision() -> None:
    assert ShareTest(HALF).decision is None


def test_too_close_to_tell_is_undecided() -> None:
    decision = in_one_lump(HALF, blue=1320, green=1180)
    assert decision is not None
    assert decision.verdict == "undecided"
    assert decision.reason.startswith("too close to the edge of the tolerance to tell: blue got 52.8 %")


@given(st.integers(0, 100), st.lists(st.tuples(st.sampled_from(["blue", "green"]), st.integers(0, 400)), max_size=30))
def test_counts_add_up_and_a_decision_stays(weight: int, lumps: list[tuple[str, int]]) -> None:
    test = ShareTest({"blue": 100 - weight, "green": weight})
    first = None
    for version, count in lumps:
        test.observe(version, count)
        first = first or test.decision
        assert test.decision is first
    assert test.total == sum(test.counts.values()) == sum(count for version, count in lumps)
    if first is not None:
        assert sum(first.shares.values()) == pytest.approx(100)
        assert all(low <= first.shares[version] <= high for version, (low, high) in first.intervals.items())


@given(st.integers(0, 100), st.permutations(["blue", "green", "blue", "green", "blue", "green"]), st.integers(0, 900))
def test_the_order_within_a_lump_means_nothing(weight: int, order: list[str], count: int) -> None:
    weights = {"blue": 100 - weight, "green": weight}
    test = ShareTest(weights)
    for version in order:
        test.observe(version, count)
    assert test.decision == in_one_lump(weights, blue=3 * count, green=3 * count)


@given(st.integers(1, 99), st.integers(0, 3000), st.integers(0, 3000))
def test_which_of_two_versions_comes_first_means_nothing(weight: int, own: int, others: int) -> None:
    one = in_one_lump({"green": weight, "blue": 100 - weight}, green=own, blue=others)
    other = in_one_lump({"blue": 100 - weight, "green": weight}, green=own, blue=others)
    assert (one and one.verdict) == (other and other.verdict)


@pytest.mark.parametrize(
    ("weight", "needed"),
    [(0, 300), (100, 300), (1, 11863), (2, 5854), (5, 2500), (25, 2500), (50, 2500), (99, 11863)],
)
def test_small_weights_take_more_requests(weight: int, needed: int) -> None:
    assert ShareTest({"blue": 100 - weight, "green": weight}).requests_needed == needed


@given(st.integers(1, 99), st.floats(0.2, 10), st.floats(0.8, 0.99))
def test_less_tolerance_and_more_confidence_take_more_requests(
    weight: int, tolerance: float, confidence: float
) -> None:
    needed = supports(tolerance, weight, confidence)
    assert supports(tolerance * 0.9, weight, confidence) >= needed
    assert supports(tolerance, weight, 1 - (1 - confidence) / 2) >= needed


def test_requests_that_cannot_support_the_tolerance_are_refused_with_the_number() -> None:
    with pytest.raises(
        ValueError,
        match=r"1000 requests cannot tell 50 % for blue from what lies 2 points beside it with confidence 0.99: "
        r"allow at least \d+ requests or a wider tolerance",
    ):
        ShareTest(HALF, tolerance=2, requests=1000)


def test_as_many_requests_as_named_in_the_refusal_are_accepted() -> None:
    needed = supports(2, 50, 0.99)
    assert ShareTest(HALF, tolerance=2, requests=needed).requests_needed == needed


@pytest.mark.parametrize(
    ("weights", "tolerance", "confidence", "message"),
    [
        ({}, 5, 0.99, "expected weights from 0 to 100 that sum to 100, got none"),
        ({"blue": 60, "green": 60}, 5, 0.99, "expected weights .*, got blue: 60, green: 60"),
        ({"blue": 110, "green": -10}, 5, 0.99, "expected weights .*, got blue: 110, green: -10"),
        (HALF, 0, 0.99, "expected a tolerance between 0 and 100 points, got 0"),
        (HALF, 5, 1, "expected a confidence from 0.5 to below 1, got 1"),
        (HALF, 5, 99, "expected a confidence from 0.5 to below 1, got 99"),
    ],
)
def test_bad_input_is_refused(weights: dict[str, int], tolerance: float, confidence: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ShareTest(weights, tolerance, confidence)


def test_answers_of_others_are_not_taken() -> None:
    with pytest.raises(ValueError, match="red: not one of the versions blue, green"):
        ShareTest(HALF).observe("red")


def test_answers_are_not_taken_back() -> None:
    with pytest.raises(ValueError, match="green: expected a number of answers ≥ 0, got -1"):
        ShareTest(HALF).observe("green", -1)
