# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step asks of the API server, counted in its audit log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster
from tests.acceptance.playbooks import Playbooks

READS = {"get", "list", "watch"}


def routes(namespace: str, *names: str) -> list[dict[str, str]]:
    return [{"router": "istio", "name": name, "namespace": namespace} for name in names]


def reads(counted: Counter[str]) -> int:
    return sum(count for request, count in counted.items() if request.split()[0] in READS)


@pytest.fixture
def api(cluster: Cluster, web: str) -> str:
    """A second route beside the one that is there, over the same two versions."""
    second = objects.route(web, "web", {"blue": 100, "green": 0}, host=f"api.{web}.example.com")
    second["metadata"]["name"] = "api"
    cluster.apply([second])
    return web


@pytest.mark.parametrize("names", [["web"], ["web", "api"]])
def test_traffic_reads_and_writes_each_route_once(
    playbooks: Playbooks, cluster: Cluster, api: str, names: list[str]
) -> None:
    arguments: dict[str, Any] = {"routes": routes(api, *names), "weights": {"blue": 75, "green": 25}}
    with cluster.requests(api) as counted:
        playbooks.task("traffic", {**arguments, "require_ready": False}).succeeded()
    assert counted == {"get virtualservices": len(names), "patch virtualservices": len(names)}


def test_traffic_that_is_there_already_is_only_read(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    with cluster.requests(web) as counted:
        playbooks.task("traffic", {"routes": routes(web, "web"), "weights": {"blue": 100, "green": 0}}).unchanged()
    assert counted == {"get virtualservices": 1}


def test_readiness_adds_at_most_four_reads(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    with cluster.requests(web) as counted:
        playbooks.task("traffic", {"routes": routes(web, "web"), "weights": {"blue": 75, "green": 25}}).succeeded()
    assert counted["patch virtualservices"] == 1
    assert 2 <= reads(counted) <= 5, counted
    assert counted.total() == reads(counted) + 1


def test_readiness_of_a_subset_adds_at_most_four_reads(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    cluster.apply(objects.subsets(web, "web", "blue", "green"))
    cluster.patch_route(
        web, {"spec": {"http": [{"route": objects.subset_destinations("web", {"blue": 100, "green": 0})}]}}
    )
    with cluster.requests(web) as counted:
        playbooks.task("traffic", {"routes": routes(web, "web"), "weights": {"blue": 75, "green": 25}}).succeeded()
    assert counted["patch virtualservices"] == 1
    assert 2 <= reads(counted) <= 5, counted


def test_a_whole_step_takes_at_most_twelve_requests(
    playbooks: Playbooks, cluster: Cluster, namespace: str, tell: Callable[[str], None]
) -> None:
    spec = objects.release(namespace, to="green")
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    playbooks.run("deploy", spec).succeeded()
    with cluster.requests(namespace) as counted:
        shifted = playbooks.run("shift", spec, bluegreen_percent=50).succeeded()
    assert len(shifted.results("traffic")) == 1
    # What the plan reads before the step, the journal and the route, is counted too.
    assert counted.total() <= 12, counted
    tell(f"a step with its plan: {counted.total()} requests, {dict(counted)}")
