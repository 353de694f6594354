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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from tests.acceptance.cluster import PATIENCE, until
from tests.lab.records import Record, Summary, read, summarize

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

    def __init__(self, output: Path, process: subprocess.Popen[bytes]) -> None:
        self._output = output
        self._process = process

    def next(self, count: int, since: float) -> list[Record]:
        """The first records of this number that were due after a moment."""
        return list(until(lambda: self._due_after(since, count), f"{count} requests"))

    def _due_after(self, since: float, count: int) -> list[Record]:
        assert self._process.poll() is None, f"the load has ended with {self._process.returncode}"
        records = sorted((record for record in read(self._output) if record.start >= since), key=lambda one: one.start)
        # One more: answers come out of order, and the last ones are still out.
        return records[:count] if len(records) > count + RATE else []

    def summary(self) -> Summary:
        return summarize(read(self._output))

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
    running = Load(output, process)
    try:
        until(lambda: read(output), f"the first answer to the load on {host}")
        yield running
    finally:
        running.stop()
    assert process.returncode == 0


def nothing_failed(running: Load) -> str:
    """Not one request of the whole load failed; return a line for the report."""
    summary = running.summary()
    assert summary.failures == 0, f"{summary.failures} of {summary.requests} requests failed: {summary}"
    return f"{summary.requests} requests, 0 failed, p99 {1000 * summary.latency['p99']:.0f} ms"
