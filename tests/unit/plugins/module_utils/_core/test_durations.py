# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations, read as users write them and written as people read them."""

from __future__ import annotations

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.durations import seconds, text
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (90, 90.0),
        (0, 0.0),
        (1.5, 1.5),
        ("90", 90.0),
        ("250ms", 0.25),
        ("90s", 90.0),
        ("1.5m", 90.0),
        ("24h", 86400.0),
        ("2d", 172800.0),
        (" 10m ", 600.0),
    ],
)
def test_a_duration_is_seconds_or_a_number_with_a_unit(written: object, expected: float) -> None:
    assert seconds(written) == expected


@pytest.mark.parametrize("written", [-1, "-1s", "soon", "", "10 m", "1h30m", True, None, [60], float("nan")])
def test_anything_else_is_refused_with_examples(written: object) -> None:
    with pytest.raises(ValueError, match='expected a duration such as 90, "90s", "10m" or "24h", got '):
        seconds(written)


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(0, "0s"), (0.2, "0s"), (59.6, "1m"), (60, "1m"), (90, "1m 30s"), (3900, "1h 5m"), (90061, "1d 1h")],
)
def test_a_person_reads_the_two_largest_units(duration: float, expected: str) -> None:
    assert text(duration) == expected


@given(st.integers(0, 10**6), st.sampled_from("smhd"))
def test_what_a_unit_means_does_not_depend_on_the_number(number: int, unit: str) -> None:
    assert seconds(f"{number}{unit}") == number * seconds(f"1{unit}")
