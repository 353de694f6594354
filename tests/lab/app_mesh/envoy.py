# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters, endpoints and routes of what is accepted, in Envoy's form and with App Mesh's names: pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.app_mesh import matches
from tests.lab.app_mesh.accepted import (
    PROTOCOLS,
    Accepted,
    Thing,
    backends,
    listener,
    listeners,
    nodes_of,
    route_action,
    routers_of,
)
from tests.lab.app_mesh.objects import Json, Objects, addresses, key, referred

ROUTES = "rds_egress_http"
TYPES = "type.googleapis.com/envoy"
HTTP_FILTERS = f"{TYPES}.extensions.filters"
# What App Mesh gives a route that says nothing.
REQUEST_TIMEOUT = "15s"
LOWEST_PRIORITY = 1001


@dataclass(frozen=True)
class Resources:
    clusters: list[Json]
    endpoints: dict[str, list[tuple[str, int]]]
    """By the name of the cluster."""
    routes: Json


def resources(accepted: Accepted, objects: Objects, folder: Path) -> Resources:
    endpoints = {
        cluster_name(node, port, protocol): addresses(node.manifest, port, objects)
        for node in accepted.nodes.values()
        for port, protocol in listeners(node)
    }
    # Envoy refuses all of them when two have the same name.
    hosts = {
        host["name"]: host
        for place in sorted(backends(accepted) & set(accepted.services))
        for host in _virtual_hosts(accepted.services[place], accepted)
    }
    routes = {
        "@type": f"{TYPES}.config.route.v3.RouteConfiguration",
        "name": ROUTES,
        "virtual_hosts": list(hosts.values()),
    }
    return Resources([_cluster(name, folder) for name in sorted(endpoints)], endpoints, routes)


def cluster_name(node: Thing, port: int, protocol: str) -> str:
    return f"cds_egress_{node.mesh}_{node.name}_{protocol}_{port}"


def _cluster(name: str, folder: Path) -> Json:
    """The application of the lab's pods speaks HTTP/1.1 alone, whatever protocol a listener has."""
    file = {"path_config_source": {"path": str(endpoints_file(folder, name))}, "resource_api_version": "V3"}
    return {
        "@type": f"{TYPES}.config.cluster.v3.Cluster",
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": file},
        "connect_timeout": "1s",
    }


def endpoints_file(folder: Path, cluster: str) -> Path:
    return folder / "endpoints" / f"{cluster}.json"


def assignment(cluster: str, endpoints: list[tuple[str, int]]) -> Json:
    return {
        "@type": f"{TYPES}.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": cluster,
        "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": _address(*endpoint)}} for endpoint in endpoints]},
        ],
    }


def _virtual_hosts(service: Thing, accepted: Accepted) -> list[Json]:
    """One for each port that the service's router, or else its node, listens on."""
    routers = [accepted.routers[place] for place in routers_of(service)]
    nodes = [accepted.nodes[place] for place in nodes_of(service)]
    hosts: list[Json] = []
    for port, protocol in [found for provider in [*routers, *nodes] for found in listeners(provider)]:
        routes = [route for router in routers for route in _routes(router, port, protocol, accepted)]
        routes += [_route(_any(protocol), [(cluster_name(node, port, protocol), 100)], {}) for node in nodes]
        name = f"{service.name}:{port}"
        hosts.append({"name": name, "domains": [name], "routes": routes})
    return hosts


def _any(protocol: str) -> Json:
    return matches.tcp() if protocol == "tcp" else matches.http({"prefix": "/"})


def _routes(router: Thing, port: int, protocol: str, accepted: Accepted) -> list[Json]:
    """In the order in which they are tried: a lower number goes first."""
    ordered = sorted(router.spec.get("routes") or [], key=lambda route: route.get("priority", LOWEST_PRIORITY))
    found: list[Json] = []
    for route in ordered:
        action = route_action(route)
        if action is None or action[0] != PROTOCOLS[protocol]:
            continue
        kind, rule = action
        match = rule.get("match") or {}
        if match.get("port", port) == port:
            targets = [_target(target, router, accepted) for target in rule["action"]["weightedTargets"]]
            found.append({"name": route["name"], **_route(matches.of(kind, match), targets, rule.get("timeout") or {})})
    return found


def _target(target: Json, router: Thing, accepted: Accepted) -> tuple[str, int]:
    node = accepted.nodes[referred(target["virtualNodeRef"], key(router.manifest)[0])]
    port, protocol = listener(node, target.get("port")) or (0, "")
    return cluster_name(node, port, protocol), target["weight"]


def _route(match: Json, targets: list[tuple[str, int]], timeout: Json) -> Json:
    weighted = [{"name": name, "weight": weight} for name, weight in targets]
    action: dict[str, Any] = {"weighted_clusters": {"clusters": weighted}}
    if "connect_matcher" in match:
        # A connection is divided, not what is sent through it.
        action["upgrade_configs"] = [{"upgrade_type": "CONNECT", "connect_config": {}}]
        action["timeout"] = "0s"
    else:
        action["timeout"] = matches.duration(timeout["perRequest"]) if "perRequest" in timeout else REQUEST_TIMEOUT
    if "idle" in timeout:
        action["idle_timeout"] = matches.duration(timeout["idle"])
    return {"match": match, "route": action}


def bootstrap(folder: Path, admin_port: int, listener_port: int) -> Json:
    """One listener for all that a pod of the mesh sends, as an HTTP proxy; the rest is read from files."""
    routes = {"path_config_source": {"path": str(folder / "routes.json")}, "resource_api_version": "V3"}
    clusters = {"path_config_source": {"path": str(folder / "clusters.json")}, "resource_api_version": "V3"}
    manager = {
        "@type": f"{HTTP_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "egress",
        "rds": {"config_source": routes, "route_config_name": ROUTES},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{HTTP_FILTERS}.http.router.v3.Router"},
            }
        ],
        "upgrade_configs": [{"upgrade_type": "CONNECT"}, {"upgrade_type": "websocket"}],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    listening = {
        "name": f"lds_egress_127.0.0.1_{listener_port}",
        "address": _address("127.0.0.1", listener_port),
        "filter_chains": [chain],
    }
    return {
        "node": {"id": "app-mesh", "cluster": "app-mesh"},
        "admin": {"address": _address("127.0.0.1", admin_port)},
        "dynamic_resources": {"cds_config": clusters},
        "static_resources": {"listeners": [listening]},
    }


def _address(address: str, port: int) -> Json:
    return {"socket_address": {"address": address, "port_value": port}}
