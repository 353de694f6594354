# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an Envoy that is driven by Istio holds: the weights in its configuration.

The forms are those of its administration interface,
U(https://www.envoyproxy.io/docs/envoy/latest/operations/admin): /config_dump with the resources dynamic_route_configs
(HTTP) and dynamic_listeners (TCP and TLS). Istio calls a cluster ``outbound|<port>|<subset>|<host>``, and leaves
destinations of weight 0 out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# In quotes: pylint takes them for code that runs on a Python where they would not.
# Version → the backends that carry it: full host (web-green.prod.svc.cluster.local) and subset, or None.
Backends = Mapping[str, Sequence["tuple[str, str | None]"]]

Versions = Mapping["tuple[str, str | None]", str]

# What a route's match may hold beside its path; all of them narrow it.
_CONDITIONS = (
    "headers",
    "query_parameters",
    "cookies",
    "filter_state",
    "dynamic_metadata",
    "runtime_fraction",
    "grpc",
    "tls_context",
)
_PATHS = ("prefix", "path", "path_separated_prefix", "safe_regex", "path_match_policy", "connect_matcher")


@dataclass(frozen=True)
class HeldRule:
    """One route of a virtual host that sends to versions of the release, with their weights as Envoy holds them."""

    configuration: str
    virtual_host: str
    name: str
    source: str
    """The object that Istio made it from, such as prod/web; empty when it does not say."""
    match: str
    weights: Mapping[str, int]
    split: bool
    """Made from several destinations, even if all but one have no weight now."""
    shadowed_by: str | None = None
    """The earlier route of the same virtual host that takes every request that would get here."""


@dataclass(frozen=True)
class UnknownHost:
    """A host for which a proxy has no rule with a version of the release; ``sends_to`` is what it has instead."""

    host: str
    sends_to: tuple[str, ...] = ()


def weights_held(config_dump: Mapping[str, Any], backends: Backends, hosts: Sequence[str] = ()) -> list[HeldRule]:
    """Every rule that sends to these backends, in the virtual hosts that Envoy chooses for these hosts; empty: any."""
    versions = versions_by_backend(backends)
    held: list[HeldRule] = []
    for configuration, virtual_hosts in _virtual_hosts(config_dump):
        for virtual_host in _chosen(virtual_hosts, hosts) if hosts else virtual_hosts:
            # Each Service has a virtual host of its own name, which leads to nothing else: no part of any split.
            if not (set(virtual_host.get("domains") or []) & {host for host, subset in versions if subset is None}):
                held += _rules(configuration, virtual_host, versions)
    return held


def unknown_hosts(config_dump: Mapping[str, Any], backends: Backends, hosts: Sequence[str]) -> list[UnknownHost]:
    """The hosts for which no rule sends to any of these backends."""
    versions = versions_by_backend(backends)
    unknown = []
    for host in hosts:
        targets: list[str] = []
        for _configuration, virtual_hosts in _virtual_hosts(config_dump):
            for virtual_host in _chosen(virtual_hosts, [host]):
                targets += [name for route in _routes(virtual_host) for name, _weight in _targets(route)]
        if not any(version_of(target, versions) for target in targets):
            unknown.append(UnknownHost(host, tuple(dict.fromkeys(targets))))
    return unknown


def known_hosts(config_dump: Mapping[str, Any]) -> list[str]:
    """Every domain that has a route."""
    domains = {
        domain
        for _configuration, virtual_hosts in _virtual_hosts(config_dump)
        for virtual_host in virtual_hosts
        if _routes(virtual_host)
        for domain in virtual_host.get("domains") or []
    }
    return sorted(domains)


def versions_by_backend(backends: Backends) -> Versions:
    """The other way round: each backend with its version."""
    return {(host, subset or None): version for version, entries in backends.items() for host, subset in entries}


def version_of(cluster: str, versions: Versions) -> str | None:
    """The version that a cluster of Envoy carries, if any."""
    direction, *rest = cluster.split("|")
    if direction != "outbound" or len(rest) != 3:
        return None
    _port, subset, host = rest
    return versions.get((host, subset or None))


def _resources(dump: Mapping[str, Any], kind: str, field: str) -> Iterator[Mapping[str, Any]]:
    """The resources of a kind, from a dump of that kind alone, or of everything."""
    for entry in dump.get("configs") or []:
        if str(entry.get("@type", "")).endswith(kind):
            yield entry
        yield from entry.get(field) or []


def _virtual_hosts(dump: Mapping[str, Any]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """The virtual hosts of each route configuration; a listener's TCP filters count as one for each server name."""
    for entry in _resources(dump, ".RoutesConfigDump.DynamicRouteConfig", "dynamic_route_configs"):
        configuration = entry.get("route_config") or {}
        yield str(configuration.get("name", "")), list(configuration.get("virtual_hosts") or [])
    for entry in _resources(dump, ".ListenersConfigDump.DynamicListener", "dynamic_listeners"):
        listener = (entry.get("active_state") or {}).get("listener") or {}
        virtual_hosts = [_tcp_host(chain) for chain in listener.get("filter_chains") or []]
        yield str(listener.get("name", "")), [virtual_host for virtual_host in virtual_hosts if virtual_host["routes"]]


def _tcp_host(chain: Mapping[str, Any]) -> dict[str, Any]:
    names = (chain.get("filter_chain_match") or {}).get("server_names") or ["*"]
    routes = [
        {"name": chain.get("name", ""), "metadata": chain.get("metadata"), "route": item["typed_config"]}
        for item in chain.get("filters") or []
        if str((item.get("typed_config") or {}).get("@type", "")).endswith(".TcpProxy")
    ]
    return {"name": ", ".join(names), "domains": names, "routes": routes}


def _chosen(virtual_hosts: Sequence[Mapping[str, Any]], hosts: Sequence[str]) -> list[Mapping[str, Any]]:
    """The virtual host that Envoy chooses for each host: exact, then the longest wildcard, then any."""
    chosen = []
    for host in hosts:
        ranked = [(_rank(domain, host), item) for item in virtual_hosts for domain in item.get("domains") or []]
        best, virtual_host = max(ranked, key=lambda pair: pair[0], default=((0, 0), {}))
        if best > (0, 0) and virtual_host not in chosen:
            chosen.append(virtual_host)
    return chosen


def _rank(domain: str, host: str) -> tuple[int, int]:
    name, _colon, port = domain.rpartition(":")
    if name and (port.isdigit() or port == "*"):
        domain = name
    if domain == host:
        return 4, 0
    if domain == "*":
        return 1, 0
    if domain.startswith("*") and host.endswith(domain[1:]):
        return 3, len(domain)
    if domain.endswith("*") and host.startswith(domain[:-1]):
        return 2, len(domain)
    return 0, 0


def _routes(virtual_host: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(virtual_host.get("routes") or [])


def _targets(route: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The clusters that a route sends to, with their weights; an only one has everything."""
    action = route.get("route") or {}
    if "weighted_clusters" in action:
        entries = action["weighted_clusters"].get("clusters") or []
        return [(str(entry.get("name", "")), int(entry.get("weight", 0))) for entry in entries]
    return [(str(action["cluster"]), 100)] if "cluster" in action else []


def _rules(configuration: str, virtual_host: Mapping[str, Any], versions: Versions) -> Iterator[HeldRule]:
    routes = _routes(virtual_host)
    for position, route in enumerate(routes):
        weights: dict[str, int] = {}
        for target, weight in _targets(route):
            version = version_of(target, versions)
            if version is not None:
                weights[version] = weights.get(version, 0) + weight
        if not weights:
            continue
        yield HeldRule(
            configuration=configuration,
            virtual_host=str(virtual_host.get("name", "")),
            name=str(route.get("name") or f"route {position + 1}"),
            source=_source(route),
            match=_told(route.get("match") or {}),
            weights=weights,
            split="weighted_clusters" in route["route"],
            shadowed_by=next(
                (_named(routes, earlier) for earlier in range(position) if _covers(routes, earlier, position)), None
            ),
        )


def _named(routes: Sequence[Mapping[str, Any]], position: int) -> str:
    route = routes[position]
    source = _source(route)
    name = route.get("name") or f"route {position + 1}"
    return f"{name} ({_told(route.get('match') or {})}" + (f", from {source})" if source else ")")


def _source(route: Mapping[str, Any]) -> str:
    """Namespace and name of the object that Istio made a route from.

    HTTP routes have metadata: /apis/<group>/<version>/namespaces/<namespace>/<kind>/<name>. Where a TCP filter
    splits, its statistics are called <name>.<namespace>.
    """
    name, _dot, namespace = str((route.get("route") or {}).get("stat_prefix", "")).rpartition(".")
    if name and "weighted_clusters" in route["route"]:
        return f"{namespace}/{name}"
    istio = ((route.get("metadata") or {}).get("filter_metadata") or {}).get("istio") or {}
    parts = str(istio.get("config", "")).split("/")
    return f"{parts[-3]}/{parts[-1]}" if len(parts) > 3 else ""


def _told(match: Mapping[str, Any]) -> str:
    """A match in short, for a person."""
    path = next((f"{kind} {_plain(match[kind])}" for kind in _PATHS if kind in match), "any path")
    narrowed = [
        f"{len(match[kind])} {kind}" if isinstance(match[kind], list) else kind
        for kind in _CONDITIONS
        if match.get(kind)
    ]
    return " and ".join([path, *narrowed]).replace("_", " ")


def _plain(value: Any) -> str:
    return str(value.get("regex", "")) if isinstance(value, Mapping) else str(value)


def _covers(routes: Sequence[Mapping[str, Any]], earlier: int, later: int) -> bool:
    """Whether every request that would match the later route is taken by the earlier one."""
    first, second = routes[earlier].get("match") or {}, routes[later].get("match") or {}
    for kind in _CONDITIONS:
        wanted, present = first.get(kind) or [], second.get(kind) or []
        if not isinstance(wanted, list):
            if wanted != present:
                return False
        elif any(condition not in present for condition in wanted):
            return False
    return _path_covers(first, second)


def _path_covers(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    sensitive = bool(first.get("case_sensitive", True))
    if sensitive and not second.get("case_sensitive", True):
        return False
    one, other = ({kind: match[kind] for kind in _PATHS if kind in match} for match in (first, second))
    if one == other or one == {"prefix": "/"}:
        return True
    texts = [text for text in (*one.values(), *other.values()) if isinstance(text, str)]
    if len(texts) != 2:
        # Regular expressions and templates: what else they take cannot be told.
        return False
    covering, covered = texts if sensitive else [text.lower() for text in texts]
    if "prefix" in one:
        return covered.startswith(covering)
    if "path_separated_prefix" in one:
        same = covered == covering and "prefix" not in other
        return same or covered.startswith(f"{covering.rstrip('/')}/")
    return "path" in other and covering == covered
