# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh does not do what is written: the release sees it, says so, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

from tests.acceptance import objects
from tests.acceptance.proof.faults import Mesh
from tests.acceptance.proof.scene import CANDIDATE, LIVE, Scene
from tests.acceptance.traffic import nothing_failed

Tell = Callable[[str], None]

PODS = "deployments,pods,services"
ALL_LIVE = {"web-blue": 100, "web-green": 0}


def test_istiod_paused_in_the_middle(scene: Scene, mesh: Mesh, tell: Tell) -> None:
    """The step is not seen, nor is the way back: every pod stays, and rollback.yml ends it once istiod is back."""
    spec, checkpoint = scene.spec(steps=[25, 100], retire="delete"), scene.checkpoint()
    spec["gates"] = [checkpoint.gate]
    with scene.traffic() as load:
        pods = scene.cluster.names(PODS, scene.namespace)
        running = scene.begin(spec)
        checkpoint.reached(running, 25)
        with mesh.paused("istiod"):
            checkpoint.go_on(25)
            run = running.end().refused("does not go as wanted", "rollback.yml")
            assert scene.cluster.names(PODS, scene.namespace) == pods
            assert scene.weights() == ALL_LIVE
            assert scene.events()[-1] == "rolling_back"
        scene.playbooks.run("rollback", spec).succeeded()
        assert scene.events()[-1] == "rolled_back"
        scene.gateway.wait_until_it_holds(scene.host, ALL_LIVE)
        assert scene.cluster.names(PODS, scene.namespace) == pods
    tell(f"{run.messages.splitlines()[0]}; {nothing_failed(load)}")


def test_gateway_disconnected_from_istiod(scene: Scene, mesh: Mesh, tell: Tell) -> None:
    """A step of 5 % that never arrives is no pass, and there is nothing to take back."""
    before = scene.route_spec()
    with scene.traffic() as load, mesh.disconnected():
        run = scene.release(scene.spec(steps=[5, 100])).refused("does not go as wanted", "blue got 100 %")
        assert (scene.route_spec(), scene.events()[-1]) == (before, "rolled_back")
    tell(f"{run.messages.splitlines()[0]}; {nothing_failed(load)}")


def test_a_host_that_another_route_serves(scene: Scene, tell: Tell) -> None:
    """Users' requests take a route that the release does not know: its weights change nothing."""
    cluster, namespace = scene.cluster, scene.namespace
    forgotten = objects.route(namespace, "web", {LIVE: 100})
    forgotten["metadata"]["name"] = "forgotten"
    cluster.patch_route(namespace, {"spec": {"hosts": [f"renamed.{scene.host}"]}})
    cluster.apply([forgotten])
    scene.gateway.wait_until_served(f"renamed.{scene.host}")
    scene.gateway.wait_until_it_holds(scene.host, {"web-blue": 100})
    before = scene.route_spec()
    with scene.traffic() as load:
        run = scene.release(scene.spec()).refused("does not go as wanted", "blue got 100 %", scene.host)
        assert (scene.route_spec(), scene.events()[-1]) == (before, "rolled_back")
    tell(f"{run.messages.splitlines()[0]}; {nothing_failed(load)}")


def test_a_rule_in_the_shadow_of_an_earlier_one(scene: Scene, tell: Tell) -> None:
    """A rule of the user's takes every request before the one with the weights can: seen before, or when it shows."""
    cluster, namespace = scene.cluster, scene.namespace
    weighted = cluster.route(namespace)["spec"]["http"]
    catch_all = {"name": "everything", "route": [{"destination": {"host": "web-blue", "port": {"number": 80}}}]}
    cluster.patch_route(namespace, {"spec": {"http": [catch_all, *weighted]}})
    before = scene.route_spec()
    with scene.traffic() as load:
        scene.release(scene.spec()).refused("nothing was written", "rule_shadowed", "everything")
        assert (scene.route_spec(), scene.events()) == (before, [])
        accepted = scene.spec(accept=["rule_shadowed"])
        run = scene.release(accepted).refused("does not go as wanted", "blue got 100 %")
        assert (scene.route_spec(), scene.events()[-1]) == (before, "rolled_back")
    tell(f"{run.messages.splitlines()[0]}; {nothing_failed(load)}")


def test_another_writer_resets_the_weights(scene: Scene, tell: Tell) -> None:
    """Between two steps somebody applies an old manifest: the release does not go on from weights it does not know."""
    checkpoint = scene.checkpoint()
    spec = scene.spec(gates=[checkpoint.gate])
    before = scene.route_spec()
    with scene.traffic() as load:
        running = scene.begin(spec)
        checkpoint.reached(running, 25)
        weighted = [
            {
                **rule,
                "route": objects.route(scene.namespace, "web", {LIVE: 100, CANDIDATE: 0})["spec"]["http"][0]["route"],
            }
            for rule in scene.cluster.route(scene.namespace)["spec"]["http"]
        ]
        scene.cluster.patch_route(scene.namespace, {"spec": {"http": weighted}}, manager="old-pipeline")
        checkpoint.go_on(25)
        run = running.end().refused("expected", "blue: 100")
        assert (scene.route_spec(), scene.events()[-1]) == (before, "rolled_back")
    tell(f"{run.messages.splitlines()[0]}; {nothing_failed(load)}")
