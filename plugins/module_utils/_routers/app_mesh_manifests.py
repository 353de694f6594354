# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of App Mesh that are created for a service, and how VirtualNodes are named.

Which mesh they belong to is said by labels of their namespace: the Mesh is its operator's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.manifests import selector_labels
from .._core.model import Release, Service, Version, owned_labels
from .hosts import full_host
from .mesh import host_service
from .rules import Manifest

GROUP = "appmesh.k8s.aws"
API_VERSION = f"{GROUP}/v1beta2"
NODE_DOMAIN = f"virtualnode.{GROUP}"
# The protocols of listeners, each with the key of the routes that carry it.
ROUTE_OF_PROTOCOL = {"http": "httpRoute", "http2": "http2Route", "grpc": "grpcRoute", "tcp": "tcpRoute"}
# Every route of ours takes all requests, after every other one.
LOWEST_PRIORITY = 1000
_EVERYTHING: Mapping[str, Manifest] = {"http": {"prefix": "/"}, "grpc": {}}


def full_node(host: str, namespace: str) -> str:
    """A VirtualNode as one word: a name alone is one of the namespace, an ARN and a full name are taken as written."""
    return host if "." in host or host.startswith("arn:") else f"{host}.{namespace}.{NODE_DOMAIN}"


def node_of(host: str) -> tuple[str, str] | None:
    """The name and namespace of the VirtualNode of a full name; None for an ARN, and for anything else."""
    name, _dot, rest = host.partition(".")
    namespace, _dot, domain = rest.partition(".")
    return (name, namespace) if domain == NODE_DOMAIN else None


def target_at(host: str) -> Manifest:
    """The part of a weighted target that says where it leads."""
    if host.startswith("arn:"):
        return {"virtualNodeARN": host}
    node = node_of(host)
    return {"virtualNodeRef": {"name": node[0], "namespace": node[1]} if node else {"name": host}}


def node_name(version: Version) -> str | None:
    """The VirtualNode of a version that we deploy: among the objects that its user gives it, else of its Service."""
    return _given_node(version) or version.own_service


def virtual_nodes(release: Release, service: Service, version: Version) -> list[Manifest]:
    """What makes the pods of a version, found by its own Service, a target of routes."""
    if version.own_service is None or _given_node(version) is not None:
        return []
    hostname = full_host(version.own_service, version.namespace)
    spec = {
        "podSelector": {"matchLabels": _selector(service, version)},
        "listeners": _listeners(service),
        "serviceDiscovery": {"dns": {"hostname": hostname}},
    }
    return [_object(release, service, "VirtualNode", version.own_service, version.namespace, spec)]


def route_objects(
    release: Release, service: Service, weights: Mapping[str, int], nodes: Sequence[Manifest]
) -> list[Manifest]:
    """All that leads callers in the mesh to the versions of a service, with these weights."""
    route = service.routes[0]
    targets = [
        {**target_at(_node_of_version(service.versions[name])), "weight": weight} for name, weight in weights.items()
    ]
    rule: Manifest = {"action": {"weightedTargets": targets}}
    if service.protocol in _EVERYTHING:
        rule["match"] = dict(_EVERYTHING[service.protocol])
    entry = {"name": service.name, "priority": LOWEST_PRIORITY, ROUTE_OF_PROTOCOL[service.protocol]: rule}
    router = _object(
        release,
        service,
        "VirtualRouter",
        route.name,
        route.namespace,
        {"listeners": _listeners(service), "routes": [entry]},
    )
    provider = {"virtualRouter": {"virtualRouterRef": {"name": route.name, "namespace": route.namespace}}}
    services = [
        _object(
            release,
            service,
            "VirtualService",
            f"{service.name}-{number}" if number else service.name,
            service.namespace,
            {"awsName": host, "provider": provider},
        )
        for number, host in enumerate(service.hosts or (full_host(service.name, service.namespace),))
    ]
    labels = owned_labels(release.name, service.name)
    return [host_service(service, labels), *nodes, router, *services]


def _node_of_version(version: Version) -> str:
    return full_node(version.host or node_name(version) or version.backend, version.namespace)


def _listeners(service: Service) -> list[Manifest]:
    return [{"portMapping": {"port": service.port, "protocol": service.protocol}}]


def _selector(service: Service, version: Version) -> dict[str, str]:
    """What selects the pods of a version: what its Service selects."""
    for item in version.given.objects if version.given is not None else ():
        if (item["kind"], item["metadata"]["name"]) == ("Service", version.own_service):
            return dict((item.get("spec") or {}).get("selector") or {})
    return selector_labels(service.name, version.name)


def _given_node(version: Version) -> str | None:
    """The VirtualNode among the objects that a user gives a version; of several, the one of its Service's name."""
    names = [
        str(item["metadata"]["name"])
        for item in (version.given.objects if version.given is not None else ())
        if item["kind"] == "VirtualNode" and str(item["apiVersion"]).startswith(f"{GROUP}/")
    ]
    return version.own_service if version.own_service in names else next(iter(names), None)


def _object(release: Release, service: Service, kind: str, name: str, namespace: str, spec: Any) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": owned_labels(release.name, service.name)}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
