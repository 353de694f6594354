# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster in memory for tests of what follows it: objects by their paths, lists with selectors, and watches."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import (
    ClusterError,
    Conflict,
    NotFound,
    Ref,
)

Manifest = dict[str, Any]


class ApiServer:
    """Has the part of Cluster that gates use. What it is told to do happens at once; ``forbidden`` paths do not."""

    def __init__(self) -> None:
        self.forbidden: set[str] = set()
        self.logs: dict[str, str] = {}
        self.deleted: list[str] = []
        self.dry_runs: list[Manifest] = []
        self.on_create: Callable[[Manifest], None] = lambda manifest: None
        self._objects: dict[str, Manifest] = {}
        self._events: list[tuple[int, str, str, Manifest]] = []
        self._changed = threading.Condition()
        self._version = 0

    def put(self, ref: Ref, manifest: Manifest) -> None:
        """Create an object or replace it."""
        with self._changed:
            self._version += 1
            item = copy.deepcopy(manifest)
            known = self._objects.get(ref.path)
            metadata = item.setdefault("metadata", {})
            uid = known["metadata"]["uid"] if known else f"uid-{self._version}"
            metadata.update(name=ref.name, namespace=ref.namespace, uid=uid, resourceVersion=str(self._version))
            metadata.setdefault("creationTimestamp", f"2026-01-01T00:00:{self._version % 60:02}Z")
            self._objects[ref.path] = item
            self._tell("MODIFIED" if known else "ADDED", ref, item)

    def get(self, ref: Ref) -> Manifest:
        found = self.find(ref)
        if found is None:
            raise NotFound(f"{ref} not found")
        return found

    def find(self, ref: Ref) -> Manifest | None:
        self._refuse(ref)
        with self._changed:
            return copy.deepcopy(self._objects.get(ref.path))

    def items(self, ref: Ref, label_selector: str | None = None, field_selector: str | None = None) -> Manifest:
        self._refuse(ref)
        with self._changed:
            found = [
                copy.deepcopy(item)
                for path, item in self._objects.items()
                if path.rpartition("/")[0] == ref.path and _selected(item, label_selector, field_selector)
            ]
            # The kind of a list is that of its items, with which they do not come.
            kind = {"jobs": "Job", "pods": "Pod", "deployments": "Deployment"}.get(ref.plural, ref.plural)
            return {"kind": f"{kind}List", "metadata": {"resourceVersion": str(self._version)}, "items": found}

    def create(self, ref: Ref, manifest: Mapping[str, Any], dry_run: bool = False) -> Manifest:
        self._refuse(ref)
        if self.find(ref) is not None:
            raise Conflict(f"{ref} exists")
        if dry_run:
            self.dry_runs.append(dict(manifest))
            return dict(manifest)
        self.put(ref, dict(manifest))
        created = self.get(ref)
        self.on_create(dict(manifest))
        return created

    def delete(self, ref: Ref) -> None:
        self._refuse(ref)
        with self._changed:
            self.deleted.append(ref.path)
            item = self._objects.pop(ref.path, None)
            if item is not None:
                self._version += 1
                self._tell("DELETED", ref, item)

    def log(self, namespace: str, pod: str, container: str | None, lines: int) -> str:
        self._refuse(Ref("v1", "pods", namespace, f"{pod}/log"))
        return "\n".join(self.logs[f"{namespace}/{pod}/{container}"].splitlines()[-lines:])

    def watch(
        self,
        ref: Ref,
        resource_version: str,
        timeout: float,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Iterator[tuple[str, Manifest]]:
        until = time.monotonic() + timeout
        seen = int(resource_version)
        while (left := until - time.monotonic()) > 0:
            with self._changed:
                new = [event for event in self._events if event[0] > seen]
                if not new:
                    self._changed.wait(left)
                    continue
            for version, kind, path, item in new:
                seen = version
                if path == ref.path and _selected(item, label_selector, field_selector):
                    yield kind, copy.deepcopy(item)

    def _tell(self, kind: str, ref: Ref, item: Manifest) -> None:
        path = ref.path.rpartition("/")[0]
        self._events.append((self._version, kind, path, {**copy.deepcopy(item)}))
        self._changed.notify_all()

    def _refuse(self, ref: Ref) -> None:
        if any(ref.path.endswith(path) for path in self.forbidden):
            raise ClusterError(f"{ref} is forbidden; extend the Role or use another")


def _selected(item: Manifest, labels: str | None, fields: str | None) -> bool:
    own = item["metadata"].get("labels") or {}
    for key, value in _pairs(labels):
        if own.get(key) != value:
            return False
    return all(_field(item, key) == value for key, value in _pairs(fields))


def _pairs(selector: str | None) -> list[tuple[str, str]]:
    pairs = [word.partition("=") for word in (selector or "").split(",") if word]
    return [(key, value) for key, sign, value in pairs]


def _field(item: Manifest, path: str) -> Any:
    found: Any = item
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found
