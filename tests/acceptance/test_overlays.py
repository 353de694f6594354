# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is laid over a route for a while: a test header at 0 %, and a mirror. Both go again without a trace."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import urllib3

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, until
from tests.acceptance.playbooks import Playbooks, Run
from tests.acceptance.test_other_writers import between_read_and_write
from tests.acceptance.traffic import Gateway

Json = dict[str, Any]

ALL_BLUE: dict[str, int | None] = {"blue": 100, "green": 0}
SPLIT = {"blue": 90, "green": 10}
HEALTH = {"name": "health", "match": [{"uri": {"exact": "/up"}}], "directResponse": {"status": 200}}


class Client:
    """Requests to one host, one after the other."""

    def __init__(self, gateway: Gateway, host: str) -> None:
        self._url, self._host = gateway.url, host
        self._http = urllib3.PoolManager(retries=False)
        self.requests = 0

    def get(self, path: str = "", **headers: str) -> Json:
        self.requests += 1
        answer = self._http.request("GET", self._url + path, headers={"Host": self._host, **headers})
        return {"status": answer.status, "version": answer.headers.get("app-version"), "data": answer.data}

    def versions(self, count: int, path: str = "", **headers: str) -> set[str]:
        """Who answers this many requests."""
        return {str(self.get(path, **headers)["version"]) for _request in range(count)}


@pytest.fixture
def client(gateway: Gateway, host: str) -> Client:
    return Client(gateway, host)


@pytest.fixture
def busy_route(cluster: Cluster, gateway: Gateway, web: str, host: str) -> str:
    """A route as users have them: several rules, conditions, rewrites, letters and signs that JSON can spell twice."""
    destinations = objects.route(web, "web", ALL_BLUE)["spec"]["http"][0]["route"]
    conditions = [
        {"uri": {"regex": "/api/(ü&<|.*)"}},
        {"headers": {"x-team": {"exact": "a"}}, "method": {"exact": "PUT"}},
    ]
    api = {"name": "api für alle", "match": conditions, "rewrite": {"uri": "/rewritten"}, "timeout": "7s"}
    rules = [HEALTH, {**api, "route": destinations}, {"retries": {"attempts": 2}, "route": destinations}]
    cluster.apply([objects.route(web, "web", ALL_BLUE, http=rules)])
    gateway.wait_until_served(host)
    return web


def traffic(playbooks: Playbooks, namespace: str, *options: str, **arguments: Any) -> Run:
    given = {"versions": {"blue": {}, "green": {}}, **arguments.pop("route", {})}
    route = {"router": "istio", "name": "web", "namespace": namespace, **given}
    return playbooks.task("traffic", {"routes": [route], **arguments}, *options)


def header(value: str) -> Json:
    return {"value": value, "version": "green"}


def serves(client: Client, value: str) -> None:
    until(lambda: client.get(**{"x-bluegreen": value})["version"] == "green", f"Envoy knows the header {value}")


def spec_of(cluster: Cluster, namespace: str, name: str = "web") -> str:
    """Every byte of it, as the API server keeps it."""
    return json.dumps(cluster.route(namespace, name)["spec"])


def codes(playbooks: Playbooks, namespace: str) -> list[str]:
    route = {"name": "web", "namespace": namespace, "versions": {"blue": {}, "green": {}}}
    result = playbooks.task("traffic_info", {"routes": [route]}).succeeded().results("traffic_info")[0]
    assert (result["weights"], result["live"], result["consistent"]) == (ALL_BLUE, "blue", True)
    return [problem["code"] for problem in result["problems"]]


def test_requests_with_the_header_reach_a_version_without_weight(
    playbooks: Playbooks, cluster: Cluster, busy_route: str, client: Client, tell: Any
) -> None:
    before = spec_of(cluster, busy_route)
    traffic(playbooks, busy_route, "--check", "--diff", test_header=header("4f1c")).succeeded()
    assert spec_of(cluster, busy_route) == before
    traffic(playbooks, busy_route, test_header=header("4f1c")).succeeded()
    traffic(playbooks, busy_route, test_header=header("4f1c")).unchanged()
    serves(client, "4f1c")
    with_it = {"x-bluegreen": "4f1c"}
    assert client.versions(100, **with_it) == {"green"}
    assert client.versions(100, "api/orders", **with_it) == {"green"}
    assert client.get("up", **with_it)["version"] is None
    assert json.loads(client.get("api/orders", **with_it)["data"])["path"] == "/rewritten"
    assert client.versions(200) == client.versions(100, "api/orders") == {"blue"}
    assert client.versions(100, **{"x-bluegreen": "another"}) == {"blue"}
    assert codes(playbooks, busy_route) == ["leftover_test_rule"] * 2

    traffic(playbooks, busy_route, test_header={"state": "absent"}).succeeded()
    traffic(playbooks, busy_route, test_header={"state": "absent"}).unchanged()
    assert spec_of(cluster, busy_route) == before
    assert codes(playbooks, busy_route) == []
    until(lambda: client.get(**with_it)["version"] == "blue", "Envoy knows the header no more")
    assert client.versions(100, **with_it) == {"blue"}
    tell(f"{client.requests} requests, each answered by the version that it was for")


def test_who_finds_the_rules_of_a_killed_run_replaces_them(
    playbooks: Playbooks, cluster: Cluster, busy_route: str, client: Client
) -> None:
    """Meanwhile a user has put a rule between, and changed another."""
    traffic(playbooks, busy_route, test_header=header("of-the-killed-run")).succeeded()
    rules = cluster.route(busy_route)["spec"]["http"]
    own = {"name": "news", "match": [{"uri": {"exact": "/news"}}], "directResponse": {"status": 204}}
    rules[4]["retries"]["attempts"] = 5
    cluster.patch_route(busy_route, {"spec": {"http": [own, *rules[:2], own, *rules[2:]]}})
    traffic(playbooks, busy_route, test_header=header("of-the-next")).succeeded()
    serves(client, "of-the-next")
    assert client.versions(50, **{"x-bluegreen": "of-the-killed-run"}) == {"blue"}
    traffic(playbooks, busy_route, test_header={"state": "absent"}).succeeded()
    assert cluster.route(busy_route)["spec"]["http"] == [own, rules[0], own, rules[2], rules[4]]


def test_weights_move_past_the_rules_and_take_them_along_in_one_write(
    playbooks: Playbooks, cluster: Cluster, busy_route: str
) -> None:
    before = spec_of(cluster, busy_route)
    traffic(playbooks, busy_route, test_header=header("4f1c")).succeeded()
    traffic(
        playbooks, busy_route, test_header={"state": "absent"}, mirror={"version": "green", "percent": 5}
    ).succeeded()
    traffic(playbooks, busy_route, test_header=header("4f1c")).succeeded()
    shifted = traffic(playbooks, busy_route, weights=SPLIT, expect=ALL_BLUE).succeeded()
    operations = shifted.results("traffic")[0]["routes"][0]["patch"]
    assert [operation["path"] for operation in operations[1::2]] == [
        f"/spec/http/{rule}/route/{place}/weight" for rule in (2, 4) for place in (0, 1)
    ]
    ends = {"test_header": {"state": "absent"}, "mirror": {"version": "green", "state": "absent"}}
    with cluster.requests(busy_route) as sent:
        traffic(playbooks, busy_route, weights=ALL_BLUE, require_ready=False, **ends).succeeded()
    assert sent == {"get virtualservices": 1, "patch virtualservices": 1}
    assert spec_of(cluster, busy_route) == before
    with cluster.requests(busy_route) as sent:
        traffic(playbooks, busy_route, weights=ALL_BLUE, **ends).unchanged()
    assert sent == {"get virtualservices": 1}


def test_check_mode_predicts_the_end_of_what_it_did_not_begin(
    playbooks: Playbooks, cluster: Cluster, busy_route: str
) -> None:
    end = {"test_header": {**header("4f1c"), "state": "absent"}, "weights": SPLIT, "expect": ALL_BLUE}
    predicted = traffic(playbooks, busy_route, "--check", **end).succeeded()
    traffic(playbooks, busy_route, test_header=header("4f1c")).succeeded()
    sent = traffic(playbooks, busy_route, **end).succeeded()
    patches = [run.results("traffic")[0]["routes"][0]["patch"] for run in (predicted, sent)]
    assert patches[0] == patches[1]
    assert sum(operation["op"] == "remove" for operation in patches[0]) == 2


def test_check_mode_tests_a_version_that_is_still_to_be_added(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    cluster.apply([objects.route(web, "web", {"blue": 100})])
    route = {"versions": {"blue": {}, "green": {"backend": "web-green"}}, "adopt": True}
    begin = {"route": route, "test_header": header("4f1c")}
    predicted = traffic(playbooks, web, "--check", **begin).succeeded()
    traffic(playbooks, web, route=route, weights=ALL_BLUE).succeeded()
    sent = traffic(playbooks, web, **begin).succeeded()
    patches = [run.results("traffic")[0]["routes"][0]["patch"] for run in (predicted, sent)]
    assert patches[0] == patches[1]
    assert [operation["op"] for operation in patches[0]] == ["test", "add"]


def test_another_writer_in_between_is_kept(playbooks: Playbooks, cluster: Cluster, busy_route: str) -> None:
    def insert_a_rule(read: int) -> None:
        if read == 1:
            standing = cluster.route(busy_route)["spec"]["http"]
            cluster.patch_route(busy_route, {"spec": {"http": [{**HEALTH, "name": "another"}, *standing]}})

    with between_read_and_write(cluster, insert_a_rule) as way:
        run = traffic(playbooks, busy_route, test_header=header("4f1c"), **way).succeeded()
    assert run.results("traffic")[0]["attempts"] == 2
    names = [rule.get("name", "") for rule in cluster.route(busy_route)["spec"]["http"]]
    assert [name.startswith("bluegreen-test-") for name in names] == [False, False, True, False, True, False]


@pytest.fixture
def half_allowed(cluster: Cluster, busy_route: str) -> Json:
    """Options to connect as somebody who may write the first of two routes, and only read the second."""
    second = objects.route(busy_route, "web", ALL_BLUE, host=f"second.{busy_route}.example.com")
    second["metadata"]["name"] = "second"
    api, somebody = "rbac.authorization.k8s.io", f"somebody-{busy_route}"
    rules = [
        {"apiGroups": ["networking.istio.io"], "resources": ["virtualservices"], "verbs": ["get"]},
        {
            "apiGroups": ["networking.istio.io"],
            "resources": ["virtualservices"],
            "verbs": ["patch"],
            "resourceNames": ["web"],
        },
    ]
    metadata = {"name": "half", "namespace": busy_route}
    subject = {"kind": "User", "apiGroup": api, "name": somebody}
    role = {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": f"{api}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "subjects": [subject],
        "roleRef": {"apiGroup": api, "kind": "Role", "name": "half"},
    }
    cluster.apply([second, role, binding])
    return {"impersonate_user": somebody}


def test_all_routes_or_none(playbooks: Playbooks, cluster: Cluster, busy_route: str, half_allowed: Json) -> None:
    before = {name: spec_of(cluster, busy_route, name) for name in ("web", "second")}
    routes = [{"name": name, "namespace": busy_route} for name in before]
    arguments = {"routes": routes, "test_header": header("4f1c"), "require_ready": False, **half_allowed}
    with cluster.history(busy_route) as history:
        playbooks.task("traffic", arguments).refused("does not allow this", f"{busy_route}/web was put back")
        until(lambda: len(history) >= 3, "the watch has seen both writes")
    assert {name: spec_of(cluster, busy_route, name) for name in before} == before
    assert [len(route["spec"]["http"]) for route in history] == [3, 5, 3]


def test_what_is_not_ready_gets_no_test_requests_either(
    playbooks: Playbooks, cluster: Cluster, busy_route: str
) -> None:
    before = spec_of(cluster, busy_route)
    cluster.kubectl("scale", "deployment/web-green", "-n", busy_route, "--replicas=0")
    cluster.wait_until_ready(busy_route, "web-green")
    for what in ({"test_header": header("4f1c")}, {"mirror": {"version": "green", "percent": 5}}):
        traffic(playbooks, busy_route, **what).refused("green may not get traffic yet", "0 ready endpoints, 1 wanted")
    route = {"min_endpoints": {"green": 2, "blue": 2}}
    traffic(playbooks, busy_route, route=route, weights=SPLIT).refused("0 ready endpoints, 2 wanted")
    assert spec_of(cluster, busy_route) == before


def test_live_gets_its_traffic_back_only_with_its_usual_capacity(
    playbooks: Playbooks, cluster: Cluster, web: str
) -> None:
    traffic(playbooks, web, weights=SPLIT).succeeded()
    route = {"min_endpoints": {"blue": 2}}
    traffic(playbooks, web, route=route, weights=ALL_BLUE).refused(
        "blue may not get traffic yet", f"Service {web}/web-blue: 1 ready endpoints, 2 wanted"
    )
    cluster.kubectl("scale", "deployment/web-blue", "-n", web, "--replicas=2")
    cluster.wait_until_ready(web, "web-blue")
    traffic(playbooks, web, route=route, weights=ALL_BLUE).succeeded()


class Copies:
    """How many requests Envoy has sent to each version, copies too."""

    def __init__(self, lab: Json, namespace: str) -> None:
        self._url, self._namespace = lab["gateway_admin_url"], namespace
        self._http = urllib3.PoolManager(retries=False)

    def counted(self) -> Counter[str]:
        answer = self._http.request("GET", f"{self._url}/stats?format=json&filter=upstream_rq_total")
        counted: Counter[str] = Counter()
        for stat in json.loads(answer.data)["stats"]:
            name = stat.get("name", "")
            if f".{self._namespace}.svc" in name and name.endswith(".upstream_rq_total"):
                counted[name.split("|")[3].split(".")[0]] += stat["value"]
        return counted


@pytest.fixture
def copies(lab: Json, namespace: str) -> Copies:
    return Copies(lab, namespace)


def test_a_version_sees_copies_of_the_requests_and_live_answers(
    playbooks: Playbooks,
    cluster: Cluster,
    busy_route: str,
    client: Client,
    copies: Copies,
    tell: Any,
) -> None:
    before = spec_of(cluster, busy_route)
    mirror = {"version": "green", "percent": 20}
    traffic(playbooks, busy_route, mirror=mirror).succeeded()
    traffic(playbooks, busy_route, mirror=mirror).unchanged()
    assert codes(playbooks, busy_route) == ["leftover_mirror"] * 2
    until(lambda: client.get()["version"] == "blue" and copies.counted()["web-green"], "Envoy copies requests")
    begin = copies.counted()
    assert client.versions(400) == client.versions(100, "api/orders") == {"blue"}
    until(lambda: (copies.counted() - begin)["web-blue"] == 500, "Envoy has counted 500 requests")
    seen = (copies.counted() - begin)["web-green"]
    # Five standard deviations on each side of 100.
    assert 55 <= seen <= 145, f"{seen} of 500 copied"

    end = {"version": "green", "state": "absent"}
    traffic(playbooks, busy_route, mirror=end).succeeded()
    traffic(playbooks, busy_route, mirror=end).unchanged()
    assert spec_of(cluster, busy_route) == before
    marks = []

    def no_more_copies() -> bool:
        marks.append(copies.counted()["web-green"])
        client.versions(20)
        return len(marks) > 1 and marks[-1] == marks[-2]

    until(no_more_copies, "Envoy copies nothing any more")
    tell(f"{seen} of 500 requests copied at 20 %, all answered by blue")


def test_a_mirror_of_the_users_own_stays_where_it_is(playbooks: Playbooks, cluster: Cluster, busy_route: str) -> None:
    other = {"destination": {"host": "shadow.example.com"}, "percentage": {"value": 3}}
    rules = cluster.route(busy_route)["spec"]["http"]
    cluster.patch_route(busy_route, {"spec": {"http": [*rules[:2], {**rules[2], "mirrors": [other]}]}})
    before = spec_of(cluster, busy_route)
    mirror = {"version": "green", "percent": 5}
    traffic(playbooks, busy_route, mirror=mirror).succeeded()
    assert len(cluster.route(busy_route)["spec"]["http"][2]["mirrors"]) == 2
    traffic(playbooks, busy_route, mirror={"version": "green", "state": "absent"}).succeeded()
    assert spec_of(cluster, busy_route) == before
    cluster.patch_route(busy_route, {"spec": {"http": [*rules[:2], {**rules[2], "mirror": other["destination"]}]}})
    traffic(playbooks, busy_route, mirror=mirror).refused("has a mirror of its own", "write it as mirrors")


def test_a_version_with_test_requests_or_copies_is_not_retired(playbooks: Playbooks, busy_route: str) -> None:
    arguments = {"routes": [{"name": "web", "namespace": busy_route, "versions": {"blue": {}, "green": {}}}]}
    playbooks.task("traffic_info", {**arguments, "unused": ["green"]}).succeeded()
    traffic(playbooks, busy_route, mirror={"version": "green", "percent": 5}).succeeded()
    traffic(playbooks, busy_route, test_header=header("4f1c")).succeeded()
    playbooks.task("traffic_info", {**arguments, "unused": ["green"]}).refused("(mirror)", "(test rule)")
