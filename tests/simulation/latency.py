# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of latency: how often it finds a candidate that is slower."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.judging.comparison import compare_latency

SHAPES: dict[str, Callable[[Random], float]] = {
    "lognormal, p95 = 2.3 medians": lambda source: source.lognormvariate(0.0, 0.5),
    "exponential, p95 = 4.3 medians": lambda source: source.expovariate(1.0),
}


def found(source: Random, shape: str, *, quantile: float, slower: float, samples: tuple[int, int], runs: int) -> int:
    """In how many of the runs a candidate so many times slower fails, with so many samples of it and of live."""
    draw = SHAPES[shape]
    own, others = samples
    hits = 0
    for _each in range(runs):
        candidate = [slower * draw(source) for _each in range(own)]
        live = [draw(source) for _each in range(others)]
        hits += compare_latency(candidate, live, quantile=quantile).verdict == "fail"
    return hits
