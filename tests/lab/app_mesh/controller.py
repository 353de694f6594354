# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the objects, and does what they say whenever one of them has changed."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.generic_resource import create_global_resource, create_namespaced_resource
from lightkube.resources.core_v1 import Event, Namespace, Pod, Service
from lightkube.resources.discovery_v1 import EndpointSlice
from lightkube.types import PatchType

from tests.lab.app_mesh import envoy, status
from tests.lab.app_mesh.accepted import Accepted, Refusals, accept
from tests.lab.app_mesh.files import Files
from tests.lab.app_mesh.objects import Json, Key, Objects, injected, key
from tests.lab.application_host import pod as pods

WATCH_AGAIN_AFTER = 0.2
# Several objects of one `kubectl apply` are one change.
GATHER = 0.02
LOOK_AGAIN_AFTER = 1.0
# Every kind's own word in the URL, and the field of Objects that holds what is found.
KINDS = {
    "Mesh": ("meshes", "meshes"),
    "VirtualNode": ("virtualnodes", "nodes"),
    "VirtualRouter": ("virtualrouters", "routers"),
    "VirtualService": ("virtualservices", "services"),
}

log = logging.getLogger(__name__)


def _resource(kind: str) -> Any:
    create = create_global_resource if kind == "Mesh" else create_namespaced_resource
    return create("appmesh.k8s.aws", "v1beta2", kind, KINDS[kind][0])


RESOURCES: dict[str, Any] = {
    **{field: _resource(kind) for kind, (_plural, field) in KINDS.items()},
    "namespaces": Namespace,
    "cluster_services": Service,
    "endpoint_slices": EndpointSlice,
    "pods": Pod,
}


class Controller:
    def __init__(self, client: AsyncClient, files: Files, folder: Path, annotations: dict[str, str]) -> None:
        # The objects of App Mesh have no types of their own.
        self._client: Any = client
        self._files = files
        self._folder = folder
        self._annotations = annotations
        self._found: dict[str, dict[Key, Json]] = {field: {} for field in RESOURCES}
        self._watched: set[str] = set()
        self._changed = asyncio.Event()
        self._accepted = Accepted()
        self._reported: Refusals = {}
        self.is_serving = False

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for field in RESOURCES:
                tasks.create_task(self._follow(field))
            tasks.create_task(self._reconcile())

    async def _follow(self, field: str) -> None:
        """Lists, then watches; begins anew whenever the watch breaks off, so that nothing in between is missed."""
        while True:
            try:
                await self._watch(field)
            except (httpx2.HTTPError, ApiError) as error:
                log.warning("watch of %s broke off: %s", field, str(error) or type(error).__name__)
                await asyncio.sleep(WATCH_AGAIN_AFTER)

    async def _watch(self, field: str) -> None:
        resource = RESOURCES[field]
        everywhere: dict[str, str] = {} if resource is Namespace or field == "meshes" else {"namespace": "*"}
        listing = self._client.list(resource, **everywhere)
        found = [_plain(item) async for item in listing]
        self._found[field] = {key(item): item for item in found}
        self._watched.add(field)
        self._changed.set()
        async for kind, item in self._client.watch(
            resource, **everywhere, resource_version=listing.resourceVersion, server_timeout=600
        ):
            manifest = _plain(item)
            if kind == "DELETED":
                self._found[field].pop(key(manifest), None)
            elif kind in {"ADDED", "MODIFIED"}:
                self._found[field][key(manifest)] = manifest
            self._changed.set()

    async def _reconcile(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_AFTER if self._files.lingers() else None):
                    await self._changed.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(GATHER)
            self._changed.clear()
            if self._watched != set(RESOURCES):
                continue
            try:
                await self._bring_about(Objects(**{field: dict(found) for field, found in self._found.items()}))
                self.is_serving = True
            except (httpx2.HTTPError, ApiError) as error:
                log.warning("the API server did not take it: %s", str(error) or type(error).__name__)
                await asyncio.sleep(WATCH_AGAIN_AFTER)
                self._changed.set()

    async def _bring_about(self, objects: Objects) -> None:
        await self._inject(objects)
        self._accepted, refusals = accept(objects, self._accepted)
        # App Mesh's own controller says that an object is active before any Envoy has heard of it.
        await self._write_status(objects, refusals)
        await self._report(objects, refusals)
        await self._files.write(envoy.resources(self._accepted, objects, self._folder))

    async def _write_status(self, objects: Objects, refusals: Refusals) -> None:
        now = datetime.now(UTC)
        things = {
            "VirtualNode": self._accepted.nodes,
            "VirtualRouter": self._accepted.routers,
            "VirtualService": self._accepted.services,
        }
        for kind, (_plural, field) in KINDS.items():
            for place, manifest in getattr(objects, field).items():
                if (kind, place) in refusals:
                    continue
                thing = things[kind][place] if kind in things else None
                if (wanted := status.of(kind, manifest, thing, now)) is not None:
                    await self._patch(RESOURCES[field].Status, manifest, {"status": wanted})

    async def _report(self, objects: Objects, refusals: Refusals) -> None:
        for (kind, place), message in refusals.items():
            if self._reported.get((kind, place)) == message:
                continue
            log.warning("%s %s: %s", kind, "/".join(place), message)
            manifest = getattr(objects, KINDS[kind][1])[place]
            told = Event.from_dict(dict(status.event(kind, manifest, message, datetime.now(UTC))))
            await self._tolerate_deletion(self._client.create(told, namespace=place[0]))
        self._reported = refusals

    async def _inject(self, objects: Objects) -> None:
        for place in injected(objects):
            pod = objects.pods[place]
            if pods.APP_MESH_PROXY not in (pod["metadata"].get("annotations") or {}):
                await self._patch(Pod, pod, {"metadata": {"annotations": self._annotations}})

    async def _patch(self, resource: Any, manifest: Json, patch: dict[str, Any]) -> None:
        namespace, name = key(manifest)
        place = {"namespace": namespace} if namespace else {}
        await self._tolerate_deletion(self._client.patch(resource, name, patch, patch_type=PatchType.MERGE, **place))

    async def _tolerate_deletion(self, request: Any) -> None:
        try:
            await request
        except ApiError as error:
            if error.status.code not in {httpx2.codes.NOT_FOUND, httpx2.codes.FORBIDDEN}:
                raise


def _plain(item: Any) -> Json:
    found: Json = item.to_dict()
    return found
