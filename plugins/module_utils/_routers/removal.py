# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left to delete of all that a release has created, and what keeps it from being deleted.

Ours is what carries our label and the release's name. That is read from the objects and from nowhere else, so a run
that was killed finds what is left, and what somebody else wrote under the same name stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._core.built import HelmChart
from .._core.capacity import giving_back, returned
from .._core.errors import ReleaseError, SpecError
from .._core.journal import State
from .._core.manifests import version_resources
from .._core.model import MANAGED_BY, Release, Service, Version
from .._core.workloads import WORKLOAD_KINDS
from .proofs import ISTIO_GATEWAY, foreseen
from .routes import Plain, ReleaseRoutes
from .rules import Manifest

# What versions are made of, whatever the specification says of them by now.
LISTED = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
)
# Secrets are asked for by name alone, and only those that the release itself lists.
UNLISTED = ("Secret",)
SHORTEST_WINDOW = 5.0
FORCED = "or force it with bluegreen_force: true"
UNSEEN = (
    "whether users still call this release cannot be told: nothing in observe counts their requests; add proxies or "
    f"telemetry to it, {FORCED}"
)


def ours_by_label(release: Release) -> str:
    """The label selector of everything that a release has created."""
    return f"app.kubernetes.io/managed-by={MANAGED_BY},app.kubernetes.io/part-of={release.name}"


def described(release: Release) -> list[Manifest]:
    """Every object that the release may create, as its specification says now; their contents are of no matter."""
    router = ReleaseRoutes(release).router
    found: list[Manifest] = []
    for service in release.services.values():
        _refuse_helm(service)
        found += _skeleton(release, service)
        for version in service.versions.values():
            found += version_resources(service, version, release.name)
            found += router.version_resources(release, service, version)
    return found


def _refuse_helm(service: Service) -> None:
    """What Helm has installed carries Helm's labels, and only Helm forgets it."""
    sources = [*(version.source for version in service.versions.values()), *(route.chart for route in service.routes)]
    for source in sources:
        if isinstance(source, HelmChart):
            raise SpecError(
                source.path,
                "the playbook remove deletes no Helm releases, and nothing beside them: once nobody calls them, use "
                f"helm uninstall {source.release_name} --namespace {source.namespace}",
            )


def kinds_to_list(release: Release) -> dict[str, list[str]]:
    """Every kind that a release may have created, now or by an earlier specification, with its API versions."""
    router = ReleaseRoutes(release).router
    routes = [(version, name) for name, kind in router.kinds.items() for version in kind.api_versions]
    known = [(manifest["apiVersion"], manifest["kind"]) for manifest in described(release)]
    found: dict[str, list[str]] = {}
    for api_version, kind in dict.fromkeys([*known, *routes, *LISTED, *router.beside]):
        if kind not in UNLISTED:
            found.setdefault(kind, []).append(api_version)
    return found


def route_kinds(release: Release) -> set[str]:
    """The kinds of the release's routes."""
    routes = ReleaseRoutes(release)
    return {routes.kind(service, route) for service, route in routes.pairs()}


def namespaces(release: Release) -> list[str]:
    """Every namespace that anything of the release may be in."""
    found = [release.namespace]
    for service in release.services.values():
        found += [service.namespace, *(route.namespace for route in service.routes)]
        found += [version.namespace for version in service.versions.values()]
    found += [manifest["metadata"]["namespace"] for manifest in described(release)]
    return list(dict.fromkeys(found))


def removal_plan(
    release: Release,
    journal: State,
    found: Sequence[Manifest],
    routes: Sequence[Manifest] = (),
    capacity: Sequence[Mapping[str, Any]] = (),
    force: bool = False,
) -> Plain:
    """What is left to delete, in the order in which it goes.

    ``found`` are the objects that stand, by label or by name, ``routes`` all routes in the release's namespaces,
    whoever wrote them. Raises ReleaseError for what forbids it; ``force`` overrides all but what would be left behind
    in routes of somebody else.
    """
    own = [item for item in found if _is_ours(release, item)]
    foreign = [route for route in routes if not _is_ours(release, route)]
    _refuse_leftovers(release, journal, own)
    if not force:
        _refuse_unfinished(journal)
        _refuse_used(release, own, foreign)
    name = f"bluegreen-{release.name}"
    journals = [item for item in own if item["kind"] == "ConfigMap" and item["metadata"]["name"] == name]
    others = [item for item in own if item not in journals]
    entry = [item for item in others if _is_entry(release, item)]
    around = _kinds_around(release)
    rest = [item for item in others if item not in entry and item["kind"] in around]
    versions = [item for item in others if item not in entry and item not in rest]
    if entry and not force and not _counting(release):
        raise ReleaseError(UNSEEN)
    drained = _drained(release, _stray(release, own)) if versions else []
    return {
        "release": release.name,
        "namespace": release.namespace,
        "live": journal.live,
        "state": journal.state,
        "weights": {},
        "problems": [],
        "removal": {
            "stays": _staying(release, found, foreign),
            "quiet": _quiet(release, entry, _stray(release, own)) if not force else [],
            "capacity": {"patches": giving_back(capacity, journal.capacity), "entry": returned(journal.capacity)},
            "entry": _identities(entry),
            "drained": drained,
            # Seeing that nothing is open takes the place of waiting.
            "drain": release.drain if versions and not drained else 0.0,
            # Pods first: their configuration is read until they end.
            "versions": _identities(sorted(versions, key=lambda item: item["kind"] not in WORKLOAD_KINDS)),
            "rest": _identities(rest),
            "journal": _identities(journals),
        },
    }


def _skeleton(release: Release, service: Service) -> list[Manifest]:
    """What routes the traffic of a service whose route we create."""
    if service.routes_are_named or not all(version.own_service for version in service.versions.values()):
        return []
    first, *others = service.versions
    weights = {first: 100, **dict.fromkeys(others, 0)}
    return ReleaseRoutes(release).router.resources(release, service, weights)


def _kinds_around(release: Release) -> set[str]:
    """The kinds of what stands between routes and pods."""
    router = ReleaseRoutes(release).router
    return {"Service"} | {kind for _api_version, kind in router.beside} - set(router.kinds)


def _is_ours(release: Release, item: Manifest) -> bool:
    labels = item["metadata"].get("labels") or {}
    return (
        labels.get("app.kubernetes.io/managed-by") == MANAGED_BY
        and labels.get("app.kubernetes.io/part-of") == release.name
    )


def _is_entry(release: Release, item: Manifest) -> bool:
    """Whether it is what users call, or what leads them there."""
    routes = ReleaseRoutes(release)
    if item["kind"] == "Service":
        metadata = item["metadata"]
        called = any(
            routes.kind(service, route) == "Service"
            and (route.namespace, route.name) == (metadata["namespace"], metadata["name"])
            for service, route in routes.pairs()
        )
        return called or (item.get("spec") or {}).get("type") == "ExternalName"
    return item["kind"] in routes.router.kinds


def _refuse_unfinished(journal: State) -> None:
    if journal.is_active:
        raise ReleaseError(
            f"the release to {journal.to} is unfinished ({journal.state}, {journal.percent or 0} %): finish it with "
            f"the playbook release, or take it back with rollback, and remove it then, {FORCED}"
        )


def _refuse_leftovers(release: Release, journal: State, own: Sequence[Manifest]) -> None:
    """What an unfinished release has put into routes of somebody else, only a rollback knows how to take out."""
    if not journal.is_active:
        return
    routes = ReleaseRoutes(release)
    ours = {(item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]) for item in own}
    for service, route in routes.pairs():
        kind = routes.kind(service, route)
        left = {"added", "test_header", "mirror"} & set(journal.routes.get(routes.key(route), {}))
        if left and (kind, route.namespace, route.name) not in ours:
            raise ReleaseError(
                f"{kind} {route.namespace}/{route.name} is not ours and stays, and holds what the unfinished release "
                f"to {journal.to} has put there: take that back with the playbook rollback, and remove the release then"
            )


def _refuse_used(release: Release, own: Sequence[Manifest], foreign: Sequence[Manifest]) -> None:
    """No deletion of what a route of somebody else still sends traffic to."""
    routes = ReleaseRoutes(release)
    router = routes.router
    names = {item["metadata"]["name"] for item in own}
    places: list[str] = []
    for service, version in _own_versions(release):
        if not {workload.name for workload in version.workloads} & names and version.own_service not in names:
            continue
        spellings = [router.spelling(service, other) for other in service.versions.values()]
        named = {(routes.kind(service, route), route.namespace, route.name) for route in service.routes}
        backends = _backends(release, service, version)
        for route in foreign:
            backends += router.backends(route, spellings, version.name) if _identity(route) in named else []
        for route in foreign:
            where = " ".join((route["kind"], "/".join(_identity(route)[1:])))
            for host, subset in dict.fromkeys(backends):
                places += [f"{where}, {place}, to {version.backend}" for place in router.sends_to(route, host, subset)]
    if places:
        raise ReleaseError(
            f"traffic still goes there from {'; '.join(sorted(set(places)))}, which is not ours to delete: let it send "
            f"elsewhere first, {FORCED}"
        )


def _own_versions(release: Release) -> Iterator[tuple[Service, Version]]:
    for service in release.services.values():
        for version in service.versions.values():
            if version.is_ours:
                yield service, version


def _backends(release: Release, service: Service, version: Version) -> list[tuple[str, str | None]]:
    """Where a version is reached: by its place in our own route, and by its own Service."""
    routes = ReleaseRoutes(release)
    own = routes.router.full_host(version.own_service or version.backend, version.namespace)
    return list(dict.fromkeys([foreseen(routes, service, version), (own, None)]))


def _staying(release: Release, found: Sequence[Manifest], foreign: Sequence[Manifest]) -> list[str]:
    """What somebody else owns, of all that the release has to do with."""
    routes = ReleaseRoutes(release)
    named = {(routes.kind(service, route), route.namespace, route.name) for service, route in routes.pairs()}
    theirs = [item for item in found if not _is_ours(release, item)]
    theirs += [route for route in foreign if _identity(route) in named]
    stays = [" ".join((kind, f"{namespace}/{name}")) for kind, namespace, name in map(_identity, theirs)]
    stays += [
        f"{version.existing.kind} {version.existing.namespace}/{version.existing.name}"
        for service in release.services.values()
        for version in service.versions.values()
        if version.existing is not None
    ]
    return sorted(set(stays))


def _identity(item: Manifest) -> tuple[str, str, str]:
    return item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]


def _identities(items: Iterable[Manifest]) -> list[Manifest]:
    return [
        {
            "apiVersion": item["apiVersion"],
            "kind": item["kind"],
            "metadata": {"name": item["metadata"]["name"], "namespace": item["metadata"]["namespace"]},
        }
        for item in items
    ]


def _counting(release: Release) -> list[Plain]:
    """How requests are counted, as the release sees them: of a proxy its own counters, and those in Prometheus."""
    plain = [(gate.kind, gate.plain()) for gate in release.observe or ()]
    found = [{"telemetry": gate["telemetry"]} for kind, gate in plain if kind == "telemetry"]
    return found + [{"proxies": {**ISTIO_GATEWAY, **gate["proxies"]}} for kind, gate in plain if kind == "proxies"]


def _quiet(release: Release, entry: Sequence[Manifest], stray: Plain) -> list[Plain]:
    """That nobody calls what is about to go; nothing to see where no entry is left."""
    if not entry:
        return []
    window = max(release.drain, SHORTEST_WINDOW)
    return [
        {**metric, "name": f"requests to {metric['service']}", "quiet": window}
        for metric in _about_each_service(release, _counting(release), stray)
    ]


def _drained(release: Release, stray: Plain) -> list[Plain]:
    """That no request is open any more, for a release that looks into its proxies."""
    asked = [metric for metric in _counting(release) if "proxies" in metric]
    return [
        {**metric, "name": f"open requests to {metric['service']}", "drained": True, "deadline": release.drain}
        for metric in _about_each_service(release, asked, stray)
    ]


def _about_each_service(release: Release, metrics: Sequence[Plain], stray: Plain) -> list[Plain]:
    """Whose versions a stray backend was is of no matter: it is looked at with those of the first service."""
    first, *_others = release.services
    return [
        {
            **metric,
            "service": service.name,
            "backends": {**_backends_of(release, service), **(stray if service.name == first else {})},
        }
        for service in release.services.values()
        for metric in metrics
    ]


def _stray(release: Release, own: Sequence[Manifest]) -> Plain:
    """What our objects lead to and the specification names no more: a version that was released and left out of it."""
    router = ReleaseRoutes(release).router
    named = {
        (backend["host"], backend["subset"])
        for service in release.services.values()
        for backends in _backends_of(release, service).values()
        for backend in backends
    }
    called = [
        (router.full_host(item["metadata"]["name"], item["metadata"]["namespace"]), None)
        for item in own
        if item["kind"] == "Service" and (item.get("spec") or {}).get("selector")
    ]
    known = {host for host, _subset in [*named, *called]}
    routes = [item for item in own if item["kind"] in router.kinds and not router.switches]
    destinations = [
        (router.full_host(destination.host, route["metadata"]["namespace"]), destination.subset)
        for route in routes
        for rule in router.rules(route)
        for destination in rule.destinations
    ]
    found = [*called, *(place for place in destinations if place[0] in known)]
    return {
        f"{host} subset {subset}" if subset else host: [{"host": host, "subset": subset}]
        for host, subset in found
        if (host, subset) not in named
    }


def _backends_of(release: Release, service: Service) -> Plain:
    return {
        version.name: [{"host": host, "subset": subset} for host, subset in _backends(release, service, version)]
        for version in service.versions.values()
    }
