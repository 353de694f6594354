# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The share gate ``proxies``: what every ready proxy of the entry holds in its own route configuration.

Nothing announces a change there, so each proxy is asked again until it holds the weights.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .._cluster.client import Cluster, ClusterError
from .._cluster.exec import NotAllowed
from .._core.errors import BlueGreenError
from .._core.proxies import Proxies
from .._core.share import Wanted
from .._core.verdict import FAIL, INCONCLUSIVE, PASS, Finding, Verdict
from .._routers.envoy import Backends
from .._routers.holding import Holding, Sought, holding, told
from .._routers.open_requests import filters, open_now
from .entry import Entry, Told
from .istiod import explanation

KIND = "proxies"
# Between two looks, in seconds: short at first, for most changes arrive within a quarter of a second.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
SHOWN_PROXIES = 20
SHOWN_RULES = 10

_REMEDIES = {
    "not_followed": "see whether istiod runs and the proxies are connected to it, and who else writes the route",
    "rule_shadowed": "move the rule up in its route, or narrow the match of the earlier one",
    "taken_elsewhere": "see which rule or route takes the requests for this host: one before yours, or another's",
    "unknown_host": "mend the hosts or gateways of the route, or name the proxies that do take this traffic",
    "no_rule": "mend the hosts or gateways of the route, or name the proxies that do take this traffic",
}


def prove_share(
    options: Proxies,
    wanted: Wanted,
    cluster: Callable[[], Cluster],
    stopped: threading.Event,
    name: str,
    *,
    backends: Backends,
    hosts: Sequence[str] = (),
    routes: Sequence[str] = (),
    rules: Sequence[str] = (),
) -> Finding:
    """Wait until every ready proxy holds the wanted weights in each of its rules for these backends.

    ``hosts``: only virtual hosts for these, and there has to be one; empty: any. ``routes``: only rules made from these
    objects (namespace/name); ``rules``: only rules of these names; empty: any.
    """
    return _Share(options, wanted, stopped, name, Sought(backends, hosts, routes, rules)).run(cluster)


@dataclass
class _Share:
    options: Proxies
    wanted: Wanted
    stopped: threading.Event
    name: str
    sought: Sought
    begun: float = field(default_factory=time.monotonic)
    looks: int = 0
    # The last that was heard of each ready proxy.
    seen: dict[str, Told[Holding]] = field(default_factory=dict)

    def run(self, connect: Callable[[], Cluster]) -> Finding:
        deadline = self.begun + self.wanted.deadline
        pause = FIRST_PAUSE
        problem = ""
        try:
            cluster = connect()
            entry = Entry(cluster, self.options)
        except BlueGreenError as error:
            return self.finding(INCONCLUSIVE, error.message)
        while True:
            try:
                problem = "" if self.look(entry) else f"there are no ready {entry}"
            except NotAllowed as error:
                return self.finding(INCONCLUSIVE, error.message)
            except ClusterError as error:
                problem = error.message
            if not problem and all(self.holds(one) for one in self.seen.values()):
                return self.passed()
            left = deadline - time.monotonic()
            if left <= 0:
                return self.failed(cluster, problem)
            if self.stopped.wait(min(pause, left)):
                return self.finding(INCONCLUSIVE, "stopped before all proxies were seen to follow: another gate failed")
            pause = min(1.5 * pause, LONGEST_PAUSE)

    def look(self, entry: Entry) -> bool:
        """Ask every ready proxy that was not yet seen to hold the weights; return whether there are any."""
        # Before anything can fail: what a proxy held at an earlier look is no answer of now.
        self.seen = {pod: one for pod, one in self.seen.items() if self.holds(one)}
        ready = entry.ready()
        self.looks += 1
        self.seen = {pod: one for pod, one in self.seen.items() if pod in ready}
        for one in entry.ask([pod for pod in ready if pod not in self.seen], lambda pod: self.held_by(entry, pod)):
            self.seen[one.pod] = one
        return bool(self.seen)

    def held_by(self, entry: Entry, pod: str) -> Holding:
        dump = entry.get(pod, "/config_dump", resource="dynamic_route_configs")
        found = holding(dump, self.sought, self.wanted.weights)
        if found.rules:
            return found
        # TCP and TLS are split in the listeners, which are too much to ask for each time.
        listeners = entry.get(pod, "/config_dump", resource="dynamic_listeners").get("configs") or []
        dump = {"configs": [*(dump.get("configs") or []), *listeners]}
        split_there = holding(dump, self.sought, self.wanted.weights)
        return split_there if split_there.rules else found

    def holds(self, one: Told[Holding]) -> bool:
        return one.answer is not None and not one.answer.problem

    def passed(self) -> Finding:
        held = sum(len(one.answer.rules) for one in self.seen.values() if one.answer)
        where = f" for {', '.join(self.sought.hosts)}" if self.sought.hosts else ""
        return self.finding(
            PASS,
            f"{_some(list(self.seen), 'proxy', 'proxies')} held {told(self.wanted.weights)}{where} after "
            f"{self.waited:.1f} s ({held} rules in all)",
        )

    def failed(self, cluster: Cluster, problem: str) -> Finding:
        """What is known at the deadline: a proxy that does not follow is worse than one that cannot be asked."""
        late = [one for one in self.seen.values() if one.answer and one.answer.problem]
        silent = [one for one in self.seen.values() if one.error]
        after = f"after {self.waited:.1f} s"
        if late:
            answers = {one.pod: one.answer for one in late if one.answer}
            kinds = [answer.problem for answer in answers.values()]
            kind = "not_followed" if "not_followed" in kinds else kinds[0]
            reasons = [f"{pod} {answer.text}" for pod, answer in answers.items()]
            wanted = f"{after}, wanted {told(self.wanted.weights)}"
            if kind == "not_followed":
                why, notes = explanation(cluster, self.options, list(answers))
                return self.finding(
                    FAIL,
                    f"{_listed(reasons)} {wanted}" + (f"; {why}" if why else ""),
                    _REMEDIES[kind],
                    {"problem": kind, "istiod": notes},
                )
            if kind == "unknown_host" and len(answers) == len(self.seen):
                host = next(iter(answers.values())).host
                reasons = [f"no proxy has a route for host {host}: {reasons[0]}", *reasons[1:]]
            label = "rule_shadowed: " if kind == "rule_shadowed" else ""
            return self.finding(FAIL, f"{label}{_listed(reasons)} {wanted}", _REMEDIES[kind], {"problem": kind})
        if silent and not problem:
            problem = _listed([f"{one.pod} cannot be asked: {one.error.message}" for one in silent if one.error])
        return self.finding(INCONCLUSIVE, f"{problem} ({after})", "make the proxies of the entry ready and reachable")

    @property
    def waited(self) -> float:
        return time.monotonic() - self.begun

    def finding(
        self, verdict: Verdict, reason: str, remedy: str = "", more: Mapping[str, Any] | None = None
    ) -> Finding:
        worst_first = sorted(self.seen.values(), key=self.holds)
        return Finding(
            self.name,
            KIND,
            verdict,
            reason,
            remedy,
            {
                "wanted": dict(self.wanted.weights),
                "proxies": [_plain(one) for one in worst_first[:SHOWN_PROXIES]],
                "looks": self.looks,
                "waited": round(self.waited, 3),
                **(more or {}),
            },
        )


def open_requests(cluster: Cluster, options: Proxies, backends: Backends) -> dict[str, dict[str, int]]:
    """For each version, over all proxies of the entry: open requests (streams and upgrades too), and connections.

    Raises ClusterError for a ready proxy that cannot be asked.
    """
    entry = Entry(cluster, options)
    total = {version: {"requests": 0, "connections": 0} for version in backends}
    serving = entry.serving()
    if not serving:
        raise ClusterError(f"there are no {entry}; say which proxies take this traffic")
    hosts, statistics = filters(backends)

    def opened(pod: str) -> dict[str, dict[str, int]]:
        clusters = entry.get(pod, "/clusters", format="json", filter=hosts)
        return open_now(clusters, entry.get(pod, "/stats", format="json", filter=statistics), backends)

    for one in entry.ask(list(serving), opened):
        # A proxy on its way out may be gone at any moment, and its requests with it.
        if one.error and serving[one.pod]:
            raise one.error
        for version, counts in (one.answer or {}).items():
            for kind, count in counts.items():
                total[version][kind] += count
    return total


def prove_drained(
    options: Proxies,
    cluster: Callable[[], Cluster],
    stopped: threading.Event,
    name: str,
    *,
    backends: Backends,
    deadline: float,
) -> Finding:
    """Wait until no proxy has an open request or stream to any of the backends, at most ``deadline`` seconds.

    Connections without a request are Envoy's own pool: they are reported, and nobody misses them.
    """
    begun = time.monotonic()
    pause = FIRST_PAUSE
    counts: dict[str, dict[str, int]] = {}
    versions = ", ".join(backends)
    api: Cluster | None = None
    while True:
        problem = ""
        try:
            api = api or cluster()
            counts = open_requests(api, options, backends)
        except NotAllowed as error:
            return Finding(name, KIND, INCONCLUSIVE, error.message)
        except ClusterError as error:
            problem = error.message
        waited = time.monotonic() - begun
        details = {"open": counts, "waited": round(waited, 3)}
        requests = sum(count["requests"] for count in counts.values())
        idle = sum(count["connections"] for count in counts.values())
        if not problem and not requests:
            reason = f"no request or stream to {versions} is open after {waited:.1f} s ({idle} idle connections)"
            return Finding(name, KIND, PASS, reason, details=details)
        if waited >= deadline and problem:
            reason = f"open requests to {versions} cannot be counted: {problem} (after {waited:.1f} s)"
            return Finding(name, KIND, INCONCLUSIVE, reason, "mend the access to the proxies", details)
        if waited >= deadline:
            each = ", ".join(f"{count['requests']} to {version}" for version, count in counts.items())
            reason = f"requests or streams are still open after {waited:.1f} s, and would be cut: {each}"
            return Finding(name, KIND, FAIL, reason, "wait longer, or end them in the clients", details)
        if stopped.wait(min(pause, deadline - waited)):
            return Finding(name, KIND, INCONCLUSIVE, "stopped before all requests had ended", details=details)
        pause = min(1.5 * pause, LONGEST_PAUSE)


def _plain(one: Told[Holding]) -> dict[str, Any]:
    if one.answer is None:
        return {"pod": one.pod, "error": one.error.message if one.error else ""}
    rules = [asdict(rule) for rule in one.answer.rules[:SHOWN_RULES]]
    return {"pod": one.pod, "problem": one.answer.problem, "rules": rules}


def _some(names: Sequence[str], one: str, several: str) -> str:
    return f"{len(names)} {one if len(names) == 1 else several} ({_listed(names, ', ')})"


def _listed(items: Sequence[str], between: str = "; ", shown: int = 3) -> str:
    more = f" and {len(items) - shown} more" if len(items) > shown else ""
    return between.join(items[:shown]) + more
