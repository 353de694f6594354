# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.lab.app_mesh import envoy, status
from tests.lab.app_mesh.accepted import Accepted, accept
from tests.lab.app_mesh.objects import Json, Key, Objects, injected, key

FOLDER = Path("/lab/app-mesh")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HTTP = [{"portMapping": {"port": 9080, "protocol": "http"}}]
V1, V2 = "cds_egress_music_metal-v1_dj_http_9080", "cds_egress_music_metal-v2_dj_http_9080"


def manifest(kind: str, name: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "dj", "uid": "1", "resourceVersion": "7", "generation": 3}
    return {"apiVersion": "appmesh.k8s.aws/v1beta2", "kind": kind, "metadata": metadata, "spec": spec, **more}


def node(name: str, backends: tuple[str, ...] = (), **spec: Any) -> dict[str, Any]:
    app, _dash, version = name.partition("-")
    return manifest(
        "VirtualNode",
        name,
        {
            "podSelector": {"matchLabels": {"app": app, **({"version": version} if version else {})}},
            "listeners": HTTP,
            "serviceDiscovery": {"dns": {"hostname": f"{name}.dj.svc.cluster.local"}},
            "backends": [{"virtualService": {"virtualServiceRef": {"name": backend}}} for backend in backends],
            **spec,
        },
    )


def targets(**weights: int) -> list[dict[str, Any]]:
    return [{"virtualNodeRef": {"name": f"metal-{name}"}, "weight": weight} for name, weight in weights.items()]


def route(name: str = "metal", kind: str = "httpRoute", **fields: Any) -> dict[str, Any]:
    """Its match is everything, unless one is given; other fields are the route's own, such as its priority."""
    weights = fields.pop("weights", {"v1": 95, "v2": 5})
    match = fields.pop("match", {"prefix": "/"})
    timeout = {"timeout": fields.pop("timeout")} if "timeout" in fields else {}
    return {
        "name": name,
        kind: {"match": match, "action": {"weightedTargets": targets(**weights)}, **timeout},
        **fields,
    }


def router(*routes: Json, listeners: Any = None) -> dict[str, Any]:
    return manifest("VirtualRouter", "metal", {"listeners": listeners or HTTP, "routes": list(routes)})


def service(name: str = "metal") -> dict[str, Any]:
    provider = {"virtualRouter": {"virtualRouterRef": {"name": "metal"}}}
    return manifest("VirtualService", name, {"awsName": "metal.dj.svc.cluster.local", "provider": provider})


def by_key(*manifests: Json) -> dict[Key, Json]:
    return {key(found): found for found in manifests}


def endpoint_slice(name: str, *addresses: str, ready: bool = True) -> Json:
    labels = {"kubernetes.io/service-name": name}
    return {
        "metadata": {"name": f"{name}-1", "namespace": "dj", "labels": labels},
        "ports": [{"name": "http", "port": 8080}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}} for address in addresses],
    }


def objects(**changed: Any) -> Objects:
    """The whole of a mesh with a frontend and a service of two versions."""
    found: dict[str, Any] = {
        "meshes": by_key(
            {
                "metadata": {"name": "music", "generation": 1},
                "spec": {"namespaceSelector": {"matchLabels": {"mesh": "music"}}},
            }
        ),
        "namespaces": by_key({"metadata": {"name": "dj", "labels": {"mesh": "music"}}}),
        "nodes": by_key(node("dj", backends=("metal",)), node("metal-v1"), node("metal-v2")),
        "routers": by_key(router(route())),
        "services": by_key(service()),
        "cluster_services": by_key(
            *(
                manifest("Service", f"metal-{version}", {"ports": [{"name": "http", "port": 9080}]})
                for version in ("v1", "v2")
            )
        ),
        "endpoint_slices": by_key(endpoint_slice("metal-v1", "10.244.0.2"), endpoint_slice("metal-v2", "10.244.0.3")),
    }
    return Objects(**{**found, **changed})


def told(found: Objects) -> envoy.Resources:
    accepted, refusals = accept(found, Accepted())
    assert not refusals
    return envoy.resources(accepted, found, FOLDER)


def routes_of(found: Objects) -> list[Json]:
    (host,) = told(found).routes["virtual_hosts"]
    return list(host["routes"])


def test_weights_go_to_clusters_with_the_names_that_app_mesh_gives_them() -> None:
    resources = told(objects())
    (host,) = resources.routes["virtual_hosts"]
    assert host["domains"] == ["metal.dj.svc.cluster.local:9080"]
    assert host["routes"][0]["route"]["weighted_clusters"]["clusters"] == [
        {"name": V1, "weight": 95},
        {"name": V2, "weight": 5},
    ]
    assert {V1, V2} <= {cluster["name"] for cluster in resources.clusters}


def test_endpoints_are_those_of_the_service_that_the_node_is_found_by() -> None:
    endpoints = told(objects()).endpoints
    assert endpoints[V1] == [("10.244.0.2", 8080)]
    assert endpoints[V2] == [("10.244.0.3", 8080)]


def test_an_endpoint_that_is_not_ready_gets_nothing() -> None:
    slices = by_key(endpoint_slice("metal-v1", "10.244.0.2", ready=False))
    assert told(objects(endpoint_slices=slices)).endpoints[V1] == []


def test_cloud_map_knows_the_ready_pods_of_a_node() -> None:
    discovery = {"awsCloudMap": {"namespaceName": "dj", "serviceName": "metal"}}
    nodes = by_key(node("metal-v1", serviceDiscovery=discovery))
    labels = {"app": "metal", "version": "v1"}
    pods = {
        ("dj", name): {
            "metadata": {"name": name, "namespace": "dj", "labels": labels},
            "status": {"podIP": address, "conditions": [{"type": "Ready", "status": ready}]},
        }
        for name, address, ready in (("one", "10.244.0.5", "True"), ("two", "10.244.0.6", "False"))
    }
    found = objects(nodes=nodes, routers={}, services={}, pods=pods)
    assert told(found).endpoints == {V1: [("10.244.0.5", 9080)]}


def test_a_lower_priority_goes_first_and_none_last() -> None:
    found = objects(routers=by_key(router(route("last"), route("second", priority=20), route("first", priority=0))))
    assert [entry["name"] for entry in routes_of(found)] == ["first", "second", "last"]


def test_no_envoy_knows_a_service_that_is_no_ones_backend() -> None:
    assert told(objects(nodes=by_key(node("metal-v1"), node("metal-v2")))).routes["virtual_hosts"] == []


def test_a_connection_is_divided_as_a_whole() -> None:
    tcp = [{"portMapping": {"port": 9080, "protocol": "tcp"}}]
    nodes = by_key(
        node("dj", backends=("metal",)), *(node(f"metal-{version}", listeners=tcp) for version in ("v1", "v2"))
    )
    found = objects(nodes=nodes, routers=by_key(router(route(kind="tcpRoute", match={}), listeners=tcp)))
    (entry,) = routes_of(found)
    assert entry["match"] == {"connect_matcher": {}}
    assert entry["route"]["upgrade_configs"] == [{"upgrade_type": "CONNECT", "connect_config": {}}]
    assert [target["weight"] for target in entry["route"]["weighted_clusters"]["clusters"]] == [95, 5]


def test_a_route_for_another_port_is_not_tried() -> None:
    found = objects(routers=by_key(router(route(), route("other", match={"prefix": "/", "port": 9081}))))
    assert [entry["name"] for entry in routes_of(found)] == ["metal"]


def test_a_service_may_lead_to_a_node_alone() -> None:
    alone = service()
    alone["spec"]["provider"] = {"virtualNode": {"virtualNodeRef": {"name": "metal-v1"}}}
    (entry,) = routes_of(objects(services=by_key(alone), routers={}))
    assert entry["route"]["weighted_clusters"]["clusters"] == [{"name": V1, "weight": 100}]


@pytest.mark.parametrize(
    ("timeout", "expected"), [({}, "15s"), ({"perRequest": {"unit": "ms", "value": 1500}}, "1.5s")]
)
def test_a_request_has_the_time_that_its_route_gives_it(timeout: Json, expected: str) -> None:
    (entry,) = routes_of(objects(routers=by_key(router(route(timeout=timeout)))))
    assert entry["route"]["timeout"] == expected


@pytest.mark.parametrize(
    ("changed", "refused", "message"),
    [
        ({"routers": by_key(router(route(weights={"v1": 0, "v2": 0})))}, "VirtualRouter", "add up to 0"),
        ({"routers": by_key(router(route(weights={"v1": 95, "v2": 95})))}, "VirtualRouter", "add up to 190"),
        ({"routers": by_key(router(route(weights={"v9": 100})))}, "VirtualRouter", "VirtualNode dj/metal-v9 not found"),
        ({"routers": by_key(router(route(kind="tcpRoute")))}, "VirtualRouter", "of which the router has no listener"),
        ({"routers": {}}, "VirtualService", "failed to resolve virtualRouterRef: dj/metal"),
        ({"services": by_key(service(), service("other"))}, "VirtualService", "another virtual service is named"),
        ({"meshes": {}}, "VirtualRouter", "expecting 1 but found 0"),
    ],
)
def test_what_is_wrong_is_refused(changed: Any, refused: str, message: str) -> None:
    _accepted, refusals = accept(objects(**changed), Accepted())
    assert any(kind == refused and message in reason for (kind, _place), reason in refusals.items())


def test_a_refused_change_leaves_the_mesh_as_it_was() -> None:
    before, _none = accept(objects(), Accepted())
    broken = objects(routers=by_key(router(route(weights={"v1": 0, "v2": 0}))))
    after, _refusals = accept(broken, before)
    assert after.routers == before.routers


def test_a_node_stays_while_a_router_leads_to_it() -> None:
    before, _none = accept(objects(), Accepted())
    after, _refusals = accept(objects(nodes=by_key(node("dj", backends=("metal",)), node("metal-v1"))), before)
    assert ("dj", "metal-v2") in after.nodes
    gone, refusals = accept(
        objects(
            nodes=by_key(node("dj", backends=("metal",)), node("metal-v1")),
            routers=by_key(router(route(weights={"v1": 100}))),
        ),
        after,
    )
    assert not refusals
    assert ("dj", "metal-v2") not in gone.nodes


def test_the_status_says_that_an_object_is_active_for_its_generation() -> None:
    found = objects()
    accepted, _refusals = accept(found, Accepted())
    known = router(route())
    written = status.of("VirtualRouter", known, accepted.routers["dj", "metal"], NOW)
    arn = "arn:aws:appmesh:lab:000000000000:mesh/music/virtualRouter/metal_dj"
    assert written == {
        "virtualRouterARN": arn,
        "routeARNs": {"metal": f"{arn}/route/metal"},
        "observedGeneration": 3,
        "conditions": [{"type": "VirtualRouterActive", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z"}],
    }
    assert status.of("VirtualRouter", {**known, "status": written}, accepted.routers["dj", "metal"], NOW) is None


def test_a_route_that_is_gone_has_no_arn() -> None:
    accepted, _refusals = accept(objects(), Accepted())
    known = {**router(route()), "status": {"routeARNs": {"gone": "arn"}}}
    written = status.of("VirtualRouter", known, accepted.routers["dj", "metal"], NOW)
    assert written is not None
    assert written["routeARNs"]["gone"] is None


def test_only_pods_of_a_node_in_a_namespace_that_asks_for_it_get_an_envoy() -> None:
    pods = by_key(
        {"metadata": {"name": "dj-1", "namespace": "dj", "labels": {"app": "dj"}}},
        {"metadata": {"name": "other-1", "namespace": "dj", "labels": {"app": "other"}}},
    )
    asks = by_key(
        {
            "metadata": {
                "name": "dj",
                "labels": {"mesh": "music", "appmesh.k8s.aws/sidecarInjectorWebhook": "enabled"},
            }
        }
    )
    assert injected(objects(pods=pods, namespaces=asks)) == [("dj", "dj-1")]
    assert injected(objects(pods=pods)) == []
