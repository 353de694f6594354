# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way from one router to another: what has to stand on the new side before callers may go there."""

from __future__ import annotations

from collections.abc import Mapping

from .._core.errors import ReleaseError, SpecError
from .._core.model import ROOT, Release, Service
from .._core.plan import Decision
from .._core.weights import Weights, live_version
from .mesh import is_in_mesh
from .proofs import share_proof
from .routes import Plain, ReleaseRoutes
from .rules import Manifest

FROM = "bluegreen_migrate_from"
# A release that is at rest: no step under way, no test rule and no mirror on the old side.
AT_REST = ("none", "shifted", "promoted", "retired", "rolled_back")
_LEAVES = {
    "app_mesh": "take App Mesh's proxy out of their pods (appmesh.k8s.aws/sidecarInjectorWebhook: disabled)",
    "istio": "take Istio's proxy out of their pods, or lead them past it",
    "gateway_api": "lead them past the Gateway",
    "service": "leave the Service's name as it is",
}
_ENTERS = {
    "istio": "inject Istio's (istio-injection: enabled on their namespace), and restart them",
    "gateway_api": "let them be part of the mesh that serves this API, and restart them",
    "app_mesh": "inject App Mesh's, name the VirtualService in backends of their VirtualNodes, and restart them",
    "service": "let them call the Service",
}


def refuse_same(old: Release, new: Release) -> None:
    """Raise SpecError for a way that leads nowhere."""
    if old.router == new.router:
        raise SpecError(
            FROM,
            f"is {old.router}, and so is {ROOT}.router: name here what has the traffic, and there where it is to go",
        )
    missing = [name for name in new.services if name not in old.services]
    if missing:
        raise SpecError(f"{FROM}.services", f"knows no {', '.join(missing)}, which {ROOT}.services has")


def migration(old: ReleaseRoutes, new: ReleaseRoutes) -> Plain:
    """What to create with which weights, how to see it, what callers have to do, and what may go in the end.

    Raises ReleaseError where the weights that live traffic follows cannot be told, or carried over.
    """
    journal = new.observed.journal
    if journal.state not in AT_REST:
        raise ReleaseError(
            f"the release {new.release.name} is in the middle ({journal.state}): let release.yml finish it, or take it "
            "back with rollback.yml, and migrate then; a release whose last step is below 100 is carried over as it is"
        )
    weights: dict[str, Weights] = {}
    manifests: list[Manifest] = []
    former: list[Manifest] = []
    notes: list[str] = []
    for service in new.release.services.values():
        carried, note = _carried(old, new, service)
        weights[service.name] = carried
        notes += note
        created = new.router.resources(new.release, service, carried)
        exists = new.exists(service, service.routes[0])
        manifests += [item for item in created if not (exists and item["kind"] in new.router.kinds)]
        former += _former(old, old.release.services[service.name], carried, created)
    heaviest = next((live_version(found) for found in weights.values() if live_version(found)), None)
    decision = Decision("migrate", heaviest or new.release.versions[0], heaviest, weights, "")
    return {
        "from": old.release.router,
        "to": new.release.router,
        "weights": weights,
        "manifests": manifests,
        "former": former,
        "notes": notes,
        "callers": [_callers(old, new, service) for service in new.release.services.values()],
        "proof": share_proof(new, decision, weights),
    }


def _carried(old: ReleaseRoutes, new: ReleaseRoutes, service: Service) -> tuple[Weights, list[str]]:
    """The weights that the new route of a service has, or is to begin with, and what is to be said of them."""
    there = _weights(old, old.release.services[service.name])
    route = service.routes[0]
    name = f"{new.kind(service, route)} {route.namespace}/{route.name}"
    if new.exists(service, route):
        here = _weights(new, service)
        if here is None:
            raise ReleaseError(f"{name} of {service.name} holds none of the versions: correct it, or delete it")
        if there is None or _parts(here) == _parts(there):
            return here, []
        told = f"{name} has {_told(here)}, and the weights in {old.release.router} are {_told(there)}"
        if not new.is_ours(service, route):
            raise ReleaseError(f"{told}: give yours the weights that live traffic has, and migrate then")
        return here, [f"{told}: before callers go there, see which of them is meant"]
    if there is None:
        raise ReleaseError(
            f"{service.name} has no route in {old.release.router} that could be carried over: see whether {FROM} names "
            "it as it is (its services.NAME.route)"
        )
    if service.routes_are_named:
        raise ReleaseError(
            f"{name} of {service.name} is missing: create it with {_told(there)}, or leave route out and it is made; "
            f"what the old one is called stands in {FROM}: {{router: {old.release.router}, services: {{{service.name}: "
            "{route: {name: …}}}}"
        )
    return there, []


def _weights(routes: ReleaseRoutes, service: Service) -> Weights | None:
    """What the routes of a service hold; None where there is none."""
    found = [routes.found(service, route) for route in service.routes]
    standing = [item for item in found if item is not None and item.exists]
    if not standing:
        return None
    first = standing[0]
    where = f"{routes.kind(service, service.routes[0])} {first.namespace}/{first.name}"
    if not any(first.weights.values()):
        raise ReleaseError(
            f"{where} gives none of the versions of {service.name} any weight: {first.problem or 'all are 0'}"
        )
    if not all(item.consistent and _parts(item.weights) == _parts(first.weights) for item in standing):
        raise ReleaseError(
            f"the routes and rules of {service.name} in {routes.release.router} hold different weights, and one route "
            "cannot take the place of all: make them equal, or write the new route yourself and name it with route"
        )
    return dict(first.weights)


def _parts(weights: Mapping[str, int]) -> dict[str, int]:
    return {name: weight for name, weight in weights.items() if weight}


def _told(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {weight} %" for name, weight in weights.items())


def _former(old: ReleaseRoutes, service: Service, weights: Weights, created: list[Manifest]) -> list[Manifest]:
    """What led the traffic before and does not any more, by identity only, last created first."""
    objects = [
        *old.router.resources(old.release, service, weights),
        *(
            item
            for version in service.versions.values()
            for item in old.router.version_resources(old.release, service, version)
        ),
    ]
    kept = [_identity(item) for item in created]
    found = [_identity(item) for item in objects]
    return [item for place, item in reversed(list(enumerate(found))) if item not in kept and item not in found[:place]]


def _identity(item: Manifest) -> Manifest:
    metadata = {key: item["metadata"][key] for key in ("name", "namespace")}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata}


def _callers(old: ReleaseRoutes, new: ReleaseRoutes, service: Service) -> str:
    """What to do with the callers of a service."""
    if not is_in_mesh(service):
        names = ", ".join(service.hosts) or "the names of the service"
        where = ", ".join(service.gateways) or service.name
        return f"{service.name}: lead {names} to the gateway {where}"
    return f"{service.name}: of its callers, {_LEAVES[old.release.router]}, {_ENTERS[new.release.router]}"
