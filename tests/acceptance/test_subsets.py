# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions that are subsets of one host, with a DestinationRule of ours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.traffic import Gateway, Load, nothing_failed


def subsets(cluster: Cluster, namespace: str) -> list[str]:
    rule = cluster.get("destinationrule", namespace, "web")
    return [subset["name"] for subset in rule["spec"]["subsets"]]


def test_from_subset_to_subset(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    traffic_to: Callable[[str], AbstractContextManager[Load]],
    tell: Callable[[str], None],
) -> None:
    spec = objects.release(namespace)
    for name, version in spec["services"]["web"]["versions"].items():
        version["subset"] = name
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    assert cluster.weights(namespace) == {"blue": 100}
    assert subsets(cluster, namespace) == ["blue"]
    gateway.wait_until_served(host)
    with traffic_to(host) as load:
        for stage, percent in {"deploy": 0, "shift": 50}.items():
            playbooks.run(stage, spec, **({"bluegreen_percent": percent} if percent else {})).succeeded()
            playbooks.run(stage, spec, **({"bluegreen_percent": percent} if percent else {})).unchanged()
            assert cluster.weights(namespace) == {"blue": 100 - percent, "green": percent}
            assert subsets(cluster, namespace) == ["blue", "green"]
            gateway.wait_until_it_holds(host, {"blue": 100 - percent, "green": percent})
        for stage in ("shift", "promote", "retire"):
            playbooks.run(stage, spec).succeeded()
            playbooks.run(stage, spec).unchanged()
        assert cluster.weights(namespace) == {"green": 100}
        assert subsets(cluster, namespace) == ["green"]
        assert cluster.names("deployments", namespace) == {"deployment.apps/web-green"}
        followed = gateway.wait_until_it_holds(host, {"green": 100})
        assert {record.version for record in load.next(400, since=followed)} == {"web-green"}
    tell(nothing_failed(load))
