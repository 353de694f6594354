# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: what a traffic step and a rollback cost, against the lab's API server and its data plane."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.bench import rollbacks, steps
from tests.tools.parts import clean_environment
from tests.tools.prepare import ROOT

LAB = [sys.executable, "-m", "tests.lab"]
# One process more or less is always at work.
QUIET = 1.5

Json = dict[str, Any]


def measure_steps(cluster: Mapping[str, Any], rounds: int) -> Json:
    with steps.steps(Path(cluster["audit_log"])) as running:
        repeat(running.round, rounds, "steps")
        return running.figures()


def measure_rollbacks(cluster: Mapping[str, Any], rounds: int) -> Json:
    with tempfile.TemporaryDirectory() as directory, rollbacks.rollbacks(cluster, Path(directory)) as running:
        repeat(running.round, rounds, "rollbacks")
        return running.figures()


PARTS = {"steps": (measure_steps, steps.show), "rollbacks": (measure_rollbacks, rollbacks.show)}


def repeat(once: Callable[[], None], times: int, what: str) -> None:
    for number in range(1, times + 1):
        once()
        print(f"{what}: round {number} of {times}", file=sys.stderr, flush=True)


def measure(rounds: Mapping[str, int]) -> Json:
    """The figures of each part that has rounds; runs inside the lab."""
    status = json.loads(Path(os.environ["BLUEGREEN_LAB_STATUS"]).read_text())
    (cluster,) = (one for one in status["clusters"].values() if one["kubeconfig"] == os.environ["KUBECONFIG"])
    return {name: PARTS[name][0](cluster, times) for name, times in rounds.items() if times}


def show(figures: Mapping[str, Json]) -> None:
    for name, part in figures.items():
        PARTS[name][1](part)
        print()
    for part in figures.values():
        for target in part["targets"]:
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
    parser.add_argument("--steps", type=int, default=5, help="rounds of traffic steps, default: 5")
    parser.add_argument("--rollbacks", type=int, default=20, help="rounds of rollbacks, default: 20")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, too")
    arguments = parser.parse_args()
    if "BLUEGREEN_LAB_STATUS" not in os.environ:
        return run_inside(sys.argv[1:])
    busy = os.getloadavg()[0]
    if busy > QUIET:
        print(f"This machine has other work to do (load {busy:.1f}): the figures will be too high.", file=sys.stderr)
    figures = measure({"steps": arguments.steps, "rollbacks": arguments.rollbacks})
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
