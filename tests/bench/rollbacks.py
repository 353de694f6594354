# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks under load, to the end of the last request before the switch: after a verdict, and by the playbook."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import urllib3

from tests.acceptance import objects
from tests.acceptance.cluster import PATIENCE, Cluster, until
from tests.acceptance.playbooks import Run
from tests.acceptance.traffic import Gateway, Load, load
from tests.bench import playbooks
from tests.bench.audit import AuditLog, Request
from tests.bench.gate import Measured, measured
from tests.bench.ways import play
from tests.bench.ways_back import AFTER_A_VERDICT, BY_HAND, EMPTY, WayBack, row, rows, table, targets, way_back

NAMESPACE = "bench-rollback"
HOST = f"{NAMESPACE}.example.com"
LIVE, CANDIDATE = "blue", "green"
RATE = 300
PROBE_RATE = 200
# The gate has looked a few times when it fails: half a second into the pause.
GOOD_ANSWERS = 5
WRITE = "patch virtualservices"
READ = "get virtualservices"
# Longer than istiod and Envoy take, shorter than it takes until somebody else's change.
FOLLOWS_WITHIN = 0.5

EXPLANATION = f"""
Under {RATE} requests/s through the gateway; a rollback is over when the last request that the candidate answers is. The
verdict is known when a gate gets its first bad answer; by the playbook, time begins with its process. Stages follow
each other. istiod waits 100 ms for further changes before it tells Envoy.
"""

Json = dict[str, Any]


class Rollbacks:
    """One service with traffic that is released, and taken back, again and again."""

    def __init__(self, status: Mapping[str, Any], directory: Path, running: Load, number: Measured) -> None:
        self._gateway = Gateway(status)
        self._envoy = f"{status['gateway_admin_url']}/config_dump?resource=dynamic_route_configs"
        self._audit = AuditLog(Path(status["audit_log"]), NAMESPACE)
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE)
        self._directory = directory
        self._empty = directory / "empty.yml"
        self._empty.write_text(json.dumps(play([])))
        self._load = running
        self._number = number
        self.after_a_verdict: list[WayBack] = []
        self.by_hand: list[WayBack] = []
        self.empty_plays: list[float] = []

    def round(self) -> None:
        self.after_a_verdict.append(self._after_a_verdict())
        self.empty_plays.append(self._seconds_of_empty_play())
        self.by_hand.append(self._by_hand())

    def figures(self) -> Json:
        empty = row(EMPTY, self.empty_plays)
        return {
            "load": vars(self._load.summary()),
            "rows": [*rows(AFTER_A_VERDICT, self.after_a_verdict), *rows(BY_HAND, self.by_hand), empty],
            "targets": [target.plain() for target in targets(self.after_a_verdict, self.by_hand, self.empty_plays)],
        }

    def _after_a_verdict(self) -> WayBack:
        share = {"name": "share", "probe": {"url": self._gateway.url, "host": HOST, "rate": PROBE_RATE}}
        self._number.good_for(GOOD_ANSWERS)
        self._audit.read()
        step = {"percent": 50, "pause": "60s", "gates": [share, self._number.gate]}
        run = self._run("release", self._spec(steps=[step, 100]))
        verdict = self._number.failed_at
        if run.code == 0 or verdict is None:
            raise SystemExit(f"the release was to fail by its gate:\n{run.output}")
        judged = next(task.time for task in run.tasks if task.outcome == "failed")
        read, written = _write(self._requests(verdict))
        return way_back(
            verdict,
            self._last_answer_of_the_candidate(),
            {
                "the analysis ends": judged,
                "the first request of the write": read.received,
                "the write": written.answered,
                "istiod tells Envoy": self._told_at(written.answered),
            },
        )

    def _by_hand(self) -> WayBack:
        spec = self._spec(steps=[50, 100])
        self._run("release", spec, bluegreen_percent=50).succeeded()
        self._gateway.wait_until_it_holds(HOST, {"web-blue": 50, "web-green": 50})
        self._audit.read()
        begun = time.time()
        run = self._run("rollback", spec).succeeded()
        (found,) = (task.time for task in run.tasks if task.action == "bluegreen.kubernetes.release_info")
        requests = self._requests(begun)
        read, written = _write([request for request in requests if request.received > found])
        return way_back(
            begun,
            self._last_answer_of_the_candidate(),
            {
                "the first request of the playbook": requests[0].received,
                "journal, routes and capacity are read": found,
                "the first request of the write": read.received,
                "the write": written.answered,
                "istiod tells Envoy": self._told_at(written.answered),
            },
        )

    def _seconds_of_empty_play(self) -> float:
        return playbooks.run(str(self._empty), {}, self._directory).succeeded().seconds

    def _run(self, playbook: str, spec: Json, **variables: Any) -> Run:
        return playbooks.run(f"bluegreen.kubernetes.{playbook}", {"bluegreen": spec, **variables}, self._directory)

    def _spec(self, **more: Any) -> Json:
        # What is seen before and after has no part in the time that is measured.
        return objects.existing(NAMESPACE, to=CANDIDATE, observe="none", pause="0s", **more)

    def _requests(self, since: float) -> list[Request]:
        """What the run has asked the API server for since a moment, which ends with the weights' way back."""
        found: list[Request] = []

        def complete() -> bool:
            found.extend(request for request in self._audit.read() if request.received > since)
            return any(request.name == WRITE for request in found)

        until(complete, "the audit log has the write")
        return sorted(found, key=lambda request: request.received)

    def _last_answer_of_the_candidate(self) -> float:
        self._gateway.wait_until_it_holds(HOST, {"web-blue": 100})
        # All that were sent before these have been answered.
        self._load.next(RATE, since=time.time())
        answers = [record for record in self._load.records() if record.version == CANDIDATE]
        return max(record.start + record.latency for record in answers)

    def _told_at(self, written: float) -> float | None:
        """When the gateway got the routes that it has; None when somebody else's change came after ours."""
        dump = json.loads(self._http.request("GET", self._envoy).data)
        updated = max(datetime.fromisoformat(entry["last_updated"]).timestamp() for entry in dump["configs"])
        return updated if written <= updated <= written + FOLLOWS_WITHIN else None


def _write(requests: list[Request]) -> tuple[Request, Request]:
    """The first request of the task that writes the weights, and the write."""
    read = next(request for request in requests if request.name == READ)
    return read, next(request for request in requests if request.name == WRITE)


def show(figures: Json) -> None:
    print(table(figures["rows"]))
    print(EXPLANATION)
    told = figures["load"]
    latency = ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in told["latency"].items())
    print(f"{told['requests']} requests meanwhile, {told['failures']} failed; their latencies: {latency}")


@contextmanager
def rollbacks(status: Mapping[str, Any], directory: Path) -> Iterator[Rollbacks]:
    """Two ready versions behind the user's own route, under load."""
    cluster, gateway = Cluster(status), Gateway(status)
    # What a run that was killed has left.
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=true", "--timeout=25s")
    cluster.create_namespace(NAMESPACE)
    try:
        workloads = [objects.workload(NAMESPACE, "web", version) for version in (LIVE, CANDIDATE)]
        cluster.apply([manifest for workload in workloads for manifest in workload])
        cluster.apply([objects.route(NAMESPACE, "web", {LIVE: 100, CANDIDATE: 0})])
        cluster.wait_until_ready(NAMESPACE, f"web-{LIVE}", f"web-{CANDIDATE}")
        gateway.wait_until_served(HOST)
        with measured() as number, load(gateway, HOST, directory / "requests.jsonl", RATE) as running:
            yield Rollbacks(status, directory, running, number)
    finally:
        cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=true", "--timeout=25s")
