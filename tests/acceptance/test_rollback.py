# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back: by hand at any moment, by itself when a release fails; live never loses a weight it should have."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, weights_of
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.traffic import Gateway, Load, nothing_failed

TRAFFIC_TASK = "bluegreen.kubernetes.traffic"
Traffic = Callable[[str], AbstractContextManager[Load]]


def test_from_half_way_and_from_a_promoted_release(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    traffic_to: Traffic,
    tell: Callable[[str], None],
) -> None:
    spec = objects.release(namespace, to="green", retire={"keep": "1h"})
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    gateway.wait_until_served(host)
    before = cluster.route(namespace)["spec"]
    with traffic_to(host) as load:
        playbooks.run("deploy", spec).succeeded()
        playbooks.run("shift", spec, bluegreen_percent=50).succeeded()
        gateway.wait_until_it_holds(host, {"web-blue": 50, "web-green": 50})
        playbooks.run("rollback", spec).succeeded()
        assert cluster.route(namespace)["spec"] == before
        playbooks.run("rollback", spec).unchanged()
        gateway.wait_until_it_holds(host, {"web-blue": 100})

        playbooks.run("release", spec).succeeded()
        gateway.wait_until_it_holds(host, {"web-green": 100})
        pods = cluster.names("pods", namespace)
        playbooks.run("rollback", spec).succeeded()
        assert cluster.route(namespace)["spec"] == before
        assert cluster.names("pods", namespace) == pods
        followed = gateway.wait_until_it_holds(host, {"web-blue": 100})
        assert {record.version for record in load.next(400, since=followed)} == {"web-blue"}
    tell(nothing_failed(load))


def test_a_release_that_fails_takes_the_traffic_back_by_itself(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    traffic_to: Traffic,
    tell: Callable[[str], None],
) -> None:
    spec = objects.release(namespace, to="green", pause="60s")
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    gateway.wait_until_served(host)
    before = cluster.route(namespace)["spec"]
    with traffic_to(host) as load, cluster.history(namespace) as history:
        running = playbooks.begin("release", {"bluegreen": spec})
        gateway.wait_until_it_holds(host, {"web-blue": 50, "web-green": 50})
        # The candidate breaks in its verification pause: new pods crash, the old ones are still there.
        image = "registry.example.com/web-crashing:1.5"
        assert cluster.kubectl("set", "image", "deployment/web-green", f"*={image}", "-n", namespace).returncode == 0
        run = running.end().refused("pods of green", "CrashLoopBackOff")
        assert run.seconds < 60
        assert cluster.route(namespace)["spec"] == before
        gateway.wait_until_it_holds(host, {"web-blue": 100})
    weights = [weights_of(route) for route in history]
    assert {tuple(sorted(found.items())) for found in weights} == {
        (("web-blue", 100),),
        (("web-blue", 100), ("web-green", 0)),
        (("web-blue", 50), ("web-green", 50)),
    }
    failed = next(task for task in run.tasks if task.outcome == "failed")
    assert failed.result["put_back"]["changed"], failed
    # Once is enough: the tasks that follow find the weights where they belong.
    writes = [task for task in run.tasks if task.time > failed.time and task.action == TRAFFIC_TASK]
    later = [task.result["changed"] for task in writes if task.name.endswith("Put the weights back")]
    assert set(later) == {False}
    tell(nothing_failed(load))
