# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that do not mean one thing: taken by another route too, or the name of Services in several namespaces.

Istio joins the VirtualServices of a host at a gateway, the oldest first and rules that match everything last; in the
mesh it follows the oldest one alone. See
U(https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services). Of equal matches in
several routes of the Gateway API the oldest route's has the requests.
"""

from __future__ import annotations

from collections.abc import Iterator

from .._core.problems import Problem, problem
from .lint_matches import is_catch_all, takes_all
from .lint_subject import GATEWAY_API, ISTIO, Subject, Surroundings, label_of
from .mesh import MESH
from .rules import Manifest, Rule, at


def duplicate_hosts(subject: Subject, surroundings: Surroundings) -> list[Problem]:
    """Other routes that serve a host of the route where the route is to serve it."""
    if subject.router.name == GATEWAY_API:
        return _equal_routes(subject, surroundings)
    if subject.router.name != ISTIO:
        return []
    found = []
    hosts = _hosts(subject, subject.route)
    for other in surroundings.of("VirtualService"):
        shared = hosts & _hosts(subject, other)
        gateways = _gateways(subject.route) & _gateways(other)
        same = _identity(other) == _identity(subject.route)
        if same or not shared or not gateways or not _seen_together(subject.route, other):
            continue
        if MESH in gateways or any(_takes(subject, other, rule) for rule in subject.carrying()):
            found.append(_duplicate(subject, other, sorted(shared), sorted(gateways)))
    return found


def _duplicate(subject: Subject, other: Manifest, hosts: list[str], gateways: list[str]) -> Problem:
    older = _age(other) < _age(subject.route)
    name = label_of("VirtualService", other)
    where = f"{', '.join(hosts)} at {', '.join(gateways)}"
    if older:
        message = f"{name} serves {where} too and is older: requests follow it, and weights in {subject.name} move none"
    else:
        message = f"{name} serves {where} too: requests follow {subject.name} only because that is the older one"
    return problem("duplicate_host", "/spec/hosts", message, refuses=older)


def _equal_routes(subject: Subject, surroundings: Surroundings) -> list[Problem]:
    """Routes of the Gateway API with the same host, parent and match: of these the oldest has the requests."""
    route, kind = subject.route, str(subject.route.get("kind", subject.router.kind))
    found = []
    for other in surroundings.of(kind):
        hosts = _hostnames(route) & _hostnames(other)
        parents = sorted(parent for parent in _parents(route) if any(_meet(parent, it) for it in _parents(other)))
        if _identity(other) == _identity(route) or not hosts or not parents:
            continue
        rules = (other.get("spec") or {}).get("rules") or [{}]
        if any(takes_all(GATEWAY_API, entry, subject.entry(rule)) for rule in subject.carrying() for entry in rules):
            older = _born(other) < _born(route)
            name, where = label_of(kind, other), f"{', '.join(sorted(hosts))} at {', '.join(map('/'.join, parents))}"
            message = f"{name} has an equal match for {where} and is " + (
                f"older: requests follow it, and weights in {subject.name} move none"
                if older
                else f"younger: requests follow {subject.name} only because of that"
            )
            found.append(problem("duplicate_host", "/spec/hostnames", message, refuses=older))
    return found


def _hostnames(route: Manifest) -> set[str]:
    return set(route["spec"].get("hostnames") or ["any host"])


def _parents(route: Manifest) -> set[tuple[str, ...]]:
    """Kind, namespace and name of each parent, and its section and port where they are written."""
    own = route["metadata"]["namespace"]
    return {
        (
            str(item.get("kind") or "Gateway"),
            str(item.get("namespace") or own),
            str(item.get("name")),
            *(str(item[key]) for key in ("sectionName", "port") if key in item),
        )
        for item in route["spec"].get("parentRefs") or []
    }


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two references can mean one listener: one without a section means all of them."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _born(route: Manifest) -> tuple[str, tuple[str, str]]:
    return str(route["metadata"].get("creationTimestamp") or ""), _identity(route)


def parent_namespaces(route: Manifest) -> set[str]:
    """The namespaces of the parents of a route of the Gateway API."""
    return {parent[1] for parent in _parents(route)}


def twin_services(subject: Subject, surroundings: Surroundings) -> list[Problem]:
    """Short or wildcard names that fit Services of the same name in several namespaces."""
    namespaces: dict[str, set[str]] = {}
    for item in surroundings.of("Service"):
        namespaces.setdefault(item["metadata"]["name"], set()).add(item["metadata"]["namespace"])
    found = []
    for rule in subject.carrying():
        for destination in rule.destinations:
            others = sorted(namespaces.get(destination.backend, set()) - {subject.namespace})
            path = _short_name(subject, destination.path)
            if path and others:
                message = (
                    f"{subject.name}, rule {rule.name}: {destination.backend} means the Service "
                    f"{subject.namespace}/{destination.backend}, and there is one in {', '.join(others)} too"
                )
                remedy = f"write the full name of the one that is meant, such as {destination.host}"
                found.append(problem("twin_service", path, message, remedy))
    return [*found, *_wildcards(subject, namespaces)]


def _wildcards(subject: Subject, namespaces: dict[str, set[str]]) -> Iterator[Problem]:
    if subject.router.name != ISTIO or MESH not in _gateways(subject.route):
        return
    backends = {host.split(".")[0] for host in subject.backends()}
    for place, host in enumerate(subject.route["spec"].get("hosts") or []):
        if not host.startswith("*"):
            continue
        for name in sorted(backends & set(namespaces)):
            twins = [
                f"{namespace}/{name}"
                for namespace in sorted(namespaces[name])
                if subject.router.full_host(name, namespace).endswith(host[1:])
            ]
            if len(twins) > 1:
                message = f"{subject.name}: the host {host} takes the requests of {' and '.join(twins)} alike"
                yield problem("twin_service", f"/spec/hosts/{place}", message, "name the hosts that are meant in full")


def _short_name(subject: Subject, path: str) -> str:
    """Where a destination is written without its namespace; empty when it is written in full."""
    if subject.router.name == ISTIO:
        return f"{path}/destination/host" if "." not in at(subject.route, f"{path}/destination/host") else ""
    if subject.router.name == GATEWAY_API:
        return "" if at(subject.route, path).get("namespace") else f"{path}/name"
    return ""


def _takes(subject: Subject, other: Manifest, rule: Rule) -> bool:
    """Whether a rule of another VirtualService takes all that one of ours is to serve."""
    mine = subject.entry(rule)
    if not rule.path.startswith("/spec/http/"):
        return False
    theirs = other["spec"].get("http") or []
    return any(
        takes_all(subject.router.name, entry, mine) and (is_catch_all(mine) or not is_catch_all(entry))
        for entry in theirs
    )


def _hosts(subject: Subject, route: Manifest) -> set[str]:
    namespace = route["metadata"]["namespace"]
    written = route["spec"].get("hosts") or []
    return {host if host.startswith("*") else subject.router.full_host(host, namespace) for host in written}


def _gateways(route: Manifest) -> set[str]:
    namespace = route["metadata"]["namespace"]
    written = route["spec"].get("gateways") or [MESH]
    return {name if name == MESH or "/" in name else f"{namespace}/{name}" for name in written}


def gateway_namespaces(route: Manifest) -> set[str]:
    """The namespaces of the gateways that a VirtualService is bound to."""
    return {name.split("/")[0] for name in _gateways(route) if name != MESH}


def _seen_together(one: Manifest, other: Manifest) -> bool:
    """Whether any namespace sees both."""
    seen = [_exported(one), _exported(other)]
    return "*" in seen[0] or "*" in seen[1] or bool(seen[0] & seen[1])


def _exported(route: Manifest) -> set[str]:
    own = route["metadata"]["namespace"]
    return {own if name == "." else name for name in route["spec"].get("exportTo") or ["*"]}


def _identity(route: Manifest) -> tuple[str, str]:
    return route["metadata"]["namespace"], route["metadata"]["name"]


def _age(route: Manifest) -> tuple[str, str]:
    """Istio's own order: by the time of creation, then by name."""
    metadata = route["metadata"]
    return str(metadata.get("creationTimestamp") or ""), f"{metadata['name']}.{metadata['namespace']}"
