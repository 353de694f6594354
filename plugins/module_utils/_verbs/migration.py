# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a migration only the cluster can tell: whose the objects are, and whether versions can take requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._cluster.client import Cluster, Ref
from .._core.model import MANAGED_BY, Release
from .._core.observation import observed_release
from .._routers.migration import migration
from .._routers.routes import ReleaseRoutes
from .._routers.rules import Destination, Manifest
from .backends import refuse_unready

PLURALS: Mapping[str, str] = {
    "Service": "services",
    "Gateway": "gateways",
    "DestinationRule": "destinationrules",
    "ReferenceGrant": "referencegrants",
    "VirtualNode": "virtualnodes",
    "VirtualService": "virtualservices",
}


def migration_plan(
    cluster: Cluster, old: tuple[Release, list[Any]], new: tuple[Release, list[Any]], journal: object, now: float
) -> dict[str, Any]:
    """The migration with what stands already left out, and what may go and what may not told apart."""
    before, after = (
        ReleaseRoutes(release, observed_release(release, journal, routes, now)) for release, routes in (old, new)
    )
    plan = migration(before, after)
    for manifest in plan["manifests"]:
        if manifest["kind"] in after.router.kinds:
            _refuse_unready(cluster, after, manifest)
    theirs = [item for item in plan["manifests"] if _stands(cluster, after, item, ours=False)]
    plan["manifests"] = [item for item in plan["manifests"] if item not in theirs]
    former = plan.pop("former")
    plan["remove"] = [item for item in former if _stands(cluster, before, item, ours=True)]
    kept = [item for item in former if _stands(cluster, before, item, ours=False)]
    plan["says"] = [*plan.pop("callers"), *_rest(plan["remove"], kept)]
    return plan


def _rest(ours: Sequence[Manifest], others: Sequence[Manifest]) -> list[str]:
    """What becomes of the old router's objects, for a person."""
    said = []
    if ours:
        said.append(f"once nobody calls through them, bluegreen_migrate_remove: true deletes {_named(ours)}")
    if others:
        said.append(f"not created by this collection, and left: {_named(others)}")
    return said


def _named(items: Sequence[Manifest]) -> str:
    return ", ".join(f"{item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}" for item in items)


def _stands(cluster: Cluster, routes: ReleaseRoutes, item: Manifest, ours: bool) -> bool:
    """Whether an object is there, and is one that we have created, or one of somebody else's."""
    kinds = routes.router.kinds
    plural = kinds[item["kind"]].plural if item["kind"] in kinds else PLURALS[item["kind"]]
    metadata = item["metadata"]
    found = cluster.find(Ref(item["apiVersion"], plural, metadata["namespace"], metadata["name"]))
    if found is None:
        return False
    labels = found["metadata"].get("labels") or {}
    return bool(labels.get("app.kubernetes.io/managed-by") == MANAGED_BY) is ours


def _refuse_unready(cluster: Cluster, routes: ReleaseRoutes, route: Manifest) -> None:
    """Raise RouteError where requests that come by the new route would find nobody."""
    router = routes.router
    if router.switches or router.nodes is not None:
        return
    name = (route["metadata"]["namespace"], route["metadata"]["name"])
    for service in routes.release.services.values():
        if (service.routes[0].namespace, service.routes[0].name) != name:
            continue
        spellings = [router.spelling(service, version) for version in service.versions.values()]
        weights = router.read(route, router.present(route, spellings)).weights()
        for version, weight in weights.items():
            # Subsets of what does not stand yet cannot be looked up.
            hosts = [host for host, subset in router.backends(route, spellings, version) if subset is None]
            if weight:
                refuse_unready(cluster, router, version, [Destination("", host, None, weight) for host in hosts])
