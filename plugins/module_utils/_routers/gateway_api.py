# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway API: weights in the backendRefs of HTTPRoutes, GRPCRoutes, TCPRoutes and TLSRoutes.

Facts about the API are from its reference, U(https://gateway-api.sigs.k8s.io/reference/spec/): weights are parts of
their sum, on any scale; a backend without a weight has 1; one without a namespace is in the route's own; a backend is a
Service unless it says otherwise. A controller tells in the status, for each parent, whether it takes the route and can
resolve its backends, and for which generation of the route that holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .._core.errors import SpecError
from .._core.model import ROOT, Release, Service, Version, owned_labels
from .doors import Door, doors_of_gateway_api
from .gateway_api_manifests import (
    GROUP,
    ROUTE_OF_PROTOCOL,
    V1,
    backend_of,
    grants,
    parents,
    version_filter,
    without_version_filter,
)
from .gateway_api_overlays import copy_for_tests, is_mirror, is_ours, mirror_operations, mirror_removal
from .matching import named, namespace_of
from .mesh import external_services, host_service, is_in_mesh
from .router import Kind, Router
from .rules import Destination, Manifest, Operation, Rule, Spelling, at

RULES = "/spec/rules"
UNWRITTEN_WEIGHT = 1
WITH_HEADERS = ("HTTPRoute", "GRPCRoute")
# What has to hold of every parent before requests follow the route.
CONDITIONS = ("Accepted", "ResolvedRefs")


class GatewayApiRouter(Router):
    """Weights of Gateway API routes; see U(https://gateway-api.sigs.k8s.io/guides/traffic-splitting/)."""

    name = "gateway_api"
    kind = "HTTPRoute"
    # The newest version first; older ones are for clusters that have no other.
    kinds: ClassVar[Mapping[str, Kind]] = {
        "HTTPRoute": Kind("httproutes", (V1, f"{GROUP}/v1beta1")),
        "GRPCRoute": Kind("grpcroutes", (V1, f"{GROUP}/v1alpha2")),
        "TLSRoute": Kind("tlsroutes", (V1, f"{GROUP}/v1alpha3", f"{GROUP}/v1alpha2")),
        "TCPRoute": Kind("tcproutes", (V1, f"{GROUP}/v1alpha2")),
    }
    beside = ((f"{GROUP}/v1beta1", "ReferenceGrant"),)

    def kind_for(self, protocol: str) -> str:
        """Each protocol has a kind of route of its own."""
        return ROUTE_OF_PROTOCOL[protocol]

    def refuse(self, service: Service) -> None:
        """Gateways are the operator's, and there are no subsets."""
        super().refuse(service)
        where = f"{ROOT}.services.{service.name}"
        if service.create_gateway:
            raise SpecError(
                f"{where}.create_gateway",
                "a Gateway of this API is its operator's: leave this out, and name one with gateways: [NAMESPACE/NAME]",
            )
        for version in service.versions.values():
            if version.subset is not None:
                raise SpecError(
                    f"{where}.versions.{version.name}.subset",
                    "this API knows no subsets: leave it out, and each version is reached through a Service of its own",
                )

    def parsed(self, entry: Mapping[str, Any], path: str, namespace: str) -> Destination:
        """A backendRef, or the backend of a mirror, which has no weight."""
        return Destination(path, backend_of(entry, namespace), None, entry.get("weight"))

    def rules(self, route: Manifest) -> tuple[Rule, ...]:
        """The rules by their names, or by their places."""
        theirs = [(number, entry) for number, entry in enumerate(_entries(route)) if not is_ours(entry)]
        return tuple(
            self._rule(route, entry, f"rules[{place}]", f"{RULES}/{number}")
            for place, (number, entry) in enumerate(theirs)
        )

    def test_rules(self, route: Manifest) -> tuple[Rule, ...]:
        """Those whose name tells their own header."""
        return tuple(
            self._rule(route, entry, entry["name"], f"{RULES}/{number}")
            for number, entry in enumerate(_entries(route))
            if is_ours(entry)
        )

    def _rule(self, route: Manifest, entry: Mapping[str, Any], place: str, path: str) -> Rule:
        namespace = namespace_of(route)
        return Rule(
            name=entry.get("name") or place,
            place=place,
            path=path,
            destinations=tuple(
                self.parsed(backend, f"{path}/backendRefs/{number}", namespace)
                for number, backend in enumerate(entry.get("backendRefs") or [])
            ),
            mirrors=tuple(
                self.parsed(item["requestMirror"]["backendRef"], path, namespace)
                for item in entry.get("filters") or []
                if is_mirror(item)
            ),
            unwritten=UNWRITTEN_WEIGHT,
            alone=None,
        )

    def test_rule(
        self, route: Manifest, rule: Rule, destination: Destination, header: str, value: str
    ) -> Manifest | None:
        """Only HTTPRoutes and GRPCRoutes know headers."""
        if route.get("kind", self.kind) not in WITH_HEADERS:
            return None
        where = named(self, route)
        return copy_for_tests(
            where, _entries(route), rule, at(route, rule.path), at(route, destination.path), header, value
        )

    def mirroring(
        self, route: Manifest, rule: Rule, destination: Destination, percent: float
    ) -> tuple[Operation, ...] | None:
        """Only HTTPRoutes and GRPCRoutes know mirrors."""
        if route.get("kind", self.kind) not in WITH_HEADERS:
            return None
        return mirror_operations(named(self, route), rule, at(route, rule.path), at(route, destination.path), percent)

    def mirror_removal(self, route: Manifest, rule: Rule, destination: Destination) -> tuple[Operation, ...]:
        """A mirror of ours copies a percentage to exactly what stands among the rule's backends."""
        return mirror_removal(rule, at(route, rule.path), at(route, destination.path))

    def still_there(self, route: Manifest, destination: Destination) -> Operation:
        """By the name of the backend."""
        path = f"{destination.path}/name"
        return {"op": "test", "path": path, "value": at(route, path)}

    def destination(self, spelling: Spelling, like: Mapping[str, Any], weight: int) -> Manifest:
        """A backend beside another: of the same kind and port, under the version's own name."""
        host = spelling.host
        if host is not None and spelling.namespace is not None:
            host = self.full_host(host, spelling.namespace)
        service = self.service_of(host or spelling.backend or "")
        entry: Manifest = {key: item for key, item in like.items() if key in ("group", "kind", "port")}
        entry["name"] = service[0] if service else host or spelling.name
        if service or "namespace" in like:
            entry["namespace"] = service[1] if service else like["namespace"]
        filters = without_version_filter(like)
        if len(filters) < len(like.get("filters") or []):
            filters.append(version_filter((spelling.backend or entry["name"]).split(".")[0]))
        return {**entry, **({"filters": filters} if filters else {}), "weight": weight}

    def spelling(self, service: Service, version: Version) -> Spelling:
        """As the user spelled it, else by the version's own Service where route and Service are ours."""
        backend = self.full_host(version.backend, version.namespace)
        host = version.host
        if host is None and version.own_service is not None and not service.routes_are_named:
            host = self.full_host(version.own_service, version.namespace)
        return Spelling(version.name, host, None, version.namespace, backend)

    def resources(self, release: Release, service: Service, weights: Mapping[str, int]) -> list[Manifest]:
        """The route, what lets it reach other namespaces, and inside the mesh the Service that callers use."""
        route = service.routes[0]
        labels = owned_labels(release.name, service.name)
        kind = route.kind or self.kind_for(service.protocol)
        manifests: list[Manifest] = [host_service(service, labels)] if is_in_mesh(service) else []
        manifests += external_services(service, labels)
        manifests += self.subset_resources(release, service, list(weights))
        rule: Manifest = {
            "backendRefs": [
                self._weighted(service, service.versions[name], weight, kind) for name, weight in weights.items()
            ]
        }
        if kind in WITH_HEADERS:
            rule["name"] = service.name
        spec: Manifest = {"parentRefs": parents(service), "rules": [rule]}
        if service.hosts and kind != "TCPRoute" and not is_in_mesh(service):
            spec["hostnames"] = list(service.hosts)
        metadata = {"name": route.name, "namespace": route.namespace, "labels": labels}
        api_version = route.api_version or self.kinds[kind].api_versions[0]
        return [*manifests, {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}]

    def _weighted(self, service: Service, version: Version, weight: int, kind: str) -> Manifest:
        host = self.full_host(version.host or version.own_service or version.backend, version.namespace)
        name, namespace = self.service_of(host) or (host, version.namespace)
        entry: Manifest = {"name": name, "namespace": namespace, "port": service.port, "weight": weight}
        if kind in WITH_HEADERS:
            entry["filters"] = [version_filter(version.backend)]
        return entry

    def subset_resources(self, release: Release, service: Service, versions: Sequence[str]) -> list[Manifest]:
        """A ReferenceGrant in every other namespace in which one of the versions is."""
        kinds = sorted({route.kind or self.kind_for(service.protocol) for route in service.routes})
        return grants(release, service, [service.versions[name] for name in versions], kinds)

    def doors(self, route: Manifest) -> tuple[Door, ...]:
        """Its parents."""
        return doors_of_gateway_api(route, V1)

    def refusal(self, route: Manifest) -> str:
        """What a parent has to say against the route as it stands; empty when none refuses it."""
        return "; ".join(
            f"{parent} says {condition['type']}={condition['status']} ({condition.get('reason', '')}): "
            f"{condition.get('message', '')}"
            for parent, condition in _conditions(route)
            if condition["status"] == "False" and _is_current(route, condition)
        )

    def unsettled(self, route: Manifest) -> str:
        """Which parent has not said yet that it follows the route as it stands; empty when all have."""
        said = [(parent, item["type"]) for parent, item in _conditions(route) if _holds(route, item)]
        waiting = [
            f"{parent} has not said {condition} for generation {route['metadata'].get('generation')}"
            for parent in dict.fromkeys(parent for parent, _condition in _conditions(route))
            for condition in CONDITIONS
            if (parent, condition) not in said
        ]
        return "; ".join(waiting) if _conditions(route) else "no parent has taken the route into its status"

    def problems(self, route: Manifest) -> list[dict[str, str]]:
        """Rules that send nothing anywhere, and what parents have to say against the route."""
        found = []
        for rule in self.rules(route):
            if rule.destinations and not any(rule.effective()):
                found.append(
                    {"code": "rule_without_weights", "path": rule.path, "message": f"{rule.name}: all weights are 0"}
                )
        refusal = self.refusal(route)
        if refusal:
            found.append({"code": "route_refused", "path": "/status/parents", "message": refusal})
        return found


def _entries(route: Manifest) -> list[Manifest]:
    return list(route.get("spec", {}).get("rules") or [])


def _conditions(route: Manifest) -> list[tuple[str, Mapping[str, Any]]]:
    """What each parent says, one condition after the other."""
    return [
        (_parent(status.get("parentRef") or {}), condition)
        for status in (route.get("status") or {}).get("parents") or []
        for condition in status.get("conditions") or []
        if condition.get("type") in CONDITIONS
    ]


def _parent(reference: Mapping[str, Any]) -> str:
    name = f"{reference['namespace']}/{reference['name']}" if reference.get("namespace") else str(reference.get("name"))
    section = f" ({reference['sectionName']})" if reference.get("sectionName") else ""
    return f"{reference.get('kind', 'Gateway')} {name}{section}"


def _is_current(route: Manifest, condition: Mapping[str, Any]) -> bool:
    return int(condition.get("observedGeneration") or 0) >= int(route["metadata"].get("generation") or 0)


def _holds(route: Manifest, condition: Mapping[str, Any]) -> bool:
    return condition["status"] == "True" and _is_current(route, condition)
