# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In a cluster DNS's place: the names by which commands in pods reach the ingress gateway, as a file of hosts.

These are the name of its Service, and those of the ExternalName Services that lead there. No other name is known:
nothing would answer on the address of another Service.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import Service

# A Service by its namespace and name.
Identity = tuple[str, str]

GATEWAY: Identity = ("istio-system", "istio-ingressgateway")
WATCH_AGAIN_AFTER = 0.2

log = logging.getLogger(__name__)


def names_of(service: Identity) -> list[str]:
    """Every name that a cluster's DNS has for a Service; the short one depends on who asks, and is left out."""
    namespace, name = service
    return [f"{name}.{namespace}{rest}" for rest in ("", ".svc", ".svc.cluster.local")]


def hosts(address: str, leads_to: Mapping[Identity, str]) -> str:
    """The file of hosts: `leads_to` holds the `externalName` of each Service that has one."""
    known = names_of(GATEWAY)
    for service, target in sorted(leads_to.items()):
        if target.rstrip(".") in names_of(GATEWAY):
            known += names_of(service)
    return "".join(["127.0.0.1 localhost\n", *(f"{address} {name}\n" for name in known)])


class Names:
    def __init__(self, client: AsyncClient, file: Path, address: str) -> None:
        self._client = client
        self._file = file
        self._address = address
        self._leads_to: dict[Identity, str] = {}

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except (httpx2.HTTPError, ApiError) as error:
                log.warning("watch of the Services broke off: %s", str(error) or type(error).__name__)
                await asyncio.sleep(WATCH_AGAIN_AFTER)

    async def _follow(self) -> None:
        listing = self._client.list(Service, namespace="*")
        self._leads_to = {}
        async for service in listing:
            self._note(service)
        self._write()
        version = listing.resourceVersion
        async for kind, service in self._client.watch(
            Service, namespace="*", resource_version=version, server_timeout=600
        ):
            self._note(service, gone=kind == "DELETED")
            self._write()

    def _note(self, service: Service, gone: bool = False) -> None:
        if service.metadata is None or service.spec is None:
            return
        identity = (str(service.metadata.namespace), str(service.metadata.name))
        target = service.spec.externalName
        if gone or target is None:
            self._leads_to.pop(identity, None)
        else:
            self._leads_to[identity] = target

    def _write(self) -> None:
        """In place: a file that takes another's place would not be the one that is mounted."""
        text = hosts(self._address, self._leads_to).encode()
        file = os.open(self._file, os.O_WRONLY)
        try:
            os.pwrite(file, text, 0)
            os.ftruncate(file, len(text))
        finally:
            os.close(file)
