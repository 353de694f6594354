# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server holds that App Mesh reads, and how its objects refer to each other: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]
# Namespace and name.
Key = tuple[str, str]

INJECTION = ("appmesh.k8s.aws/sidecarInjectorWebhook", "enabled")


@dataclass(frozen=True)
class Objects:
    """Everything that is watched, by kind."""

    meshes: Mapping[Key, Json] = field(default_factory=dict)
    nodes: Mapping[Key, Json] = field(default_factory=dict)
    routers: Mapping[Key, Json] = field(default_factory=dict)
    services: Mapping[Key, Json] = field(default_factory=dict)
    """The virtual services; those of Kubernetes are cluster_services."""
    namespaces: Mapping[Key, Json] = field(default_factory=dict)
    cluster_services: Mapping[Key, Json] = field(default_factory=dict)
    endpoint_slices: Mapping[Key, Json] = field(default_factory=dict)
    pods: Mapping[Key, Json] = field(default_factory=dict)

    def labels_of_namespace(self, name: str) -> Mapping[str, str]:
        namespace = self.namespaces.get(("", name))
        return labels(namespace) if namespace is not None else {}


def key(manifest: Json) -> Key:
    return manifest["metadata"].get("namespace") or "", manifest["metadata"]["name"]


def labels(manifest: Json) -> Mapping[str, str]:
    found: Mapping[str, str] = manifest["metadata"].get("labels") or {}
    return found


def referred(reference: Json, namespace: str) -> Key:
    """What a reference means that stands in an object of this namespace."""
    return reference.get("namespace") or namespace, reference["name"]


def selects(selector: Json | None, found: Mapping[str, str]) -> bool:
    """As App Mesh has it: an absent selector selects nothing, an empty one everything."""
    if selector is None:
        return False
    equal = all(found.get(name) == value for name, value in (selector.get("matchLabels") or {}).items())
    return equal and all(_meets(expression, found) for expression in selector.get("matchExpressions") or [])


def _meets(expression: Json, found: Mapping[str, str]) -> bool:
    value, values = found.get(expression["key"]), expression.get("values") or []
    answers = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return answers.get(expression["operator"], False)


def addresses(node: Json, port: int, objects: Objects) -> list[tuple[str, int]]:
    """Where a virtual node can be reached, as its service discovery finds it."""
    discovery = node["spec"].get("serviceDiscovery") or {}
    if "awsCloudMap" in discovery:
        return sorted((address, port) for address in _registered(node, objects))
    hostname = (discovery.get("dns") or {}).get("hostname", "").split(".")
    service = objects.cluster_services.get((hostname[1], hostname[0])) if len(hostname) > 1 else None
    if service is None:
        return []
    named = next((entry for entry in service["spec"].get("ports") or [] if entry["port"] == port), None)
    return sorted(_ready_endpoints(key(service), named, objects)) if named is not None else []


def _registered(node: Json, objects: Objects) -> list[str]:
    """The controller registers the ready pods of a node with Cloud Map."""
    namespace, _name = key(node)
    selector = node["spec"].get("podSelector")
    return [
        pod["status"]["podIP"]
        for (place, _pod), pod in objects.pods.items()
        if place == namespace and selects(selector, labels(pod)) and _is_ready(pod) and not _is_deleted(pod)
    ]


def _is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _ready_endpoints(service: Key, named: Json, objects: Objects) -> Iterator[tuple[str, int]]:
    namespace, name = service
    for (place, _slice), found in objects.endpoint_slices.items():
        if place != namespace or labels(found).get("kubernetes.io/service-name") != name:
            continue
        ports = [entry["port"] for entry in found.get("ports") or [] if entry.get("name", "") == named.get("name", "")]
        for endpoint in found.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready", True):
                yield from ((address, port) for address in endpoint["addresses"] for port in ports)


def injected(objects: Objects) -> list[Key]:
    """The pods that the injector gives an Envoy: those of a virtual node, where the namespace asks for it."""
    label, value = INJECTION
    return [
        place
        for place, pod in objects.pods.items()
        if objects.labels_of_namespace(place[0]).get(label) == value
        and not _is_deleted(pod)
        and any(
            namespace == place[0] and selects(node["spec"].get("podSelector"), labels(pod))
            for (namespace, _name), node in objects.nodes.items()
        )
    ]


def _is_deleted(manifest: Json) -> bool:
    return "deletionTimestamp" in manifest["metadata"]
