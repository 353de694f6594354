# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That nobody asks for any version any more: no request is counted for a while, by the proxies or in Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Union

from .._cluster.client import Cluster, ClusterError
from .._core.errors import BlueGreenError
from .._core.proxies import Proxies
from .._core.telemetry import Counters, Telemetry
from .._core.verdict import FAIL, INCONCLUSIVE, PASS, Finding, Verdict
from .._routers.envoy import Backends
from .._routers.open_requests import Counter, filters, open_now, requests_so_far
from .course import Scene
from .entry import Entry
from .telemetry import look

# Between two looks at the proxies, in seconds: who is asked has to hear of it soon.
PAUSE = 0.5
_CALLED = "let its callers go elsewhere first, or force it with bluegreen_force: true"

# Written as ansible-test's pylint reads it.
Options = Union[Proxies, Telemetry]  # noqa: UP007
# What to wait until the next one, and of each version the requests since the look before.
Look = tuple[float, Mapping[str, int]]


def prove_quiet(options: Options, window: float, scene: Scene, name: str, backends: Backends) -> Finding:
    """Watch for ``window`` seconds, and fail as soon as any version gets a request."""
    kind = "telemetry" if isinstance(options, Telemetry) else "proxies"
    counts: dict[str, int] = dict.fromkeys(backends, 0)
    begun = time.monotonic()

    def finding(verdict: Verdict, reason: str, remedy: str = "") -> Finding:
        details = {"counts": dict(counts), "waited": round(time.monotonic() - begun, 3)}
        return Finding(name, kind, verdict, reason, remedy, details)

    try:
        for wait, seen in _looks(options, window, scene, backends):
            for version, count in seen.items():
                counts[version] = counts.get(version, 0) + count
            after = f"within {time.monotonic() - begun:.1f} s"
            if any(counts.values()):
                each = ", ".join(f"{count} to {version}" for version, count in counts.items() if count)
                return finding(FAIL, f"requests still come: {each} {after}", _CALLED)
            if scene.course.stopped.wait(wait):
                return finding(INCONCLUSIVE, "stopped before it was known whether requests still come")
    except BlueGreenError as error:
        return finding(INCONCLUSIVE, f"whether requests still come cannot be told: {error.message}")
    return finding(PASS, f"no request came {after}")


def _looks(options: Options, window: float, scene: Scene, backends: Backends) -> Iterator[Look]:
    if isinstance(options, Telemetry):
        return _telemetry(options, window, scene, backends)
    return _proxies(options, window, scene.cluster(), backends)


def _pauses(window: float, every: float) -> Iterator[float]:
    """What to wait between the looks of a window, the last being 0."""
    end = time.monotonic() + window
    while (left := end - time.monotonic()) > 0:
        yield min(every, left)
    yield 0.0


def _proxies(options: Proxies, window: float, cluster: Cluster, backends: Backends) -> Iterator[Look]:
    entry = Entry(cluster, options)
    before: dict[str, dict[Counter, int]] = {}
    for wait in _pauses(window, PAUSE):
        seen: dict[str, int] = dict.fromkeys(backends, 0)
        for pod, (total, active) in _asked(entry, backends).items():
            # What a proxy has counted by its first look is older than this question.
            known = before.setdefault(pod, total)
            new = {key: max(0, count - known.get(key, 0)) for key, count in total.items()}
            for version in backends:
                seen[version] += active[version] + _larger_source(new, version)
            before[pod] = total
        yield wait, seen


def _asked(entry: Entry, backends: Backends) -> dict[str, tuple[dict[Counter, int], dict[str, int]]]:
    """Of each proxy the requests counted so far, and those that are open; raises ClusterError where it cannot tell."""
    serving = entry.serving()
    if not serving:
        raise ClusterError(f"there are no {entry}; say which proxies take this traffic")
    hosts, statistics = filters(backends)

    def answer(pod: str) -> tuple[dict[Counter, int], dict[str, int]]:
        clusters = entry.get(pod, "/clusters", format="json", filter=hosts)
        stats = entry.get(pod, "/stats", format="json", filter=statistics)
        active = {version: counts["requests"] for version, counts in open_now(clusters, stats, backends).items()}
        return requests_so_far(clusters, stats, backends), active

    found = {}
    for one in entry.ask(list(serving), answer):
        # A proxy on its way out may be gone at any moment.
        if one.error and serving[one.pod]:
            raise one.error
        if one.answer:
            found[one.pod] = one.answer
    return found


def _larger_source(new: Mapping[Counter, int], version: str) -> int:
    """Both sources count the same requests."""
    by_source: dict[str, int] = {}
    for (owner, source, _name), count in new.items():
        if owner == version:
            by_source[source] = by_source.get(source, 0) + count
    return max(by_source.values(), default=0)


def _telemetry(options: Telemetry, window: float, scene: Scene, backends: Backends) -> Iterator[Look]:
    """The counters as they are scraped: what they count first may be older than the question."""
    yield options.interval, {}
    counters = Counters()
    for wait in _pauses(max(window, options.interval), options.interval):
        yield wait, counters.take(look(options, list(backends), scene.wanted.service))
    if not counters.started:
        raise BlueGreenError("no counter was found; see whether the query counts what goes through this route")
