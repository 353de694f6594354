# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies behind an API server's port-forward, with the configuration that an Envoy gave."""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Cluster
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import BlueGreenError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.proxies import Proxies
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.verdict import Finding
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.proxies import (
    open_requests,
    prove_drained,
    prove_share,
)

from tests.unit.plugins.module_utils._cluster.api_server import (
    ApiServer,
    Messages,
    api_server,
    forwarded,
    pod,
    status_of,
)
from tests.unit.plugins.module_utils._routers.test_envoy import SERVICES, recorded

OPTIONS = Proxies(selector="istio=ingressgateway", namespace="edge", timeout=0.5)
EDGE = "edge:istio=ingressgateway"
ISTIOD = "istio-system:app=istiod"
HOST = "web.proxied.test"


class Mesh:
    """An API server, with what each pod behind it holds."""

    def __init__(self, api: ApiServer) -> None:
        self.api = api
        self.routes: dict[str, dict[str, Any]] = {}
        self.open: dict[str, int] = {}
        self.unreachable: set[str] = set()
        self.listeners: dict[str, Any] = {}
        self.synchronised: list[dict[str, str]] = []
        self.asked: list[str] = []
        api.serve = self.serve

    def add(self, name: str, ready: bool = True, **metadata: Any) -> None:
        self.routes[name] = recorded("routes")
        self.open[name] = 0
        self.api.pods.setdefault(EDGE, []).append(pod(name, ready, **metadata))

    def weigh(self, name: str, blue: int) -> None:
        """Let a proxy hold other weights wherever it splits."""
        routes = copy.deepcopy(self.routes[name])
        for virtual_host in routes["configs"][0]["route_config"]["virtual_hosts"]:
            for route in virtual_host["routes"]:
                entries = route.get("route", {}).get("weighted_clusters", {}).get("clusters", [])
                for entry in entries:
                    entry["weight"] = blue if "blue" in entry["name"] else 100 - blue
        self.routes[name] = routes

    def serve(self, name: str, port: int, path: str) -> Messages:
        self.asked.append(name)
        if name in self.unreachable:
            return [*forwarded(port, "")[:2], (1, b"failed to connect to localhost:15000: refused")]
        address = urlsplit(path)
        if address.path == "/debug/syncz":
            return forwarded(port, json.dumps(self.synchronised))
        if address.path == "/config_dump":
            of_listeners = parse_qs(address.query)["resource"] == ["dynamic_listeners"]
            return forwarded(port, json.dumps(self.listeners if of_listeners else self.routes[name]))
        if address.path == "/clusters":
            return forwarded(port, json.dumps(recorded("clusters")))
        statistic = "cluster.outbound|80||web-blue.proxied.svc.cluster.local;.upstream_rq_active"
        return forwarded(port, json.dumps({"stats": [{"name": statistic, "value": self.open[name]}]}))

    def connect(self) -> Cluster:
        return Cluster({"host": self.api.url, "api_key": "sesame", "kubeconfig": {"current-context": ""}})

    def prove(self, weights: Mapping[str, int], deadline: float = 0.3, **more: Any) -> Finding:
        stopped = more.pop("stopped", threading.Event())
        options = more.pop("options", OPTIONS)
        given = {"backends": SERVICES, "hosts": [HOST], **more}
        return prove_share(options, Wanted(weights, deadline=deadline), self.connect, stopped, "share", **given)


@pytest.fixture
def mesh() -> Iterator[Mesh]:
    with api_server() as api:
        yield Mesh(api)


def test_every_ready_proxy_holds_the_weights(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    mesh.add("gateway-b")
    mesh.add("gateway-starting", ready=False)
    finding = mesh.prove({"blue": 95, "green": 5})
    assert (finding.verdict, finding.kind, finding.details["looks"]) == ("pass", "proxies", 1)
    assert finding.reason.startswith(
        "2 proxies (gateway-a, gateway-b) held blue 95, green 5 for web.proxied.test after "
    )
    assert "gateway-starting" not in mesh.asked
    json.dumps(finding.plain())


def test_a_proxy_that_is_late_is_waited_for(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    mesh.add("gateway-b")
    mesh.weigh("gateway-a", 90)
    change = threading.Timer(0.3, mesh.weigh, ("gateway-b", 90))
    change.start()
    finding = mesh.prove({"blue": 90, "green": 10}, deadline=10)
    change.join()
    assert finding.verdict == "pass"
    assert finding.details["looks"] > 1
    # Who follows is not asked again.
    assert mesh.asked.count("gateway-a") == 1


def test_a_proxy_that_does_not_follow_is_named_with_what_it_holds(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    mesh.add("gateway-b")
    mesh.weigh("gateway-a", 90)
    mesh.api.pods[ISTIOD] = [pod("istiod-0")]
    mesh.synchronised = [{"proxy": "gateway-b.edge", "route_sent": "1", "route_acked": "1"}]
    finding = mesh.prove({"blue": 90, "green": 10})
    assert (finding.verdict, finding.details["problem"]) == ("fail", "not_followed")
    assert finding.reason.startswith("gateway-b holds blue 95, green 5 in rule api (prefix /api) of proxied/web in ")
    assert "wanted blue 90, green 10; istiod has sent nothing that they have not acknowledged" in finding.reason
    assert finding.details["proxies"][0]["pod"] == "gateway-b"


@pytest.mark.parametrize(
    ("synchronised", "told"),
    [
        ([], "istiod has no connection from gateway-a.edge"),
        (
            [{"proxy": "gateway-a.edge", "route_sent": "2", "route_acked": "1"}],
            "istiod has sent routes that gateway-a.edge has not accepted",
        ),
    ],
)
def test_istiod_explains_a_delay(mesh: Mesh, synchronised: list[dict[str, str]], told: str) -> None:
    mesh.add("gateway-a")
    mesh.api.pods[ISTIOD] = [pod("istiod-0")]
    mesh.synchronised = synchronised
    finding = mesh.prove({"blue": 90, "green": 10}, deadline=0.1)
    assert finding.reason.endswith(told)
    assert finding.details["istiod"] == ["istiod istiod-0 was asked"]


def test_an_istiod_that_does_not_answer_is_told(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    mesh.api.pods[ISTIOD] = [pod("istiod-0")]
    mesh.unreachable.add("istiod-0")
    finding = mesh.prove({"blue": 90, "green": 10}, deadline=0.1)
    assert finding.reason.endswith("; istiod (istiod-0) does not answer")


def test_without_istiod_the_finding_says_so_in_its_details_only(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    finding = mesh.prove({"blue": 90, "green": 10}, deadline=0.1)
    assert finding.reason.endswith("wanted blue 90, green 10")
    assert finding.details["istiod"] == ["istiod was not asked: no running pod app=istiod in namespace istio-system"]


@pytest.mark.parametrize(
    ("host", "problem", "told"),
    [
        (
            "nope.test",
            "unknown_host",
            "no proxy has a route for host nope.test: gateway-a has no route for host nope.test",
        ),
        ("late.proxied.test", "rule_shadowed", "rule_shadowed: gateway-a never gets to rule shop (prefix /shop/cart)"),
        (
            "taken.proxied.test",
            "taken_elsewhere",
            "gateway-a sends host taken.proxied.test to outbound|80||web.proxied",
        ),
    ],
)
def test_the_reason_for_no_traffic_is_named(mesh: Mesh, host: str, problem: str, told: str) -> None:
    mesh.add("gateway-a")
    finding = mesh.prove({"blue": 90, "green": 10}, hosts=[host])
    assert (finding.verdict, finding.details["problem"]) == ("fail", problem)
    assert finding.reason.startswith(told)
    assert finding.remedy


def test_what_is_split_in_listeners_is_found_there(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    mesh.listeners = recorded("listeners")
    for route, blue in (("proxied/tls", 60), ("proxied/tcp", 70)):
        weights = {"blue": blue, "green": 100 - blue}
        assert mesh.prove(weights, hosts=["tls.proxied.test"], routes=[route]).verdict == "pass"


def test_a_proxy_that_cannot_be_asked_is_inconclusive_and_named(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    mesh.add("gateway-b")
    mesh.unreachable.add("gateway-b")
    finding = mesh.prove({"blue": 95, "green": 5})
    assert finding.verdict == "inconclusive"
    assert "gateway-b cannot be asked: failed to connect to localhost:15000" in finding.reason


def test_no_proxy_at_all_is_inconclusive(mesh: Mesh) -> None:
    mesh.add("gateway-a", ready=False)
    finding = mesh.prove({"blue": 95, "green": 5})
    assert finding.verdict == "inconclusive"
    assert finding.reason.startswith("there are no ready pods istio=ingressgateway in namespace edge")


def test_what_is_not_allowed_ends_at_once(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    path = "/api/v1/namespaces/edge/pods/gateway-a/portforward"
    mesh.api.refused[path] = status_of(403, "pods is forbidden")
    begun = time.monotonic()
    finding = mesh.prove({"blue": 95, "green": 5}, deadline=60)
    assert time.monotonic() - begun < 30
    assert finding.verdict == "inconclusive"
    assert "the verbs get and create on pods/portforward" in finding.reason


def test_it_stops_when_another_gate_has_failed(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    stopped = threading.Event()
    stopped.set()
    finding = mesh.prove({"blue": 90, "green": 10}, deadline=60, stopped=stopped)
    assert (finding.verdict, finding.details["looks"]) == ("inconclusive", 1)


def test_an_entry_that_is_not_known_is_inconclusive(mesh: Mesh) -> None:
    finding = mesh.prove({"blue": 95, "green": 5}, options=Proxies(namespace="edge"))
    assert finding.reason == "proxies.selector: is not known from the route; say where the entry's proxies are"


def test_by_a_command_in_the_proxy(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    asked = []

    def run(command: list[str]) -> Messages:
        asked.append(command)
        # A message of the server is at most 64 KiB here.
        return [(1, json.dumps(mesh.routes["gateway-a"]).encode()), (3, b'{"status": "Success"}')]

    mesh.api.run = run
    options = Proxies(selector="istio=ingressgateway", namespace="edge", via="exec")
    assert mesh.prove({"blue": 95, "green": 5}, options=options).verdict == "pass"
    assert asked == [["pilot-agent", "request", "GET", "config_dump?resource=dynamic_route_configs"]]


def test_open_requests_of_all_proxies_are_added(mesh: Mesh) -> None:
    for name, count in (("gateway-a", 2), ("gateway-b", 3)):
        mesh.add(name)
        mesh.open[name] = count
    mesh.add("gateway-ending", ready=False, deletionTimestamp="2026-01-01T00:00:00Z")
    mesh.open["gateway-ending"] = 4
    found = open_requests(mesh.connect(), OPTIONS, SERVICES)
    assert {version: counts["requests"] for version, counts in found.items()} == {"blue": 9, "green": 0}
    mesh.unreachable.add("gateway-ending")
    assert open_requests(mesh.connect(), OPTIONS, SERVICES)["blue"]["requests"] == 5
    mesh.unreachable.add("gateway-a")
    with pytest.raises(BlueGreenError, match="failed to connect"):
        open_requests(mesh.connect(), OPTIONS, SERVICES)


def drained(mesh: Mesh, deadline: float) -> Finding:
    blue = {"blue": SERVICES["blue"]}
    return prove_drained(OPTIONS, mesh.connect, threading.Event(), "drain", backends=blue, deadline=deadline)


def test_open_requests_are_waited_for(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    mesh.open["gateway-a"] = 1
    end = threading.Timer(0.3, mesh.open.update, ({"gateway-a": 0},))
    end.start()
    finding = drained(mesh, 10)
    end.join()
    assert finding.verdict == "pass"
    assert finding.reason.endswith("(9 idle connections)")
    assert finding.details["waited"] >= 0.3


def test_what_is_still_open_at_the_deadline_is_counted(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    mesh.open["gateway-a"] = 3
    finding = drained(mesh, 0.2)
    assert finding.verdict == "fail"
    assert finding.reason.endswith("and would be cut: 3 to blue")


def test_what_cannot_be_counted_is_inconclusive(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    mesh.unreachable.add("gateway-a")
    assert drained(mesh, 0.2).verdict == "inconclusive"


def test_what_a_proxy_held_before_the_pods_could_not_be_seen_any_more_is_no_failure(mesh: Mesh) -> None:
    mesh.add("gateway-a")
    silence = {"/api/v1/namespaces/edge/pods": status_of(503, "the API server is going down")}
    change = threading.Timer(0.2, mesh.api.refused.update, (silence,))
    change.start()
    finding = mesh.prove({"blue": 90, "green": 10}, deadline=0.6)
    change.join()
    assert (finding.verdict, finding.details["proxies"]) == ("inconclusive", [])
    assert "the API server is going down" in finding.reason
