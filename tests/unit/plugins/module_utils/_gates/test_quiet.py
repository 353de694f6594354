# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether anybody still calls, by proxies whose counters grow, or not, and by counters in Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Cluster
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.proxies import Proxies
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.telemetry import Telemetry
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.verdict import Finding
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.course import Course, Scene
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.prometheus import PrometheusSource
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.quiet import prove_quiet

from tests.unit.plugins.module_utils._cluster.api_server import ApiServer, Messages, api_server, forwarded, pod
from tests.unit.plugins.module_utils._gates.prometheus_server import Answer, Prometheus, failure, prometheus, vector

HOST = "web-blue.prod.svc.cluster.local"
BLUE = {"blue": ((HOST, None),)}
OPTIONS = Proxies(selector="istio=ingressgateway", namespace="edge", timeout=0.5)


class Edge:
    """Proxies whose counters grow by so many requests each time that they are asked for all of them."""

    def __init__(self, api: ApiServer) -> None:
        self.api = api
        self.grows_by = 0
        self.open = 0
        self.total = 40
        self.listed = True
        api.serve = self.serve

    def add(self, name: str) -> None:
        self.api.pods.setdefault("edge:istio=ingressgateway", []).append(pod(name))

    def serve(self, name: str, port: int, path: str) -> Messages:
        cluster = f"outbound|80||{HOST}"
        if urlsplit(path).path == "/clusters":
            self.total += self.grows_by
            stats = [
                {"name": "rq_total", "value": str(self.total)},
                {"type": "GAUGE", "name": "rq_active", "value": str(self.open)},
            ]
            hosts = [{"address": {"socket_address": {"address": "10.0.0.1", "port_value": 80}}, "stats": stats}]
            statuses = [{"name": cluster, "host_statuses": hosts if self.listed else []}]
            return forwarded(port, json.dumps({"cluster_statuses": statuses}))
        counters = [{"name": f"cluster.{cluster};.upstream_rq_total", "value": self.total}]
        return forwarded(port, json.dumps({"stats": counters}))

    def connect(self) -> Cluster:
        return Cluster({"host": self.api.url, "api_key": "sesame", "kubeconfig": {"current-context": ""}})

    def watched(self, window: float = 0.2) -> Finding:
        scene = Scene(Course(0.0, 0.1), self.connect, Wanted({}))
        return prove_quiet(OPTIONS, window, scene, "requests to web", BLUE)


@pytest.fixture
def edge() -> Iterator[Edge]:
    with api_server() as api:
        yield Edge(api)


def test_nobody_calls(edge: Edge) -> None:
    edge.add("gateway-a")
    finding = edge.watched()
    assert (finding.verdict, finding.details["counts"]) == ("pass", {"blue": 0})
    assert finding.details["waited"] >= 0.2


def test_what_was_counted_before_is_nobody(edge: Edge) -> None:
    """Neither by a proxy that was there, nor by one that is seen for the first time."""
    edge.add("gateway-a")
    edge.add("gateway-b")
    assert edge.watched().verdict == "pass"


@pytest.mark.parametrize("listed", [True, False], ids=["of its pods", "of the whole cluster"])
def test_a_request_is_seen_by_the_counters(edge: Edge, listed: bool) -> None:
    edge.add("gateway-a")
    edge.listed, edge.grows_by = listed, 3
    finding = edge.watched()
    assert finding.verdict == "fail"
    # Both sources count the same requests.
    assert finding.reason.startswith("requests still come: 3 to blue within")
    assert "force" in finding.remedy


def test_a_stream_that_is_open_is_a_call(edge: Edge) -> None:
    edge.add("gateway-a")
    edge.open = 1
    assert edge.watched().verdict == "fail"


def test_without_a_proxy_nothing_can_be_told(edge: Edge) -> None:
    finding = edge.watched()
    assert finding.verdict == "inconclusive"
    assert "there are no pods istio=ingressgateway in namespace edge" in finding.reason


@pytest.fixture
def server() -> Iterator[Prometheus]:
    with prometheus() as running:
        yield running


def counted(server: Prometheus, *totals: float) -> Finding:
    """What the counter of blue shows, scrape by scrape; without any there is no counter."""
    scrapes = iter(totals)
    shown: list[float] = []

    def answer(_query: str) -> Answer:
        shown.extend([total for total in [next(scrapes, None)] if total is not None])
        return vector(*[({"bluegreen_version": "blue"}, total) for total in shown[-1:]])

    server.answer = answer
    options = Telemetry(PrometheusSource(server.url), 'requests_total{version="$version"}', interval=0.05)
    scene = Scene(Course(0.0, 0.1), _no_cluster, Wanted({}, service="web"))
    return prove_quiet(options, 0.2, scene, "requests to web", BLUE)


def test_a_counter_that_stands_still(server: Prometheus) -> None:
    finding = counted(server, 40, 40, 40)
    assert (finding.verdict, finding.kind) == ("pass", "telemetry")


def test_a_counter_that_grows(server: Prometheus) -> None:
    finding = counted(server, 40, 47)
    assert finding.verdict == "fail"
    assert "7 to blue" in finding.reason


def test_no_counter_is_no_answer(server: Prometheus) -> None:
    finding = counted(server)
    assert finding.verdict == "inconclusive"
    assert "no counter was found" in finding.reason


def test_a_metric_store_that_is_down_is_no_answer(server: Prometheus) -> None:
    server.answer = lambda _query: failure(503, "starting")
    scene = Scene(Course(0.0, 0.1), _no_cluster, Wanted({}, service="web"))
    options = Telemetry(PrometheusSource(server.url), 'requests_total{version="$version"}', interval=0.05)
    assert prove_quiet(options, 0.2, scene, "requests to web", BLUE).verdict == "inconclusive"


def _no_cluster() -> Cluster:
    raise AssertionError("telemetry asks no cluster")
