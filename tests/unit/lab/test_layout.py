# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import itertools

import pytest

from tests.lab.errors import LabError
from tests.lab.layout import FIRST_PORT, MAXIMUM_CLUSTERS, POD_RANGE, PORTS_PER_CLUSTER, ClusterPlan, plan_clusters

PLANS = [ClusterPlan(f"c{index}", index) for index in range(MAXIMUM_CLUSTERS)]
PORTS = [name for name in dir(ClusterPlan) if name.endswith("_port") and not name.startswith("_")]


def test_no_two_parts_of_a_lab_share_a_port() -> None:
    ports = [getattr(plan, name) for plan in PLANS for name in PORTS]
    # etcd's peers meet on the port after its own, which no plan names.
    ports += [plan.etcd_port + 1 for plan in PLANS]
    assert len(set(ports)) == len(ports)
    assert min(ports) >= FIRST_PORT
    assert max(ports) < FIRST_PORT + MAXIMUM_CLUSTERS * PORTS_PER_CLUSTER


def test_pod_networks_fill_the_range_without_overlap() -> None:
    assert list(ipaddress.collapse_addresses(plan.pod_network for plan in PLANS)) == [POD_RANGE]
    for one, other in itertools.combinations(PLANS, 2):
        assert not one.pod_network.overlaps(other.pod_network)


def test_nodes_have_networks_of_their_own_inside_their_clusters() -> None:
    networks = PLANS[3].node_networks
    assert list(networks) == ["c3-node-1", "c3-node-2", "c3-node-3"]
    assert len(set(networks.values())) == len(networks)
    assert all(network.subnet_of(PLANS[3].pod_network) for network in networks.values())


def test_a_cluster_keeps_its_place_and_a_new_one_takes_the_first_free() -> None:
    plans = plan_clusters({"east": 0, "north": 2}, ["north", "west", "east", "west"])
    assert [(plan.name, plan.index) for plan in plans] == [("north", 2), ("west", 1), ("east", 0)]


@pytest.mark.parametrize("name", ["East", "1east", "east-", "", "a" * 21, "a b", "../east"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="at most 20 lower case letters"):
        plan_clusters({}, [name])


def test_a_full_lab_refuses_one_more_cluster() -> None:
    existing = {f"c{index}": index for index in range(MAXIMUM_CLUSTERS)}
    with pytest.raises(LabError, match=f"at most {MAXIMUM_CLUSTERS} clusters"):
        plan_clusters(existing, ["another"])
