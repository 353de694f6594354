# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Local copies of a few collections, kept current by watches."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from .client import Cluster, Expired, Ref

# How long one watch lasts at most. A connection that something on the way has dropped without a word looks like one
# on which nothing happens: so long nothing is seen.
WATCH = 60.0


@dataclass(frozen=True)
class Selection:
    """Part of a collection: by labels, or by fields. One that is not ``watched`` is read once."""

    ref: Ref
    label_selector: str | None = None
    field_selector: str | None = None
    watched: bool = True


class Mirror:
    """Copies of the selected objects from ``with`` to its end; one thread and one watch for each selection."""

    def __init__(self, cluster: Cluster, selections: dict[str, Selection], deadline: float) -> None:
        self._cluster = cluster
        self._selections = selections
        self._deadline = deadline
        self._objects: dict[str, dict[str, dict[str, Any]]] = {}
        self._watched: set[str] = set()
        self._changed = threading.Condition()
        self._changes = 0
        self._error: Exception | None = None
        self._stopped = False

    def __enter__(self) -> Mirror:
        self.follow(self._selections)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped = True

    def follow(self, selections: dict[str, Selection]) -> bool:
        """Follow these too; return whether any of them is new, or was only read so far."""
        new = {
            name: selection
            for name, selection in selections.items()
            if name not in (self._watched if selection.watched else self._objects)
        }
        # The first lists run here, so that what is seen at once is complete.
        for name, selection in new.items():
            version = self._replace(name, selection)
            if selection.watched:
                self._watched.add(name)
                threading.Thread(target=self._follow, args=(name, selection, version), daemon=True).start()
        return bool(new)

    def objects(self, name: str) -> list[dict[str, Any]]:
        """The objects of a selection as they are known now."""
        with self._changed:
            return list(self._objects.get(name, {}).values())

    @property
    def changes(self) -> int:
        """A count that grows with every change; take it before looking, and hand it to ``wait``."""
        return self._changes

    def wait(self, seen: int, until: float) -> None:
        """Wait for a change after ``seen``, at most until a monotonic time; raise what ended a watch."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._changes > seen or self._error is not None, max(0.0, until - time.monotonic())
            )
            if self._error is not None:
                raise self._error

    def _follow(self, name: str, selection: Selection, version: str) -> None:
        try:
            while not self._stopped and (left := self._deadline - time.monotonic()) > 0:
                version = self._watch(name, selection, version, min(left, WATCH))
        except Exception as error:
            # It would end with this thread, and whoever reads would take old copies for the present.
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _watch(self, name: str, selection: Selection, version: str, timeout: float) -> str:
        """Follow it for so long; return from where to go on."""
        try:
            for kind, item in self._cluster.watch(
                selection.ref, version, timeout, selection.label_selector, selection.field_selector
            ):
                if self._stopped:
                    return version
                if kind == "ERROR":
                    # The history that the watch started from is gone (410): read everything anew.
                    return self._replace(name, selection)
                version = item["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    self._take(name, kind, item)
        except Expired:
            return self._replace(name, selection)
        return version

    def _take(self, name: str, kind: str, item: dict[str, Any]) -> None:
        with self._changed:
            if kind == "DELETED":
                self._objects[name].pop(item["metadata"]["uid"], None)
            elif kind in ("ADDED", "MODIFIED"):
                self._objects[name][item["metadata"]["uid"]] = item
            self._changes += 1
            self._changed.notify_all()

    def _replace(self, name: str, selection: Selection) -> str:
        answer = self._cluster.items(selection.ref, selection.label_selector, selection.field_selector)
        with self._changed:
            # Items of a list carry no kind of their own, unlike those of a watch.
            kind = answer["kind"].removesuffix("List")
            self._objects[name] = {
                item["metadata"]["uid"]: {"kind": kind, **item} for item in answer.get("items") or []
            }
            self._changes += 1
            self._changed.notify_all()
        return str(answer["metadata"]["resourceVersion"])
