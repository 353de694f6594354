# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration as an Envoy 1.40 behind istiod 1.31 gave it, shortened by retries and timeouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.envoy import (
    known_hosts,
    unknown_hosts,
    weights_held,
)

RECORDED = Path(__file__).parent / "recorded"
SERVICES = {version: [(f"web-{version}.proxied.svc.cluster.local", None)] for version in ("blue", "green")}
SUBSETS = {version: [("web.proxied.svc.cluster.local", version)] for version in ("blue", "green")}


def recorded(name: str) -> dict[str, Any]:
    dump: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return dump


def route(match: dict[str, Any], weights: dict[str, int] | None = None, cluster: str = "") -> dict[str, Any]:
    """A route to versions by weight, or to something else."""
    if weights is None:
        return {"match": match, "route": {"cluster": cluster or "outbound|80||other.proxied.svc.cluster.local"}}
    entries = [
        {"name": f"outbound|80||web-{name}.proxied.svc.cluster.local", "weight": value}
        for name, value in weights.items()
    ]
    return {"match": match, "route": {"weighted_clusters": {"clusters": entries}}}


def dump_of(*routes: dict[str, Any], domains: tuple[str, ...] = ("web.test",)) -> dict[str, Any]:
    hosts = [{"name": domains[0], "domains": list(domains), "routes": list(routes)}]
    kind = "type.googleapis.com/envoy.admin.v3.RoutesConfigDump.DynamicRouteConfig"
    return {"configs": [{"@type": kind, "route_config": {"name": "http.80", "virtual_hosts": hosts}}]}


def test_each_rule_of_a_host_with_what_it_holds() -> None:
    held = weights_held(recorded("routes"), SERVICES, ["web.proxied.test"])
    assert [(rule.name, rule.match, dict(rule.weights), rule.split) for rule in held] == [
        ("pinned", "prefix / and 1 headers", {"blue": 100}, False),
        ("api", "prefix /api", {"blue": 95, "green": 5}, True),
        ("api", "path /v2", {"blue": 95, "green": 5}, True),
        ("main", "prefix /", {"blue": 95, "green": 5}, True),
    ]
    assert {(rule.source, rule.virtual_host, rule.configuration) for rule in held} == {
        ("proxied/web", "web.proxied.test:80", "http.20080")
    }


def test_subsets_of_one_service_are_backends_too() -> None:
    held = weights_held(recorded("routes"), SUBSETS)
    assert [(rule.virtual_host, dict(rule.weights)) for rule in held] == [
        ("sub.proxied.test:80", {"blue": 95, "green": 5})
    ]


def test_a_weight_of_0_is_not_there_but_the_rule_stays_a_split() -> None:
    (rule,) = weights_held(recorded("routes"), SERVICES, ["zero.proxied.test"])
    assert (dict(rule.weights), rule.split) == ({"blue": 100}, True)


def test_tcp_and_tls_are_split_in_listeners() -> None:
    tcp, tls = weights_held(recorded("listeners"), SERVICES)
    assert (tcp.configuration, dict(tcp.weights)) == ("0.0.0.0_21980", {"blue": 70, "green": 30})
    assert (tls.virtual_host, dict(tls.weights)) == ("tls.proxied.test", {"blue": 60, "green": 40})
    assert (tcp.source, tls.source) == ("proxied/tcp", "proxied/tls")
    # Without a server name TCP is for any host.
    assert weights_held(recorded("listeners"), SERVICES, ["tls.proxied.test"]) == [tcp, tls]


def test_a_dump_of_everything_is_read_as_one_of_routes_alone() -> None:
    routes = recorded("routes")
    everything = {"configs": [{"@type": "x.RoutesConfigDump", "dynamic_route_configs": routes["configs"]}]}
    assert weights_held(everything, SERVICES) == weights_held(routes, SERVICES)


@pytest.mark.parametrize(
    ("host", "virtual_host"),
    [
        ("a.wild.test", "*.wild.test:80"),
        ("*.wild.test", "*.wild.test:80"),
        ("late.proxied.test", "late.proxied.test:80"),
    ],
)
def test_the_virtual_host_is_the_one_that_envoy_chooses(host: str, virtual_host: str) -> None:
    assert {rule.virtual_host for rule in weights_held(recorded("routes"), SERVICES, [host])} == {virtual_host}


def test_an_exact_domain_wins_over_a_wildcard_and_any() -> None:
    configuration = dump_of(route({"prefix": "/"}, {"blue": 100}), domains=("web.test:80",))
    hosts = configuration["configs"][0]["route_config"]["virtual_hosts"]
    for domain in ("*", "*.test", "web.*"):
        hosts.append({"name": domain, "domains": [domain], "routes": [route({"prefix": "/"}, {"green": 100})]})
    chosen = {
        host: weights_held(configuration, SERVICES, [host])[0].virtual_host for host in ("web.test", "a.test", "x")
    }
    assert chosen == {"web.test": "web.test:80", "a.test": "*.test", "x": "*"}


def test_the_virtual_host_of_a_backend_itself_is_no_split() -> None:
    own = dump_of(route({"prefix": "/"}, {"blue": 100}), domains=("web-blue.proxied.svc.cluster.local", "web-blue"))
    assert weights_held(own, SERVICES) == []


def test_a_host_without_a_rule_of_the_release_is_named_with_where_it_leads() -> None:
    unknown = unknown_hosts(recorded("routes"), SERVICES, ["web.proxied.test", "nope.test", "taken.proxied.test"])
    assert [(item.host, item.sends_to) for item in unknown] == [
        ("nope.test", ()),
        ("taken.proxied.test", ("outbound|80||web.proxied.svc.cluster.local",)),
    ]
    assert "web.proxied.test" in known_hosts(recorded("routes"))


def test_a_recorded_rule_behind_a_wider_one_is_shadowed() -> None:
    maintenance, shop = weights_held(recorded("routes"), SERVICES, ["late.proxied.test"])
    assert maintenance.shadowed_by is None
    assert shop.shadowed_by == "maintenance (prefix /shop, from proxied/before)"


ANY = {"prefix": "/"}
HEADER = {"name": "x", "string_match": {"exact": "y"}}


@pytest.mark.parametrize(
    ("earlier", "later", "shadows"),
    [
        (ANY, {"prefix": "/api"}, True),
        (ANY, {"safe_regex": {"regex": "/a.*"}}, True),
        (ANY, {**ANY, "headers": [HEADER]}, True),
        ({**ANY, "headers": [HEADER]}, ANY, False),
        ({**ANY, "headers": [HEADER]}, {"path": "/a", "headers": [{"name": "z"}, HEADER]}, True),
        ({**ANY, "runtime_fraction": {"default_value": {"numerator": 10}}}, ANY, False),
        ({"prefix": "/a"}, {"prefix": "/ab"}, True),
        ({"prefix": "/ab"}, {"prefix": "/a"}, False),
        ({"prefix": "/a"}, {"path": "/a/b"}, True),
        ({"prefix": "/A", "case_sensitive": False}, {"path": "/a/b"}, True),
        ({"prefix": "/a"}, {"path": "/a/b", "case_sensitive": False}, False),
        ({"path": "/a"}, {"path": "/a"}, True),
        ({"path": "/a"}, {"prefix": "/a"}, False),
        ({"path_separated_prefix": "/a"}, {"path": "/a"}, True),
        ({"path_separated_prefix": "/a"}, {"prefix": "/a/b"}, True),
        ({"path_separated_prefix": "/a"}, {"prefix": "/a"}, False),
        ({"path_separated_prefix": "/a"}, {"path": "/ab"}, False),
        ({"safe_regex": {"regex": "/.*"}}, {"safe_regex": {"regex": "/.*"}}, True),
        ({"safe_regex": {"regex": "/.*"}}, {"prefix": "/a"}, False),
        ({"prefix": "/a"}, {"safe_regex": {"regex": "/a.*"}}, False),
    ],
)
def test_which_route_takes_all_that_would_match_a_later_one(
    earlier: dict[str, Any], later: dict[str, Any], shadows: bool
) -> None:
    (rule,) = weights_held(dump_of(route(earlier), route(later, {"blue": 50, "green": 50})), SERVICES)
    assert (rule.shadowed_by is not None) is shadows
