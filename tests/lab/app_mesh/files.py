# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Envoy's configuration in files: each is replaced as a whole, and a route never names a cluster that is not there."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterable
from pathlib import Path

import aiohttp

from tests.lab.app_mesh.envoy import Resources, assignment, endpoints_file
from tests.lab.app_mesh.objects import Json

# Requests that were given their route a moment ago still go to a cluster that no route names now.
CLUSTER_LINGERS = 5.0
CLUSTERS_DEADLINE = 5.0
ASK_AGAIN_AFTER = 0.01

log = logging.getLogger(__name__)


class Files:
    def __init__(self, folder: Path, admin_port: int) -> None:
        self._folder = folder
        self._admin = f"http://127.0.0.1:{admin_port}"
        self._written: dict[Path, str] = {}
        self._number = 0
        # Cluster → its definition, and when it was wanted last.
        self._clusters: dict[str, tuple[Json, float]] = {}
        self._last = 0.0
        (folder / "endpoints").mkdir(parents=True, exist_ok=True)

    def lingers(self) -> bool:
        """Something is still there that is to go."""
        return any(wanted < self._last for _cluster, wanted in self._clusters.values())

    async def write(self, resources: Resources) -> None:
        """Endpoints first, then clusters, and once Envoy has those, the routes to them."""
        now = self._last = time.monotonic()
        for name, endpoints in resources.endpoints.items():
            self._write(endpoints_file(self._folder, name), [assignment(name, endpoints)])
        known = set(self._clusters)
        self._clusters.update((cluster["name"], (cluster, now)) for cluster in resources.clusters)
        for name, (_cluster, wanted) in list(self._clusters.items()):
            if now - wanted > CLUSTER_LINGERS:
                del self._clusters[name]
        clusters = [cluster for _name, (cluster, _wanted) in sorted(self._clusters.items())]
        self._write(self._folder / "clusters.json", clusters)
        if new := set(resources.endpoints) - known:
            await self._until_envoy_has(new)
        self._write(self._folder / "routes.json", [resources.routes])
        for name in known - set(self._clusters):
            endpoints_file(self._folder, name).unlink(missing_ok=True)
            self._written.pop(endpoints_file(self._folder, name), None)

    def _write(self, path: Path, resources: list[Json]) -> None:
        text = json.dumps(resources)
        if self._written.get(path) == text:
            return
        self._number += 1
        answer = {"version_info": str(self._number), "resources": resources}
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(answer, indent=1))
        # Envoy looks for what is moved to this place.
        unfinished.replace(path)
        self._written[path] = text

    async def _until_envoy_has(self, clusters: Iterable[str]) -> None:
        """An Envoy that does not run reads all of it at its start, in the right order."""
        end = time.monotonic() + CLUSTERS_DEADLINE
        missing = set(clusters)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CLUSTERS_DEADLINE)) as session:
            while missing and time.monotonic() < end:
                try:
                    async with session.get(f"{self._admin}/config_dump?resource=dynamic_active_clusters") as answer:
                        held = (await answer.json(content_type=None)).get("configs") or []
                except (aiohttp.ClientError, TimeoutError):
                    return
                missing -= {entry["cluster"]["name"] for entry in held}
                if missing:
                    await asyncio.sleep(ASK_AGAIN_AFTER)
        if missing:
            log.warning("Envoy has not taken these clusters within %.0f s: %s", CLUSTERS_DEADLINE, sorted(missing))
