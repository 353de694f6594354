# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of errors: its false failures, computed exactly, and how often it finds what is worse, simulated."""

from __future__ import annotations

from random import Random

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.judging.comparison import (
    Comparison,
    Counts,
    compare_errors,
)

from tests.simulation.draws import poisson
from tests.simulation.walk import Walk

# So many requests that the candidate's part of them is exact, and errors are rare among them.
REQUESTS = 10**9
# From there on nothing is left that would be seen in the figures.
HORIZONS = 3


def compared(percent: int, own: int, errors: int) -> Comparison:
    """The comparison, when so many of the errors are the candidate's and it gets that percentage of the requests."""
    candidate = Counts(own, percent * REQUESTS)
    live = Counts(errors - own, (100 - percent) * REQUESTS)
    return compare_errors(candidate, live, max_ratio=1.0)


def false_failure(percent: int) -> float:
    """How probable it is that a candidate which errs like live ever fails, looked at after every single error."""
    horizon = compared(percent, 0, 1).statistics["horizon"]
    walk = Walk(percent / 100)
    failed = 0.0
    first = 1
    for errors in range(1, round(HORIZONS * horizon) + 1):
        walk.step()
        while first and compared(percent, first - 1, errors).verdict == "fail":
            first -= 1
        while first <= errors and compared(percent, first, errors).verdict != "fail":
            first += 1
        failed += walk.stop(first, errors)
    return failed


def requests_until_found(
    source: Random, percent: int, *, rates: tuple[float, float], requests: int, looks: int
) -> int | None:
    """How many requests the candidate had taken when it was found to err more than live; None when it was not."""
    candidate_rate, live_rate = rates
    step = requests / looks
    live_step = step * (100 - percent) / percent
    own = others = 0
    for look in range(1, looks + 1):
        own += poisson(source, step * candidate_rate)
        others += poisson(source, live_step * live_rate)
        candidate = Counts(min(own, round(look * step)), look * step)
        if compare_errors(candidate, Counts(others, look * live_step)).verdict == "fail":
            return round(look * step)
    return None
