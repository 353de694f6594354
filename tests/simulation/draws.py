# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random numbers of the distributions that the simulations need and the standard library lacks."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from itertools import accumulate
from math import exp, lgamma, log, log1p
from random import Random

# A table ends where what is left has no chance to be drawn in any simulation here.
LEFT = 1e-13


@cache
def binomial_table(trials: int, probability: float) -> list[float]:
    if probability in (0.0, 1.0):
        return [0.0] * round(trials * probability) + [1.0]
    ways = lgamma(trials + 1)
    return list(
        accumulate(
            exp(
                ways
                - lgamma(count + 1)
                - lgamma(trials - count + 1)
                + count * log(probability)
                + (trials - count) * log1p(-probability)
            )
            for count in range(trials + 1)
        )
    )


@cache
def poisson_table(mean: float) -> list[float]:
    table = [exp(-mean)]
    term = table[0]
    while 1 - table[-1] > LEFT:
        term *= mean / len(table)
        table.append(table[-1] + term)
    return table


def binomial(source: Random, trials: int, probability: float) -> int:
    return bisect_left(binomial_table(trials, probability), source.random() * (1 - LEFT))


def poisson(source: Random, mean: float) -> int:
    return bisect_left(poisson_table(mean), source.random() * (1 - LEFT))
