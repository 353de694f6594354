# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: examples/istio through all its stages, with requests flowing through Envoy, and what moved."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.records import Record, read, summarize
from tests.tools.parts import clean_environment
from tests.tools.prepare import ROOT

LAB = [sys.executable, "-m", "tests.lab"]
EXAMPLE = "examples/istio"
NAMESPACE = "telephone"
HOST = "telephone.example.com"
RATE = 200
# What is shown of a stage: the requests of the two seconds after it.
SHOWN = 2 * RATE
PATIENCE = 30.0
BAR = 40


@dataclass(frozen=True)
class Stage:
    """One command of the example, and the percentage that green has after it."""

    title: str
    playbook: str
    extra: tuple[str, ...] = ()
    green: int = 0


FIRST = ("-e", f"@{EXAMPLE}/first.yml")
NEXT = ("-e", f"@{EXAMPLE}/next.yml")
STAGES = (
    Stage("0 skeleton: what routes the traffic", "skeleton", FIRST),
    Stage("1 blue has everything", "deploy", FIRST),
    Stage("2 green stands beside it, without traffic", "deploy"),
    Stage("2 green is verified at 0 %", "verify"),
    Stage("3 half of the traffic goes to green", "shift", ("-e", "bluegreen_percent=50"), green=50),
    Stage("4 all of the traffic goes to green", "shift", green=100),
    Stage("4 green is live", "promote", green=100),
    Stage("5 blue is taken down", "retire", green=100),
    Stage("the next release: blue has a new image, and the way back is found by itself", "release", NEXT),
)


class DemoError(Exception):
    """Something that a person should read instead of a traceback."""


def main() -> int:
    lab_was_up = _run([*LAB, "status"]).returncode == 0
    if subprocess.run([*LAB, "up"], cwd=ROOT, check=False).returncode:
        return 1
    try:
        with tempfile.TemporaryDirectory() as directory:
            return _show(Path(directory))
    except DemoError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    finally:
        _run([*LAB, "run", "--", "kubectl", "delete", "namespace", NAMESPACE, "--wait=true", "--timeout=60s"])
        if not lab_was_up:
            subprocess.run([*LAB, "down"], cwd=ROOT, check=False)


def _show(directory: Path) -> int:
    _inside("kubectl", "create", "namespace", NAMESPACE)
    url = _gateway_url()
    for stage in STAGES[:2]:
        _play(stage)
    _wait_until_served(url, directory / "first.jsonl")
    print(f"\n  {RATE} requests a second flow through Envoy to http://{HOST}/ from here on")
    with _traffic(url, directory / "requests.jsonl") as requests:
        _report(requests, green=0)
        for stage in STAGES[2:]:
            _play(stage)
            _report(requests, stage.green)
    whole = summarize(read(requests))
    slowest = 1000 * whole.latency["p99"]
    print(f"\n{whole.requests} requests, {whole.failures} failed, 99 % of them within {slowest:.0f} ms")
    return 1 if whole.failures else 0


def _play(stage: Stage) -> None:
    command = ["ansible-playbook", f"bluegreen.kubernetes.{stage.playbook}", "-i", f"{EXAMPLE}/inventory.yml"]
    command += ["-e", f"@{EXAMPLE}/release.yml", "-e", f"gateway_url={_gateway_url()}", *stage.extra]
    print(f"\nStage {stage.title}" if stage.title[0].isdigit() else f"\n{stage.title.capitalize()}")
    print(f"  $ {shlex.join(command)}", flush=True)
    begun = time.monotonic()
    result = _inside(*command)
    recap = re.search(r"ok=\d+ +changed=\d+", result)
    print(f"  {recap.group() if recap else 'done'}, {time.monotonic() - begun:.1f} s")


def _report(requests: Path, green: int) -> None:
    """Show who answered the requests from now on, and stop the show when that is not what was asked for."""
    records = _records_since(requests, time.time())
    found = summarize(records)
    shares = {version.rpartition("-")[2]: share for version, share in found.shares.items()}
    for version in ("blue", "green"):
        share = shares.get(version, 0.0)
        print(f"  {version:<6}{'█' * round(BAR * share / 100):·<{BAR}} {share:5.1f} %")
    print(f"  {found.failures} of {found.requests} requests failed")
    if found.failures or abs(shares.get("green", 0.0) - green) > 10:
        raise DemoError(f"expected {green} % of the requests at green and none failed: see {found}")


def _records_since(requests: Path, begin: float) -> list[Record]:
    deadline = time.monotonic() + PATIENCE
    while True:
        records = [record for record in read(requests) if record.start >= begin]
        if len(records) >= SHOWN:
            return records[:SHOWN]
        if time.monotonic() > deadline:
            raise DemoError(f"only {len(records)} requests in {PATIENCE:.0f} s: the load has ended, see {requests}")
        time.sleep(0.1)


def _wait_until_served(url: str, scratch: Path) -> None:
    """Ask until Envoy has the route: nothing but its answers tells."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        _inside(*_load_command(url, scratch, 10), "--duration", "0.5")
        if not summarize(read(scratch)).failures:
            return
    raise DemoError(f"Envoy does not serve http://{HOST}/ after {PATIENCE:.0f} s: see {summarize(read(scratch))}")


def _load_command(url: str, output: Path, rate: int) -> list[str]:
    options = {"--url": url, "--host": HOST, "--rate": str(rate), "--output": str(output)}
    return [sys.executable, "-m", "tests.lab", "load", *(part for option in options.items() for part in option)]


@contextmanager
def _traffic(url: str, output: Path) -> Iterator[Path]:
    output.touch()
    command = _load_command(url, output, RATE)
    load = subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stderr=subprocess.DEVNULL)
    try:
        yield output
    finally:
        load.send_signal(signal.SIGINT)
        load.wait(PATIENCE)


def _gateway_url() -> str:
    status = json.loads(_run([*LAB, "status", "--json"]).stdout)
    return str(status["clusters"]["east"]["gateway_url"]) + "/"


def _inside(*command: str) -> str:
    result = _run([*LAB, "run", "--", *command])
    if result.returncode:
        raise DemoError(f"{shlex.join(command)} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
