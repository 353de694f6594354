# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``promote: {into: prod}``: prod takes what stage has brought, and then all the traffic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json, until, weights_of
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.traffic import Gateway, load, nothing_failed


def image_of(cluster: Cluster, namespace: str, name: str) -> str:
    found: Json = cluster.get("deployment", namespace, name)
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def test_killed_on_the_way_back(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    spec = objects.release(namespace, steps=[30, 100], pause=0)
    spec["promote"] = {"into": "prod", "steps": [{"percent": 50, "pause": "3s"}, 100]}
    prod = {"image": "registry.example.com/web:1.4", "replicas": 2, "port": 8080}
    stage = {"image": "registry.example.com/web:1.5", "port": 8080}
    spec["services"]["web"]["versions"] = {"prod": prod, "stage": stage}
    playbooks.run("release", spec).succeeded()
    gateway.wait_until_served(host)
    with load(gateway, host, tmp_path / "requests.jsonl", rate=100) as requests, cluster.history(namespace) as history:
        running = playbooks.begin("release", {"bluegreen": spec})
        until(lambda: weights_of(history[-1]).get("web-stage") == 100, "stage has everything")
        until(lambda: weights_of(history[-1]).get("web-prod") == 50, "prod has half of it again")
        assert running.is_running
        running.kill()
        assert image_of(cluster, namespace, "web-prod") == stage["image"]
        playbooks.run("release", spec).succeeded()
        gateway.wait_until_it_holds(host, {"web-prod": 100})
        assert cluster.names("deployments", namespace) == {"deployment.apps/web-prod"}
        assert cluster.get("deployment", namespace, "web-prod")["spec"]["replicas"] == 2
        # What is written for prod is as old as it was, and nobody has to bring it up to date.
        playbooks.run("release", spec).unchanged()
    shares = [weights_of(route).get("web-stage", 0) for route in history]
    turn = shares.index(100)
    assert (set(shares[:turn]), set(shares[turn:])) == ({0, 30}, {100, 50, 0})
    assert shares[:turn] == sorted(shares[:turn])
    assert shares[turn:] == sorted(shares[turn:], reverse=True)
    tell(nothing_failed(requests))
