# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's definitions of App Mesh's objects refuse what the real ones and their webhooks refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.acceptance.cluster import Cluster

Json = dict[str, Any]

API = "appmesh.k8s.aws/v1beta2"
PLURALS = {
    "Mesh": "meshes",
    "VirtualNode": "virtualnodes",
    "VirtualRouter": "virtualrouters",
    "VirtualService": "virtualservices",
}


def node() -> Json:
    return {
        "podSelector": {"matchLabels": {"app": "metal", "version": "v1"}},
        "listeners": [{"portMapping": {"port": 9080, "protocol": "http"}}],
        "serviceDiscovery": {"dns": {"hostname": "metal-v1.music.svc.cluster.local"}},
        "backends": [{"virtualService": {"virtualServiceRef": {"name": "jazz"}}}],
    }


def router(**route: Any) -> Json:
    targets = [{"virtualNodeRef": {"name": "metal-v1"}, "weight": 100}]
    http = {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}
    return {
        "listeners": [{"portMapping": {"port": 9080, "protocol": "http"}}],
        "routes": [{"name": "metal", "priority": 10, "httpRoute": http, **route}],
    }


def http_route(**changed: Any) -> Json:
    """A router whose only route has another match or other targets."""
    spec = router()
    rule = spec["routes"][0]["httpRoute"]
    rule["match"] = changed.get("match", rule["match"])
    rule["action"]["weightedTargets"] = changed.get("targets", rule["action"]["weightedTargets"])
    return spec


METAL = {"name": "metal-v1"}
KINDS = {
    "Mesh": {"namespaceSelector": {"matchLabels": {"mesh": "music"}}, "egressFilter": {"type": "DROP_ALL"}},
    "VirtualNode": node(),
    "VirtualRouter": router(),
    "VirtualService": {
        "awsName": "metal.music",
        "provider": {"virtualRouter": {"virtualRouterRef": {"name": "metal"}}},
    },
}


@pytest.fixture(scope="module")
def answer(cluster: Cluster) -> Iterator[Callable[[str, Json], str]]:
    """What the API server says to an object that it is asked about only, over one connection for all."""
    connection = cluster.connection()

    def ask(kind: str, spec: Json) -> str:
        manifest = {"apiVersion": API, "kind": kind, "metadata": {"name": "asked"}, "spec": spec}
        place = "" if kind == "Mesh" else "namespaces/default/"
        path = f"/apis/{API}/{place}{PLURALS[kind]}?dryRun=All&fieldValidation=Strict"
        connection.request("POST", path, json.dumps(manifest), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        message: str = json.loads(answer.read()).get("message", "")
        return message

    yield ask
    connection.close()


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_api_takes_is_taken(answer: Callable[[str, Json], str], kind: str) -> None:
    assert answer(kind, KINDS[kind]) == ""


@pytest.mark.parametrize(
    ("kind", "spec", "reason"),
    [
        ("Mesh", {"egressFilter": {"type": "DROP_SOME"}}, "Unsupported value"),
        ("VirtualNode", {"listeners": node()["listeners"]}, "needs serviceDiscovery"),
        ("VirtualNode", {**node(), "backends": 2 * node()["backends"]}, "the same virtual service"),
        ("VirtualRouter", {"listeners": []}, "should have at least 1 items"),
        ("VirtualRouter", router(priority=1001), "less than or equal to 1000"),
        ("VirtualRouter", {"routes": 2 * router()["routes"]}, "two routes have the same name"),
        ("VirtualRouter", {**router(), "meshRef": {"name": "music", "uid": "1"}}, "read-only"),
        ("VirtualRouter", router(weight=5), "unknown field"),
        ("VirtualRouter", http_route(match={}), "prefix and path"),
        ("VirtualRouter", http_route(match={"prefix": "/", "path": {"exact": "/"}}), "prefix and path"),
        ("VirtualRouter", http_route(match={"prefix": "/", "headers": [{"name": 51 * "x"}]}), "50"),
        ("VirtualRouter", http_route(targets=[]), "should have at least 1 items"),
        ("VirtualRouter", http_route(targets=[{"virtualNodeRef": METAL}]), "weight: Required value"),
        ("VirtualRouter", http_route(targets=[{"virtualNodeRef": METAL, "weight": 101}]), "less than or equal to 100"),
        ("VirtualRouter", http_route(targets=[{"virtualNodeRef": METAL, "weight": -1}]), "greater than or equal to 0"),
        ("VirtualRouter", http_route(targets=11 * [{"virtualNodeRef": METAL, "weight": 1}]), "at most 10 items"),
    ],
)
def test_what_the_api_refuses_is_refused(
    answer: Callable[[str, Json], str], kind: str, spec: Json, reason: str
) -> None:
    assert reason in answer(kind, spec)


def test_the_name_in_app_mesh_stays(cluster: Cluster, namespace: str) -> None:
    manifest: Json = {
        "apiVersion": API,
        "kind": "VirtualService",
        "metadata": {"name": "metal", "namespace": namespace},
        "spec": {"awsName": "metal.music.svc.cluster.local"},
    }
    cluster.apply([manifest])
    manifest["spec"]["awsName"] = "jazz.music.svc.cluster.local"
    assert "awsName may not be changed" in cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest)).stderr
