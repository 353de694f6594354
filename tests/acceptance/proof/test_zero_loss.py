# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zero loss: releases and rollbacks of all kinds, and not one of the users' requests fails meanwhile.

The long form of the same stories is ``make soak``: it says by the environment how many of each.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from tests.acceptance.proof.measures import seen
from tests.acceptance.proof.scene import Scene, install, refusing_gate, spec_of
from tests.acceptance.traffic import Load, nothing_failed

Tell = Callable[[str], None]

RATE = 300
RELEASES = int(os.environ.get("BLUEGREEN_SOAK_RELEASES", "0"))
ROLLBACKS = int(os.environ.get("BLUEGREEN_SOAK_ROLLBACKS", "10"))
# Of each release its steps, and those at which it is rolled back before it is taken to its end.
SHORT = (((5, 25, 100), (5,)), ((50, 100), (50,)), ((10, 100), (100,)))
LONG = ((5, 25, 50, 100), (5, 25, 50, 100))


def other(version: str) -> str:
    return {"blue": "green", "green": "blue"}[version]


def test_releases_there_and_back(empty_scene: Scene, tell: Tell) -> None:
    """Each is rolled back at a step by its own gate, begun anew, promoted, and the old version is deleted."""
    scene = empty_scene
    install(scene, spec_of(scene, "blue", [100]))
    live = "blue"
    with scene.traffic(RATE) as load:
        for steps, refused in (LONG,) * RELEASES or SHORT:
            for percent in refused:
                rolled_back_at(scene, load, live, steps, percent)
            tell(f"to {other(live)}: " + "; ".join(to_its_end(scene, load, live, steps)))
            live = other(live)
    tell(nothing_failed(load))


def rolled_back_at(scene: Scene, load: Load, live: str, steps: Sequence[int], percent: int) -> None:
    before = scene.route_spec()
    gated = [
        {"percent": step, "gates": [refusing_gate(scene.directory)]} if step == percent else step for step in steps
    ]
    scene.release(spec_of(scene, other(live), gated)).refused("the team says no")
    assert scene.events()[-1] == "rolled_back"
    assert scene.route_spec() == before
    # The rollback has seen that its candidate gets nothing any more.
    assert {record.version for record in load.next(load.rate, time.time())} == {f"web-{live}"}


def to_its_end(scene: Scene, load: Load, live: str, steps: Sequence[int]) -> list[str]:
    candidate, checkpoint, told = other(live), scene.checkpoint(), []
    running = scene.begin(spec_of(scene, candidate, steps, gates=[checkpoint.gate]))
    for percent in steps:
        proven = checkpoint.reached(running, percent)
        told.append(seen(load, proven, {candidate: percent, live: 100 - percent}))
        checkpoint.go_on(percent)
    running.end().succeeded()
    assert [event for event in scene.events() if event != "capacity"][-2:] == ["promoted", "retired"]
    assert scene.cluster.names("deployments", scene.namespace) == {f"deployment.apps/web-{candidate}"}
    return told


def test_rollbacks_from_half_way_and_after(scene: Scene, tell: Tell) -> None:
    """By `rollback.yml`, in turn from the middle of a release and after its end, while the old version is kept."""
    spec = scene.spec(steps=[50, 100], pause="0s")
    before, pods = scene.route_spec(), scene.cluster.names("pods", scene.namespace)
    with scene.traffic(RATE) as load:
        for number in range(ROLLBACKS):
            scene.release(spec, **({"bluegreen_percent": 50} if number % 2 == 0 else {})).succeeded()
            assert scene.events()[-1] == ("step" if number % 2 == 0 else "promoted")
            back = scene.playbooks.run("rollback", spec).succeeded()
            assert (scene.route_spec(), scene.events()[-1]) == (before, "rolled_back")
            [written] = [task.result for task in back.tasks if task.name.endswith(": Put the weights back")]
            assert (written["changed"], written["attempts"]) == (True, 1), written
            assert scene.cluster.names("pods", scene.namespace) == pods
    tell(f"{ROLLBACKS} rollbacks, one write each, no pod created: {nothing_failed(load)}")
