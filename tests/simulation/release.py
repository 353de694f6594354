# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole releases in which nothing is wrong: candidate and live are the same, and traffic splits as wanted."""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.judging.comparison import (
    Counts,
    compare_errors,
    compare_latency,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import ShareTest

from tests.simulation.draws import binomial, poisson

# The share gate as it runs by default: 100 requests/s, and a decision that does not end well is begun again until
# 30 s are over. Here it looks every 20 answers; the exact figures are of looks at every single one.
GATE_REQUESTS = 3000
ANSWERS_A_LOOK = 20

# A step's window reaches beyond the horizon of the comparison of errors, from where on it hardly ever fails.
HORIZONS = 1.4
LOOKS = 40
ERROR_RATE = 0.005

# Latency: samples a step, and how they are spread: p95 is more than five times the median.
SAMPLES = 800
SPREAD = 1.0
POOL = 500_000


def share_gate(source: Random, percent: int) -> str:
    """What the gate says in the end: the last decision's verdict."""
    sent = 0
    while True:
        test = ShareTest({"candidate": percent, "live": 100 - percent})
        while (decision := test.decision) is None:
            own = binomial(source, ANSWERS_A_LOOK, percent / 100)
            test.observe("candidate", own)
            test.observe("live", ANSWERS_A_LOOK - own)
        sent += test.total
        if decision.verdict == "within" or sent >= GATE_REQUESTS:
            return decision.verdict


def error_gate(source: Random, percent: int) -> bool:
    """Whether the comparison of errors ever fails in a step's window."""
    requests = requests_a_look(percent)
    spread = (requests * percent * (100 - percent)) ** 0.5 / 100
    own_total = own = others = 0
    for look in range(1, LOOKS + 1):
        own_total += round(source.gauss(requests * percent / 100, spread))
        errors = poisson(source, requests * ERROR_RATE)
        owned = binomial(source, errors, percent / 100)
        own += owned
        others += errors - owned
        live = Counts(others, look * requests - own_total)
        if compare_errors(Counts(own, own_total), live).verdict == "fail":
            return True
    return False


@cache
def requests_a_look(percent: int) -> int:
    horizon: float = compare_errors(Counts(1, percent), Counts(1, 100 - percent)).statistics["horizon"]
    return round(HORIZONS * horizon / ERROR_RATE / LOOKS)


def latency_gate(source: Random, percent: int, pool: list[float]) -> bool:
    """Whether the comparison of latency ever fails; between two doublings of the samples it has nothing new to see."""
    own, others = SAMPLES * percent // 100, SAMPLES * (100 - percent) // 100
    first, second = source.randrange(POOL - own), source.randrange(POOL - others)
    candidate, live = pool[first : first + own], pool[second : second + others]
    return any(
        compare_latency(candidate[: -(-own * part // 32)], live[: -(-others * part // 32)]).verdict == "fail"
        for part in (8, 16, 32)
    )


def releases(seed: int, number: int, steps: tuple[int, ...]) -> Counter[str]:
    """How many of so many releases were failed, by which gate, and how many were held as undecided."""
    source = Random(seed)
    pool = [source.lognormvariate(0.0, SPREAD) for _each in range(POOL)]
    found: Counter[str] = Counter()
    for _each in range(number):
        shares = [share_gate(source, percent) for percent in steps]
        # At 100 live takes no requests, and there is nothing to compare with.
        compared = [percent for percent in steps if percent < 100]
        failed = {
            "share": "outside" in shares,
            "errors": sum(error_gate(source, percent) for percent in compared),
            "latency": sum(latency_gate(source, percent, pool) for percent in compared),
        }
        found.update(gate for gate, said in failed.items() if said)
        found["failed"] += any(failed.values())
        found["undecided"] += "undecided" in shares
    return found
