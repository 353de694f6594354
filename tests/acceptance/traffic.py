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
import warnings
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
    """The ingress gateway, one Envoy, by one of its doors; or the sidecar, which has one."""

    def __init__(self, status: Mapping[str, Any], door: str = "gateway_url") -> None:
        assert door in status, f"this lab has no {door}: start it with `up --sidecar`"
        self.url: str = status[door] + "/"
        self._admin: str = status["sidecar_admin_url" if door == "sidecar_proxy_url" else "gateway_admin_url"]
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE)

    def wait_until_served(self, host: str) -> None:
        until(lambda: self._serves(host), f"{host} is served at {self.url}")

    def _serves(self, host: str) -> bool:
        """Whether a connection of its own gets an answer; the certificate does not matter, its name does."""
        tls: dict[str, Any] = {"cert_reqs": "CERT_NONE", "assert_hostname": False, "server_hostname": host}
        manager = urllib3.PoolManager(retries=False, timeout=PATIENCE, **(tls if self.url[:6] == "https:" else {}))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            try:
                return bool(manager.request("GET", self.url, headers={"Host": host}).status == 200)
            except urllib3.exceptions.HTTPError:
                # Nothing listens before the first route, or whoever does has nowhere to go.
                return False

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
def load(gateway: Gateway, host: str, output: Path, rate: int = RATE, *, keep_alive: bool = True) -> Iterator[Load]:
    """Requests flow until the end; then every answer has been waited for."""
    output.touch()
    command = [sys.executable, "-m", "tests.lab", "load", "--url", gateway.url, "--host", host]
    command += [] if keep_alive else ["--no-keep-alive"]
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


def share_in_between(running: Load) -> str:
    """From green's first answer to blue's last, requests were split by halves; return a line for the report."""
    # A route of ours has it say the name of the version's Service.
    versions = [record.version.rpartition("-")[2] for record in running.records()]
    between = versions[versions.index("green") : len(versions) - versions[::-1].index("blue")]
    green = between.count("green")
    # Five standard deviations of a fair coin.
    assert abs(green - len(between) / 2) < 2.5 * len(between) ** 0.5, (green, len(between))
    assert len(between) > running.rate, len(between)
    assert versions[-1] == "green"
    return f"{green} of {len(between)} by green at one half"
