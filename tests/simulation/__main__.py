# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.simulation`: the error rates of every statistical decision, with the bounds they have to keep.

What can be computed exactly is; the rest is simulated from fixed seeds, so that each run prints the same figures.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from random import Random

from tests.simulation.errors import false_failure, requests_until_found
from tests.simulation.latency import SHAPES, found
from tests.simulation.release import releases
from tests.simulation.shares import Outcome, outcome
from tests.simulation.table import Row, simulated

DEFAULT_STEPS = (5, 25, 50, 100)
EVEN_STEPS = (20, 40, 60, 80)

# The same chunks for any number of processes: each has a seed of its own.
CHUNKS = 20

SHARE = """
Share decision between two versions: tolerance 5 points, confidence 0.99, looked at after every answer
  outside: exact binomial tails at fixed looks, its error spent by them (Lan & DeMets 1983)
  within:  likelihood ratio against both edges (Wald 1945, Ville 1939) and a last exact look (Clopper & Pearson 1934)"""
ERRORS = """
Comparison of errors: confidence 0.99, live errs at 0.5 %, looked at 50 times unless exact
  given the errors of both, the candidate's part of them (Przyborowski & Wilenski 1940); a constant boundary
  (O'Brien & Fleming 1979) and a mixture of likelihood ratios (Robbins 1970)"""
LATENCY = """
Comparison of latency: confidence 0.99, tolerated 1.2 times live, the candidate is three times slower
  samples above a quantile of live: number of exceedances (Gumbel & von Schelling 1950), error spent by doublings"""
RELEASE = """
Whole releases with nothing wrong: share, errors and latency judged together, all looked at again and again"""


def share_rows(pool: Executor) -> Iterable[Row]:
    """All exact."""
    wanted = sorted({*DEFAULT_STEPS, *EVEN_STEPS, 1, 2, 10, 75, 95} - {100})
    right = dict(zip(wanted, pool.map(outcome, wanted, wanted), strict=True))
    for steps in (DEFAULT_STEPS, EVEN_STEPS):
        alarms = sum(100 * right[percent].outside for percent in steps if percent < 100)
        yield Row(f"false alarms of one decision in each step {steps}", alarms, at_most=1.0)
    for percent in wanted:
        result = right[percent]
        note = f"decided after {result.mean:.0f} requests in the mean, {result.requests} at most"
        yield Row(f"wanted {percent} %, true {percent} %: undecided", 100 * result.undecided, at_most=2.0, note=note)
    yield from mismatch_rows(pool)
    yield from edge_rows(pool, wanted)


def mismatch_rows(pool: Executor) -> Iterable[Row]:
    mismatches = [(50, 55), (50, 45), (40, 45), (25, 30), (25, 20), (75, 80), (75, 70), (10, 15), (95, 90), (5, 10)]
    for result in pool.map(outcome, *zip(*mismatches, strict=True)):
        name = f"wanted {result.wanted} %, true {result.true} %: named outside within"
        yield Row(f"{name} 1500", 100 * result.outside_within[1500], at_least=80.0)
        yield Row(f"{name} 2500", 100 * result.outside_within[2500], at_least=95.0)


def edge_rows(pool: Executor, wanted: list[int]) -> Iterable[Row]:
    edges = [(percent, edge) for percent in wanted for edge in edges_of(percent)]
    for result in pool.map(outcome, *zip(*edges, strict=True)):
        yield wrongly_within(result, at_most=1.0)
    for result in pool.map(outcome, (1, 2, 5), (0, 0, 0)):
        yield wrongly_within(result, at_most=0.0)


def edges_of(percent: int) -> tuple[float, float]:
    tolerance = min(5.0, percent / 2, (100 - percent) / 2)
    return percent - tolerance, percent + tolerance


def wrongly_within(result: Outcome, at_most: float) -> Row:
    note = f"decided after {result.mean:.0f} requests in the mean"
    name = f"wanted {result.wanted} %, true {result.true:g} %: wrongly within"
    return Row(name, 100 * result.within, at_most=at_most, note=note)


def error_rows(pool: Executor, runs: int) -> Iterable[Row]:
    percents = sorted({*DEFAULT_STEPS, *EVEN_STEPS, 10, 75} - {100})
    failures = dict(zip(percents, pool.map(false_failure, percents), strict=True))
    for steps in (DEFAULT_STEPS, (5, 25, 50, 75), EVEN_STEPS):
        failed = sum(100 * failures[percent] for percent in steps if percent < 100)
        yield Row(f"false failures in steps {steps}, looked at after each error", failed, at_most=1.0)
    doubled = [(5, 7500, 95.0), (10, 7500, 95.0), (25, 10_000, None), (50, 12_500, 95.0)]
    for percent, requests, bound in doubled:
        ends = chunked(pool, found_after, runs, percent, (0.01, 0.005), requests)
        yield found_row(f"at {percent} %: 1 % is found within {requests} requests", ends, bound)
    for percent in (5, 50):
        for rate in (0.05, 1.0):
            ends = chunked(pool, found_after, runs // 10, percent, (rate, 0.005), 1000)
            yield found_row(f"at {percent} %: {100 * rate:g} % is found within 1000 requests", ends, 95.0)


def found_row(name: str, ends: list[int | None], bound: float | None) -> Row:
    hits = sorted(end for end in ends if end is not None)
    note = f"half of them after {hits[len(hits) // 2]}" if hits else ""
    return simulated(name, len(hits), len(ends), at_least=bound, note=note)


def found_after(seed: int, runs: int, percent: int, rates: tuple[float, float], requests: int) -> list[int | None]:
    source = Random(seed)
    return [requests_until_found(source, percent, rates=rates, requests=requests, looks=50) for _each in range(runs)]


def latency_rows(pool: Executor, runs: int) -> Iterable[Row]:
    cases = list(itertools.product(SHAPES, (0.5, 0.9, 0.95, 0.99), ((100, 100), (100, 400))))
    hits = [pool.submit(latency_found, *case, runs) for case in cases]
    for (shape, quantile, samples), hit in zip(cases, hits, strict=True):
        name = f"p{100 * quantile:g} of {samples[0]} samples against {samples[1]}, {shape}"
        bound = 95.0 if quantile < 0.99 and shape.startswith("lognormal") else None
        yield simulated(name, hit.result(), runs, at_least=bound)


def latency_found(shape: str, quantile: float, samples: tuple[int, int], runs: int) -> int:
    return found(Random(1), shape, quantile=quantile, slower=3.0, samples=samples, runs=runs)


def release_rows(pool: Executor, runs: int) -> Iterable[Row]:
    for steps in (DEFAULT_STEPS, EVEN_STEPS):
        counts: Counter[str] = Counter()
        for part in pool.map(releases, range(CHUNKS), [runs // CHUNKS] * CHUNKS, [steps] * CHUNKS):
            counts += part
        parts = ", ".join(f"{gate} {counts[gate]}" for gate in ("share", "errors", "latency"))
        note = f"{counts['failed']} of {runs}: {parts}"
        yield simulated(f"steps {steps}: false failures", counts["failed"], runs, at_most=1.0, note=note)
        yield simulated(f"steps {steps}: held, a share undecided", counts["undecided"], runs, at_most=1.0)


def chunked(pool: Executor, run: Callable[..., list[int | None]], runs: int, *arguments: object) -> list[int | None]:
    """All results of so many runs, in chunks that have a seed each."""
    parts = [pool.submit(run, seed, runs // CHUNKS, *arguments) for seed in range(CHUNKS)]
    return [result for part in parts for result in part.result()]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the simulated runs")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    runs = 1000 if options.quick else 10_000
    broken = 0
    began = time.monotonic()
    with ProcessPoolExecutor(options.processes) as pool:
        for title, rows in (
            (SHARE, share_rows(pool)),
            (ERRORS, error_rows(pool, runs)),
            (LATENCY, latency_rows(pool, runs // 10)),
            (RELEASE, release_rows(pool, runs)),
        ):
            say(title)
            for row in rows:
                say(row.line())
                broken += not row.kept()
    say(f"\n{broken} bounds broken; {runs} runs where simulated; {time.monotonic() - began:.0f} s")
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
