# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The share gate ``telemetry``: the requests that counters in Prometheus have counted since the weights were written.

A scrape happens when it happens: what it counts for the first time may be older than the weights. So the first look is
one interval after the beginning, when everything has been scraped anew; and a decision that says "not as wanted" counts
only when it was begun after the deadline to converge, because no earlier one is free of answers by the old weights.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from .._cluster.client import Cluster
from .._core.placeholders import filled
from .._core.share import ShareDecision, ShareTest, Wanted
from .._core.telemetry import Counters, Labels, Telemetry
from .._core.verdict import FAIL, INCONCLUSIVE, PASS, Finding, Verdict
from .prometheus import BadQuery, PrometheusError, query

KIND = "telemetry"
_MARK = "bluegreen_version"
_ALIKE = 'both versions look alike; match the whole label, such as version="$version"'
# So many requests are not the same number for two versions by accident, while one of them is still at 0 %.
_NO_COINCIDENCE = 50
_NO_REQUESTS = "see whether the query counts what goes through this route, or send some traffic"


def preflight(options: Telemetry, versions: Sequence[str], service: str = "") -> None:
    """Ask once, before traffic moves; raises PrometheusError for what can never work.

    That counters are missing is no error: a version that never had a request may have none.
    """
    seen = look(options, versions, service)
    counted = {version: {key[1]: value for key, value in seen.items() if key[0] == version} for version in versions}
    for first, second in combinations(versions, 2):
        if sum(counted[first].values()) >= _NO_COINCIDENCE and counted[first] == counted[second]:
            raise BadQuery(
                f"the query {_line(options.query)} has counted {sum(counted[first].values()):.0f} requests for {first} "
                f"and just as many for {second}: {_ALIKE}"
            )


def prove_share(
    options: Telemetry,
    wanted: Wanted,
    cluster: Callable[[], Cluster],
    stopped: threading.Event,
    name: str,
) -> Finding:
    """Wait until the requests counted since now show the wanted weights; the cluster itself is not asked."""
    return _Proof(options, wanted, stopped, name).run()


class _Proof:
    def __init__(self, options: Telemetry, wanted: Wanted, stopped: threading.Event, name: str) -> None:
        self._options = options
        self._wanted = wanted
        self._stopped = stopped
        self._name = name
        self._begun = time.monotonic()
        self._deadline = self._begun + wanted.deadline
        self._counters = Counters()
        self._test = ShareTest(wanted.weights, wanted.tolerance, wanted.confidence)
        self._test_begun = self._begun
        self._answered_at = self._begun
        self._discarded = 0
        self._looks = 0

    def run(self) -> Finding:
        problem: PrometheusError | None = None
        while not self._stopped.wait(self._options.interval):
            try:
                counted = self._counters.take(look(self._options, list(self._wanted.weights), self._wanted.service))
                problem = None
                self._answered_at = time.monotonic()
            except BadQuery as error:
                return self._finding(INCONCLUSIVE, error.message, "mend the query")
            except PrometheusError as error:
                counted, problem = {}, error
            self._looks += 1
            for version, count in counted.items():
                self._test.observe(version, count)
            finding = self._judged(self._test.decision) or self._given_up(problem)
            if finding is not None:
                return finding
        return self._finding(INCONCLUSIVE, "stopped before the share was known: another gate has ended the step")

    def _judged(self, decision: ShareDecision | None) -> Finding | None:
        if decision is None:
            return None
        if decision.verdict == "within":
            return self._finding(PASS, f"{decision.reason}, {self._from()}", decision=decision)
        if self._test_begun < self._deadline:
            self._test = ShareTest(self._wanted.weights, self._wanted.tolerance, self._wanted.confidence)
            self._test_begun = time.monotonic()
            self._discarded += 1
            return None
        reason = f"{decision.reason}, {self._from()}"
        if decision.verdict == "outside":
            remedy = (
                "see why the proxies do not follow the route (its host, its gateway, istiod), or who else writes it"
            )
            return self._finding(FAIL, reason, remedy, decision)
        return self._finding(
            INCONCLUSIVE, f"{reason}: neither surely right nor surely wrong", "widen the tolerance", decision
        )

    def _given_up(self, problem: PrometheusError | None) -> Finding | None:
        """What to say when there is no decision and waiting longer is of no use."""
        now = time.monotonic()
        if now < self._deadline:
            return None
        waited = f"{now - self._begun:.0f} s"
        if problem is not None:
            silent = now - self._answered_at
            if silent < self._wanted.deadline and now < self._deadline + self._options.patience:
                return None
            return self._finding(
                INCONCLUSIVE, f"{problem.message} (for {silent:.0f} s)", "mend the access to Prometheus"
            )
        if not self._counters.started:
            return self._finding(
                INCONCLUSIVE, f"no counter was found in {waited}: {_line(self._options.query)}", _NO_REQUESTS
            )
        if not self._test.total and not self._discarded:
            return self._finding(
                INCONCLUSIVE, f"no request was counted in {waited}: {_line(self._options.query)}", _NO_REQUESTS
            )
        if now >= self._deadline + self._options.patience:
            return self._finding(
                INCONCLUSIVE,
                f"{self._test.total} requests were counted in {now - self._test_begun:.0f} s, {self._from()}: too few "
                f"to tell, {self._test.requests_needed} at most are needed",
                "send more traffic, widen the tolerance, or wait longer with patience",
            )
        return None

    def _from(self) -> str:
        waited = time.monotonic() - self._begun
        return f"counted by Prometheus at {self._options.prometheus.url}, {waited:.0f} s after the start"

    def _finding(
        self, verdict: Verdict, reason: str, remedy: str = "", decision: ShareDecision | None = None
    ) -> Finding:
        return Finding(
            self._name,
            KIND,
            verdict,
            reason,
            remedy,
            {
                "wanted": dict(self._wanted.weights),
                "counts": dict(self._test.counts),
                **_plain(decision),
                "discarded": self._discarded,
                "looks": self._looks,
                "waited": round(time.monotonic() - self._begun, 3),
            },
        )


def _plain(decision: ShareDecision | None) -> dict[str, Any]:
    if decision is None:
        return {}
    known = asdict(decision)
    return {"share": known["shares"], "intervals": known["intervals"], "requests": known["requests"]}


def look(options: Telemetry, versions: Sequence[str], service: str) -> dict[tuple[str, Labels], float]:
    """The counters of all versions in one query, so that they are of the same moment; no counter is NaN or infinite."""
    queries = {version: _filled(options.query, version, service) for version in versions}
    # A line of its own, for a query may end in a comment.
    marked = [
        f'label_replace((\n{text}\n), "{_MARK}", {json.dumps(version)}, "", "")' for version, text in queries.items()
    ]
    try:
        found = query(options.prometheus, " or ".join(marked))
    except BadQuery:
        # Asked by itself, the query is told of as its author knows it.
        query(options.prometheus, queries[versions[0]])
        raise
    seen: dict[tuple[str, Labels], float] = {}
    for series in found:
        version = series.labels[_MARK]
        labels = frozenset((name, value) for name, value in series.labels.items() if name != _MARK)
        # Only a series that is not aggregated has its name, and is the same one when all its labels are.
        owner = next((other for other in versions if other != version and (other, labels) in seen), None)
        if owner is not None and "__name__" in series.labels:
            shown = ", ".join(f'{name}="{value}"' for name, value in sorted(labels) if name != "__name__")
            raise BadQuery(
                f"the query {_line(options.query)} gives the series {series.labels['__name__']}{{{shown}}} for {owner} "
                f"and for {version}: {_ALIKE}"
            )
        if math.isfinite(series.value):
            seen[version, labels] = series.value
    return seen


def _filled(text: str, version: str, service: str) -> str:
    words = {"version": version, **({"service": service} if service else {})}
    return str(filled(text, words))


def _line(expression: str) -> str:
    return " ".join(expression.split())
