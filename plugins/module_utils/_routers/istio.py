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
from typing import Any, ClassVar

from .._core.model import Release, Service, Version, owned_labels
from .doors import Door, doors_of_istio
from .hosts import CLUSTER_DOMAIN, full_host, is_named
from .istio_manifests import (
    API_VERSION,
    destination_rule,
    gateway,
    has_version_header,
    hosts_of,
    label_of,
    version_header,
    weighted,
)
from .istio_overlays import copy_for_tests, is_ours, mirror_operations, mirror_removal
from .matching import named, namespace_of
from .mesh import external_services, host_service, is_in_mesh
from .router import Kind, Router
from .rules import Destination, Manifest, Operation, Rule, Spelling, at

PROTOCOLS = ("http", "tls", "tcp")
HTTP_RULES = "/spec/http/"
# Whose DestinationRules hold in every namespace that has none of its own, unless Istio was told otherwise.
ROOT_NAMESPACE = "istio-system"


class IstioRouter(Router):
    """Weights of VirtualServices; see U(https://istio.io/latest/docs/concepts/traffic-management/)."""

    name = "istio"
    kind = "VirtualService"
    kinds: ClassVar[Mapping[str, Kind]] = {
        "VirtualService": Kind(
            "virtualservices", (API_VERSION, "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3")
        )
    }
    subsets = (API_VERSION, "destinationrules")
    entries = (API_VERSION, "serviceentries")
    beside = ((API_VERSION, "DestinationRule"), (API_VERSION, "Gateway"))

    def subset_labels(self, objects: Sequence[Manifest], host: str, subset: str) -> Mapping[str, str] | None:
        """The labels that the DestinationRule of the host gives a subset."""
        for item in objects:
            if not is_named(str(item["spec"].get("host", "")), item["metadata"]["namespace"], host):
                continue
            for entry in item["spec"].get("subsets") or []:
                if entry["name"] == subset:
                    labels: Mapping[str, str] = entry.get("labels") or {}
                    return labels
        return None

    def definition_namespaces(self, route: str, service: str | None) -> list[str]:
        """That of the Service, that of the route, where callers may have their own, and that of the whole mesh."""
        return list(dict.fromkeys([service or route, route, ROOT_NAMESPACE]))

    def delegates(self, route: Manifest) -> list[tuple[str, str]]:
        """The VirtualServices that http rules name; without a namespace, one in the route's own."""
        named_there = [entry.get("delegate") or {} for entry in route.get("spec", {}).get("http") or []]
        found = [(item.get("namespace") or namespace_of(route), item["name"]) for item in named_there if "name" in item]
        return list(dict.fromkeys(found))

    def is_delegate(self, route: Manifest) -> bool:
        """A VirtualService without hosts is used by others alone."""
        return not route.get("spec", {}).get("hosts")

    def parsed(self, entry: Mapping[str, Any], path: str, namespace: str) -> Destination:
        """An entry of http, tls or tcp routes, or a mirror, which has no weight."""
        target = entry.get("destination") or {}
        host = self.full_host(str(target.get("host", "")), namespace)
        return Destination(path, host, target.get("subset"), entry.get("weight"))

    def rules(self, route: Manifest) -> tuple[Rule, ...]:
        """The http, tls and tcp rules, in this order; the latter two have no names of their own."""
        found = []
        for protocol in PROTOCOLS:
            entries = enumerate(route.get("spec", {}).get(protocol) or [])
            theirs = [(position, entry) for position, entry in entries if not is_ours(entry)]
            for place, (position, entry) in enumerate(theirs):
                found.append(self._rule(route, entry, f"{protocol}[{place}]", f"/spec/{protocol}/{position}"))
        return tuple(found)

    def test_rules(self, route: Manifest) -> tuple[Rule, ...]:
        """Those http rules whose name tells their own header."""
        return tuple(
            self._rule(route, entry, entry["name"], f"{HTTP_RULES}{position}")
            for position, entry in enumerate(route.get("spec", {}).get("http") or [])
            if is_ours(entry)
        )

    def _rule(self, route: Manifest, entry: Mapping[str, Any], place: str, path: str) -> Rule:
        namespace = namespace_of(route)
        mirrors = list(entry.get("mirrors") or [])
        if entry.get("mirror"):
            mirrors.append({"destination": entry["mirror"]})
        return Rule(
            name=entry.get("name") or place,
            place=place,
            path=path,
            destinations=tuple(
                self.parsed(item, f"{path}/route/{index}", namespace)
                for index, item in enumerate(entry.get("route") or [])
            ),
            mirrors=tuple(self.parsed(mirror, path, namespace) for mirror in mirrors),
        )

    def test_rule(
        self, route: Manifest, rule: Rule, destination: Destination, header: str, value: str
    ) -> Manifest | None:
        """Only http rules know headers."""
        if not rule.path.startswith(HTTP_RULES):
            return None
        return copy_for_tests(
            named(self, route), rule, at(route, rule.path), at(route, destination.path), header, value
        )

    def mirroring(
        self, route: Manifest, rule: Rule, destination: Destination, percent: float
    ) -> tuple[Operation, ...] | None:
        """Only http rules know mirrors."""
        if not rule.path.startswith(HTTP_RULES):
            return None
        target = at(route, destination.path)["destination"]
        return mirror_operations(named(self, route), rule, at(route, rule.path), target, percent)

    def mirror_removal(self, route: Manifest, rule: Rule, destination: Destination) -> tuple[Operation, ...]:
        """A mirror of ours copies to exactly what stands among the rule's destinations."""
        return mirror_removal(rule, at(route, rule.path), at(route, destination.path)["destination"])

    def still_there(self, route: Manifest, destination: Destination) -> Operation:
        """Host, subset and port are names and a whole number."""
        path = f"{destination.path}/destination"
        return {"op": "test", "path": path, "value": at(route, path)}

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
        if has_version_header(like):
            destination["headers"] = version_header(label_of(spelling.backend, entry))
        return destination

    def resources(self, release: Release, service: Service, weights: Mapping[str, int]) -> list[Manifest]:
        """Service, Gateway (when asked for), DestinationRule (with subsets) and VirtualService of a service.

        A version without weight gets a destination only when it is named in ``weights``.
        """
        route = service.routes[0]
        labels = owned_labels(release.name, service.name)
        manifests: list[Manifest] = []
        if is_in_mesh(service) or service.uses_subsets:
            manifests.append(host_service(service, labels))
        manifests += external_services(service, labels)
        if service.create_gateway:
            manifests.append(gateway(service, labels))
        manifests += self.subset_resources(release, service, list(weights))
        spec: Manifest = {"hosts": hosts_of(service)}
        if service.gateways or service.create_gateway:
            spec["gateways"] = list(service.gateways) or [service.name]
        rule: Manifest = {
            "route": [weighted(service, service.versions[name], weight) for name, weight in weights.items()]
        }
        if service.has_headers:
            rule["name"] = service.name
        elif service.protocol == "tls":
            rule["match"] = [{"port": service.port, "sniHosts": list(service.hosts)}]
        else:
            rule["match"] = [{"port": service.port}]
        spec["http" if service.has_headers else service.protocol] = [rule]
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
        backend = full_host(version.backend, version.namespace)
        host = version.host
        if host is None and version.subset is None and version.own_service is not None and not service.routes_are_named:
            host = self.full_host(version.own_service, version.namespace)
        return Spelling(version.name, host, version.subset, version.namespace, backend)

    def subset_resources(self, release: Release, service: Service, versions: Sequence[str]) -> list[Manifest]:
        """One DestinationRule with a subset for each of the versions."""
        if not service.uses_subsets:
            return []
        return [destination_rule(release, service, versions)]

    def doors(self, route: Manifest) -> tuple[Door, ...]:
        """Its gateways."""
        return doors_of_istio(route, API_VERSION)

    def problems(self, route: Manifest) -> list[dict[str, str]]:
        """Hosts that are full names to Istio though they look like ``service.namespace``, and rules without weights."""
        found = []
        for rule in self.rules(route):
            delegate = at(route, rule.path).get("delegate")
            if delegate:
                other = f"{delegate.get('namespace') or namespace_of(route)}/{delegate.get('name')}"
                found.append(
                    {
                        "code": "rule_delegates",
                        "path": f"{rule.path}/delegate",
                        "message": f"{rule.name} hands its requests to VirtualService {other}, which has the weights",
                    }
                )
            elif not rule.destinations:
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
