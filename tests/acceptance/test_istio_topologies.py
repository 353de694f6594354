# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes that routes have in real meshes, each moved by a release while requests flow through it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json, until
from tests.acceptance.playbooks import DEADLINE, Playbooks, RunningPlaybook, Task
from tests.acceptance.proof.connections import OneConnection
from tests.acceptance.traffic import Gateway, load, nothing_failed, share_in_between

VERSIONS = ("blue", "green")
# Of each of several loads side by side.
RATE = 25
PROBE_RATE = 60
# Each is a connection of its own, and a handshake.
CONNECTION_RATE, CONNECTION_PROBE_RATE = 10, 60
# Told by some two hundred answers, where the default asks for some fifteen hundred.
COARSELY = {"tolerance": 15}
# Of one command in a pod: each command is a connection by the API server.
ANSWERS = 30
PROOF = "See what the data plane and the gates show"
CONFIG_ROOT = "istio-system"
# Long enough at one half for the requests of a load to show it.
STEPS = [{"percent": 50, "pause": "3s"}, {"percent": 100, "pause": "0s"}]


def addresses(cluster: Cluster, namespace: str, service: str, version: str) -> list[str]:
    pods = cluster.items("pods", namespace)
    labels = {"app": service, objects.LABEL: version}
    return [pod["status"]["podIP"] for pod in pods if labels.items() <= pod["metadata"]["labels"].items()]


def service_entry(namespace: str, host: str, endpoints: Sequence[str]) -> Json:
    """A host of its own whose endpoints are addresses, as of machines outside the cluster."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": host.split(".")[0], "namespace": namespace},
        "spec": {
            "hosts": [host],
            "location": "MESH_INTERNAL",
            "resolution": "STATIC",
            "ports": [{"name": "http", "number": 80, "protocol": "HTTP", "targetPort": 8080}],
            "endpoints": [{"address": address} for address in endpoints],
        },
    }


def destinations(*hosts: str, port: int = 80) -> list[Json]:
    return [
        {"destination": {"host": host, "port": {"number": port}}, "weight": weight}
        for host, weight in zip(hosts, (100, 0), strict=True)
    ]


def existing(service: str, **more: Json) -> Json:
    return {name: {"existing": {"deployment": f"{service}-{name}"}, **more.get(name, {})} for name in VERSIONS}


@pytest.fixture
def other_namespace(cluster: Cluster, namespace: str) -> Iterator[str]:
    name = f"{namespace}-other"
    cluster.create_namespace(name)
    try:
        yield name
    finally:
        cluster.delete_namespace(name)
        cluster.kubectl("delete", "destinationrule", namespace, "-n", CONFIG_ROOT)


def delegated(cluster: Cluster, namespace: str, other: str) -> Json:
    """The root is a platform team's, in a namespace of its own; the delegate has no hosts and carries the weights."""
    host = f"delegated.{namespace}.example.com"
    root = objects.route(
        other,
        "entry",
        {},
        host=host,
        http=[
            {
                "name": "shop",
                "match": [{"uri": {"prefix": "/"}}],
                "delegate": {"name": "delegated", "namespace": namespace},
            }
        ],
    )
    delegate = objects.route(namespace, "delegated", {"blue": 100, "green": 0})
    for key in ("hosts", "gateways"):
        delegate["spec"].pop(key)
    cluster.apply([root, delegate])
    return {"hosts": [host], "versions": existing("delegated")}


def test_shapes_of_routes_at_a_gateway(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    other_namespace: str,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    """A delegate, versions in two namespaces, subsets that the whole mesh shares, and hosts of ServiceEntries."""
    workloads = [
        objects.workload(space, service, version)
        for service, spaces in {
            "delegated": (namespace, namespace),
            "spread": (namespace, other_namespace),
            "shared": (namespace, namespace),
            "outside": (namespace, namespace),
        }.items()
        for version, space in zip(VERSIONS, spaces, strict=True)
    ]
    cluster.apply([item for items in workloads for item in items])
    for items in workloads:
        cluster.wait_until_ready(items[0]["metadata"]["namespace"], items[0]["metadata"]["name"])

    services = {
        "delegated": delegated(cluster, namespace, other_namespace),
        "spread": spread(cluster, namespace, other_namespace),
        "shared": shared(cluster, namespace),
        "outside": outside(cluster, namespace),
    }
    hosts = {name: service["hosts"][0] for name, service in services.items()}
    for host in hosts.values():
        gateway.wait_until_served(host)
    root = {"router": "istio", "name": "entry", "namespace": other_namespace}
    playbooks.task("traffic", {"routes": [root], "weights": {"blue": 100, "green": 0}}).refused(
        f"VirtualService {other_namespace}/entry", f"route: {{name: delegated, namespace: {namespace}}}"
    )
    spec = {
        "release": "shapes",
        "namespace": namespace,
        "to": "green",
        "services": services,
        "steps": STEPS,
        "observe": {
            "probe": {"url": gateway.url, "rate": PROBE_RATE, "expect": COARSELY},
            "proxies": {},
            "deadline": "60s",
        },
    }
    with ExitStack() as stack:
        loads = [
            stack.enter_context(load(gateway, host, tmp_path / f"{name}.jsonl", RATE)) for name, host in hosts.items()
        ]
        playbooks.run("release", spec).succeeded()
    for name, running in zip(services, loads, strict=True):
        split = cluster.route(namespace, name)["spec"]["http"][0]["route"]
        assert [entry["weight"] for entry in split] == [0, 100], name
        tell(f"{name}: {nothing_failed(running)}, {share_in_between(running)}")


def spread(cluster: Cluster, namespace: str, other: str) -> Json:
    """One name in two namespaces, as where each stage has one."""
    host = f"spread.{namespace}.example.com"
    green = objects.service_of(other, "spread", {"app": "spread"})
    blue = objects.service_of(namespace, "spread", {"app": "spread"})
    hosts = [f"spread.{space}.svc.cluster.local" for space in (namespace, other)]
    rule = {"name": "main", "route": destinations(*hosts)}
    cluster.apply([blue, green, objects.route(namespace, "spread", {}, host=host, http=[rule])])
    versions = existing("spread", blue={"host": "spread"}, green={"host": "spread", "namespace": other})
    return {"hosts": [host], "versions": versions}


def shared(cluster: Cluster, namespace: str) -> Json:
    """The DestinationRule is where Istio looks for those of the whole mesh."""
    host = f"shared.{namespace}.example.com"
    service, rule = objects.subsets(namespace, "shared", *VERSIONS)
    rule["metadata"] = {"name": namespace, "namespace": CONFIG_ROOT}
    rule["spec"]["host"] = f"shared.{namespace}.svc.cluster.local"
    split = objects.subset_destinations("shared", {"blue": 100, "green": 0})
    route = objects.route(namespace, "shared", {}, host=host, http=[{"name": "main", "route": split}])
    cluster.apply([service, rule, route])
    versions = existing("shared", blue={"subset": "blue"}, green={"subset": "green"})
    return {"hosts": [host], "versions": versions}


def outside(cluster: Cluster, namespace: str) -> Json:
    host = f"outside.{namespace}.example.com"
    hosts = {version: f"{version}.{namespace}.internal" for version in VERSIONS}
    entries = [
        service_entry(namespace, hosts[version], addresses(cluster, namespace, "outside", version))
        for version in VERSIONS
    ]
    rule = {"name": "main", "route": destinations(*hosts.values())}
    cluster.apply([*entries, objects.route(namespace, "outside", {}, host=host, http=[rule])])
    versions = existing("outside", **{version: {"host": name} for version, name in hosts.items()})
    return {"hosts": [host], "versions": versions}


def test_a_route_inside_the_mesh_is_seen_through_a_sidecar(
    playbooks: Playbooks,
    cluster: Cluster,
    sidecar: Gateway,
    namespace: str,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    """Everything is ours, there is no gateway, and requests are those of a caller's pod, by its own proxy."""
    host = f"web.{namespace}.svc.cluster.local"
    ask = [
        "curl",
        "-s",
        "-x",
        sidecar.url,
        "-o",
        "/dev/null",
        "-w",
        "%header{app-version}\\n",
        f"http://{host}/?[1-{ANSWERS}]",
    ]
    caller = {"namespace": "lab", "selector": "app=sidecar"}
    spec = objects.release(namespace, to="green", steps=STEPS, interval="1s")
    spec["services"]["web"] = {"versions": spec["services"]["web"]["versions"]}
    spec["observe"] = {
        "probe": {"exec": {**caller, "command": ask}, "rate": PROBE_RATE / ANSWERS, "expect": COARSELY},
        "proxies": caller,
        "deadline": "60s",
    }
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    sidecar.wait_until_served(host)
    with load(sidecar, host, tmp_path / "requests.jsonl", RATE) as running:
        playbooks.run("release", spec).succeeded()
    assert cluster.names("deployments", namespace) == {"deployment.apps/web-green"}
    tell(f"{nothing_failed(running)}, {share_in_between(running)}")


def proofs_after(running: RunningPlaybook, moment: float) -> list[Task]:
    return [task for task in running.tasks() if task.name.endswith(PROOF) and task.time > moment]


def test_connections_of_a_tcp_route_end_where_they_began(
    playbooks: Playbooks,
    cluster: Cluster,
    lab: Json,
    namespace: str,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    """New connections are divided, an old one stays with blue, and blue is not retired before it has ended."""
    door, host = Gateway(lab, "gateway_tcp_url"), f"{namespace}.example.com"
    spec = objects.release(namespace, to="green", steps=STEPS, interval="1s", drain="60s")
    spec["services"]["web"] |= {"port": 9000, "protocol": "tcp", "gateways": ["istio-system/streams"]}
    spec["observe"] = {
        "probe": {"url": door.url, "rate": CONNECTION_PROBE_RATE, "expect": COARSELY},
        "proxies": {},
        "deadline": "60s",
    }
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    door.wait_until_served(host)
    with load(door, host, tmp_path / "requests.jsonl", CONNECTION_RATE, keep_alive=False) as running:
        with OneConnection(door, host) as connection:
            release = playbooks.begin("release", {"bluegreen": spec})
            seen = release.task("Refuse while any rule or mirror still sends them traffic").time
            until(lambda: proofs_after(release, seen), "no new connection reaches blue", DEADLINE)
            running.next(6 * CONNECTION_RATE, time.time())
            assert cluster.find("deployment", namespace, "web-blue"), "retired before its connection had ended"
        ended = release.end().succeeded()
    assert "no request or stream to blue is open" in json.dumps([task.result for task in ended.tasks])
    assert not connection.broken, connection.broken
    assert list(connection.answers) == ["200 of blue"], connection.answers
    assert cluster.names("deployments", namespace) == {"deployment.apps/web-green"}
    tell(f"{nothing_failed(running)}, {share_in_between(running)}; one connection: {connection.answers}")


def test_tls_is_passed_through_by_the_name_that_it_asks_for(
    playbooks: Playbooks,
    cluster: Cluster,
    lab: Json,
    namespace: str,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    """The owner's rule by SNI: its weights divide connections that nobody on the way can read."""
    door, host = Gateway(lab, "gateway_tls_url"), f"{namespace}.example.com"
    workloads = [item for version in VERSIONS for item in objects.workload(namespace, "web", version)]
    for item in workloads:
        if item["kind"] == "Deployment":
            item["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"name": "tls", "containerPort": 8443}]
        else:
            item["spec"]["ports"] = [{"name": "tls", "port": 443, "targetPort": "tls"}]
    rule = {"match": [{"port": 443, "sniHosts": [host]}], "route": destinations("web-blue", "web-green", port=443)}
    route = objects.route(namespace, "web", {}, gateways=["istio-system/streams"], tls=[rule])
    route["spec"].pop("http")
    cluster.apply([*workloads, route])
    cluster.wait_until_ready(namespace, "web-blue", "web-green")
    door.wait_until_served(host)
    spec = objects.existing(namespace, to="green", steps=STEPS, interval="1s")
    spec["services"]["web"] |= {"protocol": "tls", "hosts": [host]}
    probe = {"url": door.url, "rate": CONNECTION_PROBE_RATE, "expect": COARSELY, "tls": {"validate_certs": False}}
    spec["observe"] = {"probe": probe, "proxies": {}, "deadline": "60s"}
    with load(door, host, tmp_path / "requests.jsonl", CONNECTION_RATE, keep_alive=False) as running:
        playbooks.run("release", spec).succeeded()
    after = cluster.route(namespace)["spec"]
    assert [entry["weight"] for entry in after["tls"][0]["route"]] == [0, 100]
    assert after["tls"][0]["match"] == rule["match"]
    tell(f"{nothing_failed(running)}, {share_in_between(running)}")
