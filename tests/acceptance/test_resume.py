# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that was killed is run again: it goes on where the traffic stands."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, until, weights_of
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.traffic import Gateway, Load, nothing_failed


def test_killed_in_a_verification_pause(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    traffic_to: Callable[[str], AbstractContextManager[Load]],
    tell: Callable[[str], None],
) -> None:
    spec = objects.release(namespace, steps=[20, {"percent": 60, "pause": "3s"}, 100])
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    gateway.wait_until_served(host)
    with traffic_to(host) as load, cluster.history(namespace) as history:
        running = playbooks.begin("release", {"bluegreen": spec})
        until(lambda: weights_of(history[-1]).get("web-green") == 60, "the route is at 60 %")
        assert running.is_running
        running.kill()
        gateway.wait_until_it_holds(host, {"web-blue": 40, "web-green": 60})
        again = playbooks.run("release", spec).succeeded()
        gateway.wait_until_it_holds(host, {"web-green": 100})
        assert cluster.names("deployments", namespace) == {"deployment.apps/web-green"}
        playbooks.run("release", spec).unchanged()
    greens = [weights_of(route).get("web-green", 0) for route in history]
    assert greens == sorted(greens), greens
    assert set(greens) == {0, 20, 60, 100}
    # The step that had passed is not taken again; the one whose pause was cut short is.
    shifts = [task.name for task in again.tasks if "Shift to" in task.name and task.outcome != "skipped"]
    assert shifts == [name for name in shifts if "20" not in name], shifts
    tell(nothing_failed(load))
