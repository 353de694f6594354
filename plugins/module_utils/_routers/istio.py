# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Istio: weights in a VirtualService, subsets in a DestinationRule.

Facts about the API are from its reference, U(https://istio.io/latest/docs/reference/config/networking/virtual-service/):
weights stand in the routes of http, tls and tcp rules; a destination that stands alone has all traffic whatever its
weight; a host without a dot means the Service of that name in the VirtualService's own namespace, any other host is
taken as it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.model import Release, Service, Version, owned_labels
from .router import Router
from .rules import Destination, Manifest, Rule, Spelling

PROTOCOLS = ("http", "tls", "tcp")
MESH = "mesh"
CLUSTER_DOMAIN = "svc.cluster.local"
API_VERSION = "networking.istio.io/v1"


class IstioRouter(Router):
    """Weights of VirtualServices; see U(https://istio.io/latest/docs/concepts/traffic-management/)."""

    name = "istio"
    kind = "VirtualService"
    plural = "virtualservices"
    api_versions = (API_VERSION, "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3")
    subsets = (API_VERSION, "destinationrules")

    def full_host(self, host: str, namespace: str) -> str:
        """As Istio does: a name without a dot is a Service of the namespace, everything else is taken as written."""
        return host if "." in host else f"{host}.{namespace}.{CLUSTER_DOMAIN}"

    def service_of(self, host: str) -> tuple[str, str] | None:
        """Hosts in the cluster's own domain are Services; others come from ServiceEntries."""
        name, _dot, rest = host.partition(".")
        namespace, _dot, domain = rest.partition(".")
        return (name, namespace) if domain == CLUSTER_DOMAIN else None

    def subset_labels(self, objects: Sequence[Manifest], host: str, subset: str) -> Mapping[str, str] | None:
        """The labels that the DestinationRule of the host gives a subset."""
        for item in objects:
            if self.full_host(str(item["spec"].get("host", "")), item["metadata"]["namespace"]) != host:
                continue
            for entry in item["spec"].get("subsets") or []:
                if entry["name"] == subset:
                    labels: Mapping[str, str] = entry.get("labels") or {}
                    return labels
        return None

    def parsed(self, entry: Mapping[str, Any], path: str, namespace: str) -> Destination:
        """An entry of http, tls or tcp routes, or a mirror, which has no weight."""
        target = entry.get("destination") or {}
        host = self.full_host(str(target.get("host", "")), namespace)
        return Destination(path, host, target.get("subset"), entry.get("weight"))

    def rules(self, route: Manifest) -> tuple[Rule, ...]:
        """The http, tls and tcp rules, in this order; the latter two have no names of their own."""
        namespace = route["metadata"].get("namespace", "default")
        rules = []
        for protocol in PROTOCOLS:
            for position, entry in enumerate(route.get("spec", {}).get(protocol) or []):
                place = f"{protocol}[{position}]"
                path = f"/spec/{protocol}/{position}"
                mirrors = list(entry.get("mirrors") or [])
                if entry.get("mirror"):
                    mirrors.append({"destination": entry["mirror"]})
                rules.append(
                    Rule(
                        name=entry.get("name") or place,
                        place=place,
                        path=path,
                        destinations=tuple(
                            self.parsed(item, f"{path}/route/{index}", namespace)
                            for index, item in enumerate(entry.get("route") or [])
                        ),
                        mirrors=tuple(self.parsed(mirror, path, namespace) for mirror in mirrors),
                    )
                )
        return tuple(rules)

    def destination(self, spelling: Spelling, like: Mapping[str, Any], weight: int) -> Manifest:
        """A destination beside another: same port and host in subset routes, the version's own Service otherwise."""
        model = like["destination"]
        host = spelling.host
        if host is not None and spelling.namespace is not None:
            # A short name would mean another Service wherever the route stands in another namespace.
            host = self.full_host(host, spelling.namespace)
        rest = {key: value for key, value in model.items() if key not in ("host", "subset")}
        if spelling.subset is not None or (host is None and "subset" in model):
            entry = {"host": host or model["host"], "subset": spelling.subset or spelling.name, **rest}
        else:
            entry = {"host": host or spelling.backend or spelling.name, **rest}
        destination: Manifest = {"destination": entry, "weight": weight}
        if _has_version_header(like):
            destination["headers"] = _version_header(_label_of(spelling.backend, entry))
        return destination

    def resources(self, release: Release, service: Service, weights: Mapping[str, int]) -> list[Manifest]:
        """Service, Gateway (when asked for), DestinationRule (with subsets) and VirtualService of a service.

        A version without weight gets a destination only when it is named in ``weights``.
        """
        route = service.routes[0]
        labels = owned_labels(release.name, service.name)
        manifests: list[Manifest] = []
        if _is_in_mesh(service) or service.uses_subsets:
            manifests.append(_host_service(service, labels))
        if service.create_gateway:
            manifests.append(_gateway(service, labels))
        manifests += self.subset_resources(release, service, list(weights))
        spec: Manifest = {"hosts": _hosts(service)}
        if service.gateways or service.create_gateway:
            spec["gateways"] = list(service.gateways) or [service.name]
        rule: Manifest = {
            "route": [_weighted(service, service.versions[name], weight) for name, weight in weights.items()]
        }
        if service.protocol == "http":
            rule["name"] = service.name
        elif service.protocol == "tls":
            rule["match"] = [{"port": service.port, "sniHosts": list(service.hosts)}]
        else:
            rule["match"] = [{"port": service.port}]
        spec[service.protocol] = [rule]
        manifests.append(
            {
                "apiVersion": route.api_version or API_VERSION,
                "kind": self.kind,
                "metadata": {"name": route.name, "namespace": route.namespace, "labels": labels},
                "spec": spec,
            }
        )
        return manifests

    def spelling(self, service: Service, version: Version) -> Spelling:
        """As the user spelled it, else by the version's own Service where route and Service are ours."""
        backend = f"{version.backend}.{version.namespace}.{CLUSTER_DOMAIN}"
        host = version.host
        if host is None and version.subset is None and version.workload is not None and not service.routes_are_named:
            host = backend
        return Spelling(version.name, host, version.subset, version.namespace, backend)

    def subset_resources(self, release: Release, service: Service, versions: Sequence[str]) -> list[Manifest]:
        """One DestinationRule with a subset for each of the versions."""
        if not service.uses_subsets:
            return []
        return [_destination_rule(release, service, versions)]

    def problems(self, route: Manifest) -> list[dict[str, str]]:
        """Hosts that are full names to Istio though they look like ``service.namespace``, and rules without weights."""
        found = []
        for rule in self.rules(route):
            if not rule.destinations:
                found.append(
                    {"code": "rule_without_weights", "path": rule.path, "message": f"{rule.name} has no destinations"}
                )
            for destination in rule.destinations:
                if destination.host.count(".") == 1:
                    found.append(
                        {
                            "code": "host_not_full",
                            "path": f"{destination.path}/destination/host",
                            "message": f"{destination.host} is a full host name to Istio, not a Service in a "
                            f"namespace; write {destination.host}.{CLUSTER_DOMAIN} if that is what is meant",
                        }
                    )
            if len(rule.destinations) > 1 and not any(rule.effective()):
                found.append(
                    {"code": "rule_without_weights", "path": rule.path, "message": f"{rule.name}: all weights are 0"}
                )
        return found


def _destination_rule(release: Release, service: Service, versions: Sequence[str]) -> Manifest:
    """The DestinationRule with one subset for each of the versions that are told apart by subset."""
    return {
        "apiVersion": API_VERSION,
        "kind": "DestinationRule",
        "metadata": {
            "name": service.name,
            "namespace": service.namespace,
            "labels": owned_labels(release.name, service.name),
        },
        "spec": {
            "host": f"{service.name}.{service.namespace}.{CLUSTER_DOMAIN}",
            "subsets": [
                {"name": service.versions[name].subset, "labels": {"app.kubernetes.io/version": name}}
                for name in versions
                # The subset of a workload that somebody else writes is theirs too.
                if service.versions[name].subset and service.versions[name].workload is not None
            ],
        },
    }


def _weighted(service: Service, version: Version, weight: int) -> Manifest:
    if version.subset:
        destination: Manifest = {
            "host": f"{service.name}.{service.namespace}.{CLUSTER_DOMAIN}",
            "subset": version.subset,
        }
    else:
        host = version.host or version.backend
        destination = {"host": host if "." in host else f"{host}.{version.namespace}.{CLUSTER_DOMAIN}"}
    destination["port"] = {"number": service.port}
    entry: Manifest = {"destination": destination, "weight": weight}
    if service.protocol == "http":
        entry["headers"] = _version_header(version.backend)
    return entry


def _is_in_mesh(service: Service) -> bool:
    return MESH in service.gateways or not (service.gateways or service.create_gateway)


def _hosts(service: Service) -> list[str]:
    own = [f"{service.name}.{service.namespace}.{CLUSTER_DOMAIN}"] if _is_in_mesh(service) else []
    return [*service.hosts, *own] or ["*"]


def _host_service(service: Service, labels: Mapping[str, str]) -> Manifest:
    """The Service whose name callers in the mesh use.

    It selects pods only where subsets need them: without a selector nobody can reach a version past its weight.
    """
    spec: Manifest = {
        "ports": [{"name": service.protocol, "port": service.port, "targetPort": service.protocol, "protocol": "TCP"}]
    }
    if service.uses_subsets:
        spec["selector"] = {"app.kubernetes.io/name": service.name}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service.name, "namespace": service.namespace, "labels": dict(labels)},
        "spec": spec,
    }


def _gateway(service: Service, labels: Mapping[str, str]) -> Manifest:
    protocol = {"http": "HTTP", "tcp": "TCP", "tls": "TLS"}[service.protocol]
    server: Manifest = {
        "port": {"number": service.port, "name": service.protocol, "protocol": protocol},
        "hosts": list(service.hosts),
    }
    if service.protocol == "tls":
        server["tls"] = {"mode": "PASSTHROUGH"}
    return {
        "apiVersion": API_VERSION,
        "kind": "Gateway",
        "metadata": {"name": service.name, "namespace": service.namespace, "labels": dict(labels)},
        "spec": {"selector": {"istio": "ingressgateway"}, "servers": [server]},
    }


def _version_header(backend: str) -> Manifest:
    """Lets the data plane itself tell who answered."""
    return {"response": {"set": {"app-version": backend}}}


def _has_version_header(entry: Mapping[str, Any]) -> bool:
    return "app-version" in entry.get("headers", {}).get("response", {}).get("set", {})


def _label_of(own_backend: str | None, destination: Mapping[str, Any]) -> str:
    if own_backend is not None:
        return own_backend.split(".")[0]
    backend = str(destination["host"]).split(".", maxsplit=1)[0]
    return f"{backend}-{destination['subset']}" if destination.get("subset") else backend
