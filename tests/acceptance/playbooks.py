# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running playbooks as a user does, and asking what every task came to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.acceptance.cluster import until

HERE = Path(__file__).parent
# No run of this suite takes a third of it.
DEADLINE = 120.0

Json = dict[str, Any]


@dataclass(frozen=True)
class Task:
    name: str
    action: str
    outcome: str
    result: Json
    time: float


@dataclass(frozen=True)
class Run:
    """One `ansible-playbook` from start to end."""

    code: int
    seconds: float
    tasks: list[Task]
    recap: Json
    output: str

    @property
    def changed(self) -> int:
        return int(self.recap.get("changed", -1))

    @property
    def messages(self) -> str:
        """Everything that failed tasks said, the last one being the reason of the exit code."""
        return "\n".join(str(task.result.get("msg", "")) for task in self.tasks if task.outcome == "failed")

    def results(self, action: str) -> list[Json]:
        """The results of all tasks with this action of the collection."""
        name = f"bluegreen.kubernetes.{action}"
        return [task.result for task in self.tasks if task.action == name and task.outcome != "skipped"]

    def succeeded(self) -> Run:
        assert self.code == 0, self.output
        return self

    def unchanged(self) -> Run:
        """The second run of a stage: it ends well and says that nothing was left to do."""
        changed = [task.name for task in self.tasks if task.result.get("changed")]
        assert (self.code, self.changed) == (0, 0), f"changed by {changed}:\n{self.output}"
        return self

    def refused(self, *parts: str) -> Run:
        """The run fails, and what it says holds all of these parts."""
        assert self.code != 0, f"expected a failure that says {parts}:\n{self.output}"
        missing = [part for part in parts if part not in self.messages]
        assert not missing, f"{missing} is missing from what it said:\n{self.messages}\n{self.output}"
        return self


def yield_to_the_data_plane(session: int) -> None:
    """Let requests come first: in life, a control node takes no processor from the pods that answer them."""
    group = Path(f"/proc/{session}/autogroup")
    # Linux shares processors by session; where it does not, there is nothing to do.
    if group.exists():
        until(lambda: _wrote(group, "5"), f"{group} takes a new priority")


def _wrote(group: Path, priority: str) -> bool:
    try:
        group.write_text(priority)
    except BlockingIOError:
        # Ten times a second is all that the kernel allows, whoever asks.
        return False
    return True


class RunningPlaybook:
    """An `ansible-playbook` in a process group of its own, so that a test can kill all of it at once."""

    def __init__(self, arguments: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
        self._results = directory / f"results-{time.time_ns()}.jsonl"
        self._results.touch()
        self._output = self._results.with_suffix(".txt")
        self._begun = time.monotonic()
        with self._output.open("w") as stream:
            self._process = subprocess.Popen(
                ["ansible-playbook", *arguments],
                cwd=directory,
                env={
                    **os.environ,
                    "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
                    "ANSIBLE_CALLBACKS_ENABLED": "results",
                    "ANSIBLE_NOCOLOR": "1",
                    "ACCEPTANCE_RESULTS": str(self._results),
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        yield_to_the_data_plane(self._process.pid)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def task(self, name: str) -> Task:
        """Wait until a task of this name has come to its end."""

        def over() -> Task | None:
            running = self.is_running
            ended = [task for task in self.tasks() if task.name.endswith(name) and task.outcome != "skipped"]
            found = ended[0] if ended else None
            assert found or running, f'it ended before the task "{name}":\n{self._output.read_text()}'
            return found

        found: Task = until(over, f'the task "{name}"', DEADLINE)
        return found

    def tasks(self) -> list[Task]:
        """Those that have come to their end so far."""
        text = self._results.read_text()
        lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [Task(**line) for line in lines if "recap" not in line]

    def kill(self) -> None:
        """Nothing of it gets a chance to clean up."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def end(self) -> Run:
        """Wait for its end."""
        try:
            code = self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end within {DEADLINE:.0f} s:\n{self._output.read_text()}") from None
        lines = [json.loads(line) for line in self._results.read_text().splitlines()]
        recaps = [line["recap"] for line in lines if "recap" in line]
        return Run(
            code=code,
            seconds=time.monotonic() - self._begun,
            tasks=[Task(**line) for line in lines if "recap" not in line],
            recap=next(iter(recaps[-1].values()), {}) if recaps else {},
            output=self._output.read_text(),
        )


class Playbooks:
    """`ansible-playbook bluegreen.kubernetes.NAME` and plays with a single task, from a directory of the test's own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(
        self,
        name: str,
        variables: Mapping[str, Any],
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> RunningPlaybook:
        """Start one of the collection's playbooks on localhost, with these extra variables."""
        extra = self._file("variables", variables)
        playbook = name if name.endswith(".yml") else f"bluegreen.kubernetes.{name}"
        inventory = [] if "-i" in options else ["-i", "localhost,"]
        return RunningPlaybook(
            [playbook, *inventory, *options, "-e", f"@{extra}"], self._directory, dict(environment or {})
        )

    def run(self, name: str, spec: Mapping[str, Any], *options: str, **variables: Any) -> Run:
        """Run one of the collection's playbooks for a release to its end."""
        return self.begin(name, {"bluegreen": spec, **variables}, options).end()

    def example(self, name: str, example: Path, overrides: Mapping[str, Any]) -> Run:
        """Run a playbook from the very files of an example."""
        options = ["-i", str(example / "inventory.yml"), "-e", f"@{example / 'release.yml'}"]
        return self.begin(name, overrides, options).end()

    def task(
        self,
        action: str,
        arguments: Mapping[str, Any],
        *options: str,
        environment: Mapping[str, str] | None = None,
        **keywords: Any,
    ) -> Run:
        """Run one task, as in a playbook of the user's own."""
        task = {"name": action, f"bluegreen.kubernetes.{action}": dict(arguments), **keywords}
        play = {
            "hosts": "all",
            "gather_facts": False,
            "connection": "local",
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": [task],
        }
        return self.begin(str(self._file("play", [play])), {}, options, environment).end()

    def _file(self, name: str, content: Any) -> Path:
        path = self._directory / f"{name}-{time.time_ns()}.yml"
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        return path
