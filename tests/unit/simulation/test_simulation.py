# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulations rest on: exact walks, random numbers of the right distribution, and bounds that can break."""

from __future__ import annotations

from random import Random
from statistics import fmean, variance

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.statistics import binomial_at_least

from tests.simulation.draws import binomial, poisson
from tests.simulation.table import Row, simulated
from tests.simulation.walk import Walk


def walked(trials: int, probability: float) -> Walk:
    walk = Walk(probability)
    for _each in range(trials):
        walk.step()
    return walk


@pytest.mark.parametrize(("trials", "probability"), [(10, 0.5), (300, 0.05), (500, 0.9)])
def test_a_walk_that_nothing_stops_is_binomial(trials: int, probability: float) -> None:
    walk = walked(trials, probability)
    beyond = round(trials * probability) + 3
    assert walk.left() == pytest.approx(1)
    assert walk.stop(beyond, trials) == pytest.approx(binomial_at_least(beyond, trials, probability), rel=1e-9)


def test_what_was_stopped_does_not_come_back() -> None:
    walk = walked(10, 0.5)
    stopped = walk.stop(0, 4)
    walk.step()
    assert walk.left() == pytest.approx(1 - stopped)
    assert walk.stop(0, 4) == 0


@pytest.mark.parametrize("probability", [0.0, 0.05, 0.5, 1.0])
def test_binomial_numbers(probability: float) -> None:
    source = Random(1)
    drawn = [binomial(source, 20, probability) for _each in range(20_000)]
    assert fmean(drawn) == pytest.approx(20 * probability, abs=0.1)
    assert variance(drawn) == pytest.approx(20 * probability * (1 - probability), abs=0.2)


def test_poisson_numbers() -> None:
    source = Random(1)
    drawn = [poisson(source, 3.0) for _each in range(20_000)]
    assert fmean(drawn) == pytest.approx(3, abs=0.06)
    assert variance(drawn) == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        (Row("exact", 1.01, at_most=1.0), False),
        (Row("exact", 0.99, at_most=1.0), True),
        (Row("exact", 79.9, at_least=80.0), False),
        (Row("free", 79.9), True),
        (simulated("clearly too many", 30, 1000, at_most=1.0), False),
        (simulated("too many by chance", 12, 1000, at_most=1.0), True),
        (simulated("clearly too few", 900, 1000, at_least=95.0), False),
    ],
    ids=lambda value: value.name if isinstance(value, Row) else str(value),
)
def test_a_bound_is_broken_when_a_figure_is_surely_beyond_it(row: Row, kept: bool) -> None:
    assert row.kept() is kept
    assert ("BROKEN" in row.line()) is not kept
