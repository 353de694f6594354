# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The candidate is at fault: it is noticed by name at the step where it shows, and only its own answers are lost."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.acceptance.cluster import Json
from tests.acceptance.playbooks import Run
from tests.acceptance.proof.measures import lost_only_by
from tests.acceptance.proof.scene import CANDIDATE, Scene, until_split
from tests.acceptance.traffic import Load

Tell = Callable[[str], None]

# Much longer than any of these faults takes to be noticed.
PAUSE = "60s"


def went_back(scene: Scene, load: Load, run: Run, before: str, fault: float) -> str:
    """The weights are as they were, and nobody but users of the candidate noticed; a line for the report."""
    assert (scene.route_spec(), scene.events()[-1]) == (before, "rolled_back")
    verdict = next(task.time for task in run.tasks if task.outcome == "failed")
    load.next(load.rate, since=time.time())
    reason = run.messages.splitlines()[0]
    return f"{verdict - fault:.1f} s after the fault: {reason}; {lost_only_by(load, CANDIDATE, fault, seen_at(run))}"


def seen_at(run: Run) -> float:
    """When a rollback had seen that the candidate gets nothing any more: until then a proxy may hold old weights."""
    return max(task.time for task in run.tasks if task.name.endswith("the gates show"))


def test_it_crashes_at_25_percent(scene: Scene, tell: Tell) -> None:
    before = scene.route_spec()
    with scene.traffic() as load:
        running = scene.begin(scene.spec(pause=PAUSE))
        until_split(scene, 25)
        fault = time.time()
        scene.annotate(CANDIDATE, crash="true")
        run = running.end().refused("web-green", "restart")
        assert run.seconds < 60
        tell(went_back(scene, load, run, before, fault))


def test_its_endpoints_vanish(scene: Scene, tell: Tell) -> None:
    """Somebody edits the selector of its Service: the pods are well, and nobody reaches them."""
    spec, before = scene.spec(pause=PAUSE), scene.route_spec()
    spec["services"]["web"]["versions"][CANDIDATE]["host"] = "web-green"
    with scene.traffic() as load:
        running = scene.begin(spec)
        until_split(scene, 25)
        fault = time.time()
        patch = '{"spec": {"selector": {"app": "somebody-else"}}}'
        assert (
            scene.cluster.kubectl("patch", "service", "web-green", "-n", scene.namespace, "-p", patch).returncode == 0
        )
        run = running.end().refused("web-green", "endpoints")
        assert run.seconds < 60
        tell(went_back(scene, load, run, before, fault))


def by_requests(scene: Scene) -> Json:
    """Errors as the probe meets them."""
    return {"name": "errors", "probe": scene.probe(), "judge": {"max_ratio_to_live": 1.2, "min_samples": 100}}


def by_metrics(scene: Scene) -> Json:
    """Errors as Prometheus knows them from the gateway."""
    requests = f'envoy_cluster_upstream_rq{{namespace="{scene.namespace}",version="$version"'
    return {
        "name": "errors",
        "prometheus": {
            "url": scene.prometheus_url,
            "errors": f'sum(increase({requests},response_code=~"5.."}}[$window]))',
            "total": f"sum(increase({requests}}}[$window]))",
            "judge": {"max_ratio_to_live": 1.2, "min_samples": 100},
        },
    }


def test_it_errs_at_5_percent_as_prometheus_knows(scene: Scene, tell: Tell) -> None:
    before = scene.route_spec()
    with scene.traffic() as load:
        running = scene.begin(scene.spec(steps=[5, 100], pause=PAUSE, gates=[by_metrics(scene)]))
        until_split(scene, 5)
        fault = time.time()
        scene.annotate(CANDIDATE, error_rate="0.5")
        run = running.end().refused("errors: the candidate erred", "known to be worse")
        tell(went_back(scene, load, run, before, fault))


def test_it_errs_at_5_percent_and_the_release_is_to_be_held(scene: Scene, tell: Tell) -> None:
    """The probe sees it; `on_failure: hold` leaves everything as it is, and says how to go on."""
    spec = scene.spec(steps=[5, 100], pause=PAUSE, gates=[by_requests(scene)], on_failure="hold")
    before = scene.route_spec()
    scene.annotate(CANDIDATE, error_rate="0.5")
    with scene.traffic() as load:
        fault = time.time()
        run = scene.release(spec).refused("errors: the candidate erred", "held", "release.yml", "rollback.yml")
        assert (scene.weights(), scene.events()[-1]) == ({"web-blue": 95, "web-green": 5}, "held")
        back = scene.playbooks.run("rollback", spec).succeeded()
        assert (scene.route_spec(), scene.events()[-1]) == (before, "rolled_back")
        load.next(load.rate, since=time.time())
        lost = lost_only_by(load, CANDIDATE, fault, seen_at(back))
    tell(f"{run.messages.splitlines()[-1]}; {lost}")


def test_it_is_three_times_slower(scene: Scene, tell: Tell) -> None:
    before = scene.route_spec()
    judge = {"not_slower": {"quantile": 0.5, "by": 1.5}, "min_samples": 100}
    gate = {"name": "latency", "probe": scene.probe(), "judge": judge}
    scene.annotate("blue", latency="30ms")
    scene.annotate(CANDIDATE, latency="90ms")
    with scene.traffic() as load:
        fault = time.time()
        run = scene.release(scene.spec(pause=PAUSE, gates=[gate])).refused("latency", "more than 1.5 times live's")
        assert run.seconds < 60
        tell(went_back(scene, load, run, before, fault))
