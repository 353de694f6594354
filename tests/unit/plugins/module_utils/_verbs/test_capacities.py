# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of a cluster about the capacity of workloads."""

from __future__ import annotations

from typing import Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Ref
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs.capacities import read_capacity

BLUE = {"key": "web/blue", "kind": "Deployment", "name": "web-blue", "namespace": "prod"}
RED = {"key": "web/red", "kind": "Deployment", "name": "web-red", "namespace": "prod"}
API = {"key": "api/blue", "kind": "StatefulSet", "name": "api", "namespace": "back"}


class Recorded:
    """A cluster that has some objects and remembers what it was asked."""

    def __init__(self, *objects: tuple[str, dict[str, Any]]) -> None:
        self.asked: list[str] = []
        self._objects = dict(objects)

    def find(self, ref: Ref) -> dict[str, Any] | None:
        self.asked.append(f"get {ref.path}")
        return self._objects.get(ref.path)

    def items(self, ref: Ref) -> dict[str, Any]:
        self.asked.append(f"list {ref.path}")
        found = [item for path, item in self._objects.items() if path.startswith(f"{ref.path}/")]
        return {"items": found or None}


def workload(path: str, replicas: int) -> tuple[str, dict[str, Any]]:
    return f"/apis/apps/v1/namespaces/{path}", {"metadata": {}, "spec": {"replicas": replicas}}


def autoscaler(namespace: str, kind: str, name: str) -> tuple[str, dict[str, Any]]:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    item = {"metadata": {"name": f"for-{name}"}, "spec": {"maxReplicas": 9, "scaleTargetRef": target}}
    return f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/for-{name}", item


def test_each_workload_is_read_once_and_autoscalers_once_a_namespace() -> None:
    cluster: Any = Recorded(
        workload("prod/deployments/web-blue", 4),
        workload("prod/deployments/web-red", 2),
        workload("back/statefulsets/api", 3),
        autoscaler("prod", "Deployment", "web-blue"),
        autoscaler("back", "StatefulSet", "api"),
    )
    seen = read_capacity(cluster, [BLUE, RED, API])
    assert [(item["key"], item["replicas"], [found["name"] for found in item["autoscalers"]]) for item in seen] == [
        ("web/blue", 4, ["for-web-blue"]),
        ("web/red", 2, []),
        ("api/blue", 3, ["for-api"]),
    ]
    assert sorted(cluster.asked) == [
        "get /apis/apps/v1/namespaces/back/statefulsets/api",
        "get /apis/apps/v1/namespaces/prod/deployments/web-blue",
        "get /apis/apps/v1/namespaces/prod/deployments/web-red",
        "list /apis/autoscaling/v2/namespaces/back/horizontalpodautoscalers",
        "list /apis/autoscaling/v2/namespaces/prod/horizontalpodautoscalers",
    ]


def test_without_workloads_nothing_is_asked() -> None:
    cluster: Any = Recorded()
    assert read_capacity(cluster, []) == []
    assert cluster.asked == []


def test_without_autoscalers_only_the_workloads_are_asked_for() -> None:
    cluster: Any = Recorded(autoscaler("prod", "Deployment", "web-blue"))
    (seen,) = read_capacity(cluster, [BLUE], autoscalers=False)
    assert (seen["exists"], seen["autoscalers"]) == (False, [])
    assert cluster.asked == ["get /apis/apps/v1/namespaces/prod/deployments/web-blue"]
