# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps: every spelling gives one rising list."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.steps import Step, read_steps
from hypothesis import given
from hypothesis import strategies as st


def percents(written: Any) -> list[int | None]:
    return [step.percent for step in read_steps(written, 60.0, "steps")]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, [5, 25, 50, 100]),
        ([0, 5, 25, 50, 100], [0, 5, 25, 50, 100]),
        (["10", 100], [10, 100]),
        ([10, 20], [10, 20]),
        ({"linear": 20}, [20, 40, 60, 80, 100]),
        ({"linear": 30}, [30, 60, 90, 100]),
        ({"linear": 100}, [100]),
        ({"exponential": 2}, [1, 2, 4, 8, 16, 32, 64, 100]),
        ({"exponential": 2, "from": 25}, [25, 50, 100]),
        ({"exponential": 10, "from": 100}, [100]),
    ],
)
def test_the_spellings_of_steps(written: Any, expected: list[int]) -> None:
    assert percents(written) == expected


@given(
    st.one_of(
        st.fixed_dictionaries({"linear": st.integers(1, 100)}),
        st.fixed_dictionaries({"exponential": st.integers(2, 100)}, optional={"from": st.integers(1, 100)}),
    )
)
def test_a_series_rises_and_ends_with_everything(series: dict[str, int]) -> None:
    steps = percents(series)
    assert steps[-1] == 100
    assert all(before < after for before, after in pairwise(steps))  # type: ignore[operator]


@given(st.lists(st.integers(0, 100), min_size=1, unique=True))
def test_a_list_is_taken_when_it_rises_and_only_then(written: list[int]) -> None:
    assert percents(sorted(written)) == sorted(written)
    if written != sorted(written):
        with pytest.raises(SpecError, match=r"^steps: steps must rise, but \d+ follows \d+; use rollback to go down$"):
            percents(written)


def test_each_step_may_have_its_own_pause() -> None:
    steps = read_steps([10, {"percent": 50, "pause": "10m"}, {"percent": 100, "pause": 0}], 60.0, "steps")
    assert steps == (Step(10, 60.0), Step(50, 600.0), Step(100, 0.0))


def test_a_step_may_be_whole_weights() -> None:
    (step,) = read_steps([{"weights": {"v1": 20, "v2": 30, "v3": 50}}], 60.0, "steps")
    assert step.percent is None
    assert step.percent_for("v3") == 50
    assert step.percent_for("v4") == 0
    assert Step(25, 60.0).percent_for("v3") == 25


def test_a_step_as_plain_values() -> None:
    assert Step(25, 60.0).plain() == {"percent": 25, "pause": 60.0, "approval": False, "gates": []}
    assert Step(None, 0.0, {"blue": 100}).plain() == {
        "percent": None,
        "weights": {"blue": 100},
        "pause": 0.0,
        "approval": False,
        "gates": [],
    }


SPELLINGS = "steps: expected a list of percentages, {linear: 20} or {exponential: 2, from: 1}"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([5, 50, 25], "steps: steps must rise, but 25 follows 50; use rollback to go down"),
        ([5, 5, 100], "steps: steps must rise, but 5 follows 5; use rollback to go down"),
        ([50, 101], "steps[1]: expected integer from 0 to 100, got 101"),
        ([-1, 50], "steps[0]: expected integer from 0 to 100, got -1"),
        ([50, "all"], 'steps[1]: expected integer from 0 to 100, got "all"'),
        ([12.5, 100], "steps[0]: expected integer from 0 to 100, got 12.5"),
        ([], SPELLINGS),
        (50, SPELLINGS),
        ("50", SPELLINGS),
        ([{"percent": 150}], "steps[0].percent: expected integer from 0 to 100, got 150"),
        ([{"pause": 5}], "steps[0]: expected either percent or weights"),
        ([{"percent": 5, "weights": {"blue": 100}}], "steps[0]: expected either percent or weights"),
        ([{"percent": 5, "puase": 5}], "steps[0].puase: unknown key; did you mean pause?"),
        (
            [{"weights": {"blue": 60, "green": 60}}],
            "steps[0].weights: weights must sum to 100, these sum to 120 (blue: 60, green: 60)",
        ),
        ({}, "steps: expected either linear or exponential"),
        ({"linear": 5, "exponential": 2}, "steps: expected either linear or exponential"),
        ({"linear": 0}, "steps.linear: expected integer from 1 to 100, got 0"),
        ({"exponential": 1}, "steps.exponential: expected integer from 2 to 100, got 1"),
        ({"exponential": 2, "from": 0}, "steps.from: expected integer from 1 to 100, got 0"),
        ({"linear": 20, "from": 10}, "steps.from: unknown key; known here: exponential, linear"),
    ],
)
def test_steps_that_are_wrong(written: Any, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        percents(written)
    assert refused.value.message == message
