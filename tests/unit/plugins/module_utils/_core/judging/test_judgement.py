# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judgement: what makes a pass, a failure and neither, and that it can be had again from what was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.judging.judge import Judge, read_judge
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.judging.judgement import History, Judgement
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.judging.measurements import (
    Measurement,
    Shape,
    grouped,
    latencies_of,
    read_samples,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section
from hypothesis import given, settings
from hypothesis import strategies as st

STALE = {"error": "the store does not answer"}
EMPTY = {"missing": "candidate: no series"}


def judge(shape: Shape = "value", **keys: Any) -> Judge:
    return read_judge(Section(keys, "judge"), shape)


def value(candidate: float, live: float | None = None) -> Measurement:
    return {"at": 0.0, "candidate": candidate, **({} if live is None else {"live": live})}


def counts(candidate: tuple[float, float], live: tuple[float, float] | None = None) -> Measurement:
    found = {"candidate": candidate, "live": live}
    return {"at": 0.0, **{role: {"errors": pair[0], "total": pair[1]} for role, pair in found.items() if pair}}


def judged(by: Judge, measurements: Sequence[Measurement]) -> Judgement:
    return History(by).add_all(measurements)


def verdict(by: Judge, *measurements: Measurement) -> str:
    return judged(by, measurements).verdict


@pytest.mark.parametrize(
    ("keys", "number", "expected"),
    [
        ({"pass_when": "candidate < `1`"}, 0.5, "pass"),
        ({"pass_when": "candidate < `1`"}, 1.5, "fail"),
        ({"fail_when": "candidate > `1`"}, 0.5, "pass"),
        ({"fail_when": "candidate > `1`"}, 1.5, "fail"),
        ({"pass_when": "candidate < `1`", "fail_when": "candidate > `2`"}, 0.5, "pass"),
        ({"pass_when": "candidate < `1`", "fail_when": "candidate > `2`"}, 1.5, "inconclusive"),
        ({"pass_when": "candidate < `1`", "fail_when": "candidate > `2`"}, 2.5, "fail"),
    ],
)
def test_conditions(keys: dict[str, Any], number: float, expected: str) -> None:
    assert verdict(judge(**keys), value(number)) == expected


@pytest.mark.parametrize(
    ("keys", "candidate", "live", "expected"),
    [
        ({"max_ratio_to_live": 1.2}, 1.2, 1.0, "pass"),
        ({"max_ratio_to_live": 1.2}, 1.21, 1.0, "fail"),
        ({"max_ratio_to_live": 1.2}, 0.0, 0.0, "pass"),
        ({"max_ratio_to_live": 1.2}, 0.1, 0.0, "fail"),
        ({"max_ratio_to_live": 1.2}, -1.0, 1.0, "inconclusive"),
        ({"max_difference_to_live": 5}, 15.0, 10.0, "pass"),
        ({"max_difference_to_live": 5}, 15.5, 10.0, "fail"),
        ({"pass_when": "ratio < `2`"}, 1.5, 1.0, "pass"),
        ({"pass_when": "ratio < `2`"}, 1.5, 0.0, "inconclusive"),
        ({"pass_when": "difference < `2` && candidate < `9`"}, 8.5, 7.0, "pass"),
        ({"max_ratio_to_live": 1.2}, 1.0, None, "inconclusive"),
        ({"pass_when": "candidate < `2`", "max_ratio_to_live": 1.2}, 1.5, 1.0, "fail"),
    ],
)
def test_numbers_against_live(keys: dict[str, Any], candidate: float, live: float | None, expected: str) -> None:
    assert verdict(judge(**keys), value(candidate, live)) == expected


@pytest.mark.parametrize("nothing", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("keys", [{"pass_when": "candidate < `1`"}, {"fail_when": "candidate > `1`"}])
def test_what_is_no_number_is_never_a_pass(keys: dict[str, Any], nothing: float) -> None:
    assert verdict(judge(**keys), value(nothing)) == "inconclusive"


def test_nothing_measured_is_never_a_pass() -> None:
    found = judged(judge(fail_when="candidate > `1`"), [])
    assert (found.verdict, found.reason) == ("inconclusive", "nothing was measured")
    assert verdict(judge(fail_when="candidate > `1`"), EMPTY) == "inconclusive"
    assert verdict(judge(fail_when="candidate > `1`"), value(0.1), EMPTY) == "inconclusive"


def test_the_newest_look_counts() -> None:
    by = judge(fail_when="candidate > `1`")
    assert verdict(by, EMPTY, value(0.1)) == "pass"
    assert verdict(by, value(0.1), STALE) == "inconclusive"


def test_failures_within_the_limit_are_no_pass_either() -> None:
    by = judge(fail_when="candidate > `1`", failure_limit=2)
    bad, good = value(2), value(0)
    assert verdict(by, bad) == "inconclusive"
    assert verdict(by, bad, good, bad, good) == "pass"
    found = judged(by, [bad, bad, good, bad])
    assert (found.verdict, found.final, found.statistics["failures"]) == ("fail", True, 3)


def test_errors_in_a_row_end_it_without_a_verdict() -> None:
    by = judge(fail_when="candidate > `1`", consecutive_errors=2)
    assert not judged(by, [STALE, STALE]).final
    assert not judged(by, [STALE, STALE, value(0), STALE, STALE]).final
    found = judged(by, [STALE, STALE, STALE, value(0)])
    assert (found.verdict, found.final) == ("inconclusive", True)
    assert found.reason == "the store does not answer (3 times in a row)"


def test_a_pass_takes_as_many_values_as_are_wanted() -> None:
    by = judge(fail_when="candidate > `1`", min_samples=3)
    assert verdict(by, value(0), value(0)) == "inconclusive"
    assert verdict(by, value(0), EMPTY, value(0)) == "inconclusive"
    assert verdict(by, value(0), value(0), value(0)) == "pass"
    assert verdict(by, value(2)) == "fail"


def test_a_condition_may_be_about_all_values_so_far() -> None:
    keys: dict[str, Any] = {"pass_when": "avg(values) < `1` || length(values) < `3`"}
    by = judge(**keys)
    assert verdict(by, value(2), value(2)) == "pass"
    assert verdict(by, value(2), value(2), value(2)) == "fail"


@pytest.mark.parametrize("nothing", [float("nan"), float("inf")])
def test_what_is_no_number_is_no_sample(nothing: float) -> None:
    keys: dict[str, Any] = {"pass_when": "avg(values) < `1`", "min_samples": 2}
    by = judge(**keys)
    assert verdict(by, value(nothing), value(0.5)) == "inconclusive"
    found = judged(by, [value(nothing), value(0.5), value(0.5)])
    assert (found.verdict, found.statistics["looks"]) == ("pass", 3)


@pytest.mark.parametrize(
    ("keys", "candidate", "live", "expected"),
    [
        ({"pass_when": "candidate < `0.01`"}, (0, 500), None, "pass"),
        ({"pass_when": "candidate < `0.01`"}, (5, 500), None, "fail"),
        ({"pass_when": "candidate < `0.01`"}, (0, 499), None, "inconclusive"),
        ({"pass_when": "candidate < `0.01`", "min_samples": 10}, (0, 10), None, "pass"),
        ({"pass_when": "candidate < `0.01`"}, (0, 0), None, "inconclusive"),
        ({"fail_when": "ratio > `2`"}, (9, 1000), (9, 1000), "pass"),
        ({"fail_when": "ratio > `2`"}, (9, 1000), (9, 20), "inconclusive"),
        ({"fail_when": "ratio > `2`"}, (9, 1000), None, "inconclusive"),
        ({"max_ratio_to_live": 1.2}, (5, 1000), (15, 3000), "pass"),
        ({"max_ratio_to_live": 1.2}, (400, 1000), (15, 3000), "fail"),
        ({"max_ratio_to_live": 1.2}, (0, 20), (15, 3000), "inconclusive"),
        ({"max_ratio_to_live": 1.2}, (0, 1000), (0, 0), "inconclusive"),
        ({"max_ratio_to_live": 1.2}, (0, 1000), None, "inconclusive"),
        ({"max_ratio_to_live": 1.2}, (float("nan"), 1000), (0, 1000), "inconclusive"),
        ({"max_ratio_to_live": 1.2}, (2000, 1000), (0, 1000), "inconclusive"),
        ({"max_difference_to_live": 0.01}, (400, 1000), (15, 3000), "fail"),
        ({"max_difference_to_live": 0.9}, (400, 1000), (15, 3000), "pass"),
    ],
)
def test_errors_among_requests(
    keys: dict[str, Any], candidate: tuple[float, float], live: tuple[float, float] | None, expected: str
) -> None:
    assert verdict(judge("counts", **keys), counts(candidate, live)) == expected


def test_a_proven_difference_is_no_matter_of_single_looks() -> None:
    by = judge("counts", max_ratio_to_live=1.2, failure_limit=9)
    assert verdict(by, counts((400, 1000), (15, 3000))) == "fail"


def requests(candidate: list[float], live: list[float]) -> Measurement:
    def of(latencies: list[float]) -> dict[str, Any]:
        return {"errors": 0, "total": len(latencies), "latencies": grouped(latencies)}

    return {"at": 0.0, "candidate": of(candidate), "live": of(live)}


def test_latency_is_judged_over_all_looks_together() -> None:
    by = judge("requests", not_slower={"quantile": 0.5, "by": 1.2})
    fast, slow = [0.01 + step / 1e5 for step in range(300)], [0.03 + step / 1e5 for step in range(300)]
    assert verdict(by, requests(slow, fast)) == "fail"
    assert verdict(by, requests(fast, fast)) == "pass"
    assert verdict(by, requests(slow[:10], fast[:10])) == "inconclusive"
    assert verdict(by, *(requests(slow[at::30], fast[at::30]) for at in range(30))) == "fail"


@pytest.mark.parametrize(
    ("keys", "answer", "expected"),
    [
        ({}, {"status": 200}, "pass"),
        ({}, {"status": 500}, "fail"),
        ({"pass_when": "json.ok"}, {"status": 200, "json": {"ok": True}}, "pass"),
        ({"pass_when": "json.ok"}, {"status": 200, "json": {"ok": False}}, "fail"),
        ({"pass_when": "json.ok"}, {"status": 200, "json": None}, "inconclusive"),
        ({"pass_when": "json.ok"}, {"status": 503, "json": {"ok": True}}, "fail"),
        ({"fail_when": "contains(text, 'error')"}, {"status": 200, "text": "an error"}, "fail"),
        ({"fail_when": "contains(text, 'error')"}, {"status": 200, "text": "fine"}, "pass"),
        ({"fail_when": "contains(text, `5`)"}, {"status": 200, "text": "fine"}, "inconclusive"),
        ({"fail_when": "ceil(json) > `9`"}, {"status": 200, "json": float("inf")}, "inconclusive"),
    ],
)
def test_one_answer(keys: dict[str, Any], answer: dict[str, Any], expected: str) -> None:
    conditions = judge("answer", **keys) if keys else Judge("answer")
    by = Judge("answer", conditions.pass_when, conditions.fail_when, status=(200,))
    assert verdict(by, {"at": 0.0, "answer": answer}) == expected


NUMBERS = st.floats(0, 3) | st.just(float("nan"))
VALUES = st.builds(value, NUMBERS, NUMBERS)
PAIRS = st.tuples(st.integers(0, 50), st.integers(50, 2000))
LATENCIES = st.lists(st.floats(0.001, 0.2), max_size=60)
SMALL: dict[str, Any] = {"pass_when": "candidate < `0.5`"}
JUDGES: list[tuple[Judge, st.SearchStrategy[Measurement]]] = [
    (judge(**SMALL, max_ratio_to_live=1.5, failure_limit=1, consecutive_errors=1), VALUES),
    (judge("counts", **SMALL, max_ratio_to_live=1.2), st.builds(counts, PAIRS, PAIRS)),
    (judge("requests", not_slower={"by": 1.2}), st.builds(requests, LATENCIES, LATENCIES)),
]


@pytest.mark.parametrize(("by", "measured"), JUDGES, ids=lambda item: item.shape if isinstance(item, Judge) else "")
@settings(max_examples=40)
@given(data=st.data())
def test_what_is_returned_gives_the_same_verdict_again(
    by: Judge, measured: st.SearchStrategy[Measurement], data: st.DataObject
) -> None:
    measurements = data.draw(st.lists(measured | st.sampled_from([STALE, EMPTY]), min_size=1, max_size=8))
    history = History(by)
    first = history.add_all(measurements)
    again, shape = read_samples(json.loads(json.dumps(history.measurements)), "samples")
    assert judged(by, again) == first
    assert shape in (by.shape, "value")


@given(st.lists(st.floats(0, 60), max_size=200))
def test_latencies_are_kept_to_within_one_per_cent(latencies: list[float]) -> None:
    kept = sorted(latencies_of(grouped(latencies)))
    assert len(kept) == len(latencies)
    for exact, near in zip(sorted(latencies), kept, strict=True):
        assert near == pytest.approx(exact, rel=0.0102)


def test_grouping_again_changes_nothing() -> None:
    once = grouped([0.0101, 0.0102, 0.5, 0.0])
    assert grouped(latencies_of(once)) == once


def test_samples_may_be_lists_of_looks() -> None:
    measurements, shape = read_samples({"candidate": [1, 2.5], "live": [3, 4]}, "samples")
    assert shape == "value"
    assert [(item["candidate"], item["live"]) for item in measurements] == [(1.0, 3.0), (2.5, 4.0)]


def test_samples_may_be_counts() -> None:
    measurements, shape = read_samples({"candidate": {"errors": 3, "total": 500}}, "samples")
    assert (shape, measurements[0]["candidate"]) == ("counts", {"errors": 3.0, "total": 500.0})


def test_samples_may_be_latencies_alone() -> None:
    samples = {"candidate": {"latencies": [0.1, 0.2]}, "live": {"latencies": {"0.1": 4}}}
    measurements, shape = read_samples(samples, "samples")
    assert shape == "requests"
    assert [measurements[0][role]["total"] for role in ("candidate", "live")] == [2.0, 4.0]


def test_requests_without_latencies_may_stand_among_those_with_them() -> None:
    samples = [{"candidate": {"errors": 0, "total": 5}}, EMPTY, {"candidate": {"latencies": [0.1]}}]
    assert read_samples(samples, "samples")[1] == "requests"


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ({"live": [1]}, "samples.candidate: is required: a list of numbers, or {errors: 3, total: 500}"),
        ({"candidate": [1], "live": [1, 2]}, "samples: candidate and live are measured together"),
        ({"candidate": ["fast"]}, "samples.candidate: expected a number, got 'fast'"),
        ({"candidate": {"errors": 1}}, "samples.candidate.total: expected a number, got None"),
        ({"candidate": {"errors": 1, "totals": 5}}, "samples.candidate.total: expected a number, got None"),
        ({"candidate": {"latencies": ["x"]}}, "samples.candidate.latencies: expected a list of seconds"),
        ([{"candidat": 1}], "samples[0].candidat: unknown key; did you mean candidate?"),
        ({"candidate": {"latencies": "12"}}, "samples.candidate.latencies: expected a list of seconds"),
        ({"candidate": {"latencies": [-0.1]}}, "samples.candidate.latencies: expected a list of seconds"),
        ({"candidate": {"latencies": [float("nan")]}}, "samples.candidate.latencies: expected a list of seconds"),
        ({"candidate": {"latencies": {"x": 4}}}, "samples.candidate.latencies: expected a list of seconds"),
        ({"candidate": {"latencies": {"-1": 4}}}, "samples.candidate.latencies: expected a list of seconds"),
        ({"candidate": {"latencies": {"0.1": -4}}}, "samples.candidate.latencies: expected a list of seconds"),
        ({"candidate": {"latencies": {"0.1": 2.5}}}, "samples.candidate.latencies: expected a list of seconds"),
        ({"candidate": {"latencies": {"0.1": True}}}, "samples.candidate.latencies: expected a list of seconds"),
        (
            [{"candidate": 1}, {"candidate": {"errors": 1, "total": 5}}],
            "samples: expected measurements of one kind, got counts and value in one list",
        ),
        (
            {"candidate": {"errors": 1, "total": 5}, "live": 1},
            "samples: expected measurements of one kind, got counts and value in one list",
        ),
        (
            [{"answer": {"status": 200}}, {"candidate": {"latencies": [0.1]}}],
            "samples: expected measurements of one kind, got answer and requests in one list",
        ),
        (5, "samples: expected a mapping, got 5"),
    ],
)
def test_samples_that_are_none_are_refused(samples: object, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_samples(samples, "samples")
    assert refused.value.message.startswith(message)


@given(st.lists(st.floats(0.01, 1), min_size=40, max_size=200, unique=True))
def test_the_first_half_of_kept_latencies_is_like_all_of_them(latencies: list[float]) -> None:
    kept = latencies_of(grouped(latencies))
    half, middle = kept[: len(kept) // 2], sorted(kept)[len(kept) // 2]
    assert sum(latency < middle for latency in half) == pytest.approx(len(half) / 2, abs=len(half) / 6 + 2)


@pytest.mark.parametrize(("strangers", "expected"), [(0, "pass"), (20, "pass"), (60, "inconclusive")])
def test_requests_that_belong_to_nobody_may_not_be_many(strangers: int, expected: str) -> None:
    by = judge("requests", max_ratio_to_live=1.2)
    assert verdict(by, {**counts((0, 1000), (0, 3000)), "none": strangers}) == expected
