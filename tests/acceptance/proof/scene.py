# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service with traffic, and releases of it that are proven: what the stories of this suite have in common."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json, until
from tests.acceptance.playbooks import DEADLINE, Playbooks, Run, RunningPlaybook
from tests.acceptance.traffic import Gateway, Load, load

# What two clusters side by side on a machine with two cores answer without a queue.
RATE = 50
PROBE_RATE = 150
LIVE, CANDIDATE = "blue", "green"
JOURNAL = "bluegreen-web"
PREFIX = "lab.bluegreen.test/"
# How long the data plane has to follow: longer than it takes, shorter than anybody likes to wait for a failure.
DEADLINE_TO_CONVERGE = "8s"


@dataclass(frozen=True)
class Scene:
    """The service web of a namespace of the test's own: blue is live, green is the candidate."""

    cluster: Cluster
    gateway: Gateway
    playbooks: Playbooks
    namespace: str
    host: str
    lab: Json
    directory: Path

    @property
    def prometheus_url(self) -> str:
        return str(self.lab["prometheus_url"])

    def probe(self, **options: Any) -> Json:
        """Requests as users send them, and the version that each answer names."""
        return {"url": self.gateway.url, "host": self.host, "rate": PROBE_RATE, **options}

    def spec(self, **more: Any) -> Json:
        """A release of two Deployments that exist, each of its steps proven by a probe."""
        observe = {"probe": self.probe(expect={"tolerance": 10}), "deadline": DEADLINE_TO_CONVERGE}
        given = {"to": CANDIDATE, "observe": observe, "steps": [25, 100], "interval": "1s", **more}
        return objects.existing(self.namespace, **given)

    def release(self, spec: Json, **variables: Any) -> Run:
        return self.playbooks.run("release", spec, **variables)

    def begin(self, spec: Json) -> RunningPlaybook:
        return self.playbooks.begin("release", {"bluegreen": spec})

    @contextmanager
    def traffic(self, rate: int = RATE) -> Iterator[Load]:
        """Users' requests, one after the other at a steady rate, until the end."""
        with load(self.gateway, self.host, self.directory / f"requests-{time.time_ns()}.jsonl", rate) as running:
            yield running

    def weights(self) -> dict[str, int | None]:
        return self.cluster.weights(self.namespace)

    def route_spec(self) -> str:
        """Every byte of what the route says, as the API server keeps it."""
        return json.dumps(self.cluster.route(self.namespace)["spec"])

    def entries(self) -> list[Json]:
        """What the journal says, the oldest entry first; nothing without a journal."""
        found = self.cluster.find("configmap", self.namespace, JOURNAL)
        return [json.loads(line) for line in found["data"]["entries"].splitlines()] if found else []

    def events(self) -> list[str]:
        return [entry["event"] for entry in self.entries()]

    def annotate(self, version: str, **annotations: str) -> None:
        """Change how the pods of a version behave, from their next request on."""
        written = [f"{PREFIX}{name.replace('_', '-')}={value}" for name, value in annotations.items()]
        selector = f"{objects.LABEL}={version}"
        result = self.cluster.kubectl("annotate", "pods", "-n", self.namespace, "-l", selector, "--overwrite", *written)
        assert result.returncode == 0, result.stderr

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(self.directory)


class Checkpoint:
    """A gate that is tasks of the user's own: at each step that is proven the release waits for the test."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        tasks = [
            {
                "name": "Proven at {{ bluegreen_step.percent }} %",
                "ansible.builtin.debug": {"var": "bluegreen_step.number"},
            },
            {
                "name": "Wait for the test at {{ bluegreen_step.percent }} %",
                "ansible.builtin.wait_for": {
                    "path": str(directory / "go-on-from-{{ bluegreen_step.percent }}"),
                    "timeout": DEADLINE,
                },
            },
        ]
        self._tasks = directory / "checkpoint.yml"
        self._tasks.write_text(yaml.safe_dump(tasks))

    @property
    def gate(self) -> Json:
        return {"name": "checkpoint", "tasks": str(self._tasks)}

    def reached(self, running: RunningPlaybook, percent: int) -> float:
        """Wait until a step is proven; return since when."""
        return running.task(f"Proven at {percent} %").time

    def go_on(self, percent: int) -> None:
        (self._directory / f"go-on-from-{percent}").touch()


def refusing_gate(directory: Path) -> Json:
    """A gate that is a task of the user's own, and never satisfied."""
    tasks = directory / "refuse.yml"
    task = {"name": "Ask the team", "ansible.builtin.fail": {"msg": "the team says no"}}
    tasks.write_text(yaml.safe_dump([task]))
    return {"name": "team", "tasks": str(tasks)}


def until_split(scene: Scene, percent: int) -> None:
    """Wait until a run has got as far as this step, and the gateway follows."""
    split = {"web-blue": 100 - percent, "web-green": percent}
    until(lambda: scene.weights() == split, f"{scene.namespace}/web holds {split}", DEADLINE)
    scene.gateway.wait_until_it_holds(scene.host, split)


def spec_of(scene: Scene, to: str, steps: Sequence[Any], **more: Any) -> Json:
    """A release in which everything is ours."""
    observe = {"probe": scene.probe()}
    given = {"to": to, "steps": list(steps), "observe": observe, "interval": "1s", "drain": "2s", **more}
    return objects.release(scene.namespace, **given)


def install(scene: Scene, spec: Json) -> None:
    """The first release, of blue."""
    scene.release({**spec, "to": LIVE}).succeeded()
    scene.gateway.wait_until_served(scene.host)
