# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DaemonSets as workloads: as many pods as there are nodes for them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.autoscalers import seen_capacity
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.capacity import shortfall
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.readiness import judge_workload, pods_wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.workloads import WorkloadRef

from tests.unit.releases import refusal, web

Json = dict[str, Any]


def daemon_set(desired: int, ready: int, updated: int | None = None, generation: int = 1) -> Json:
    return {
        "kind": "DaemonSet",
        "metadata": {"name": "web", "namespace": "prod", "generation": generation},
        "spec": {},
        "status": {
            "observedGeneration": 1,
            "desiredNumberScheduled": desired,
            "currentNumberScheduled": desired,
            "updatedNumberScheduled": ready if updated is None else updated,
            "numberReady": ready,
            "numberAvailable": ready,
        },
    }


@pytest.mark.parametrize(
    ("found", "ready", "hopeless", "reason"),
    [
        (daemon_set(3, 3), True, False, "3 of 3 pods ready"),
        (daemon_set(3, 2), False, False, "2 of 3 pods are of the newest specification, 2 ready, 2 available"),
        (daemon_set(3, 3, updated=1), False, False, "1 of 3 pods are of the newest specification, 3 ready"),
        (daemon_set(0, 0), False, True, "has no node to run on"),
        (daemon_set(3, 3, generation=2), False, False, "has not seen the newest specification yet"),
    ],
)
def test_it_is_ready_on_every_node_that_it_wants(found: Json, ready: bool, hopeless: bool, reason: str) -> None:
    judged = judge_workload(found, (), ())
    assert (judged.ready, judged.hopeless) == (ready, hopeless)
    assert reason in judged.reason


def test_a_troubled_pod_of_its_newest_specification_is_told() -> None:
    found = daemon_set(3, 2)
    found["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "2"}
    waiting = {"name": "web", "state": {"waiting": {"reason": "ErrImagePull"}}}
    pods = [
        {
            "metadata": {"name": f"web-{generation}", "labels": {"pod-template-generation": generation}},
            "status": {"containerStatuses": [waiting]},
        }
        for generation in ("1", "2")
    ]
    assert not judge_workload(found, pods[:1], ()).hopeless
    assert judge_workload(found, pods, ()).reason.startswith("pod web-2, container web: ErrImagePull")


def test_its_capacity_is_that_of_its_nodes_and_nobody_scales_it() -> None:
    named = {"key": "web/blue", "kind": "DaemonSet", "name": "web", "namespace": "prod"}
    seen = seen_capacity(named, daemon_set(2, 2), [])
    assert (seen["replicas"], seen["ready"]) == (2, 2)
    assert pods_wanted(daemon_set(2, 1)) == 2
    noted = {"web/blue": {**named, "replicas": 3, "ready": 3, "autoscalers": []}}
    (short,) = shortfall([seen], noted)
    assert short["patches"] == []


def test_it_exists_and_is_never_scaled_to_zero() -> None:
    versions = {"blue": {"existing": {"daemon_set": "web"}}, "green": {"image": "web:2"}}
    written = web(services={"web": {"versions": versions}})
    assert read_release(written).services["web"].versions["blue"].existing == WorkloadRef("DaemonSet", "web", "prod")
    assert refusal({**written, "retire": "scale_to_zero"}) == (
        "bluegreen.retire: scale_to_zero: the DaemonSet web has a pod on every node; use delete or keep"
    )
