# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doors: the objects through which requests from outside come to a route, and the URLs that lead to them.

Who serves a gateway of Istio's is said by the labels of its pods alone, see
U(https://istio.io/latest/docs/reference/config/networking/gateway/); that their Service has the same labels is how
Istio and its charts install it. A Gateway of the Gateway API tells its addresses itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .mesh import MESH
from .rules import Manifest

ISTIO_GATEWAY = "networking.istio.io"
# Where Istio's documentation and its charts put gateways that serve those of other namespaces.
GATEWAY_NAMESPACES = ("istio-system", "istio-ingress")
_SCHEMES = {"HTTP": "http", "HTTP2": "http", "GRPC": "http", "HTTPS": "https", "TLS": "https"}
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Door:
    """One such object; of the Gateway API, ``section`` and ``port`` are what the route says of its listener."""

    kind: str
    api_version: str
    plural: str
    namespace: str
    name: str
    section: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def needs_services(self) -> bool:
        """Whether only a Service knows where it is."""
        return self.api_version.startswith(ISTIO_GATEWAY)


def doors_of_istio(route: Manifest, api_version: str) -> tuple[Door, ...]:
    """The Gateways that a VirtualService names; none for one of the mesh alone."""
    names = [name for name in route["spec"].get("gateways") or () if name != MESH]
    places = [name.split("/") if "/" in name else (route["metadata"]["namespace"], name) for name in names]
    return tuple(Door("Gateway", api_version, "gateways", namespace, name) for namespace, name in places)


def doors_of_gateway_api(route: Manifest, api_version: str) -> tuple[Door, ...]:
    """The Gateways among the parents of a route."""
    return tuple(
        Door(
            "Gateway",
            api_version,
            "gateways",
            parent.get("namespace") or route["metadata"]["namespace"],
            parent["name"],
            parent.get("sectionName"),
            parent.get("port"),
        )
        for parent in route["spec"].get("parentRefs") or ()
        if parent.get("kind", "Gateway") == "Gateway"
    )


def door_of_service(route: Manifest) -> tuple[Door, ...]:
    """A Service that has an address outside is its own door."""
    metadata = route["metadata"]
    return (Door("Service", "v1", "services", metadata["namespace"], metadata["name"]),)


def hosts_of_route(route: Manifest) -> list[str]:
    """The names by which a route is asked, as far as it says."""
    spec = route.get("spec") or {}
    return [host for host in (*(spec.get("hosts") or ()), *(spec.get("hostnames") or ())) if host != "*"]


def labels_of_door(found: Manifest) -> dict[str, str]:
    """The labels of the pods behind a Gateway of Istio's."""
    return dict(found["spec"].get("selector") or {})


def url(door: Door, found: Manifest, services: Sequence[Manifest], hosts: Sequence[str]) -> tuple[str, str] | None:
    """The URL of a door, and what tells its address; None while nothing does.

    ``services`` are those that may lead to the pods of a Gateway of Istio's.
    """
    if door.kind == "Service":
        return _url_of_service(found)
    if door.needs_services:
        return _url_of_istio(found, services, hosts)
    return _url_of_gateway(door, found, hosts)


def _url_of_istio(gateway: Manifest, services: Sequence[Manifest], hosts: Sequence[str]) -> tuple[str, str] | None:
    servers = [server for server in gateway["spec"].get("servers") or () if _serves(server.get("hosts") or (), hosts)]
    # One that only sends on to https is what people come to last.
    servers.sort(key=lambda server: bool((server.get("tls") or {}).get("httpsRedirect")))
    for server in servers:
        number = server["port"]["number"]
        for service in services:
            address = _address_of(service)
            ports = service["spec"].get("ports") or ()
            port = next((port["port"] for port in ports if number in (port["port"], port.get("targetPort"))), None)
            if address is not None and port is not None:
                return _written(server["port"].get("protocol", "HTTP"), address, port), _named(service)
    return None


def _url_of_gateway(door: Door, gateway: Manifest, hosts: Sequence[str]) -> tuple[str, str] | None:
    addresses = (gateway.get("status") or {}).get("addresses") or ()
    for listener in gateway["spec"].get("listeners") or ():
        named = door.section in (None, listener["name"]) and door.port in (None, listener["port"])
        if addresses and named and _serves([listener.get("hostname") or "*"], hosts):
            return _written(listener["protocol"], addresses[0]["value"], listener["port"]), str(door)
    return None


def _url_of_service(service: Manifest) -> tuple[str, str] | None:
    address = _address_of(service)
    ports = service["spec"].get("ports") or ()
    if address is None or not ports:
        return None
    protocol = "HTTPS" if ports[0]["port"] == _USUAL_PORTS["https"] else "HTTP"
    return _written(protocol, address, ports[0]["port"]), _named(service)


def _address_of(service: Manifest) -> str | None:
    """The address that a load balancer has given a Service."""
    for entry in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
        found: Any = entry.get("hostname") or entry.get("ip")
        if found:
            return str(found)
    return None


def _serves(patterns: Sequence[str], hosts: Sequence[str]) -> bool:
    # Before a slash stands the namespace whose routes may have the host.
    names = [pattern.split("/")[-1] for pattern in patterns]
    return not hosts or any(_fits(name, host) or _fits(host, name) for name in names for host in hosts)


def _fits(pattern: str, host: str) -> bool:
    return pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _written(protocol: str, address: str, port: int) -> str:
    scheme = _SCHEMES.get(protocol.upper(), protocol.lower())
    name = f"[{address}]" if ":" in address else address
    return f"{scheme}://{name}/" if _USUAL_PORTS.get(scheme) == port else f"{scheme}://{name}:{port}/"


def _named(service: Mapping[str, Any]) -> str:
    return f"Service {service['metadata']['namespace']}/{service['metadata']['name']}"
