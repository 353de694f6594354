# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where requests from outside enter a cluster, service by service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._cluster.client import Cluster, Forbidden, NotFound, Ref
from .._routers.doors import GATEWAY_NAMESPACES, Door, hosts_of_route, labels_of_door, url
from .._routers.rules import Manifest
from .verb import Result, find_route, router_of

UNKNOWN = "; say it with the variable bluegreen_entry_url"


def find_entries(cluster: Cluster, routes: Sequence[Mapping[str, Any]], given: str | None) -> dict[str, Result]:
    """The entry of each service, by the first of its routes that has one; else the URL that the user gives."""
    found: dict[str, Result] = {}
    for route in routes:
        service = route["service"]
        if service not in found or found[service]["url"] is None:
            found[service] = _entry(cluster, {key: value for key, value in route.items() if key != "service"})
    for entry in found.values():
        if entry["url"] is None and given is not None:
            entry |= {"url": given, "source": "bluegreen_entry_url", "reason": None}
    return found


def shown(entry: Result) -> str:
    """An entry in one line, for a person."""
    if entry["url"] is None:
        return f"unknown: {entry['reason']}{UNKNOWN}"
    host = f", host {entry['host']}" if entry["host"] else ""
    return f"{entry['url']}{host} (from {entry['source']})"


def _entry(cluster: Cluster, route: Mapping[str, Any]) -> Result:
    router, manifest = router_of(route), find_route(cluster, route)
    entry: Result = {"url": None, "host": None, "source": None, "reason": "there is no route yet"}
    if manifest is None:
        return entry
    hosts = hosts_of_route(manifest)
    entry |= {"host": hosts[0] if hosts else None, "reason": "its route is at no gateway"}
    reasons = []
    for door in router.doors(manifest):
        reason, found = _look(cluster, door, hosts)
        if found is not None:
            return {**entry, "url": found[0], "source": found[1], "reason": None}
        reasons.append(reason)
    return {**entry, "reason": "; ".join(reasons) or entry["reason"]}


def _look(cluster: Cluster, door: Door, hosts: Sequence[str]) -> tuple[str, tuple[str, str] | None]:
    """Why a door has no URL, or the URL with what tells it."""
    reason = f"no load balancer has given {door} an address"
    try:
        found = cluster.find(Ref(door.api_version, door.plural, door.namespace, door.name))
    except (Forbidden, NotFound) as error:
        return error.message, None
    if found is None:
        return f"{door} does not exist", None
    services: list[Manifest] = []
    if door.needs_services:
        selector = ",".join(f"{key}={value}" for key, value in labels_of_door(found).items())
        # Beside it, or where gateways usually are: not everybody may look everywhere.
        for namespace in dict.fromkeys((door.namespace, *GATEWAY_NAMESPACES)):
            try:
                services += cluster.items(Ref("v1", "services", namespace), selector).get("items") or []
            except Forbidden as error:
                reason = error.message
    return reason, url(door, found, services, hosts)
