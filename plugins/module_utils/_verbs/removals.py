# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands of all that a release may have created."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .._cluster.client import Cluster, NotFound, Ref
from .._core.capacity import noted_workloads
from .._core.journal import State
from .._core.model import Release
from .._routers.removal import described, kinds_to_list, namespaces, ours_by_label, removal_plan, route_kinds
from .._routers.rules import Manifest
from .capacities import read_capacity
from .verb import Result


def read_removal(cluster: Cluster, release: Release, journal: State, force: bool) -> Result:
    """Read what is left and decide what is to go; raises ReleaseError for what forbids it."""
    kinds = _Kinds(cluster)
    found: dict[tuple[str, str, str], Manifest] = {}
    routes: list[Manifest] = []
    for namespace in namespaces(release):
        for kind, api_versions in kinds_to_list(release).items():
            collection = kinds.collection(api_versions, kind, namespace)
            if collection is None:
                continue
            for item in _listed(cluster, collection, kind, ours_by_label(release)):
                found[_key(item)] = item
            if kind in route_kinds(release):
                routes += _listed(cluster, collection, kind)
    for manifest in described(release):
        collection = kinds.collection([manifest["apiVersion"]], manifest["kind"], manifest["metadata"]["namespace"])
        if _key(manifest) in found or collection is None:
            continue
        standing = cluster.find(replace(collection, name=manifest["metadata"]["name"]))
        if standing is not None:
            found[_key(standing)] = standing
    capacity = read_capacity(cluster, noted_workloads(journal.capacity))
    return removal_plan(release, journal, list(found.values()), routes, capacity, force)


def _key(manifest: Manifest) -> tuple[str, str, str]:
    return manifest["kind"], manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _listed(cluster: Cluster, collection: Ref, kind: str, label_selector: str | None = None) -> list[Manifest]:
    """The objects of a collection; an entry of a list does not say what it is."""
    items = cluster.items(collection, label_selector=label_selector).get("items") or []
    return [{**item, "apiVersion": collection.api_version, "kind": kind} for item in items]


class _Kinds:
    """The names of kinds in the API's paths, as the cluster tells them: objects of a version may be of any kind."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._plurals: dict[str, dict[str, Any]] = {}

    def collection(self, api_versions: list[str], kind: str, namespace: str) -> Ref | None:
        """Where objects of a kind are, by the first of the API versions that is served; None where none is."""
        for api_version in api_versions:
            plural = self._of(api_version).get(kind)
            if plural is not None:
                return Ref(api_version, plural, namespace)
        return None

    def _of(self, api_version: str) -> dict[str, Any]:
        if api_version not in self._plurals:
            try:
                served = self._cluster.get(Ref(api_version, "")).get("resources") or []
            except NotFound:
                served = []
            self._plurals[api_version] = {
                item["kind"]: item["name"] for item in served if item["namespaced"] and "/" not in item["name"]
            }
        return self._plurals[api_version]
