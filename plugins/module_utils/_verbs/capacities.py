# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many pods workloads have, and what scales them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._cluster.client import Cluster, Ref
from .._core.autoscalers import API_VERSION, seen_capacity
from .._core.workloads import PLURALS

Plain = dict[str, Any]


def read_capacity(cluster: Cluster, workloads: Sequence[Mapping[str, Any]], autoscalers: bool = True) -> list[Plain]:
    """Read each workload (``key``, ``kind``, ``name``, ``namespace``) and the autoscalers that target it.

    One GET a workload and one LIST a namespace; without ``autoscalers`` only the GETs. A workload that is not there is
    told as that. No workloads, no requests.
    """
    namespaces = dict.fromkeys(item["namespace"] for item in workloads) if autoscalers else {}
    scalers = {name: _autoscalers(cluster, name) for name in namespaces}
    return [seen_capacity(item, cluster.find(_ref(item)), scalers.get(item["namespace"], ())) for item in workloads]


def _autoscalers(cluster: Cluster, namespace: str) -> list[Plain]:
    items: list[Plain] = cluster.items(Ref(API_VERSION, "horizontalpodautoscalers", namespace)).get("items") or []
    return items


def _ref(workload: Mapping[str, Any]) -> Ref:
    return Ref("apps/v1", PLURALS[workload["kind"]], workload["namespace"], workload["name"])
