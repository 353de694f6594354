# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The candidate of each service: what has to be ready of it, and what is watched while it gets traffic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.companions import companions
from .._core.enough import live_ready
from .._core.journal import backend_key
from .._core.model import ROOT, Release, Service, Version
from .._core.plan import Decision
from .._core.weights import Weights
from .routes import Plain, ReleaseRoutes


def candidates(release: Release, decision: Decision) -> list[tuple[Service, Version]]:
    """The candidate of each service, and every other version that is to get its first traffic with it."""
    found = [(service, service.versions[decision.to]) for service in release.services.values()]
    if decision.action in ("start", "resume"):
        found += companions(release, decision.to, decision.before)
    return found


def readiness(routes: ReleaseRoutes, version: Version) -> Plain:
    """The options of version_ready for a version."""
    workload = version.workload
    ready: Plain = {
        "version": version.name,
        "workloads": [dict(vars(target)) for target in version.workloads],
        "service": None,
        "min_endpoints": 1,
        "timeout": routes.release.ready_timeout,
    }
    if version.own_service is not None:
        ready["service"] = {"name": version.own_service, "namespace": version.namespace}
        if workload is not None:
            ready["min_endpoints"] = max(1, workload.autoscaling.get("min_replicas", workload.replicas))
        elif version.given is not None:
            ready["min_endpoints"] = max(1, version.given.replicas)
    elif version.host is not None and version.subset is None:
        ready["service"] = _service_of(routes, routes.router.full_host(version.host, version.namespace))
    return ready


def watched_pods(routes: ReleaseRoutes, decision: Decision) -> list[Plain]:
    """The candidate's pods, service by service, as the gate that watches them takes them."""
    watched = []
    for service, version in candidates(routes.release, decision):
        ready = readiness(routes, version)
        name = version.name if len(routes.release.services) == 1 else version.backend
        endpoints = ready["service"] or _endpoints(routes, service, version)
        watched.append(
            {
                "version": name,
                "workloads": ready["workloads"],
                "service": endpoints,
                "min_endpoints": ready["min_endpoints"],
            }
        )
    return watched


def _endpoints(routes: ReleaseRoutes, service: Service, version: Version) -> Plain | None:
    """The Service behind a version that somebody else writes, by where its routes send; a subset has none."""
    standing = routes.standing(service, version.name)
    if len(standing) != 1 or standing[0][1] is not None:
        return None
    return _service_of(routes, standing[0][0])


def _service_of(routes: ReleaseRoutes, host: str) -> Plain | None:
    found = routes.router.service_of(host)
    return {"name": found[0], "namespace": found[1]} if found is not None else None


def with_capacity(
    routes: ReleaseRoutes, decision: Decision, service: Service, weights: Weights, noted: Mapping[str, Any] | None
) -> Plain:
    """How many ready endpoints each version has to have for its share, as the module traffic takes it.

    Empty where one is enough. ``noted`` is the capacity of live when the release began; None where nobody has looked.
    Raises ReleaseError when somebody has, and live was not there.
    """
    enough, live = routes.release.enough, 0
    if enough.is_relative:
        if noted is None:
            return {}
        before = decision.before.get(service.name, {})
        names = [name for name, weight in before.items() if weight and name != decision.to]
        known = {name: noted[key] for name in names if (key := backend_key(service.name, name)) in noted}
        live = live_ready(f"{ROOT}.capacity.min_ready", service.name, names, known)
    endpoints = enough.endpoints(weights, live)
    return {"min_endpoints": endpoints} if any(count > 1 for count in endpoints.values()) else {}
