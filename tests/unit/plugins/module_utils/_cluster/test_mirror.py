# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of a collection: how its watches go on, and that whoever reads learns when they do not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Expired, Ref
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.mirror import WATCH, Mirror, Selection

PODS = Selection(Ref("v1", "pods", "prod"), "app=web")
Event = tuple[str, dict[str, Any]]


def pod(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": str(version)}}


class Streams:
    """A cluster whose watches give what was prepared for them, one after the other, and then nothing for long."""

    def __init__(self, *streams: list[Event] | Exception, listed: int = 1) -> None:
        self._streams = list(streams)
        self._listed = listed
        self.lists = 0
        self.watches: list[tuple[str, float]] = []
        self.over = threading.Event()

    def items(self, ref: Ref, label_selector: str | None = None, field_selector: str | None = None) -> dict[str, Any]:
        self.lists += 1
        version = self._listed + 100 * (self.lists - 1)
        return {"kind": "PodList", "metadata": {"resourceVersion": str(version)}, "items": [pod("a", version)]}

    def watch(self, ref: Ref, version: str, timeout: float, *selectors: str | None) -> Iterator[Event]:
        self.watches.append((version, timeout))
        if not self._streams:
            self.over.wait(10)
            return
        stream = self._streams.pop(0)
        if isinstance(stream, Exception):
            raise stream
        yield from stream


def mirrored(cluster: Any, deadline: float = 86400.0) -> Mirror:
    return Mirror(cluster, {"pods": PODS}, time.monotonic() + deadline)


def until_watched(mirror: Mirror, cluster: Streams, count: int) -> None:
    late = time.monotonic() + 5
    while len(cluster.watches) < count and time.monotonic() < late:
        mirror.wait(mirror.changes, time.monotonic() + 0.01)


def test_a_watch_is_short_and_the_next_goes_on_where_it_ended() -> None:
    cluster = Streams([("MODIFIED", pod("a", 7))], [("BOOKMARK", {"metadata": {"resourceVersion": "30"}})], [])
    with mirrored(cluster) as mirror:
        until_watched(mirror, cluster, 4)
        cluster.over.set()
        assert [item["metadata"]["resourceVersion"] for item in mirror.objects("pods")] == ["7"]
    assert [version for version, _timeout in cluster.watches[:4]] == ["1", "7", "30", "30"]
    assert all(0 < timeout <= WATCH for _version, timeout in cluster.watches)
    assert cluster.lists == 1


@pytest.mark.parametrize("forgotten", [[("ERROR", {"code": 410})], Expired("too old resource version")])
def test_what_is_forgotten_is_read_anew(forgotten: list[Event] | Exception) -> None:
    cluster = Streams(forgotten)
    with mirrored(cluster) as mirror:
        until_watched(mirror, cluster, 2)
        cluster.over.set()
        assert [item["metadata"]["resourceVersion"] for item in mirror.objects("pods")] == ["101"]
    assert [version for version, _timeout in cluster.watches[:2]] == ["1", "101"]


def test_any_error_of_a_watch_reaches_whoever_waits() -> None:
    cluster = Streams(ZeroDivisionError("a mistake of ours"))
    with mirrored(cluster) as mirror, pytest.raises(ZeroDivisionError):
        mirror.wait(mirror.changes, time.monotonic() + 5)
