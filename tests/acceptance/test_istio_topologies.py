# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes that routes have in real meshes, each moved by a release while requests flow through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.traffic import Gateway, load, nothing_failed, share_in_between

VERSIONS = ("blue", "green")
# Of each of several loads side by side.
RATE = 25
PROBE_RATE = 60
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


def destinations(*hosts: str) -> list[Json]:
    return [
        {"destination": {"host": host, "port": {"number": 80}}, "weight": weight}
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
        "observe": {"probe": {"url": gateway.url, "rate": PROBE_RATE}, "proxies": {}, "deadline": "60s"},
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
