# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each stage of a release hands to the modules, from the decision and the routes: plain JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .._core.capacity import beginning, giving_back, live_workloads, returned, shortfall
from .._core.durations import text
from .._core.journal import State, backend_key
from .._core.manifests import Scale, standing_resources, version_resources
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
from .._core.taking import carries
from .._core.weights import Weights
from .._core.workloads import SCALABLE_KINDS
from .candidates import candidates, readiness, watched_pods, with_capacity
from .helm_releases import charts, helm_releases, revived, route_charts
from .proofs import NO_PROOF, all_gates, drained_proof, header_proof, proof, share_proof
from .routes import Plain, ReleaseRoutes
from .rules import Manifest
from .write_back import files, standing_files

NO_SKELETON: Plain = {"manifests": [], "charts": [], "entry": None}
NO_CAPACITY: Plain = {"patches": [], "entry": None}
NO_DEPLOYMENT: Plain = {
    "baseline": NO_PROOF,
    "gates": NO_PROOF,
    "capacity": NO_CAPACITY,
    "manifests": [],
    "charts": [],
    "scale": [],
    "versions": [],
    "routes": [],
    "added": None,
    "write_back": [],
    "proof": NO_PROOF,
    "entries": [],
}
NO_VERIFICATION: Plain = {"versions": [], "header": None, "proof": NO_PROOF, "entry": None}
NO_MIRRORING: Plain = {"routes": [], "note": None, "proof": NO_PROOF}
NO_PROMOTION: Plain = {
    "routes": [],
    "write_back": [],
    "proof": NO_PROOF,
    "entry": None,
    "due": False,
    "into": None,
    "returns": False,
}
NO_ROLLBACK: Plain = {
    "at_once": [],
    "shortfall": [],
    "scale_up": {"patches": [], "workloads": []},
    "routes": [],
    "proof": NO_PROOF,
    "remove": [],
    "versions": [],
    "capacity": NO_CAPACITY,
    "begin": None,
    "entry": None,
    "write_back": [],
}


def started(routes: ReleaseRoutes, decision: Decision) -> Plain:
    """The entry that begins an attempt: where it goes, and what stood before its first write."""
    release, observed = routes.release, routes.observed
    notes = {
        routes.key(route): {"managed_fields": list(route.managed_fields)}
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
        **({"taken_from": release.taken_from} if release.taken_from else {}),
    }


def _held(routes: ReleaseRoutes, decision: Decision) -> Plain:
    """What of live's capacity is noted, held, and given back from an earlier attempt; nothing where it was not read."""
    observed = routes.observed
    live = [item["key"] for item in live_workloads(routes.release, decision.before, decision.to)]
    return beginning(observed.capacity, observed.journal.capacity, live, started=decision.action == "resume")


def _needed(routes: ReleaseRoutes, decision: Decision, service: Service, weights: Weights) -> Plain:
    """How many ready endpoints a service's versions have to have for these weights."""
    observed, noted = routes.observed, None
    if observed.journal.is_active:
        noted = observed.journal.capacity
    elif observed.capacity:
        noted = noted_capacity(routes, decision)
    return with_capacity(routes, decision, service, weights, noted)


def noted_capacity(routes: ReleaseRoutes, decision: Decision) -> Plain:
    """What is noted of the capacity of live versions, or will be when the release begins."""
    noted = dict(routes.observed.journal.capacity)
    return {**noted, **_held(routes, decision)["notes"]} if decision.action == "start" else noted


def _found_hashes(release: Release, decision: Decision, journal: State) -> dict[str, str]:
    """The specifications of versions that had traffic before we ever deployed them: no candidates until they change."""
    found = {}
    for service, weights in decision.before.items():
        for name, weight in weights.items():
            key = backend_key(service, name)
            if weight and name != decision.to and key not in journal.deployed:
                found[key] = release.services[service].versions[name].spec_hash
    return found


def skeleton(routes: ReleaseRoutes, decision: Decision) -> Plain:
    """What routes the traffic: of a service whose route is ours, the route itself only while there is none."""
    return {"manifests": _route_manifests(routes, decision), **route_charts(routes)}


def _route_manifests(routes: ReleaseRoutes, decision: Decision) -> list[Manifest]:
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
            if not (exists and manifest["kind"] in router.kinds)
        ]
    return manifests


def deploy(routes: ReleaseRoutes, decision: Decision, steps: Sequence[PlannedStep]) -> Plain:
    """The candidate's objects, what to wait for, its place in the routes."""
    release, observed = routes.release, routes.observed
    current = service_weights(observed)
    going = [version for _service, version in candidates(release, decision)]
    manifests: list[Manifest] = []
    new: dict[str, list[str]] = {name: [] for name in release.services}
    for service, version in candidates(release, decision):
        new[service.name].append(version.name)
    for service in release.services.values():
        for version in [service.versions[name] for name in new[service.name]]:
            manifests += version_resources(service, version, release.name, _scale(routes, version))
            manifests += routes.router.version_resources(release, service, version)
        if routes.is_ours(service, service.routes[0]):
            standing = [*current.get(service.name, {}), *new[service.name]]
            manifests += routes.router.subset_resources(release, service, list(dict.fromkeys(standing)))
    first = {service.name: {decision.to: 100} for service in release.services.values()}
    targets = []
    added = {}
    for service, route, target in routes.weighted(first):
        found = routes.found(service, route)
        standing_there = found.weights if found is not None else {}
        if decision.action != "install":
            target["weights"] = _with_new(decision, standing_there, new[service.name])
        missing = [name for name in new[service.name] if name not in standing_there]
        if target["adopt"] and missing:
            added[routes.key(route)] = {"added": missing}
        targets.append(target)
    keyed = {backend_key(service.name, version.name): version for service, version in candidates(release, decision)}
    deployed: Plain = {"event": "deployed", "versions": {key: version.spec_hash for key, version in keyed.items()}}
    if notes := {key: note for key, version in keyed.items() if (note := carries(release, version))}:
        deployed["carries"] = notes
    held = NO_CAPACITY if decision.action == "install" else _held(routes, decision)
    install = decision.action == "install"
    untouched = not any(weights.get(decision.to, 0) for weights in current.values())
    # Also of a release that goes on: what it is seen and judged by may have been changed since.
    begins = decision.action in ("start", "resume") and untouched
    for service in release.services.values() if begins else ():
        # What cannot be measured later is refused now.
        _needed(routes, decision, service, first[service.name])
    return {
        # A way of seeing that sees nothing, and a gate that cannot be asked, have to show before any traffic moves.
        "baseline": share_proof(routes, decision, decision.before) if begins else NO_PROOF,
        "gates": all_gates(routes, decision, steps) if begins else NO_PROOF,
        "capacity": {name: held[name] for name in NO_CAPACITY},
        "manifests": manifests,
        "charts": charts(going, observed.journal),
        "scale": revived(going, observed.capacity),
        "versions": [readiness(routes, version) for version in going],
        "routes": targets,
        "added": {"event": "added", "routes": added} if added else None,
        # A file that cannot take the weights of the end has to show before anything is written.
        "write_back": files(routes, _promoted_weights(routes, decision)) if begins else [],
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


def _with_new(decision: Decision, weights: Weights, new: Sequence[str]) -> Weights:
    """The weights of a route as they stand, or as it is created, with the candidate, and what comes with it."""
    standing = weights or {decision.live or decision.to: 100}
    return {**standing, **{name: standing.get(name, 0) for name in new}}


def _promoted(decision: Decision) -> Plain:
    return {"event": "promoted", "live": decision.to}


def verify(routes: ReleaseRoutes, decision: Decision, token: str) -> Plain:
    """What the candidate has to show before it gets traffic; ``token`` is what the test header's value is to be."""
    release = routes.release
    smoke, header = release.verify.smoke, release.test_header
    versions = []
    for service, version in candidates(release, decision):
        ready = readiness(routes, version)
        if smoke is not None and service.protocol == "http" and ready["service"] is not None:
            ready["request"] = {"port": service.port, "path": smoke.path, "status": list(smoke.statuses)}
        versions.append(ready)
    verification: Plain = {"versions": versions, "header": None, "proof": NO_PROOF, "entry": {"event": "verified"}}
    if decision.action == "install":
        return verification
    # A release that goes on has traffic on its candidate already.
    standing = {name: found or decision.before[name] for name, found in service_weights(routes.observed).items()}
    if header is None:
        verification["proof"] = proof(routes, decision, standing, release.verify.gates)
        return verification
    overlaid = _overlaid(routes)
    verification["header"] = {
        "routes": list(overlaid.values()),
        "rule": {"name": header, "value": token, "version": decision.to},
        "note": {"event": "added", "routes": {key: {"test_header": header} for key in overlaid}},
    }
    verification["proof"] = header_proof(routes, decision, standing, {header: token})
    return verification


def _overlaid(routes: ReleaseRoutes) -> dict[str, Plain]:
    """The routes that can lead by header, or hold a mirror, by their keys in the journal."""
    return {
        routes.key(route): {**routes.options(service, route), "adopt": routes.may_extend(service, route)}
        for service, route in routes.pairs()
        if service.has_headers
    }


def mirrors(routes: ReleaseRoutes, decision: Decision, steps: Sequence[PlannedStep]) -> bool:
    """Whether the candidate is to get copies of requests: before its first step, and never later."""
    untouched = not any(found.get(decision.to, 0) for found in service_weights(routes.observed).values())
    return routes.release.mirror is not None and bool(steps) and untouched


def mirror(routes: ReleaseRoutes, decision: Decision, steps: Sequence[PlannedStep]) -> Plain:
    """Copies of live requests for the candidate while nobody waits for its answers; none once it gets traffic."""
    mirroring = routes.release.mirror
    if mirroring is None or not mirrors(routes, decision, steps):
        return NO_MIRRORING
    overlaid = _overlaid(routes)
    return {
        "routes": list(overlaid.values()),
        "to": {"version": decision.to, "percent": mirroring.percent},
        "note": {"event": "added", "routes": {key: {"mirror": decision.to} for key in overlaid}},
        "proof": proof(routes, decision, decision.before, (), mirroring.duration, watched_pods(routes, decision)),
    }


def step(routes: ReleaseRoutes, decision: Decision, planned: PlannedStep, first: bool) -> Plain:
    """One step of the shift; the first one starts from what stands in each of the routes."""
    targets = []
    for service, route, target in routes.weighted(planned.weights):
        found = routes.found(service, route)
        # A run that was killed between two routes of one service left them at different weights.
        as_it_stands = _with_new(decision, found.weights, [decision.to]) if first and found is not None else None
        needed = _needed(routes, decision, service, planned.weights[service.name])
        targets.append({**target, **needed, "expect": as_it_stands or planned.expect[service.name]})
    proven = proof(routes, decision, planned.weights, planned.gates, planned.pause, watched_pods(routes, decision))
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


def promote(routes: ReleaseRoutes, decision: Decision, steps: Sequence[PlannedStep]) -> Plain:
    """Everything to the candidate, and the ownership of the routes' fields back; due when no step stops below 100.

    ``into`` names the version that takes the candidate's source afterwards. ``returns`` says that it is doing so and
    has steps left, without which nothing is promoted.
    """
    journal, promotion = routes.observed.journal, routes.release.promotion
    if decision.action not in ("start", "resume"):
        # A run that ended between the journal and the file is finished by the next one.
        closed = decision.action == "nothing" and journal.state in ("promoted", "retired")
        return {**NO_PROMOTION, "write_back": standing_files(routes) if closed else []}
    current = service_weights(routes.observed)
    weights = _promoted_weights(routes, decision)
    reaches = steps[-1].percent if steps else min(found.get(decision.to, 0) for found in current.values())
    taken = routes.release.taken_from is not None
    if taken and steps:
        return {**NO_PROMOTION, "due": reaches == 100, "returns": True}
    gates = promotion.gates
    # The first of two legs is not the end, and neither is a second one that is not promoted.
    ends = reaches == 100 if taken else promotion.into is None
    if journal.percent != 100:
        # The last step has not seen it.
        gates = gates_of_step(routes.release.observe or (), (), gates)
    return {
        "routes": [
            {**target, **_needed(routes, decision, service, weights[service.name])}
            for service, target in _handed_back(routes, weights)
        ],
        "write_back": files(routes, weights) if ends else [],
        "proof": proof(routes, decision, weights, gates, watched=watched_pods(routes, decision)),
        "entry": _promoted(decision),
        "due": reaches == 100,
        "into": None if taken else promotion.into,
        "returns": False,
    }


def _promoted_weights(routes: ReleaseRoutes, decision: Decision) -> dict[str, Weights]:
    current = service_weights(routes.observed)
    return {
        name: {**dict.fromkeys({**current.get(name, {}), **decision.before.get(name, {})}, 0), decision.to: 100}
        for name in routes.release.services
    }


def _handed_back(
    routes: ReleaseRoutes, weights: Mapping[str, Weights], extend: bool = True
) -> list[tuple[Service, Plain]]:
    """Routes at the end of a release, with their services: their weights, and who owned their fields before."""
    return [
        (service, {**target, "managed_fields": routes.noted(route).get("managed_fields")})
        for service, route, target in routes.weighted(weights, extend)
    ]


def retire(routes: ReleaseRoutes, decision: Decision) -> Plain:
    """What has done its service: when it may go, and all that goes with it."""
    release, observed = routes.release, routes.observed
    live = decision.live
    versions, due_in = retirable(release, observed, live)
    promoted_at = observed.journal.promoted_at
    since = observed.now - promoted_at if promoted_at is not None else release.drain
    names = list(dict.fromkeys(version.name for version in versions))
    going: dict[str, list[str]] = {}
    for version in versions:
        going.setdefault(version.service, []).append(version.name)
    gone = {name: {**dict.fromkeys(gone_of, 0), live: 100} for name, gone_of in going.items()} if live else {}
    places = [(service, route) for service, route in routes.pairs() if service.name in going]
    scale = release.retire.mode == "scale_to_zero"
    objects = [manifest for version in versions for manifest in _objects(routes, version, scale)]
    drained = drained_proof(routes, decision, going)
    # Seeing that nothing is open takes the place of waiting.
    drain = 0.0 if drained["metrics"] or not versions else max(0.0, release.drain - since)
    return {
        "versions": names,
        "due": bool(versions) and not due_in,
        "due_in": due_in if versions else 0.0,
        "capacity": _given_back(routes) if not (due_in or observed.journal.is_active) else NO_CAPACITY,
        "message": f"{', '.join(names)} stays as the fallback for {text(due_in)} more" if names else "",
        "drain": drain,
        "proof": share_proof(routes, decision, gone),
        "drained": drained,
        "routes": [routes.options(service, route) for service, route in places],
        "remove": [routes.options(service, route) for service, route in places if routes.is_ours(service, route)],
        "subsets": _remaining_subsets(routes, going, names),
        "delete": [] if scale else objects,
        "uninstall": [] if scale else helm_releases(versions),
        "scale": [
            {**manifest, "spec": {"replicas": 0}}
            for manifest in objects
            if scale and manifest["kind"] in SCALABLE_KINDS
        ],
        "entry": {"event": "retired", "versions": [backend_key(version.service, version.name) for version in versions]},
    }


def _given_back(routes: ReleaseRoutes) -> Plain:
    """What ends the hold on capacity: nobody falls back on these versions any more."""
    observed = routes.observed
    noted = observed.journal.capacity
    return {"patches": giving_back(observed.capacity, noted), "entry": returned(noted)}


def _remaining_subsets(routes: ReleaseRoutes, services: Collection[str], going: Collection[str]) -> list[Manifest]:
    current = service_weights(routes.observed)
    manifests: list[Manifest] = []
    for service in routes.release.services.values():
        if service.name in services and routes.is_ours(service, service.routes[0]):
            remaining = [name for name in current.get(service.name, {}) if name not in going]
            manifests += routes.router.subset_resources(routes.release, service, remaining)
    return manifests


def _objects(routes: ReleaseRoutes, version: Version, standing: bool) -> list[Manifest]:
    """The objects of a version by identity only, last created first; ``standing``, also those that Helm applies."""
    release = routes.release
    if version.existing is not None:
        return [_identity("apps/v1", version.existing.kind, version.existing.name, version.namespace)]
    service = release.services[version.service]
    resources = (standing_resources if standing else version_resources)(service, version, release.name)
    return [
        _identity(
            manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        )
        for manifest in reversed([*resources, *routes.router.version_resources(release, service, version)])
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
        return {**NO_ROLLBACK, "write_back": standing_files(routes) if journal.state == "rolled_back" else []}
    named = [
        (service, route, [name for name in routes.noted(route).get("added", ()) if name in service.versions])
        for service, route in routes.pairs()
    ]
    added = [routes.options(service, route) for service, route, names in named if names]
    back = Decision("roll_back", journal.to, live_before(journal), weights, "back to what stood before")
    targets = _handed_back(routes, weights, extend=False)
    short = shortfall(routes.observed.capacity, journal.capacity)
    return {
        # Without a look at what live's capacity has become: where it is too small, nothing is written. Once a release
        # is closed, going back is for a person to say.
        "at_once": [
            {**target, "min_endpoints": _ready_before(journal, service, weights[service.name])}
            for service, target in targets
            if journal.is_active
        ],
        "shortfall": short,
        "scale_up": {
            "patches": [patch for item in short for patch in item["patches"]],
            "workloads": [{key: item[key] for key in _WORKLOAD} for item in short if item["patches"]],
        },
        "capacity": _given_back(routes),
        "routes": [target for _service, target in targets],
        "proof": share_proof(routes, back, weights),
        "remove": added,
        "versions": list(dict.fromkeys([journal.to, *(name for _service, _route, names in named for name in names)])),
        "begin": {"event": "rolling_back"},
        "entry": {"event": "rolled_back", "live": live_before(journal)},
        "write_back": files(routes, weights),
    }


_WORKLOAD = ("kind", "name", "namespace")


def _ready_before(journal: State, service: Service, weights: Weights) -> dict[str, int]:
    """How many pods of each version were ready when the release began, of those that get traffic back."""
    noted = {name: journal.capacity.get(backend_key(service.name, name)) for name, weight in weights.items() if weight}
    return {name: note["ready"] for name, note in noted.items() if note is not None and note["ready"]}
