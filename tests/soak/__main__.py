# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make soak`: twenty releases with a rollback at each step, fifty rollbacks more, and every simulation.

It is worked through in parts. Run it again and it goes on with those that have not passed at this commit;
``SOAK="releases-2 rollbacks-1"`` runs just these, passed or not.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.tools.check import PYTHON
from tests.tools.everything import BUILD_DEADLINE, LAB, interrupt, pytest_on
from tests.tools.parts import LOGS, Part, Result, Runner, summarize
from tests.tools.prepare import ROOT

STORIES = "tests/acceptance/proof/test_zero_loss.py"
# A release with all its rollbacks takes some four minutes, a rollback a quarter of one.
PARTS = 5
RELEASES_EACH, ROLLBACKS_EACH = 4, 10
DEADLINE = 2700.0
PASSED = LOGS / "soak.json"


def stories(name: str, cluster: str, test: str, variable: str, count: int, after: Sequence[str]) -> Part:
    return Part(
        name,
        pytest_on(cluster, f"{STORIES}::{test}"),
        needs=["lab up"],
        after=after,
        environment={variable: str(count)},
        deadline=DEADLINE,
    )


def all_parts() -> list[Part]:
    """Two clusters side by side, on each one part after the other; simulations need the machine for themselves."""
    parts = [
        Part("lab build", [*LAB, "build"], deadline=BUILD_DEADLINE),
        Part("lab up", [*LAB, "up", "--cluster", "east", "west"], needs=["lab build"], deadline=300),
    ]
    columns = (
        ("releases", "west", "test_releases_there_and_back", "BLUEGREEN_SOAK_RELEASES", RELEASES_EACH),
        ("rollbacks", "east", "test_rollbacks_from_half_way_and_after", "BLUEGREEN_SOAK_ROLLBACKS", ROLLBACKS_EACH),
    )
    last = []
    for kind, cluster, test, variable, count in columns:
        before: list[str] = []
        for number in range(1, PARTS + 1):
            parts.append(stories(f"{kind}-{number}", cluster, test, variable, count, before))
            before = [parts[-1].name]
        last += before
    parts.append(Part("lab down", [*LAB, "down"], after=["lab up", *last], deadline=120))
    parts.append(Part("simulations", [PYTHON, "-m", "tests.simulation"], after=["lab down"], deadline=3600))
    return parts


class Memory:
    """Which parts have passed, for a run that is begun again."""

    def __init__(self, file: Path, commit: str) -> None:
        self._file = file
        self._commit = commit

    def passed(self) -> set[str]:
        if not self._file.exists():
            return set()
        found = json.loads(self._file.read_text())
        return set(found["passed"]) if found["commit"] == self._commit else set()

    def note(self, name: str) -> None:
        passed = sorted(self.passed() | {name})
        self._file.write_text(json.dumps({"commit": self._commit, "passed": passed}) + "\n")


class Remembering(Runner):
    """Notes each part as it passes: what ends this process must not cost hours."""

    memory: Memory

    def finish(self, part: Part, result: Result) -> None:
        super().finish(part, result)
        if result.outcome == "passed" and is_work(part):
            self.memory.note(part.name)


def is_work(part: Part) -> bool:
    return not part.name.startswith("lab ")


def chosen(parts: Sequence[Part], wanted: Sequence[str], passed: set[str]) -> list[Part]:
    """The parts that are to run, with the lab if any of them needs it, in an order that holds without the others."""
    unknown = set(wanted) - {part.name for part in parts}
    if unknown:
        names = ", ".join(part.name for part in parts if is_work(part))
        sys.exit(f"SOAK: no part {', '.join(sorted(unknown))}; there are {names}")
    work = {
        part.name for part in parts if is_work(part) and (part.name in wanted if wanted else part.name not in passed)
    }
    needs_lab = any("lab up" in part.needs for part in parts if part.name in work)
    kept = {part.name for part in parts if part.name in work or (needs_lab and not is_work(part))}
    return [
        Part(**{**vars(part), "after": [name for name in part.after if name in kept]})
        for part in parts
        if part.name in kept
    ]


def commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def main() -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    memory = Memory(PASSED, commit())
    passed = memory.passed()
    for name in sorted(passed):
        print(f"passed before: {name}")
    runner = Remembering(chosen(all_parts(), os.environ.get("SOAK", "").split(), passed))
    runner.memory = memory
    started = time.monotonic()
    code = summarize(runner.run(), started)
    for result in runner.results.values():
        if result.outcome == "passed" and is_work(result.part):
            print(measured(runner.log_file(result.part)))
    return code


def measured(log: Path) -> str:
    """What a part has measured, as pytest or the script told it."""
    _before, _title, after = log.read_text(errors="replace").rpartition(" measured ")
    return f"{log.stem}:\n{after.lstrip('=').strip()}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(main())
