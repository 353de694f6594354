# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data plane: what Envoy holds, and requests through it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from tests.acceptance.cluster import PATIENCE, until
from tests.lab.records import Record, Summary, summarize

ROOT = Path(__file__).parents[2]
RATE = 200


class Gateway:
    """The ingress gateway: one Envoy."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        self.url: str = status["gateway_url"] + "/"
        self._admin: str = status["gateway_admin_url"]
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE)

    def wait_until_served(self, host: str) -> None:
        until(lambda: self._http.request("GET", self.url, headers={"Host": host}).status == 200, f"{host} is served")

    def wait_until_it_holds(self, host: str, weights: Mapping[str, int]) -> float:
        """Wait until Envoy's own configuration carries these weights; return the moment from which it does."""
        wanted = {name: weight for name, weight in weights.items() if weight}
        until(lambda: self.weights(host) == wanted, f"Envoy sends {host} to {wanted}")
        return time.time()

    def weights(self, host: str) -> dict[str, int]:
        """What the first route of a host sends where, by subset, else by the first label of the backend."""
        answer = self._http.request("GET", f"{self._admin}/config_dump?resource=dynamic_route_configs")
        for config in json.loads(answer.data).get("configs", []):
            for virtual_host in config["route_config"].get("virtual_hosts", []):
                if host in virtual_host["domains"]:
                    return _weights(virtual_host["routes"][0]["route"])
        return {}


def _weights(action: Mapping[str, Any]) -> dict[str, int]:
    weighted = action.get("weighted_clusters", {}).get("clusters") or [{"name": action.get("cluster"), "weight": 100}]
    return {_backend(entry["name"]): entry["weight"] for entry in weighted if entry.get("weight")}


def _backend(cluster: str) -> str:
    _direction, _port, subset, host = cluster.split("|")
    return subset or host.split(".")[0]


class Load:
    """Requests to a host at a steady rate, each recorded."""

    def __init__(self, output: Path, process: subprocess.Popen[bytes], rate: int) -> None:
        self.rate = rate
        self._output = output
        self._process = process
        self._records: list[Record] = []
        self._read = 0

    def records(self) -> list[Record]:
        """Every request that has come to its end so far, in the order in which they were due."""
        with self._output.open("rb") as stream:
            stream.seek(self._read)
            text = stream.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        self._records += [Record(**json.loads(line)) for line in whole.splitlines()]
        self._records.sort(key=lambda record: record.start)
        return self._records

    def next(self, count: int, since: float) -> list[Record]:
        """The first requests of this number that were due after a moment, once all of them have come to their end."""
        patience = PATIENCE + count / self.rate
        return list(until(lambda: self._due_after(since, count), f"{count} requests", patience))

    def _due_after(self, since: float, count: int) -> list[Record]:
        assert self._process.poll() is None, f"the load has ended with {self._process.returncode}"
        records = self.records()
        found = records[bisect_left(records, since, key=lambda record: record.start) :][:count]
        if len(found) < count:
            return []
        # Answers come out of order: those that are still out leave a gap.
        begins = max(since, records[0].start)
        is_whole = found[0].start - begins < 1.5 / self.rate and found[-1].start - found[0].start < count / self.rate
        return found if is_whole else []

    def summary(self) -> Summary:
        return summarize(self.records())

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE)


@contextmanager
def load(gateway: Gateway, host: str, output: Path, rate: int = RATE) -> Iterator[Load]:
    """Requests flow until the end; then every answer has been waited for."""
    output.touch()
    command = [sys.executable, "-m", "tests.lab", "load", "--url", gateway.url, "--host", host]
    process = subprocess.Popen(
        [*command, "--rate", str(rate), "--output", str(output)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    running = Load(output, process, rate)
    try:
        until(running.records, f"the first answer to the load on {host}")
        yield running
    finally:
        running.stop()
    assert process.returncode == 0


def nothing_failed(running: Load) -> str:
    """Not one request of the whole load failed; return a line for the report."""
    summary = running.summary()
    assert summary.failures == 0, f"{summary.failures} of {summary.requests} requests failed: {summary}"
    return f"{summary.requests} requests, 0 failed, p99 {1000 * summary.latency['p99']:.0f} ms"
