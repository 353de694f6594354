# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one traffic step costs, beside other ways to write it."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.audit import AuditLog
from tests.bench.figures import Samples, table, targets
from tests.bench.ways import FLOOR, KUBERNETES_CORE, NAMESPACE, ROUTE, TRAFFIC, WAYS, Way, play
from tests.tools.prepare import ROOT

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


class Steps:
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
            "targets": [target.plain() for target in reached],
        }


def timed(command: list[str]) -> tuple[float, str]:
    started = time.perf_counter()
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    seconds = time.perf_counter() - started
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout}")
    return seconds, result.stdout


def show(figures: dict[str, Any]) -> None:
    steps = {"many": FLOOR.steps, "few": KUBERNETES_CORE.steps}
    print(table(figures["rows"]))
    print(EXPLANATION.format(rounds=figures["rounds"], **steps))


@contextmanager
def steps(audit_log: Path) -> Iterator[Steps]:
    """Two ready versions behind a route, without traffic."""
    timed(["kubectl", "apply", "-f", str(OBJECTS)])
    try:
        timed(["kubectl", "-n", NAMESPACE, "wait", "--for=condition=Available", "deploy", "--all", "--timeout=60s"])
        with tempfile.TemporaryDirectory() as directory:
            yield Steps(Path(directory), AuditLog(audit_log, NAMESPACE))
    finally:
        timed(["kubectl", "delete", "namespace", NAMESPACE, "--wait=true", "--timeout=120s"])
