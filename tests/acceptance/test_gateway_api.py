# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same releases through the Gateway API: one variable says which router it is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.traffic import Gateway, Load, load, nothing_failed, share_in_between

Traffic = Callable[[str], AbstractContextManager[Load]]
# Long enough at one half for a slow load to show it.
HALF_WAY = [{"percent": 50, "pause": "3s"}, {"percent": 100, "pause": "0s"}]
SLOW_RATE = 25
PROBE_RATE = 60
# Each is a connection of its own, and a handshake.
CONNECTION_RATE, CONNECTION_PROBE_RATE = 10, 60
# Told by some two hundred answers, where the default asks for some fifteen hundred.
COARSELY = {"tolerance": 15}
PUBLIC = {"name": "public", "namespace": "istio-system"}


def backend(version: str, weight: int, **more: Any) -> Json:
    return {"name": f"web-{version}", "port": 80, "weight": weight, **more}


def http_route(namespace: str, backends: list[Json], parent: Json | None = None) -> Json:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "namespace": namespace, "annotations": {"example.com/team": "web 世界"}},
        "spec": {
            "parentRefs": [parent or PUBLIC],
            "hostnames": [f"{namespace}.example.com"],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "timeouts": {"request": "5s"},
                    "backendRefs": backends,
                }
            ],
        },
    }


def observing(gateway: Gateway, host: str) -> Json:
    return {"probe": {"url": gateway.url, "host": host, "rate": 200}}


def route(cluster: Cluster, namespace: str) -> Json:
    return cluster.get("httproute.gateway.networking.k8s.io", namespace, "web")


def weights(cluster: Cluster, namespace: str, rule: int = 0) -> dict[str, int]:
    return {entry["name"]: entry["weight"] for entry in route(cluster, namespace)["spec"]["rules"][rule]["backendRefs"]}


def without_weights(found: Json) -> Json:
    rest = copy.deepcopy(found)
    rest.pop("status")
    for key in ("resourceVersion", "generation", "managedFields"):
        rest["metadata"].pop(key)
    for rule in rest["spec"]["rules"]:
        for entry in rule["backendRefs"]:
            entry.pop("weight")
    return rest


def managers(found: Json) -> set[str]:
    return {entry["manager"] for entry in found["metadata"]["managedFields"]}


@pytest.fixture
def workloads(cluster: Cluster, namespace: str) -> str:
    """Two ready versions, and no route yet."""
    cluster.apply([*objects.workload(namespace, "web", "blue"), *objects.workload(namespace, "web", "green")])
    cluster.wait_until_ready(namespace, "web-blue", "web-green")
    return namespace


def test_a_route_of_somebody_else_on_a_scale_of_its_own(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    workloads: str,
    host: str,
    traffic_to: Traffic,
    tell: Callable[[str], None],
) -> None:
    """Nine tenths and a partner's tenth: the versions share what they held, and the partner keeps its part."""
    partner = objects.workload(workloads, "partner", "v1")
    cluster.apply(partner)
    cluster.wait_until_ready(workloads, "partner-v1")
    cluster.apply(
        [
            http_route(
                workloads, [backend("blue", 9), backend("green", 0), {"name": "partner-v1", "port": 80, "weight": 1}]
            )
        ]
    )
    gateway.wait_until_served(host)
    before = route(cluster, workloads)
    spec = objects.existing(workloads, router="gateway_api", to="green", steps=[25, 100], pause="0s")
    with traffic_to(host) as load:
        playbooks.run("release", spec, bluegreen_percent=25).succeeded()
        # 25 % of 9 of 10 is a whole number only in fortieths.
        assert weights(cluster, workloads) == {"web-blue": 27, "web-green": 9, "partner-v1": 4}
        gateway.wait_until_it_holds(host, {"web-blue": 27, "web-green": 9, "partner-v1": 4})
        playbooks.run("release", spec).succeeded()
        assert weights(cluster, workloads) == {"web-blue": 0, "web-green": 36, "partner-v1": 4}
        playbooks.run("release", spec).unchanged()
    after = route(cluster, workloads)
    assert without_weights(after) == without_weights(before)
    assert managers(after) == managers(before)
    tell(nothing_failed(load))


def test_everything_of_ours_there_and_back(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    traffic_to: Traffic,
    tell: Callable[[str], None],
) -> None:
    """Test header at 0 %, mirror, steps seen by requests, a rollback half way, and a release to its end."""
    observe = observing(gateway, host)
    verify = {"header": True}
    spec = objects.release(
        namespace, router="gateway_api", to="green", observe=observe, verify=verify, steps=[10, 50, 100]
    )
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    gateway.wait_until_served(host)
    with traffic_to(host) as load:
        playbooks.run("deploy", spec).succeeded()
        playbooks.run("verify", spec).succeeded()
        before = route(cluster, namespace)
        mirrored = {**spec, "mirror": {"percent": 50, "duration": "1s"}}
        playbooks.run("shift", mirrored, bluegreen_percent=50).succeeded()
        assert weights(cluster, namespace) == {"web-blue": 50, "web-green": 50}
        assert without_weights(route(cluster, namespace)) == without_weights(before)
        playbooks.run("rollback", spec).succeeded()
        assert weights(cluster, namespace) == {"web-blue": 100}
        playbooks.run("release", spec).succeeded()
        assert weights(cluster, namespace) == {"web-green": 100}
        assert cluster.names("deployments", namespace) == {"deployment.apps/web-green"}
        playbooks.run("release", spec).unchanged()
    tell(nothing_failed(load))


def test_a_gateway_that_refuses_the_route(playbooks: Playbooks, cluster: Cluster, workloads: str) -> None:
    cluster.apply([http_route(workloads, [backend("blue", 1), backend("green", 0)], parent={**PUBLIC, "port": 9999})])
    before = cluster.versions(workloads)
    spec = objects.existing(workloads, router="gateway_api", to="green")
    run = playbooks.run("release", spec)
    run.refused("HTTPRoute", "is refused as it stands", "Gateway istio-system/public says Accepted=False")
    assert cluster.versions(workloads) == before
    assert weights(cluster, workloads) == {"web-blue": 1, "web-green": 0}


def test_a_reference_grant_that_is_missing(
    playbooks: Playbooks, cluster: Cluster, gateway: Gateway, workloads: str, host: str
) -> None:
    """A candidate in a namespace that has not opened itself to the route, until it has."""
    other = f"{workloads}-other"
    cluster.create_namespace(other)
    try:
        cluster.apply(objects.workload(other, "web", "green"))
        cluster.wait_until_ready(other, "web-green")
        cluster.apply([http_route(workloads, [backend("blue", 1), backend("green", 0, namespace=other)])])
        spec = objects.existing(workloads, router="gateway_api", to="green", pause="0s")
        spec["services"]["web"]["versions"]["green"]["namespace"] = other
        run = playbooks.run("release", spec)
        run.refused("ResolvedRefs=False", "RefNotPermitted", "was put back")
        assert weights(cluster, workloads) == {"web-blue": 1, "web-green": 0}
        grant = {
            "apiVersion": "gateway.networking.k8s.io/v1beta1",
            "kind": "ReferenceGrant",
            "metadata": {"name": "web", "namespace": other},
            "spec": {
                "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": workloads}],
                "to": [{"group": "", "kind": "Service"}],
            },
        }
        cluster.apply([grant])
        gateway.wait_until_served(host)
        playbooks.run("release", spec).succeeded()
        assert [weight > 0 for weight in weights(cluster, workloads).values()] == [False, True]
    finally:
        cluster.delete_namespace(other)


@pytest.mark.parametrize(("protocol", "port"), [("tcp", 9001), ("tls", 8443)])
def test_connections_are_divided(
    playbooks: Playbooks,
    cluster: Cluster,
    lab: Json,
    namespace: str,
    host: str,
    tmp_path: Path,
    tell: Callable[[str], None],
    protocol: str,
    port: int,
) -> None:
    """A TCPRoute, and a TLSRoute by the name that a connection asks for: both of ours, both with nothing to read in."""
    door = Gateway(lab, f"gateway_api_{protocol}_url")
    spec = objects.release(namespace, router="gateway_api", to="green", steps=HALF_WAY, interval="1s")
    spec["services"]["web"] |= {"port": port, "protocol": protocol, "gateways": [f"istio-system/streams/{protocol}"]}
    probe = {
        "url": door.url,
        "rate": CONNECTION_PROBE_RATE,
        "expect": COARSELY,
        **({"tls": {"validate_certs": False}} if protocol == "tls" else {}),
    }
    spec["observe"] = {"probe": probe, "proxies": {}, "deadline": "60s"}
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    door.wait_until_served(host)
    with load(door, host, tmp_path / "requests.jsonl", CONNECTION_RATE, keep_alive=False) as running:
        playbooks.run("release", spec).succeeded()
    route = cluster.get(f"{protocol}route.gateway.networking.k8s.io", namespace, "web")
    assert [entry["name"] for entry in route["spec"]["rules"][0]["backendRefs"]] == ["web-green"]
    tell(f"{nothing_failed(running)}, {share_in_between(running)}")


def test_a_route_of_a_service_inside_the_mesh(
    playbooks: Playbooks,
    cluster: Cluster,
    sidecar: Gateway,
    workloads: str,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    """The parent is the Service that callers name, and their own proxies follow."""
    host = f"web.{workloads}.svc.cluster.local"
    mesh_route = http_route(workloads, [backend("blue", 1), backend("green", 0)])
    mesh_route["spec"].pop("hostnames")
    mesh_route["spec"]["parentRefs"] = [{"group": "", "kind": "Service", "name": "web"}]
    cluster.apply([objects.service_of(workloads, "web", {"app": "web"}), mesh_route])
    sidecar.wait_until_served(host)
    spec = objects.existing(workloads, router="gateway_api", to="green", steps=HALF_WAY, interval="1s")
    spec["observe"] = {
        "probe": {"url": sidecar.url, "host": host, "rate": PROBE_RATE, "expect": COARSELY},
        "proxies": {"namespace": "lab", "selector": "app=sidecar"},
        "deadline": "60s",
    }
    with load(sidecar, host, tmp_path / "requests.jsonl", SLOW_RATE) as running:
        playbooks.run("release", spec).succeeded()
    assert [weight > 0 for weight in weights(cluster, workloads).values()] == [False, True]
    tell(f"{nothing_failed(running)}, {share_in_between(running)}")


def test_calls_of_grpc_are_divided(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    """A GRPCRoute of ours at the public gateway, with a test header at 0 %; each call is one of HTTP/2."""
    spec = objects.release(namespace, router="gateway_api", to="green", steps=HALF_WAY, interval="1s")
    spec["services"]["web"] |= {"protocol": "grpc"}
    call = {"url": f"{gateway.url}shop.Cart/Add", "method": "POST", "http_version": "2", "rate": PROBE_RATE}
    call["expect"] = COARSELY
    call["headers"] = {"content-type": "application/grpc", "te": "trailers"}
    spec |= {"observe": {"probe": call, "proxies": {}, "deadline": "60s"}, "verify": {"header": True}}
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    gateway.wait_until_served(host)
    with load(gateway, host, tmp_path / "requests.jsonl", SLOW_RATE) as running:
        playbooks.run("release", spec).succeeded()
    route = cluster.get("grpcroute.gateway.networking.k8s.io", namespace, "web")
    assert [entry["name"] for entry in route["spec"]["rules"][0]["backendRefs"]] == ["web-green"]
    assert len(route["spec"]["rules"]) == 1
    tell(f"{nothing_failed(running)}, {share_in_between(running)}")
