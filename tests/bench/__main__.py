# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: what one traffic step costs, beside other ways to write it, against the lab's API server."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.audit import AuditLog
from tests.bench.figures import Samples, table, targets
from tests.bench.ways import FLOOR, KUBERNETES_CORE, NAMESPACE, ROUTE, TRAFFIC, WAYS, Way, play
from tests.tools.parts import clean_environment
from tests.tools.prepare import ROOT

LAB = [sys.executable, "-m", "tests.lab"]
SCRIPT = "tests.bench.script"
OBJECTS = ROOT / "tests" / "bench" / "objects.yml"
# The bare script is over so soon that one run of it per round says little.
SCRIPTS_PER_ROUND = 5

EXPLANATION = """
one more step: (a play with 1 + n steps) - (a play with 1 step), divided by n.
average: (the play with 1 + n steps) - (an empty play), divided by 1 + n: what is paid once is in it.
ratio: to the traffic step. Medians of {rounds} interleaved rounds; n is {many}, and {few} for what is slow.
Requests are those to the namespace, from the API server's audit log.
The bare script, a new process each time, uses the same client library: connect (read the kubeconfig, TLS), GET, JSON
Patch. The target is about the time from connect on; its start and its imports are in the whole process only.
"""


class Bench:
    """Runs plays and scripts inside the lab, and keeps what they took."""

    def __init__(self, directory: Path, audit: AuditLog) -> None:
        self.directory = directory
        self.audit = audit
        # No two steps in a row want the same: each has something to write.
        self.percentages: Iterator[int] = itertools.cycle((10, 20))
        self.empty: list[float] = []
        self.samples = {way.name: Samples(steps=way.steps) for way in WAYS}
        self.script_inside: list[float] = []
        self.script_whole: list[float] = []

    def round(self) -> None:
        self.empty.append(self.seconds_of_play([], changes=0))
        for way in WAYS:
            self.samples[way.name].one.append(self.seconds_of_steps(way, 1))
        for way in WAYS:
            samples = self.samples[way.name]
            self.audit.requests()
            samples.many.append(self.seconds_of_steps(way, 1 + way.steps))
            samples.requests = self.audit.requests()
        for _script in range(SCRIPTS_PER_ROUND):
            self.run_script()

    def seconds_of_steps(self, way: Way, steps: int) -> float:
        percentages = itertools.islice(self.percentages, steps) if way.writes else [0] * steps
        tasks = [task for green in percentages for task in way.tasks(green)]
        return self.seconds_of_play(tasks, changes=steps if way.writes else 0)

    def seconds_of_play(self, tasks: list[dict[str, Any]], changes: int) -> float:
        path = self.directory / "play.yml"
        path.write_text(json.dumps(play(tasks)))
        seconds, output = timed(["ansible-playbook", "--inventory", "localhost,", str(path)])
        # An empty play has no recap.
        if tasks and not re.search(rf"\bchanged={changes}\b", output):
            raise SystemExit(f"expected {changes} changes:\n{output}")
        return seconds

    def run_script(self) -> None:
        green = next(self.percentages)
        seconds, output = timed([sys.executable, "-m", SCRIPT, NAMESPACE, ROUTE, str(100 - green), str(green)])
        self.script_whole.append(seconds)
        self.script_inside.append(float(json.loads(output)["seconds"]))

    def figures(self) -> dict[str, Any]:
        step = self.samples[TRAFFIC.name].marginal
        inside = median(self.script_inside)
        rows: list[dict[str, Any]] = [
            {
                "name": name,
                "marginal": samples.marginal,
                "average": samples.average(self.empty),
                "ratio": samples.marginal / step,
                "requests": samples.requests_per_step(),
            }
            for name, samples in self.samples.items()
        ]
        whole = median(self.script_whole)
        rows += [
            {"name": "bare script, from connect on", "marginal": inside, "ratio": inside / step},
            {"name": "bare script, the whole process", "marginal": whole, "ratio": whole / step},
        ]
        by_name = {row["name"]: row for row in rows}
        reached = targets(by_name[TRAFFIC.name], by_name[KUBERNETES_CORE.name], inside)
        return {
            "rounds": len(self.empty),
            "empty_play": median(self.empty),
            "rows": rows,
            "targets": [{**vars(target), "met": target.met, "line": target.line()} for target in reached],
        }


def timed(command: list[str]) -> tuple[float, str]:
    started = time.perf_counter()
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    seconds = time.perf_counter() - started
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout}")
    return seconds, result.stdout


def measure(rounds: int) -> dict[str, Any]:
    """The figures; runs inside the lab."""
    status = json.loads(Path(os.environ["BLUEGREEN_LAB_STATUS"]).read_text())
    (cluster,) = (one for one in status["clusters"].values() if one["kubeconfig"] == os.environ["KUBECONFIG"])
    timed(["kubectl", "apply", "-f", str(OBJECTS)])
    try:
        timed(["kubectl", "-n", NAMESPACE, "wait", "--for=condition=Available", "deploy", "--all", "--timeout=60s"])
        with tempfile.TemporaryDirectory() as directory:
            bench = Bench(Path(directory), AuditLog(Path(cluster["audit_log"]), NAMESPACE))
            for number in range(1, rounds + 1):
                bench.round()
                print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
            return bench.figures()
    finally:
        timed(["kubectl", "delete", "namespace", NAMESPACE, "--wait=true", "--timeout=120s"])


def show(figures: dict[str, Any]) -> None:
    steps = {"many": FLOOR.steps, "few": KUBERNETES_CORE.steps}
    print(table(figures["rows"]))
    print(EXPLANATION.format(rounds=figures["rounds"], **steps))
    for target in figures["targets"]:
        print(target["line"])


def run_inside(arguments: list[str]) -> int:
    """The same command once more, inside the lab, which is started for it when it is not up."""
    environment = clean_environment()
    was_up = subprocess.run([*LAB, "status"], cwd=ROOT, capture_output=True, check=False).returncode == 0
    if subprocess.run([*LAB, "up"], cwd=ROOT, check=False).returncode:
        return 1
    try:
        command = [*LAB, "run", "--", sys.executable, "-m", "tests.bench", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    finally:
        if not was_up:
            subprocess.run([*LAB, "down"], cwd=ROOT, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, too")
    arguments = parser.parse_args()
    if "BLUEGREEN_LAB_STATUS" not in os.environ:
        return run_inside(sys.argv[1:])
    figures = measure(arguments.rounds)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
