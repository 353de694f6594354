# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of the Gateway API that are created for a service, and how its backends are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.model import Release, Service, Version, owned_labels
from .hosts import CLUSTER_DOMAIN
from .mesh import is_in_mesh
from .rules import Manifest

GROUP = "gateway.networking.k8s.io"
V1 = f"{GROUP}/v1"
ROUTE_OF_PROTOCOL = {"http": "HTTPRoute", "grpc": "GRPCRoute", "tls": "TLSRoute", "tcp": "TCPRoute"}
VERSION_HEADER = "app-version"


def backend_of(entry: Mapping[str, Any], namespace: str) -> str:
    """A backend as one word: a Service by its full host, anything else by its kind and group in the domain's place."""
    kind, group = entry.get("kind") or "Service", entry.get("group") or ""
    domain = CLUSTER_DOMAIN if (kind, group) == ("Service", "") else f"{kind}.{group}".rstrip(".")
    return f"{entry.get('name', '')}.{entry.get('namespace') or namespace}.{domain}"


def parents(service: Service) -> list[Manifest]:
    """What the route is attached to: Gateways, written namespace/name/section, or the service itself."""
    if is_in_mesh(service):
        return [{"group": "", "kind": "Service", "name": service.name, "port": service.port}]
    return [_gateway(name) for name in service.gateways]


def _gateway(name: str) -> Manifest:
    namespace, _slash, rest = name.rpartition("/") if name.count("/") < 2 else name.partition("/")
    gateway, _slash, section = rest.partition("/")
    reference: Manifest = {"name": gateway}
    if namespace:
        reference["namespace"] = namespace
    if section:
        reference["sectionName"] = section
    return reference


def grants(release: Release, service: Service, versions: Sequence[Version], kinds: Sequence[str]) -> list[Manifest]:
    """What lets the routes of a service reach Services in other namespaces: one ReferenceGrant in each of these."""
    spaces = {route.namespace for route in service.routes}
    found: dict[str, Manifest] = {}
    for version in versions:
        # What somebody else deploys is theirs to open.
        strangers = sorted(spaces - {version.namespace})
        if not strangers or version.own_service is None:
            continue
        grant = found.setdefault(
            version.namespace,
            {
                "apiVersion": f"{GROUP}/v1beta1",
                "kind": "ReferenceGrant",
                "metadata": {
                    "name": f"{release.name}-{service.name}",
                    "namespace": version.namespace,
                    "labels": owned_labels(release.name, service.name),
                },
                "spec": {
                    "from": [
                        {"group": GROUP, "kind": kind, "namespace": namespace}
                        for namespace in strangers
                        for kind in kinds
                    ],
                    "to": [],
                },
            },
        )
        grant["spec"]["to"].append({"group": "", "kind": "Service", "name": version.own_service})
    return list(found.values())


def version_filter(backend: str) -> Manifest:
    """Lets the data plane itself tell who answered."""
    header = {"name": VERSION_HEADER, "value": backend}
    return {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [header]}}


def without_version_filter(entry: Mapping[str, Any]) -> list[Manifest]:
    """The filters of a backend but for the one that tells who answered."""
    return [item for item in entry.get("filters") or [] if not _tells_version(item)]


def _tells_version(item: Mapping[str, Any]) -> bool:
    headers = (item.get("responseHeaderModifier") or {}).get("set") or []
    return [header.get("name") for header in headers] == [VERSION_HEADER]
