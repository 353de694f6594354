# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release worked out down to the last object: for each stage, what its role hands to the modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.durations import text
from .._core.errors import ReleaseError
from .._core.journal import State, backend_key
from .._core.manifests import version_resources
from .._core.model import Release, Route, Service, Version
from .._core.plan import (
    Decision,
    Observed,
    ObservedRoute,
    PlannedStep,
    decide,
    live_before,
    retirable,
    rollback_weights,
    service_weights,
    steps_left,
    timeline,
)
from .._core.weights import Weights
from .istio import destination_rule, spelled
from .registry import ROUTERS
from .router import Manifest

Plain = dict[str, Any]


def route_resources(release: Release, service: str, weights: Mapping[str, int]) -> list[Manifest]:
    """The objects that route a service's traffic with these weights."""
    return ROUTERS[release.router].resources(release, release.services[service], weights)


def route_key(route: Mapping[str, Any]) -> str:
    """The name of a route in the journal."""
    return f"{route['router']}/{route['namespace']}/{route['name']}"


def routes_to_read(release: Release) -> list[Plain]:
    """Every route of a release with the spelling of all versions, as the module traffic_info takes them."""
    return [
        {"service": service.name, **_route(release, service, route)}
        for service in release.services.values()
        for route in service.routes
    ]


def release_plan(release: Release, observed: Observed, limit: int | None = None, predict: bool = True) -> Plain:
    """The plan of a release: what each stage has left to do, as plain JSON.

    Without ``predict``, what comes after the deployment is empty until the journal says that the release has begun:
    no weight moves before the way back is noted.
    """
    decision = decide(release, observed)
    _refuse_incomplete_routes(release, observed, decision)
    steps = steps_left(release, decision, observed, limit)
    going = decision.action in ("install", "start", "resume")
    begun = predict or decision.action != "start"
    steps_now = steps if begun else []
    return {
        "release": release.name,
        "namespace": release.namespace,
        "action": decision.action,
        "reason": decision.reason,
        "to": decision.to,
        "live": decision.live,
        "state": observed.journal.state,
        "weights": service_weights(observed),
        "on_failure": release.on_failure,
        "timeline": timeline(decision, steps, release),
        "status": _status(release, decision, observed),
        "started": _started(release, decision, observed) if going else None,
        "skeleton": {"manifests": _skeleton(release, decision, observed) if going or decision.live else []},
        "deploy": _deploy(release, decision, observed) if going else _NO_DEPLOY,
        "verify": _verify(release, decision) if going and begun else {"versions": [], "entry": None},
        "shift": {"steps": [_step(release, decision, observed, step, step is steps[0]) for step in steps_now]},
        "promote": _promote(release, decision, observed, steps) if begun else _NO_PROMOTION,
        "retire": _retire(release, decision, observed),
        "rollback": _rollback(release, observed),
    }


def rollback_plan(release: Release, observed: Observed) -> Plain:
    """The way back alone, for a release that has nowhere to go: what forbids to go on does not forbid to go back."""
    return {
        "release": release.name,
        "namespace": release.namespace,
        "live": live_before(observed.journal),
        "state": observed.journal.state,
        "weights": service_weights(observed),
        "rollback": _rollback(release, observed),
    }


def _status(release: Release, decision: Decision, observed: Observed) -> Plain:
    """Where the release is, for a person."""
    journal = observed.journal
    status: Plain = {"release": release.name, "state": journal.state, "live": decision.live}
    if journal.is_active:
        status["candidate"] = f"{journal.to}, step {journal.step or 0} passed, {journal.verified}"
    for service, weights in service_weights(observed).items():
        status[service] = ", ".join(f"{name} {weight} %" for name, weight in weights.items()) or "no route yet"
    versions, due_in = retirable(release, observed, decision.live)
    if versions:
        names = ", ".join(version.name for version in versions)
        status["fallback"] = f"{names}, retired in {text(due_in)}" if due_in else f"{names}, due to be retired"
    return status


_NO_PROMOTION: Plain = {"routes": [], "entry": None, "due": False}
_NO_DEPLOY: Plain = {"manifests": [], "versions": [], "routes": [], "added": None, "entries": []}


def _route(release: Release, service: Service, route: Route) -> Plain:
    # Always with all versions: those that a stage is not about keep their destinations from being taken for others'.
    spellings = {version.name: spelled(service, version) for version in service.versions.values()}
    return {
        "router": release.router,
        "name": route.name,
        "namespace": route.namespace,
        "api_version": route.api_version,
        "rules": list(route.rules),
        "versions": {
            name: {
                "host": spelling.host,
                "subset": spelling.subset,
                "namespace": spelling.namespace,
                "backend": spelling.backend,
            }
            for name, spelling in spellings.items()
        },
    }


def _routes(
    release: Release, observed: Observed, weights: Mapping[str, Mapping[str, int]], extend: bool = True
) -> list[Plain]:
    """The routes of the services in ``weights``, each with its weights; ours and adopted ones may be extended."""
    return [
        {
            **_route(release, service, route),
            "adopt": extend and (route.adopt or _is_owned(observed, service, route)),
            "weights": dict(weights[service.name]),
        }
        for service in release.services.values()
        if service.name in weights
        for route in service.routes
    ]


def _is_owned(observed: Observed, service: Service, route: Route) -> bool:
    found = _observed(observed, service, route)
    return not service.routes_are_named if found is None or not found.exists else found.owned


def _observed(observed: Observed, service: Service, route: Route) -> ObservedRoute | None:
    for found in observed.routes:
        if (found.service, found.name, found.namespace) == (service.name, route.name, route.namespace):
            return found
    return None


def _refuse_incomplete_routes(release: Release, observed: Observed, decision: Decision) -> None:
    for service in release.services.values():
        for route in service.routes:
            found = _observed(observed, service, route)
            extensible = route.adopt or _is_owned(observed, service, route)
            going = decision.action in ("start", "resume")
            if going and found is not None and decision.to in found.missing and not extensible:
                raise ReleaseError(found.missing[decision.to])
            ours = not service.routes_are_named and all(version.workload for version in service.versions.values())
            if not ours and (found is None or not found.exists):
                raise ReleaseError(
                    f"{ROUTERS[release.router].kind} {route.namespace}/{route.name} of {service.name} is missing: "
                    "create it, or say with route: {name, namespace} where it is; only for versions that are deployed "
                    "from an image is one created"
                )


def _started(release: Release, decision: Decision, observed: Observed) -> Plain:
    notes = {
        route_key({"router": release.router, "namespace": route.namespace, "name": route.name}): {
            "managed_fields": list(route.managed_fields)
        }
        for route in observed.routes
        if route.exists and not route.owned
    }
    return {
        "event": "started",
        "to": decision.to,
        "live": decision.live,
        "install": decision.action == "install",
        "before": {name: dict(weights) for name, weights in decision.before.items()},
        "found": _found_hashes(release, decision, observed.journal),
        "spec_hash": release.candidate_hash(decision.to),
        "routes": notes,
    }


def _found_hashes(release: Release, decision: Decision, journal: State) -> dict[str, str]:
    """The specifications of versions that had traffic before we ever deployed them: no candidates until they change."""
    found = {}
    for service, weights in decision.before.items():
        for name, weight in weights.items():
            key = backend_key(service, name)
            if weight and name != decision.to and key not in journal.deployed:
                found[key] = release.services[service].versions[name].spec_hash
    return found


def _skeleton(release: Release, decision: Decision, observed: Observed) -> list[Manifest]:
    """What routes the traffic of services whose route is ours: the route itself only while there is none."""
    kind = ROUTERS[release.router].kind
    current = service_weights(observed)
    manifests: list[Manifest] = []
    for service in release.services.values():
        route = service.routes[0]
        found = _observed(observed, service, route)
        exists = found is not None and found.exists
        if service.routes_are_named or (exists and not _is_owned(observed, service, route)):
            continue
        weights = current.get(service.name) or {decision.live or decision.to: 100}
        manifests += [
            manifest
            for manifest in route_resources(release, service.name, weights)
            if not (exists and manifest["kind"] == kind)
        ]
    return manifests


def _candidates(release: Release, decision: Decision) -> list[tuple[Service, Version]]:
    return [(service, service.versions[decision.to]) for service in release.services.values()]


def _deploy(release: Release, decision: Decision, observed: Observed) -> Plain:
    manifests: list[Manifest] = []
    for service, version in _candidates(release, decision):
        manifests += version_resources(service, version, release.name)
        if service.uses_subsets and _is_owned(observed, service, service.routes[0]):
            standing = [*service_weights(observed).get(service.name, {}), decision.to]
            manifests.append(destination_rule(release, service, tuple(dict.fromkeys(standing))))
    first = {service.name: {decision.to: 100} for service in release.services.values()}
    routes = _routes(release, observed, first)
    added = {}
    for route, found in zip(routes, _observed_routes(release, observed), strict=True):
        standing_there = found.weights if found is not None else {}
        if decision.action != "install":
            route["weights"] = _with_candidate(decision, standing_there)
        if route["adopt"] and decision.to not in standing_there:
            added[route_key(route)] = {"added": [decision.to]}
    deployed = {
        "event": "deployed",
        "versions": {
            backend_key(service.name, version.name): version.spec_hash
            for service, version in _candidates(release, decision)
        },
    }
    return {
        "manifests": manifests,
        "versions": [_readiness(release, version) for _service, version in _candidates(release, decision)],
        "routes": routes,
        "added": {"event": "added", "routes": added} if added else None,
        "entries": [deployed, _promoted(decision)] if decision.action == "install" else [deployed],
    }


def _with_candidate(decision: Decision, weights: Weights) -> Weights:
    """The weights of a route as they stand, or as it is created, with the candidate among them."""
    standing = weights or {decision.live or decision.to: 100}
    return {**standing, decision.to: standing.get(decision.to, 0)}


def _observed_routes(release: Release, observed: Observed) -> list[ObservedRoute | None]:
    """Every route of the release as it stands, in the order of ``_routes``."""
    return [_observed(observed, service, route) for service in release.services.values() for route in service.routes]


def _promoted(decision: Decision) -> Plain:
    return {"event": "promoted", "live": decision.to}


def _readiness(release: Release, version: Version) -> Plain:
    """The options of version_ready for a version."""
    workload, existing = version.workload, version.existing
    kind, name = (existing.kind, existing.name) if existing else ("Deployment", version.backend)
    readiness: Plain = {
        "version": version.name,
        "workloads": [{"kind": kind, "name": name, "namespace": version.namespace}],
        "service": None,
        "min_endpoints": 1,
        "timeout": release.ready_timeout,
    }
    if workload is not None:
        readiness["service"] = {"name": version.backend, "namespace": version.namespace}
        readiness["min_endpoints"] = max(1, workload.autoscaling.get("min_replicas", workload.replicas))
    elif version.host is not None and version.subset is None:
        router = ROUTERS[release.router]
        service = router.service_of(router.full_host(version.host, version.namespace))
        readiness["service"] = {"name": service[0], "namespace": service[1]} if service is not None else None
    return readiness


def _verify(release: Release, decision: Decision) -> Plain:
    versions = []
    for service, version in _candidates(release, decision):
        readiness = _readiness(release, version)
        if release.smoke is not None and service.protocol == "http" and readiness["service"] is not None:
            readiness["request"] = {
                "port": service.port,
                "path": release.smoke.path,
                "status": list(release.smoke.statuses),
            }
        versions.append(readiness)
    return {"versions": versions, "entry": {"event": "verified"}}


def _step(release: Release, decision: Decision, observed: Observed, step: PlannedStep, first: bool) -> Plain:
    routes = _routes(release, observed, step.weights)
    places = [
        (service, route)
        for service in release.services.values()
        if service.name in step.weights
        for route in service.routes
    ]
    for planned, (service, route) in zip(routes, places, strict=True):
        found = _observed(observed, service, route)
        # A run that was killed between two routes of one service left them at different weights.
        as_it_stands = _with_candidate(decision, found.weights) if first and found is not None else None
        planned["expect"] = as_it_stands or step.expect[service.name]
    return {
        "number": step.number,
        "percent": step.percent,
        "pause": step.pause,
        "routes": routes,
        "watch": _watched(release, decision),
        "entry": {
            "event": "step",
            "step": step.number,
            "percent": step.percent,
            "verified": "unverified",
            "last": step.last,
        },
    }


def _watched(release: Release, decision: Decision) -> Plain:
    """The candidate of all services as one, so that they are watched through the same verification pause."""
    versions = [_readiness(release, version) for _service, version in _candidates(release, decision)]
    if len(versions) == 1:
        return versions[0]
    workloads = [workload for version in versions for workload in version["workloads"]]
    return {**versions[0], "workloads": workloads, "service": None}


def _promote(release: Release, decision: Decision, observed: Observed, steps: Sequence[PlannedStep]) -> Plain:
    journal = observed.journal
    if decision.action not in ("start", "resume"):
        return _NO_PROMOTION
    current = service_weights(observed)
    names = [service.name for service in release.services.values()]
    weights = {
        name: {**dict.fromkeys({**current.get(name, {}), **decision.before.get(name, {})}, 0), decision.to: 100}
        for name in names
    }
    routes = _routes(release, observed, weights)
    for route in routes:
        route["managed_fields"] = _noted(journal, route).get("managed_fields")
    reaches = steps[-1].percent if steps else min(found.get(decision.to, 0) for found in current.values())
    return {"routes": routes, "entry": _promoted(decision), "due": reaches == 100}


def _retire(release: Release, decision: Decision, observed: Observed) -> Plain:
    versions, due_in = retirable(release, observed, decision.live)
    journal = observed.journal
    since = observed.now - journal.promoted_at if journal.promoted_at is not None else release.drain
    names = [version.name for version in versions]
    routes = []
    for service in release.services.values():
        going = [version for version in versions if version.service == service.name]
        for route in service.routes:
            if going:
                routes.append({**_route(release, service, route), "owned": _is_owned(observed, service, route)})
    owned = [route for route in routes if route.pop("owned")]
    objects = [manifest for version in versions for manifest in _objects(release, version)]
    scale = release.retire.mode == "scale_to_zero"
    return {
        "versions": names,
        "due_in": due_in if versions else 0.0,
        "message": f"{', '.join(names)} stays as the fallback for {text(due_in)} more" if names else "",
        "drain": max(0.0, release.drain - since) if versions else 0.0,
        "routes": routes,
        "remove": owned,
        "subsets": [
            _remaining_subsets(release, observed, service, names)
            for service in release.services.values()
            if service.uses_subsets and names and _is_owned(observed, service, service.routes[0])
        ],
        "delete": [] if scale else objects,
        "scale": [
            {**manifest, "spec": {"replicas": 0}} for manifest in objects if scale and manifest["kind"] in _SCALABLE
        ],
        "entry": {"event": "retired", "versions": [backend_key(version.service, version.name) for version in versions]},
    }


_SCALABLE = ("Deployment", "StatefulSet")


def _remaining_subsets(release: Release, observed: Observed, service: Service, going: Sequence[str]) -> Manifest:
    standing = [name for name in service_weights(observed).get(service.name, {}) if name not in going]
    return destination_rule(release, service, tuple(standing))


def _objects(release: Release, version: Version) -> list[Manifest]:
    """The objects of a version by identity only, last created first."""
    if version.existing is not None:
        return [_identity("apps/v1", version.existing.kind, version.existing.name, version.namespace)]
    service = release.services[version.service]
    return [
        _identity(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"], version.namespace)
        for manifest in reversed(version_resources(service, version, release.name))
    ]


def _identity(api_version: str, kind: str, name: str, namespace: str) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def _noted(journal: State, route: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the journal knows of a route."""
    return journal.routes.get(route_key(route), {})


def _rollback(release: Release, observed: Observed) -> Plain:
    """The way back; a release that cannot go back says why, for the role to refuse with."""
    try:
        weights = rollback_weights(release, observed)
    except ReleaseError as error:
        return {"routes": [], "remove": [], "refused": error.message, "begin": None, "entry": None}
    journal = observed.journal
    routes = _routes(release, observed, weights, extend=False)
    for route in routes:
        route["managed_fields"] = _noted(journal, route).get("managed_fields")
    candidates = [
        service.versions[journal.to] for service in release.services.values() if journal.to in service.versions
    ]
    remove = [
        target
        for version in candidates
        for route in release.services[version.service].routes
        for target in [_route(release, release.services[version.service], route)]
        if weights and version.name in _noted(journal, target).get("added", ())
    ]
    return {
        "routes": routes,
        "remove": remove,
        "versions": [journal.to] if weights else [],
        "refused": None,
        "begin": {"event": "rolling_back"} if weights else None,
        "entry": {"event": "rolled_back", "live": live_before(journal)} if weights else None,
    }
