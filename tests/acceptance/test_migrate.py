# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release moves from App Mesh to Istio with the weights that it has."""

from __future__ import annotations

from typing import Any

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json
from tests.acceptance.playbooks import Playbooks

API = "appmesh.k8s.aws/v1beta2"
OURS = {"app.kubernetes.io/managed-by": "bluegreen.kubernetes"}
ROUTES = "virtualrouters.appmesh.k8s.aws,virtualservices.appmesh.k8s.aws,virtualnodes.appmesh.k8s.aws"


def _object(namespace: str, kind: str, name: str, spec: Json, **labels: str) -> Json:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


def app_mesh(namespace: str) -> list[Json]:
    """A VirtualRouter of ours at 70/30, and one node that is somebody else's."""
    targets = [
        {"virtualNodeRef": {"name": name}, "weight": weight} for name, weight in (("web-blue", 70), ("web-green", 30))
    ]
    route = {"name": "web", "httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}}
    listeners = [{"portMapping": {"port": 8080, "protocol": "http"}}]
    provider = {"virtualRouter": {"virtualRouterRef": {"name": "web"}}}
    return [
        _object(namespace, "VirtualNode", "web-blue", {}),
        _object(namespace, "VirtualRouter", "web", {"listeners": listeners, "routes": [route]}, **OURS),
        _object(namespace, "VirtualService", "web", {"provider": provider}, **OURS),
    ]


def test_the_new_route_begins_with_the_weights_of_the_old_one(
    playbooks: Playbooks, cluster: Cluster, namespace: str
) -> None:
    cluster.apply([*objects.workload(namespace, "web", "blue"), *objects.workload(namespace, "web", "green")])
    cluster.apply(app_mesh(namespace))
    cluster.wait_until_ready(namespace, "web-blue", "web-green")
    spec = objects.existing(namespace)
    spec["services"]["web"] |= {"hosts": [f"{namespace}.example.com"], "gateways": ["istio-system/public"]}
    # What was written in another way before is said beside the router's name.
    former: dict[str, Any] = {"router": "app_mesh", "services": {"web": {"hosts": [], "gateways": []}}}

    moved = playbooks.run("migrate", spec, bluegreen_migrate_from=former).succeeded()
    assert cluster.weights(namespace) == {"web-blue": 70, "web-green": 30}
    (said,) = (task.result["msg"] for task in moved.tasks if task.name.endswith("the old router's objects"))
    gone = f"VirtualService {namespace}/web, VirtualRouter {namespace}/web"
    assert said == [
        f"web: lead {namespace}.example.com to the gateway istio-system/public",
        f"once nobody calls through them, bluegreen_migrate_remove: true deletes {gone}",
    ]

    removed = {"bluegreen_migrate_from": former, "bluegreen_migrate_remove": True}
    assert playbooks.run("migrate", spec, **removed).succeeded().changed == 1
    assert cluster.names(ROUTES, namespace) == {"virtualnode.appmesh.k8s.aws/web-blue"}
    playbooks.run("migrate", spec, **removed).unchanged()
    assert cluster.weights(namespace) == {"web-blue": 70, "web-green": 30}
