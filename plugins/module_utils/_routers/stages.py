# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each stage of a release hands to the modules, from the decision and the routes: plain JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .._core.capacity import beginning, giving_back, live_workloads, returned, shortfall
from .._core.durations import text
from .._core.journal import State, backend_key
from .._core.manifests import Scale, version_resources
from .._core.model import Release, Service, Version
from .._core.observe import gates_of_step
from .._core.plan import (
    Decision,
    PlannedStep,
    live_before,
    retirable,
    rollback_weights,
    service_weights,
)
from .._core.weights import Weights
from .proofs import NO_PROOF, all_gates, drained_proof, header_proof, proof, share_proof
from .routes import Plain, ReleaseRoutes, route_key
from .rules import Manifest

NO_CAPACITY: Plain = {"patches": [], "entry": None}
NO_DEPLOYMENT: Plain = {
    "baseline": NO_PROOF,
    "gates": NO_PROOF,
    "capacity": NO_CAPACITY,
    "manifests": [],
    "versions": [],
    "routes": [],
    "added": None,
    "proof": NO_PROOF,
    "entries": [],
}
NO_VERIFICATION: Plain = {"versions": [], "header": None, "proof": NO_PROOF, "entry": None}
NO_MIRRORING: Plain = {"routes": [], "note": None, "proof": NO_PROOF}
NO_PROMOTION: Plain = {"routes": [], "proof": NO_PROOF, "entry": None, "due": False}
NO_ROLLBACK: Plain = {
    "at_once": [],
    "shortfall": [],
    "routes": [],
    "proof": NO_PROOF,
    "remove": [],
    "versions": [],
    "capacity": NO_CAPACITY,
    "begin": None,
    "entry": None,
}


def started(routes: ReleaseRoutes, decision: Decision) -> Plain:
    """The entry that begins an attempt: where it goes, and what stood before its first write."""
    release, observed = routes.release, routes.observed
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
        "capacity": _held(routes, decision)["notes"],
    }


def _held(routes: ReleaseRoutes, decision: Decision) -> Plain:
    """What of live's capacity is noted, held, and given back from an earlier attempt; nothing where it was not read."""
    observed = routes.observed
    live = [item["key"] for item in live_workloads(routes.release, decision.before, decision.to)]
    return beginning(observed.capacity, observed.journal.capacity, live, started=decision.action == "resume")


def _found_hashes(release: Release, decision: Decision, journal: State) -> dict[str, str]:
    """The specifications of versions that had traffic before we ever deployed them: no candidates until they change."""
    found = {}
    for service, weights in decision.before.items():
        for name, weight in weights.items():
            key = backend_key(service, name)
            if weight and name != decision.to and key not in journal.deployed:
                found[key] = release.services[service].versions[name].spec_hash
    return found


def skeleton(routes: ReleaseRoutes, decision: Decision) -> list[Manifest]:
    """What routes the traffic of services whose route is ours: the route itself only while there is none."""
    release, router = routes.release, routes.router
    current = service_weights(routes.observed)
    manifests: list[Manifest] = []
    for service in release.services.values():
        route = service.routes[0]
        exists = routes.exists(service, route)
        if service.routes_are_named or not routes.is_ours(service, route):
            continue
        weights = current.get(service.name) or {decision.live or decision.to: 100}
        manifests += [
            manifest
            for manifest in router.resources(release, service, weights)
            if not (exists and manifest["kind"] == router.kind)
        ]
    return manifests


def _candidates(release: Release, decision: Decision) -> list[tuple[Service, Version]]:
    return [(service, service.versions[decision.to]) for service in release.services.values()]


def deploy(routes: ReleaseRoutes, decision: Decision, steps: Sequence[PlannedStep]) -> Plain:
    """The candidate's objects, what to wait for, its place in the routes."""
    release, current = routes.release, service_weights(routes.observed)
    manifests: list[Manifest] = []
    for service, version in _candidates(release, decision):
        manifests += version_resources(service, version, release.name, _scale(routes, version))
        if routes.is_ours(service, service.routes[0]):
            standing = [*current.get(service.name, {}), decision.to]
            manifests += routes.router.subset_resources(release, service, list(dict.fromkeys(standing)))
    first = {service.name: {decision.to: 100} for service in release.services.values()}
    targets = routes.weighted(first)
    added = {}
    for route, (service, place) in zip(targets, routes.pairs(), strict=True):
        found = routes.found(service, place)
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
    held = NO_CAPACITY if decision.action == "install" else _held(routes, decision)
    install = decision.action == "install"
    untouched = not any(weights.get(decision.to, 0) for weights in current.values())
    # Also of a release that goes on: what it is seen and judged by may have been changed since.
    begins = decision.action in ("start", "resume") and untouched
    return {
        # A way of seeing that sees nothing, and a gate that cannot be asked, have to show before any traffic moves.
        "baseline": share_proof(routes, decision, decision.before) if begins else NO_PROOF,
        "gates": all_gates(routes, decision, steps) if begins else NO_PROOF,
        "capacity": {name: held[name] for name in NO_CAPACITY},
        "manifests": manifests,
        "versions": [_readiness(routes, version) for _service, version in _candidates(release, decision)],
        "routes": targets,
        "added": {"event": "added", "routes": added} if added else None,
        "proof": share_proof(routes, decision, first) if install else NO_PROOF,
        "entries": [deployed, _promoted(decision)] if decision.action == "install" else [deployed],
    }


def _scale(routes: ReleaseRoutes, version: Version) -> Scale | None:
    """How far the version's Deployment is scaled; None where nobody has looked."""
    key = backend_key(version.service, version.name)
    for seen in routes.observed.capacity:
        if seen["key"] == key:
            return Scale(seen["replicas"] if seen["exists"] else None, seen["ours"])
    return None


def _with_candidate(decision: Decision, weights: Weights) -> Weights:
    """The weights of a route as they stand, or as it is created, with the candidate among them."""
    standing = weights or {decision.live or decision.to: 100}
    return {**standing, decision.to: standing.get(decision.to, 0)}


def _promoted(decision: Decision) -> Plain:
    return {"event": "promoted", "live": decision.to}


def _readiness(routes: ReleaseRoutes, version: Version) -> Plain:
    """The options of version_ready for a version."""
    workload, target = version.workload, version.runs_as
    readiness: Plain = {
        "version": version.name,
        "workloads": [{"kind": target.kind, "name": target.name, "namespace": version.namespace}],
        "service": None,
        "min_endpoints": 1,
        "timeout": routes.release.ready_timeout,
    }
    if workload is not None:
        readiness["service"] = {"name": version.backend, "namespace": version.namespace}
        readiness["min_endpoints"] = max(1, workload.autoscaling.get("min_replicas", workload.replicas))
    elif version.host is not None and version.subset is None:
        service = routes.router.service_of(routes.router.full_host(version.host, version.namespace))
        readiness["service"] = {"name": service[0], "namespace": service[1]} if service is not None else None
    return readiness


def verify(routes: ReleaseRoutes, decision: Decision, token: str) -> Plain:
    """What the candidate has to show before it gets traffic; ``token`` is what the test header's value is to be."""
    release = routes.release
    smoke, header = release.verify.smoke, release.verify.header
    versions = []
    for service, version in _candidates(release, decision):
        readiness = _readiness(routes, version)
        if smoke is not None and service.protocol == "http" and readiness["service"] is not None:
            readiness["request"] = {"port": service.port, "path": smoke.path, "status": list(smoke.statuses)}
        versions.append(readiness)
    verification: Plain = {"versions": versions, "header": None, "proof": NO_PROOF, "entry": {"event": "verified"}}
    if decision.action == "install":
        return verification
    if header is None:
        verification["proof"] = proof(routes, decision, decision.before, release.verify.gates)
        return verification
    targets = _overlaid(routes)
    verification["header"] = {
        "routes": targets,
        "rule": {"name": header, "value": token, "version": decision.to},
        "note": {"event": "added", "routes": {route_key(route): {"test_header": header} for route in targets}},
    }
    verification["proof"] = header_proof(routes, decision, {header: token})
    return verification


def _overlaid(routes: ReleaseRoutes) -> list[Plain]:
    """The routes that can lead by header, or hold a mirror."""
    return [
        {**routes.options(service, route), "adopt": routes.may_extend(service, route)}
        for service, route in routes.pairs()
        if service.protocol == "http"
    ]


def mirror(routes: ReleaseRoutes, decision: Decision, steps: Sequence[PlannedStep]) -> Plain:
    """Copies of live requests for the candidate while nobody waits for its answers; none once it gets traffic."""
    mirroring = routes.release.mirror
    starts = bool(steps) and not any(found.get(decision.to, 0) for found in service_weights(routes.observed).values())
    if mirroring is None or decision.action not in ("start", "resume") or not starts:
        return NO_MIRRORING
    targets = _overlaid(routes)
    return {
        "routes": targets,
        "to": {"version": decision.to, "percent": mirroring.percent},
        "note": {"event": "added", "routes": {route_key(route): {"mirror": decision.to} for route in targets}},
        "proof": proof(routes, decision, decision.before, (), mirroring.duration, _watched(routes, decision)),
    }


def step(routes: ReleaseRoutes, decision: Decision, planned: PlannedStep, first: bool) -> Plain:
    """One step of the shift; the first one starts from what stands in each of the routes."""
    targets = routes.weighted(planned.weights)
    places = [(service, route) for service, route in routes.pairs() if service.name in planned.weights]
    for target, (service, route) in zip(targets, places, strict=True):
        found = routes.found(service, route)
        # A run that was killed between two routes of one service left them at different weights.
        as_it_stands = _with_candidate(decision, found.weights) if first and found is not None else None
        target["expect"] = as_it_stands or planned.expect[service.name]
    proven = proof(routes, decision, planned.weights, planned.gates, planned.pause, _watched(routes, decision))
    return {
        "number": planned.number,
        "percent": planned.percent,
        "routes": targets,
        "proof": proven,
        "entry": {
            "event": "step",
            "step": planned.number,
            "percent": planned.percent,
            "verified": proven["verified"],
            "last": planned.last,
        },
    }


def _watched(routes: ReleaseRoutes, decision: Decision) -> list[Plain]:
    """The candidate's pods, service by service, as the gate that watches them takes them."""
    watched = []
    for _service, version in _candidates(routes.release, decision):
        readiness = _readiness(routes, version)
        name = version.name if len(routes.release.services) == 1 else version.backend
        watched.append({"version": name, **{key: readiness[key] for key in ("workloads", "service", "min_endpoints")}})
    return watched


def promote(routes: ReleaseRoutes, decision: Decision, steps: Sequence[PlannedStep]) -> Plain:
    """Everything to the candidate, and the ownership of the routes' fields back; due when no step stops below 100."""
    if decision.action not in ("start", "resume"):
        return NO_PROMOTION
    current = service_weights(routes.observed)
    weights = {
        name: {**dict.fromkeys({**current.get(name, {}), **decision.before.get(name, {})}, 0), decision.to: 100}
        for name in routes.release.services
    }
    reaches = steps[-1].percent if steps else min(found.get(decision.to, 0) for found in current.values())
    journal, gates = routes.observed.journal, routes.release.promotion_gates
    if journal.percent != 100:
        # The last step has not seen it.
        gates = gates_of_step(routes.release.observe or (), (), gates)
    return {
        "routes": _handed_back(routes, weights),
        "proof": proof(routes, decision, weights, gates, watched=_watched(routes, decision)),
        "entry": _promoted(decision),
        "due": reaches == 100,
    }


def _handed_back(routes: ReleaseRoutes, weights: Mapping[str, Weights], extend: bool = True) -> list[Plain]:
    """Routes at the end of a release: with their weights, and who owned their fields before."""
    return [
        {**target, "managed_fields": routes.noted(target).get("managed_fields")}
        for target in routes.weighted(weights, extend)
    ]


def retire(routes: ReleaseRoutes, decision: Decision) -> Plain:
    """What has done its service: when it may go, and all that goes with it."""
    release, observed = routes.release, routes.observed
    live = decision.live
    versions, due_in = retirable(release, observed, live)
    promoted_at = observed.journal.promoted_at
    since = observed.now - promoted_at if promoted_at is not None else release.drain
    names = [version.name for version in versions]
    going: dict[str, list[str]] = {}
    for version in versions:
        going.setdefault(version.service, []).append(version.name)
    gone = {name: {**dict.fromkeys(gone_of, 0), live: 100} for name, gone_of in going.items()} if live else {}
    places = [(service, route) for service, route in routes.pairs() if service.name in going]
    objects = [manifest for version in versions for manifest in _objects(release, version)]
    scale = release.retire.mode == "scale_to_zero"
    return {
        "versions": names,
        "due_in": due_in if versions else 0.0,
        "capacity": _given_back(routes) if not (due_in or observed.journal.is_active) else NO_CAPACITY,
        "message": f"{', '.join(names)} stays as the fallback for {text(due_in)} more" if names else "",
        "drain": max(0.0, release.drain - since) if versions else 0.0,
        "proof": share_proof(routes, decision, gone),
        "drained": drained_proof(routes, decision, going),
        "routes": [routes.options(service, route) for service, route in places],
        "remove": [routes.options(service, route) for service, route in places if routes.is_ours(service, route)],
        "subsets": _remaining_subsets(routes, going, names),
        "delete": [] if scale else objects,
        "scale": [
            {**manifest, "spec": {"replicas": 0}} for manifest in objects if scale and manifest["kind"] in _SCALABLE
        ],
        "entry": {"event": "retired", "versions": [backend_key(version.service, version.name) for version in versions]},
    }


def _given_back(routes: ReleaseRoutes) -> Plain:
    """What ends the hold on capacity: nobody falls back on these versions any more."""
    observed = routes.observed
    noted = observed.journal.capacity
    return {"patches": giving_back(observed.capacity, noted), "entry": returned(noted)}


_SCALABLE = ("Deployment", "StatefulSet")


def _remaining_subsets(routes: ReleaseRoutes, services: Collection[str], going: Collection[str]) -> list[Manifest]:
    current = service_weights(routes.observed)
    manifests: list[Manifest] = []
    for service in routes.release.services.values():
        if service.name in services and routes.is_ours(service, service.routes[0]):
            remaining = [name for name in current.get(service.name, {}) if name not in going]
            manifests += routes.router.subset_resources(routes.release, service, remaining)
    return manifests


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


def clean(journal: State) -> Plain:
    """What a write of weights also takes away, because an earlier run may have left it: as the journal noted it."""
    notes = journal.routes.values()
    mirrored = next((note["mirror"] for note in notes if "mirror" in note), None)
    return {
        "test_header": {"state": "absent"} if any("test_header" in note for note in notes) else None,
        "mirror": {"state": "absent", "version": mirrored} if mirrored is not None else None,
    }


def rollback(routes: ReleaseRoutes) -> Plain:
    """The way back; raises ReleaseError when there is none."""
    journal = routes.observed.journal
    weights = rollback_weights(routes.release, routes.observed)
    if not weights:
        return NO_ROLLBACK
    added = [
        routes.options(service, route)
        for service, route in routes.pairs()
        if journal.to in service.versions
        and journal.to in routes.noted(routes.options(service, route)).get("added", ())
    ]
    back = Decision("roll_back", journal.to, live_before(journal), weights, "back to what stood before")
    targets = _handed_back(routes, weights, extend=False)
    moved = [service for service, _route in routes.pairs() if service.name in weights]
    return {
        # Without a look at what live's capacity has become: where it is too small, nothing is written.
        "at_once": [
            {**target, "min_endpoints": _ready_before(journal, service, weights[service.name])}
            for target, service in zip(targets, moved, strict=True)
        ],
        "shortfall": shortfall(routes.observed.capacity, journal.capacity),
        "capacity": _given_back(routes),
        "routes": targets,
        "proof": share_proof(routes, back, weights),
        "remove": added,
        "versions": [journal.to],
        "begin": {"event": "rolling_back"},
        "entry": {"event": "rolled_back", "live": live_before(journal)},
    }


def _ready_before(journal: State, service: Service, weights: Weights) -> dict[str, int]:
    """How many pods of each version were ready when the release began, of those that get traffic back."""
    noted = {name: journal.capacity.get(backend_key(service.name, name)) for name, weight in weights.items() if weight}
    return {name: note["ready"] for name, note in noted.items() if note is not None and note["ready"]}
