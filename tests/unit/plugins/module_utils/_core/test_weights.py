# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Weights: whole, fair, and always one hundred."""

from __future__ import annotations

from random import Random

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import ReleaseError, SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.weights import (
    checked_weights,
    largest_remainder,
    live_version,
    weights_at,
)
from hypothesis import assume, given
from hypothesis import strategies as st

NAMES = st.text("abcdefgh", min_size=1, max_size=3)
SHARES = st.dictionaries(NAMES, st.integers(0, 1000), min_size=1, max_size=8).filter(
    lambda shares: any(shares.values())
)
TOTALS = st.integers(0, 300)


@given(SHARES, TOTALS)
def test_the_parts_sum_to_the_whole_and_none_is_a_unit_off(shares: dict[str, int], total: int) -> None:
    divided = largest_remainder(shares, total)
    whole = sum(shares.values())
    assert sum(divided.values()) == total
    assert list(divided) == list(shares)
    # In whole numbers, so that no rounding of floats decides.
    assert all(abs(divided[name] * whole - share * total) < whole for name, share in shares.items())


@given(SHARES, TOTALS)
def test_who_has_more_never_gets_less(shares: dict[str, int], total: int) -> None:
    divided = largest_remainder(shares, total)
    assert all(divided[more] >= divided[less] for more in shares for less in shares if shares[more] > shares[less])


@given(SHARES, TOTALS, st.randoms(use_true_random=False))
def test_the_order_decides_nothing_but_ties(shares: dict[str, int], total: int, random: Random) -> None:
    whole = sum(shares.values())
    remainders = [share * total % whole for share in shares.values() if share * total % whole]
    assume(len(set(remainders)) == len(remainders))
    names = list(shares)
    random.shuffle(names)
    assert largest_remainder({name: shares[name] for name in names}, total) == largest_remainder(shares, total)


@given(SHARES)
def test_percentages_that_are_whole_already_stay(shares: dict[str, int]) -> None:
    assert largest_remainder(shares, sum(shares.values())) == shares


def test_a_tie_goes_to_who_comes_first() -> None:
    assert largest_remainder({"a": 1, "b": 1, "c": 1}, 100) == {"a": 34, "b": 33, "c": 33}


def test_nothing_cannot_be_divided() -> None:
    with pytest.raises(ValueError, match="shares must sum to more than 0"):
        largest_remainder({"a": 0}, 100)


@given(SHARES, st.integers(0, 99))
def test_a_step_gives_the_candidate_its_percentage_and_the_others_the_rest(live: dict[str, int], percent: int) -> None:
    versions = [*live, "candidate"]
    weights = weights_at(versions, "candidate", percent, live)
    assert list(weights) == versions
    assert weights["candidate"] == percent
    assert sum(weights.values()) == 100
    assert all(weights[name] == 0 for name in live if live[name] == 0), "who had nothing is not given anything"


@given(SHARES)
def test_at_the_end_everything_is_the_candidates(live: dict[str, int]) -> None:
    weights = weights_at([*live, "candidate"], "candidate", 100, live)
    assert weights == {**dict.fromkeys(live, 0), "candidate": 100}


def test_the_others_keep_their_proportions() -> None:
    assert weights_at(["v1", "v2", "v3"], "v3", 50, {"v1": 80, "v2": 20}) == {"v1": 40, "v2": 10, "v3": 50}


def test_a_rest_without_an_owner_is_refused() -> None:
    with pytest.raises(ReleaseError) as refused:
        weights_at(["blue", "green"], "green", 50, {"green": 100})
    assert refused.value.message == "nothing but green has traffic: it cannot be given 50 %"
    assert weights_at(["blue", "green"], "green", 100, {}) == {"blue": 0, "green": 100}, "a first install"


def test_a_candidate_that_is_no_version_is_refused() -> None:
    with pytest.raises(ReleaseError) as refused:
        weights_at(["blue", "green"], "red", 50, {"blue": 100})
    assert refused.value.message == "red is not among the versions blue, green"


def test_weights_are_checked_with_their_path() -> None:
    assert checked_weights({"blue": 90, 2: "10"}, "weights") == {"blue": 90, "2": 10}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"blue": 90, "green": 20}, "weights: weights must sum to 100, these sum to 110 (blue: 90, green: 20)"),
        ({"blue": 90}, "weights: weights must sum to 100, these sum to 90 (blue: 90)"),
        ({"blue": 110, "green": -10}, "weights.blue: expected integer from 0 to 100, got 110"),
        ({"green": -10, "blue": 110}, "weights.green: expected integer from 0 to 100, got -10"),
        ({"blue": 99.5, "green": 0.5}, "weights.blue: expected integer from 0 to 100, got 99.5"),
        ({}, "weights: expected a mapping of version to percentage, got {}"),
        ([90, 10], "weights: expected a mapping of version to percentage, got [90, 10]"),
    ],
)
def test_weights_that_are_wrong_say_what_they_sum_to(weights: object, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        checked_weights(weights, "weights")
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("weights", "live"),
    [
        ({"blue": 100, "green": 0}, "blue"),
        ({"blue": 49, "green": 51}, "green"),
        ({"blue": 40, "green": 40, "red": 20}, None),
        ({"blue": 50, "green": 50}, None),
        ({"blue": 0, "green": 0}, None),
        ({"blue": 0}, None),
        ({"blue": 1}, "blue"),
        ({}, None),
    ],
)
def test_live_is_who_has_the_largest_weight(weights: dict[str, int], live: str | None) -> None:
    assert live_version(weights) == live
