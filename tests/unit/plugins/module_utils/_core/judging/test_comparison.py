# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is the candidate worse than live? The rates are computed by `python -m tests.simulation`; here what is judged."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from math import inf, nan
from random import Random

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.judging.comparison import (
    Counts,
    compare_errors,
    compare_latency,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.simulation.errors import false_failure, requests_until_found

HEALTHY = Counts(50, 10_000)


def latencies(seed: int, number: int, slower: float = 1.0) -> list[float]:
    source = Random(seed)
    return [slower * source.lognormvariate(0.0, 0.5) for _each in range(number)]


def test_a_candidate_that_errs_like_live_passes() -> None:
    comparison = compare_errors(Counts(6, 1000), HEALTHY)
    assert comparison.verdict == "pass"
    assert comparison.reason == "the candidate erred 0.6 % (6 of 1000), live 0.5 % (50 of 10000)"


def test_a_candidate_known_to_be_worse_fails_with_the_numbers() -> None:
    comparison = compare_errors(Counts(80, 7500), Counts(338, 67_500))
    assert comparison.verdict == "fail"
    assert comparison.reason == (
        "the candidate erred 1.07 % (80 of 7500), live 0.501 % (338 of 67500): known to be worse; "
        "tolerated: 1.2 times live"
    )
    assert comparison.statistics["ratio"] == pytest.approx(2.13, abs=0.01)
    assert comparison.statistics["excess"] > comparison.statistics["boundary"]


def test_more_errors_than_tolerated_but_no_more_than_chance_explains_pass() -> None:
    comparison = compare_errors(Counts(8, 1000), HEALTHY)
    assert comparison.verdict == "pass"
    assert comparison.reason.endswith(": no more than chance explains")


def test_known_to_be_worse_but_tolerated_passes() -> None:
    worse = compare_errors(Counts(6000, 1_000_000), Counts(5000, 1_000_000), max_ratio=1.5)
    assert worse.statistics["worse"] is True
    assert worse.verdict == "pass"


def test_either_tolerance_alone_is_enough_to_fail() -> None:
    candidate, live = Counts(6000, 1_000_000), Counts(5000, 1_000_000)
    assert compare_errors(candidate, live, max_ratio=None, max_difference=0.0005).verdict == "fail"
    assert compare_errors(candidate, live, max_ratio=None, max_difference=0.002).verdict == "pass"
    assert compare_errors(candidate, live, max_ratio=1.5, max_difference=0.0005).verdict == "fail"


@pytest.mark.parametrize(("percent", "errors"), [(1, 4), (5, 5), (25, 8), (50, 15)])
def test_a_crashing_candidate_is_found_by_its_first_errors(percent: int, errors: int) -> None:
    """All of its requests fail, and none of live's: long before any minimum of samples."""
    live = Counts(0, errors * (100 - percent) // percent)
    assert compare_errors(Counts(errors, errors), live).verdict == "fail"
    assert compare_errors(Counts(errors - 2, errors - 2), live).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("candidate", "live", "reason"),
    [
        (Counts(0, 0), HEALTHY, "the candidate had no requests"),
        (HEALTHY, Counts(0, 0), "live had no requests"),
        (Counts(1, 499), HEALTHY, r"too few requests \(the candidate had 499 of 500\); the candidate erred"),
        (Counts(1, 600), Counts(1, 20), r"too few requests \(live had 20 of 500\)"),
        (Counts(nan, 1000), HEALTHY, "the counts of errors and requests are not all numbers ≥ 0"),
        (Counts(5, inf), HEALTHY, "the counts of errors and requests are not all numbers ≥ 0"),
        (Counts(5, 1000), Counts(-1, 1000), "the counts of errors and requests are not all numbers ≥ 0"),
    ],
)
def test_no_data_is_never_a_pass(candidate: Counts, live: Counts, reason: str) -> None:
    comparison = compare_errors(candidate, live)
    assert comparison.verdict == "inconclusive"
    assert re.match(reason, comparison.reason)


def test_counts_that_a_metric_store_extrapolated_are_whole_again() -> None:
    comparison = compare_errors(Counts(1000.4, 1000.2), HEALTHY)
    assert comparison.statistics["candidate"] == {"errors": 1000, "total": 1000}


def test_neither_tolerance_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a largest ratio or a largest difference to live, got neither"):
        compare_errors(HEALTHY, HEALTHY, max_ratio=None)


@pytest.mark.parametrize("confidence", [0.4, 1.0, 99])
def test_a_confidence_is_below_1(confidence: float) -> None:
    with pytest.raises(ValueError, match=r"expected a confidence from 0\.5 to below 1, got"):
        compare_errors(HEALTHY, HEALTHY, confidence=confidence)
    with pytest.raises(ValueError, match=r"expected a confidence from 0\.5 to below 1, got"):
        compare_latency([1.0], [1.0], confidence=confidence)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.data())
def test_an_error_more_never_makes_it_better(own: int, others: int, data: st.DataObject) -> None:
    live = Counts(data.draw(st.integers(0, min(others, 2000))), others)
    errors = data.draw(st.integers(0, min(own, 2000)))
    order = ["pass", "inconclusive", "fail"]
    verdicts = [order.index(compare_errors(Counts(count, own), live).verdict) for count in (errors, errors + 1)]
    assert verdicts[0] <= verdicts[1]


@given(st.integers(1, 10**5), st.integers(1, 10**5), st.data())
def test_what_is_found_is_plain_json(own: int, others: int, data: st.DataObject) -> None:
    candidate = Counts(data.draw(st.integers(0, own)), own)
    live = Counts(data.draw(st.integers(0, others)), others)
    statistics = dict(compare_errors(candidate, live).statistics)
    assert json.loads(json.dumps(statistics, allow_nan=False)) == statistics


def test_four_steps_fail_no_more_than_one_release_in_a_hundred() -> None:
    """Exactly, and looked at after every error, however long."""
    assert sum(false_failure(percent) for percent in (5, 25, 50)) <= 0.01
    assert sum(false_failure(percent) for percent in (20, 40, 60, 80)) <= 0.01


@pytest.mark.parametrize(("percent", "requests"), [(5, 7500), (10, 7500), (50, 12_500)])
def test_a_doubled_error_rate_is_found(percent: int, requests: int) -> None:
    """In 95 of 100 as the whole simulation shows; here in so few runs that 88 would be a rare accident."""
    source = Random(percent)
    runs = 200
    ends = [
        requests_until_found(source, percent, rates=(0.01, 0.005), requests=requests, looks=30) for _each in range(runs)
    ]
    assert sum(end is not None for end in ends) >= 0.9 * runs


def test_the_same_latency_passes() -> None:
    comparison = compare_latency(latencies(1, 400), latencies(2, 400))
    assert comparison.verdict == "pass"
    assert comparison.reason.startswith("p95 of the candidate is 2.")


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.95])
def test_three_times_slower_is_found_in_a_hundred_samples(quantile: float) -> None:
    found = [
        compare_latency(latencies(seed, 100, 3.0), latencies(-seed, 100), quantile=quantile).verdict
        for seed in range(1, 41)
    ]
    assert found.count("fail") >= 38


def test_slower_at_the_tail_alone_is_seen_there_and_not_at_the_median() -> None:
    candidate = [5 * sample if index % 5 == 0 else sample for index, sample in enumerate(latencies(1, 800))]
    live = latencies(2, 800)
    assert compare_latency(candidate, live, quantile=0.95).verdict == "fail"
    assert compare_latency(candidate, live, quantile=0.5).verdict == "pass"


def test_slower_than_tolerated_but_no_more_than_chance_explains_passes() -> None:
    comparison = compare_latency(latencies(1, 200, 1.3), latencies(2, 200), quantile=0.5, by=1.2)
    assert comparison.statistics["candidate"] > 1.2 * comparison.statistics["live"]
    assert comparison.verdict == "pass"
    assert comparison.reason.endswith(": no more than chance explains")


def test_ties_do_not_count_as_slower() -> None:
    """A clock of whole milliseconds: everything is 1 or 2, and alike."""
    coarse = [1.0, 2.0] * 200
    assert compare_latency(coarse, coarse, quantile=0.5, by=1.0).verdict == "pass"


@pytest.mark.parametrize(
    ("candidate", "live", "reason"),
    [
        ([], [1.0] * 200, "the candidate has no samples of latency"),
        ([1.0] * 200, [], "live has no samples of latency"),
        ([nan] * 200, [1.0] * 200, "the candidate has no samples of latency"),
        (
            [1.0] * 99,
            [1.0] * 200,
            "too few samples (the candidate had 99 of 100); p95 of the candidate is 1, of live 1",
        ),
        ([1.0] * 200, [1.0] * 200 + [nan], "1 samples are no numbers ≥ 0; p95 of the candidate is 1, of live 1"),
        ([1.0] * 200, [1.0] * 200 + [-1.0], "1 samples are no numbers ≥ 0; p95 of the candidate is 1, of live 1"),
    ],
)
def test_no_latency_is_never_a_pass(candidate: list[float], live: list[float], reason: str) -> None:
    comparison = compare_latency(candidate, live)
    assert comparison.verdict == "inconclusive"
    assert comparison.reason == reason


def test_looking_more_often_sees_nothing_new_until_the_samples_have_doubled() -> None:
    candidate, live = latencies(1, 400), latencies(2, 400)
    seen = [compare_latency(candidate[:number], live[:number]).statistics["looks"] for number in range(100, 401, 10)]
    changes = [later for earlier, later in pairwise(seen) if later[0] != earlier[0]]
    assert [looks[0]["candidate"] for looks in changes] == [200, 400]


def test_all_looks_together_spend_no_more_than_the_error() -> None:
    samples = [1.0] * 100 * 2**12
    spent = sum(
        look["allowed"]
        for doublings in range(11)
        for look in compare_latency(samples[: 100 * 2**doublings], samples).statistics["looks"]
    )
    assert spent <= 0.01 * 0.03


def test_a_failure_before_the_minimum_of_samples_is_a_failure() -> None:
    slow = compare_latency(latencies(1, 120, 3.0), latencies(2, 400), quantile=0.5, min_samples=500)
    alike = compare_latency(latencies(1, 120), latencies(2, 400), quantile=0.5, min_samples=500)
    assert (slow.verdict, alike.verdict) == ("fail", "inconclusive")


@given(st.lists(st.floats(0, 1e6), max_size=300), st.lists(st.floats(0, 1e6), max_size=300), st.floats(0.01, 0.99))
def test_latencies_give_plain_json(candidate: list[float], live: list[float], quantile: float) -> None:
    statistics = dict(compare_latency(candidate, live, quantile=quantile).statistics)
    assert json.loads(json.dumps(statistics, allow_nan=False)) == statistics


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantile": 95}, "expected a quantile between 0 and 1, got 95"),
        ({"by": 0}, "expected a tolerated ratio above 0, got 0"),
        ({"min_samples": 0}, "expected at least 1 sample, got 0"),
    ],
)
def test_bad_options_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_latency([1.0], [1.0], **options)
