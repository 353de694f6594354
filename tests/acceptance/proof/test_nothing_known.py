# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is known: no data is never a pass, and no reason to go back either. The release is held."""

from __future__ import annotations

from collections.abc import Callable

from tests.acceptance.cluster import Json, until
from tests.acceptance.playbooks import DEADLINE, Run
from tests.acceptance.proof.faults import Mesh
from tests.acceptance.proof.scene import Scene
from tests.acceptance.proof.test_candidate_faults import by_metrics
from tests.acceptance.traffic import nothing_failed

# Requests per second of which a share is known within the deadline and the patience.
ENOUGH = 300

Tell = Callable[[str], None]


def is_held(scene: Scene, run: Run, weights: dict[str, int]) -> None:
    run.refused("held", "release.yml", "rollback.yml")
    assert (scene.weights(), scene.events()[-1]) == (weights, "held")


def test_the_metric_store_is_down(scene: Scene, mesh: Mesh, tell: Tell) -> None:
    """It was there when the release began; when it is back, the same release goes on to its end."""
    checkpoint = scene.checkpoint()
    gates: list[Json] = [{**by_metrics(scene), "deadline": "5s"}]
    spec = scene.spec(steps=[{"percent": 25, "gates": [checkpoint.gate]}, 50], gates=gates, pause="2s")
    with scene.traffic(ENOUGH) as load:
        running = scene.begin(spec)
        checkpoint.reached(running, 25)
        with mesh.killed("prometheus"):
            checkpoint.go_on(25)
            run = running.end().refused("errors", scene.prometheus_url)
            is_held(scene, run, {"web-blue": 50, "web-green": 50})
        scene.release(spec).succeeded()
        assert scene.events()[-1] == "step"
    tell(f"{run.messages.splitlines()[0]}; {nothing_failed(load)}")


def test_there_is_no_traffic(scene: Scene, tell: Tell) -> None:
    """Counters that do not move show nothing, neither before the first write nor after: with users it goes on."""
    query = f'sum(envoy_cluster_upstream_rq_total{{namespace="{scene.namespace}",version="$version"}})'
    telemetry = {"url": scene.prometheus_url, "query": query, "interval": "1s", "patience": "5s"}
    spec = scene.spec(steps=[50], pause="0s", observe={"telemetry": telemetry, "deadline": "5s"})
    run = scene.release(spec).refused("share")
    assert (scene.weights(), scene.events()) == ({"web-blue": 100, "web-green": 0}, [])
    with scene.traffic(ENOUGH):
        running = scene.begin(spec)
        until(lambda: "started" in scene.events(), "the release has begun", DEADLINE)
    is_held(scene, running.end(), {"web-blue": 50, "web-green": 50})
    with scene.traffic(ENOUGH) as load:
        scene.release(spec).succeeded()
        assert scene.events()[-1] == "step"
    tell(f"{run.messages.splitlines()[0]}; {nothing_failed(load)}")
