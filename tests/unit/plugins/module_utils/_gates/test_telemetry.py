# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters that grow as a given split makes them, scraped whenever they are asked for."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Cluster
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.telemetry import Telemetry
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.verdict import Finding
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.prometheus import BadQuery, PrometheusSource
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.telemetry import preflight, prove_share

from tests.unit.plugins.module_utils._gates.prometheus_server import Answer, Prometheus, failure, prometheus, vector

QUERY = 'sum(requests_total{version="$version"}) # by the proxies'


def no_cluster() -> Cluster:
    raise AssertionError("telemetry asks no cluster")


@pytest.fixture
def server() -> Iterator[Prometheus]:
    with prometheus() as running:
        yield running


def options(server: Prometheus, patience: float = 60.0) -> Telemetry:
    return Telemetry(PrometheusSource(server.url, timeout=2), QUERY, interval=0.01, patience=patience)


def growing(share: Callable[[int], Mapping[str, float]], requests: int = 400) -> Callable[[str], Answer]:
    """So many requests more at each look, split as told for it; a version without any has no counter."""
    counts = {"blue": 5000.0, "green": 0.0}
    looks = iter(range(10**6))

    def answer(query: str) -> Answer:
        for version, part in share(next(looks)).items():
            counts[version] += round(requests * part)
        return vector(*[({"bluegreen_version": name}, count) for name, count in counts.items() if count])

    return answer


def prove(server: Prometheus, weights: Mapping[str, int], deadline: float = 0.2, patience: float = 60.0) -> Finding:
    wanted = Wanted(weights, deadline=deadline)
    return prove_share(options(server, patience), wanted, no_cluster, threading.Event(), "share")


def test_what_is_counted_is_as_wanted(server: Prometheus) -> None:
    server.answer = growing(lambda look: {"blue": 0.95, "green": 0.05})
    finding = prove(server, {"blue": 95, "green": 5})
    assert (finding.verdict, finding.kind) == ("pass", "telemetry")
    assert finding.details["share"] == {"blue": 95.0, "green": 5.0}
    assert "blue got 95 %" in finding.reason
    assert "counted by Prometheus at" in finding.reason
    json.dumps(finding.plain())


def test_all_versions_are_asked_for_at_once(server: Prometheus) -> None:
    server.answer = growing(lambda look: {"blue": 0.5, "green": 0.5})
    prove(server, {"blue": 50, "green": 50})
    for asked in server.asked:
        (expression,) = asked["query"]
        assert 'version="blue"' in expression
        assert 'version="green"' in expression
        # The comment of the query ends with its line.
        assert expression.count("\n), ") == 2


def test_what_was_counted_before_the_data_plane_followed_is_thrown_away(server: Prometheus) -> None:
    server.answer = growing(lambda look: {"blue": 1.0} if look < 4 else {"blue": 0.5, "green": 0.5})
    finding = prove(server, {"blue": 50, "green": 50}, deadline=20)
    assert finding.verdict == "pass"
    assert finding.details["discarded"] >= 2
    assert finding.details["share"] == {"blue": 50.0, "green": 50.0}


def test_another_share_fails_once_the_deadline_is_over(server: Prometheus) -> None:
    server.answer = growing(lambda look: {"blue": 0.9, "green": 0.1})
    finding = prove(server, {"blue": 50, "green": 50})
    assert finding.verdict == "fail"
    assert finding.details["waited"] > 0.2
    assert finding.details["share"]["green"] == 10.0
    assert "green got 10 %" in finding.reason or "blue got 90 %" in finding.reason


def test_one_request_too_many_at_0(server: Prometheus) -> None:
    server.answer = growing(lambda look: {"blue": 1.0, "green": 0.0025})
    assert prove(server, {"blue": 100, "green": 0}).verdict == "fail"


def test_no_request_is_no_pass(server: Prometheus) -> None:
    server.answer = growing(lambda look: {})
    finding = prove(server, {"blue": 100, "green": 0})
    assert finding.verdict == "inconclusive"
    assert re.match(r"no request was counted in \d+ s: sum\(", finding.reason)


def test_no_counter_is_no_pass(server: Prometheus) -> None:
    finding = prove(server, {"blue": 100, "green": 0})
    assert finding.verdict == "inconclusive"
    assert finding.reason.startswith("no counter was found in ")


def test_too_few_requests_are_inconclusive_when_patience_ends(server: Prometheus) -> None:
    server.answer = growing(lambda look: {"blue": 1.0} if look == 3 else {}, requests=40)
    finding = prove(server, {"blue": 100, "green": 0}, patience=0.3)
    assert finding.verdict == "inconclusive"
    assert "40 requests were counted in " in finding.reason
    assert "too few to tell" in finding.reason


def test_a_metric_store_that_is_down_is_inconclusive(server: Prometheus) -> None:
    server.answer = lambda query: (503, "")
    finding = prove(server, {"blue": 100, "green": 0})
    assert finding.verdict == "inconclusive"
    assert "answered 503" in finding.reason


def test_a_metric_store_that_was_down_for_a_while_does_not_matter(server: Prometheus) -> None:
    counted = growing(lambda look: {"blue": 0.5, "green": 0.5})
    looks = iter(range(10**6))
    server.answer = lambda query: (503, "") if 2 <= next(looks) < 5 else counted(query)
    assert prove(server, {"blue": 50, "green": 50}, deadline=20).verdict == "pass"


def test_a_wrong_query_ends_at_once_and_is_told_as_it_was_written(server: Prometheus) -> None:
    server.answer = lambda query: failure(400, f"parse error in {len(query)} letters")
    finding = prove(server, {"blue": 100, "green": 0}, deadline=60)
    assert finding.verdict == "inconclusive"
    single = QUERY.replace("$version", "blue")
    assert finding.reason == f"the query {single}: parse error in {len(single)} letters; mend the query"


def test_it_stops_when_another_gate_has_failed(server: Prometheus) -> None:
    stopped = threading.Event()
    stopped.set()
    finding = prove_share(options(server), Wanted({"blue": 100, "green": 0}), no_cluster, stopped, "share")
    assert (finding.verdict, server.asked) == ("inconclusive", [])


def test_counters_of_one_version_are_not_those_of_another(server: Prometheus) -> None:
    same = {"__name__": "requests_total", "version": "v10"}
    server.answer = lambda query: vector(*[({**same, "bluegreen_version": version}, 700) for version in ("v1", "v10")])
    told = 'gives the series requests_total{version="v10"} for v1 and for v10: both versions look alike'
    with pytest.raises(BadQuery, match=re.escape(told)):
        preflight(options(server), ["v1", "v10"])


def test_sums_that_are_the_same_are_noticed_before_traffic_moves(server: Prometheus) -> None:
    server.answer = lambda query: vector(*[({"bluegreen_version": name}, 700) for name in ("blue", "green")])
    with pytest.raises(BadQuery, match="has counted 700 requests for blue and just as many for green: both versions"):
        preflight(options(server), ["blue", "green"])


def test_before_traffic_moves_a_version_may_have_no_counter(server: Prometheus) -> None:
    server.answer = lambda query: vector(({"bluegreen_version": "blue"}, 700))
    preflight(options(server), ["blue", "green"])
    server.answer = lambda query: vector()
    preflight(options(server), ["blue", "green"])


def test_one_look_without_an_answer_after_the_deadline_does_not_end_it(server: Prometheus) -> None:
    begun, failed = time.monotonic(), list[str]()

    def late() -> bool:
        return time.monotonic() >= begun + 0.5

    counted = growing(lambda look: dict.fromkeys(("blue", "green"), 0.5 if late() else 0.01))

    def answer(query: str) -> Answer:
        if late() and not failed:
            failed.append(query)
            return 503, ""
        return counted(query)

    server.answer = answer
    assert prove(server, {"blue": 50, "green": 50}, deadline=0.5).verdict == "pass"
    assert failed


def test_a_metric_store_that_stays_down_ends_it_in_the_end(server: Prometheus) -> None:
    looks = iter(range(10**6))
    counted = growing(lambda look: {"blue": 0.01, "green": 0.01})
    server.answer = lambda query: counted(query) if next(looks) < 3 else (503, "")
    finding = prove(server, {"blue": 50, "green": 50})
    assert (finding.verdict, "answered 503" in finding.reason) == ("inconclusive", True)
    assert 0.2 <= finding.details["waited"] < 5
