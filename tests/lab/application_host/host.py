# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the pods of one cluster, keeps an application for each that runs, and ends those that are deleted."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import Node, PodStatus
from lightkube.resources.core_v1 import Pod as PodResource

from tests.lab.application_host import pod as pods
from tests.lab.application_host.addresses import AddressPool
from tests.lab.application_host.application import Application
from tests.lab.application_host.pod import Pod

WATCH_AGAIN_AFTER = 0.2

log = logging.getLogger(__name__)


@dataclass
class Hosted:
    """A pod that this process knows, and what it does for it."""

    pod: Pod
    application: Application | None = None
    task: asyncio.Task[None] | None = None
    ends: bool = False

    @property
    def idle(self) -> bool:
        return self.task is None or self.task.done()

    @property
    def name(self) -> str:
        return f"{self.pod['metadata']['namespace']}/{self.pod['metadata']['name']}"

    @property
    def address(self) -> str | None:
        address: str | None = self.pod.get("status", {}).get("podIP")
        return address


class Host:
    def __init__(self, client: AsyncClient, encryption: ssl.SSLContext) -> None:
        self._client = client
        self._encryption = encryption
        self._hosted: dict[str, Hosted] = {}
        self._pools: dict[str, AddressPool] = {}
        self.is_watching = False

    async def run(self) -> None:
        """Lists, then watches; begins anew whenever the watch breaks off, so that nothing in between is missed."""
        while True:
            try:
                await self._watch(await self._list())
            except (httpx2.HTTPError, ApiError) as error:
                self.is_watching = False
                log.warning("watch of the pods broke off: %s", str(error) or type(error).__name__)
                await asyncio.sleep(WATCH_AGAIN_AFTER)

    def find(self, namespace: str, name: str) -> Pod | None:
        wanted = f"{namespace}/{name}"
        return next((hosted.pod for hosted in self._hosted.values() if hosted.name == wanted), None)

    async def _list(self) -> str:
        listing = self._client.list(PodResource, namespace="*")
        found = [pod.to_dict() async for pod in listing]
        seen = {pod["metadata"]["uid"] for pod in found}
        for identifier in [known for known in self._hosted if known not in seen]:
            self._gone(identifier)
        # Addresses in use are known before any is given out.
        for pod in found:
            await self._keep_address(pod)
        for pod in found:
            self._changed(pod)
        return listing.resourceVersion

    async def _watch(self, version: str) -> None:
        self.is_watching = True
        async for kind, pod in self._client.watch(
            PodResource, namespace="*", resource_version=version, server_timeout=600
        ):
            if kind == "DELETED":
                self._gone(str(pod.metadata.uid if pod.metadata is not None else ""))
            elif kind in {"ADDED", "MODIFIED"}:
                self._changed(pod.to_dict())

    def _changed(self, pod: Pod) -> None:
        hosted = self._hosted.setdefault(pod["metadata"]["uid"], Hosted(pod))
        hosted.pod = pod
        if hosted.ends or not pod["spec"].get("nodeName"):
            return
        if pod["metadata"].get("deletionTimestamp"):
            hosted.ends = True
            self._begin(hosted, self._end(hosted))
        elif hosted.application is not None:
            self._change(hosted)
        elif hosted.idle and pods.is_running(pod) and not pods.has_fault(pod):
            self._begin(hosted, self._serve(hosted))

    def _gone(self, identifier: str) -> None:
        """The object is gone: deleted by us at its end, or by force."""
        hosted = self._hosted.pop(identifier, None)
        if hosted is None:
            return
        if hosted.task is not None:
            hosted.task.cancel()
        if hosted.application is not None:
            hosted.application.abort()
        if hosted.address is not None and (pool := self._pools.get(hosted.pod["spec"].get("nodeName", ""))) is not None:
            pool.give_back(hosted.address)

    def _begin(self, hosted: Hosted, work: Coroutine[Any, Any, None]) -> None:
        if hosted.task is not None:
            hosted.task.cancel()
        hosted.task = asyncio.create_task(self._logged(hosted, work))

    async def _logged(self, hosted: Hosted, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            # The pod then stays as it is, not ready or terminating, which is where a person looks next.
            log.error("%s: %s", hosted.name, error, exc_info=not isinstance(error, (ValueError, LookupError, OSError)))
            await self._report(hosted, "False", str(error))

    def _change(self, hosted: Hosted) -> None:
        if hosted.application is None:
            return
        if pods.has_fault(hosted.pod):
            hosted.application.abort()
            hosted.application = None
            self._begin(hosted, self._report(hosted, "False", "it crashed"))
            return
        try:
            hosted.application.change(hosted.pod)
        except ValueError as error:
            log.error("%s: %s; it goes on as before", hosted.name, error)

    async def _serve(self, hosted: Hosted) -> None:
        address = hosted.address or (await self._pool(hosted.pod)).take()
        application = Application(hosted.pod)
        await application.listen(address, pods.ports(hosted.pod), self._encryption)
        hosted.application = application
        if not pods.is_listening(hosted.pod):
            await self._report(hosted, "True", "", {"podIP": address, "podIPs": [{"ip": address}]})

    async def _end(self, hosted: Hosted) -> None:
        moments = pods.ending(hosted.pod)
        application = hosted.application
        if application is not None:
            await asyncio.sleep(max(0.0, moments.stops_listening - time.time()))
            application.refuse()
            await application.finish(max(0.0, moments.is_killed - time.time()))
        metadata = hosted.pod["metadata"]
        try:
            await self._client.delete(PodResource, metadata["name"], namespace=metadata["namespace"], grace_period=0)
        except ApiError as error:
            if error.status.code != httpx2.codes.NOT_FOUND:
                raise

    async def _report(self, hosted: Hosted, listening: str, message: str, status: dict[str, Any] | None = None) -> None:
        metadata = hosted.pod["metadata"]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": pods.LISTENING, "status": listening, "message": message, "lastTransitionTime": now}
        patch = {"status": {**(status or {}), "conditions": [condition]}}
        try:
            await self._client.patch(PodStatus, metadata["name"], patch, namespace=metadata["namespace"])
        except ApiError as error:
            if error.status.code != httpx2.codes.NOT_FOUND:
                raise

    async def _keep_address(self, pod: Pod) -> None:
        address = pod.get("status", {}).get("podIP")
        if address is not None and pod["spec"].get("nodeName"):
            (await self._pool(pod)).keep(address)

    async def _pool(self, pod: Pod) -> AddressPool:
        name = pod["spec"]["nodeName"]
        if name not in self._pools:
            node = (await self._client.get(Node, name)).to_dict()
            self._pools.setdefault(name, AddressPool(ipaddress.IPv4Network(node["spec"]["podCIDR"])))
        return self._pools[name]
