# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is open between an Envoy and its backends, and what was, from /clusters and /stats of its administration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .envoy import Backends, version_of, versions_by_backend

# Version, source, and what the source calls it.
Counter = tuple[str, str, str]
_ACTIVE = {"rq_active": "requests", "cx_active": "connections"}
# Istio ends the names of its clusters with a semicolon there.
_STATISTIC = re.compile(r"cluster\.(outbound\|.*?);?\.upstream_([rc][qx]_(?:active|total))")


def filters(backends: Backends) -> tuple[str, str]:
    """The values of "filter" with which /clusters and /stats give little more than what is read here."""
    hosts = "|".join(sorted({re.escape(host) for entries in backends.values() for host, _subset in entries}))
    return f"({hosts})", f"({hosts});?\\.upstream_(rq_active|cx_active|rq_total)$"


def open_now(
    clusters: Mapping[str, Any], statistics: Mapping[str, Any], backends: Backends
) -> dict[str, dict[str, int]]:
    """For each version what is open now: requests (streams, upgrades and TCP sessions too), and connections.

    Of either source the larger number: Istio leaves the statistics of clusters out unless told otherwise, and the list
    of clusters forgets a host that leaves, while its open streams go on. Connections that idle in Envoy's pool count
    among the connections, and are of no matter when a version ends.
    """
    versions = versions_by_backend(backends)
    listed = {version: dict.fromkeys(_ACTIVE.values(), 0) for version in backends}
    counted = {version: dict.fromkeys(_ACTIVE.values(), 0) for version in backends}
    for cluster in clusters.get("cluster_statuses") or []:
        version = version_of(str(cluster.get("name", "")), versions)
        for host in (cluster.get("host_statuses") or []) if version else []:
            for value in host.get("stats") or []:
                if version and value.get("name") in _ACTIVE:
                    listed[version][_ACTIVE[value["name"]]] += int(value.get("value", 0))
    for value in statistics.get("stats") or []:
        match = _STATISTIC.fullmatch(str(value.get("name", "")))
        version = version_of(match[1], versions) if match else None
        if match and version and match[2] in _ACTIVE:
            counted[version][_ACTIVE[match[2]]] += int(value.get("value", 0))
    return {
        version: {kind: max(count, counted[version][kind]) for kind, count in counts.items()}
        for version, counts in listed.items()
    }


def requests_so_far(
    clusters: Mapping[str, Any], statistics: Mapping[str, Any], backends: Backends
) -> dict[Counter, int]:
    """The requests (streams and TCP sessions too) that each counter has seen since it began.

    Both sources are needed, for the reasons of ``open_now``; what one of them has counted, the other has too.
    """
    versions = versions_by_backend(backends)
    found: dict[Counter, int] = {}
    for cluster in clusters.get("cluster_statuses") or []:
        version = version_of(str(cluster.get("name", "")), versions)
        for host in (cluster.get("host_statuses") or []) if version else []:
            for value in host.get("stats") or []:
                if version and value.get("name") == "rq_total":
                    counter = (version, "clusters", f"{cluster['name']} {host.get('address')}")
                    found[counter] = found.get(counter, 0) + int(value.get("value", 0))
    for value in statistics.get("stats") or []:
        match = _STATISTIC.fullmatch(str(value.get("name", "")))
        version = version_of(match[1], versions) if match else None
        if match and version and match[2] == "rq_total":
            found[version, "stats", match[1]] = int(value.get("value", 0))
    return found
