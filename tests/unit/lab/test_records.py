# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.records import Record, between, percentile, read, summarize

RECORDS = [
    Record(start=10.0, latency=0.010, status=200, version="blue", pod="blue-1"),
    Record(start=10.5, latency=0.020, status=200, version="blue", pod="blue-2"),
    Record(start=11.0, latency=0.030, status=200, version="green", pod="green-1"),
    Record(start=11.5, latency=0.040, status=500, version="blue", pod="blue-1"),
    Record(start=12.0, latency=10.0, status=0, error="TimeoutError", failure="timeout"),
    Record(start=12.2, latency=0.005, status=0, error="ServerDisconnectedError", failure="reset"),
]


def test_summary_counts_versions_failures_and_errors() -> None:
    summary = summarize(RECORDS)
    assert summary.requests == 6
    assert summary.failures == 3
    assert summary.resets == 1
    assert summary.broken == {"timeout": 1, "reset": 1}
    assert summary.versions == {"blue": 3, "green": 1}
    assert summary.shares == {"blue": 75.0, "green": 25.0}
    assert summary.statuses == {200: 3, 500: 1, 0: 2}
    assert summary.errors == {"TimeoutError": 1, "ServerDisconnectedError": 1}
    assert summary.latency == {"p50": 0.020, "p95": 10.0, "p99": 10.0, "p100": 10.0}


def test_summary_of_nothing_has_no_shares_and_no_latency() -> None:
    summary = summarize([])
    assert (summary.requests, summary.shares, summary.latency) == (0, {}, {})


@pytest.mark.parametrize(
    ("status", "failed"), [(101, False), (200, False), (302, False), (404, True), (503, True), (0, True)]
)
def test_only_an_answer_below_400_is_no_failure(status: int, failed: bool) -> None:
    assert Record(0, 0, status).failed is failed


def test_between_takes_the_begin_and_not_the_end() -> None:
    assert [record.start for record in between(RECORDS, 10.5, 11.5)] == [10.5, 11.0]


def test_what_is_written_is_read_again_without_an_unfinished_last_line(tmp_path: Path) -> None:
    file = tmp_path / "load.jsonl"
    file.write_text("".join(record.line() + "\n" for record in RECORDS) + '{"start": 12.5, "lat')
    assert read(file) == RECORDS


def test_a_line_leaves_out_what_is_empty() -> None:
    wanted = {"start": 11.0, "latency": 0.03, "status": 200, "version": "green", "pod": "green-1"}
    assert json.loads(RECORDS[2].line()) == wanted


@given(st.lists(st.floats(0, 60), min_size=1), st.floats(1, 100))
def test_a_percentile_is_the_smallest_value_that_enough_values_do_not_exceed(
    values: list[float], percent: float
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    needed = len(values) * percent / 100
    assert sum(value <= found for value in values) >= needed
    assert sum(value < found for value in values) < needed
