# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the parts of a check side by side: a live line for each, the whole output of those that fail, a summary."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.tools.prepare import ROOT, TREE

LOGS = ROOT / ".logs"

Outcome = Literal["passed", "failed", "skipped"]

# The one who runs the tests may work on a real cluster: nothing here may find the way there, nor their own settings.
FOREIGN = ("KUBECONFIG", "K8S_AUTH_", "ANSIBLE_", "MOLECULE_", "PYTEST_", "PYTHONPATH", "BLUEGREEN_")


@dataclass(frozen=True)
class Part:
    """One command with a verdict."""

    name: str
    command: Sequence[str]
    needs: Sequence[str] = ()
    """Parts that have to pass before; otherwise this one is skipped."""
    after: Sequence[str] = ()
    """Parts that have to be over before, however they ended."""
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = ROOT
    deadline: float = 600
    refuse: Sequence[str] = ()
    """Texts that make it a failure although the command says 0."""
    require: Sequence[str] = ()
    """Texts without which it is a failure although the command says 0."""


@dataclass(frozen=True)
class Result:
    part: Part
    outcome: Outcome
    seconds: float = 0.0
    reason: str = ""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without what would lead elsewhere, with the prepared tools and collections."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    kept |= {
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "ANSIBLE_COLLECTIONS_PATH": str(TREE),
        "ANSIBLE_CONFIG": str(TREE / "ansible.cfg"),
        "ANSIBLE_HOME": str(ROOT / ".build" / "ansible"),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return kept | dict(extra or {})


class Runner:
    """Runs parts in the order they need, as many at a time as there are slots."""

    def __init__(self, parts: Sequence[Part], slots: int = 2, logs: Path = LOGS) -> None:
        self.waiting = list(parts)
        self.slots = slots
        self.logs = logs
        self.results: dict[str, Result] = {}
        self.running: dict[Future[Result], Part] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.lock = threading.Lock()
        self.stopping = False
        check_order(parts)

    def run(self) -> list[Result]:
        self.logs.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(self.slots) as pool:
            while self.waiting or self.running:
                try:
                    self.start_what_can(pool)
                    self.collect()
                except KeyboardInterrupt:
                    self.stop()
        return list(self.results.values())

    def start_what_can(self, pool: ThreadPoolExecutor) -> None:
        for part in list(self.waiting):
            if any(name not in self.results for name in (*part.needs, *part.after)):
                continue
            missing = [name for name in part.needs if self.results[name].outcome != "passed"]
            interrupted = self.stopping and not part.after
            if missing or interrupted:
                reason = f"{missing[0]} did not pass" if missing else "interrupted"
                self.finish(part, Result(part, "skipped", reason=reason))
            elif len(self.running) < self.slots:
                self.waiting.remove(part)
                announce("start", part.name)
                self.running[pool.submit(self.execute, part)] = part

    def collect(self) -> None:
        if not self.running:
            return
        finished, _running = wait(self.running, return_when=FIRST_COMPLETED)
        for future in finished:
            self.finish(self.running.pop(future), future.result())

    def finish(self, part: Part, result: Result) -> None:
        if part in self.waiting:
            self.waiting.remove(part)
        self.results[part.name] = result
        announce(result.outcome, part.name, result.seconds, result.reason)
        if result.outcome == "failed":
            show_log(self.log_file(part))

    def log_file(self, part: Part) -> Path:
        return self.logs / f"{part.name.replace(' ', '-')}.log"

    def execute(self, part: Part) -> Result:
        started = time.monotonic()
        log = self.log_file(part)
        with log.open("wb") as output:
            output.write(f"$ {shlex.join(part.command)}\n".encode())
            output.flush()
            reason = self.reason_of_failure(part, output.fileno())
        if not reason:
            reason = judge_output(part, log.read_text(errors="replace"))
        return Result(part, "failed" if reason else "passed", time.monotonic() - started, reason)

    def reason_of_failure(self, part: Part, output: int) -> str:
        try:
            process = subprocess.Popen(
                part.command,
                cwd=part.directory,
                env=clean_environment(part.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"cannot be started: {error}"
        with self.lock:
            self.processes[part.name] = process
        try:
            code = process.wait(part.deadline)
        except subprocess.TimeoutExpired:
            end(process)
            return f"did not end within {part.deadline:.0f} s"
        finally:
            with self.lock:
                del self.processes[part.name]
        return f"exit code {code}" if code else ""

    def stop(self) -> None:
        """Ends what runs; what has to follow in any case (`after`) still runs."""
        self.stopping = True
        with self.lock:
            processes = list(self.processes.values())
        for process in processes:
            end(process)


def check_order(parts: Sequence[Part]) -> None:
    """A part may name earlier ones only, so that no two wait for each other."""
    known: set[str] = set()
    for part in parts:
        unknown = {*part.needs, *part.after} - known
        if unknown:
            raise ValueError(f"{part.name}: waits for {', '.join(sorted(unknown))}, which does not come before it")
        known.add(part.name)


def judge_output(part: Part, output: str) -> str:
    for text in part.refuse:
        if text in output:
            return f"its output says {text!r}"
    for text in part.require:
        if text not in output:
            return f"its output does not say {text!r}"
    return ""


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a part with everything it started, kindly first."""
    for sign, patience in ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def announce(state: str, name: str, seconds: float | None = None, reason: str = "") -> None:
    spent = "" if seconds is None else f"{seconds:6.1f} s"
    print(f"{state:<8}{name:<24}{spent:>9}  {reason}".rstrip(), flush=True)


def show_log(log: Path) -> None:
    print(f"----- {log.relative_to(ROOT) if log.is_relative_to(ROOT) else log}", flush=True)
    sys.stdout.write(log.read_text(errors="replace").rstrip("\n") + "\n")
    print("-----", flush=True)


def summarize(results: Sequence[Result], started: float, logs: Path = LOGS) -> int:
    """Prints the table and the closing line, which is also left in a file; the exit code of the whole."""
    print()
    for result in results:
        announce(result.outcome, result.part.name, result.seconds, result.reason)
    count = Counter(result.outcome for result in results)
    skipped = f", {count['skipped']} skipped" if count["skipped"] else ""
    print(f"{time.monotonic() - started:.0f} s")
    closing = f"{count['passed']} passed, {count['failed']} failed{skipped}"
    (logs / "closing-line").write_text(f"{closing}\n")
    print(closing, flush=True)
    return 0 if count["passed"] == len(results) else 1


def run_and_summarize(parts: Sequence[Part], slots: int = 2) -> int:
    started = time.monotonic()
    return summarize(Runner(parts, slots).run(), started)
