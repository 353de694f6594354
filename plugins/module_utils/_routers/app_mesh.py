# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS App Mesh: weights in the routes of a VirtualRouter, each target a VirtualNode.

Facts about the API are from its reference, U(https://docs.aws.amazon.com/app-mesh/latest/APIReference/) and
U(https://aws.github.io/aws-app-mesh-controller-for-k8s/reference/api_spec/): a weight is written for each target, a
whole number that is a part of their sum, which is 100 at most; a target is a VirtualNode of the cluster, in the route's
own namespace unless it says otherwise, or one that only its ARN names; the controller says in the status which
generation it has handed to the mesh, and whether the VirtualRouter is active.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .._core.model import Release, Service, Version
from .app_mesh_limits import refuse_course, refuse_shape
from .app_mesh_manifests import (
    API_VERSION,
    ROUTE_OF_PROTOCOL,
    full_node,
    node_name,
    node_of,
    route_objects,
    target_at,
    virtual_nodes,
)
from .app_mesh_overlays import WITH_HEADERS, copy_for_tests, is_ours
from .matching import named, namespace_of
from .router import Kind, Router
from .rules import Destination, Manifest, Operation, Rule, Spelling, at

ROUTES = "/spec/routes"
ACTIVE = "VirtualRouterActive"
MOST = 100


class AppMeshRouter(Router):
    """Weights of VirtualRouters; see U(https://docs.aws.amazon.com/app-mesh/latest/userguide/virtual_routers.html)."""

    name = "app_mesh"
    kind = "VirtualRouter"
    kinds: ClassVar[Mapping[str, Kind]] = {"VirtualRouter": Kind("virtualrouters", (API_VERSION,))}
    nodes = (API_VERSION, "virtualnodes")
    beside = ((API_VERSION, "VirtualService"), (API_VERSION, "VirtualNode"))
    largest_sum = MOST

    def refuse(self, service: Service) -> None:
        """Gateways, subsets and TLS are none of a VirtualRouter's."""
        super().refuse(service)
        refuse_shape(service)

    def refuse_course(self, release: Release) -> None:
        """Nothing copies requests, and headers are for HTTP and gRPC."""
        refuse_course(release)

    def full_host(self, host: str, namespace: str) -> str:
        """A VirtualNode by its name and namespace, or the ARN of one that is not in the cluster."""
        return full_node(host, namespace)

    def service_of(self, host: str) -> tuple[str, str] | None:
        """None: only the VirtualNode itself says which Service is behind it."""
        return None

    def node_of(self, host: str) -> tuple[str, str] | None:
        """The VirtualNode that a full host names."""
        return node_of(host)

    def service_behind(self, node: Manifest) -> tuple[str, str] | None:
        """The Service that a VirtualNode is found by; None where it is found in another way."""
        discovery = (node.get("spec") or {}).get("serviceDiscovery") or {}
        hostname = str((discovery.get("dns") or {}).get("hostname", "")).rstrip(".")
        name, _dot, rest = hostname.partition(".")
        namespace, _dot, domain = rest.partition(".")
        inside = domain in ("", "svc") or domain.startswith("svc.")
        return (name, namespace or namespace_of(node)) if name and inside else None

    def parsed(self, entry: Mapping[str, Any], path: str, namespace: str) -> Destination:
        """A weighted target."""
        reference = entry.get("virtualNodeRef") or {}
        arn = entry.get("virtualNodeARN")
        node = arn or full_node(str(reference.get("name", "")), reference.get("namespace") or namespace)
        return Destination(path, str(node), None, entry.get("weight"))

    def rules(self, route: Manifest) -> tuple[Rule, ...]:
        """The routes, by their names."""
        theirs = [(position, entry) for position, entry in enumerate(_entries(route)) if not is_ours(entry)]
        return tuple(
            self._rule(route, entry, f"routes[{place}]", f"{ROUTES}/{position}")
            for place, (position, entry) in enumerate(theirs)
        )

    def test_rules(self, route: Manifest) -> tuple[Rule, ...]:
        """Those whose name tells their own header."""
        return tuple(
            self._rule(route, entry, entry["name"], f"{ROUTES}/{position}")
            for position, entry in enumerate(_entries(route))
            if is_ours(entry)
        )

    def _rule(self, route: Manifest, entry: Mapping[str, Any], place: str, path: str) -> Rule:
        namespace = namespace_of(route)
        kind = _kind_of(entry)
        targets = ((entry.get(kind) or {}).get("action") or {}).get("weightedTargets") or []
        return Rule(
            name=entry.get("name") or place,
            place=place,
            path=path,
            destinations=tuple(
                self.parsed(target, f"{path}/{kind}/action/weightedTargets/{number}", namespace)
                for number, target in enumerate(targets)
            ),
            alone=None,
        )

    def test_rule(
        self, route: Manifest, rule: Rule, destination: Destination, header: str, value: str
    ) -> Manifest | None:
        """TCP routes know no headers."""
        kind = _kind_of(at(route, rule.path))
        if kind not in WITH_HEADERS:
            return None
        theirs = [entry for entry in _entries(route) if not is_ours(entry)]
        entry, target = at(route, rule.path), at(route, destination.path)
        return copy_for_tests(named(self, route), theirs, rule, entry, kind, target, header, value)

    def mirroring(
        self, route: Manifest, rule: Rule, destination: Destination, percent: float
    ) -> tuple[Operation, ...] | None:
        """App Mesh copies no requests."""
        return None

    def mirror_removal(self, route: Manifest, rule: Rule, destination: Destination) -> tuple[Operation, ...]:
        """App Mesh copies no requests."""
        return ()

    def still_there(self, route: Manifest, destination: Destination) -> Operation:
        """By the name of the VirtualNode, or by its ARN."""
        key = "virtualNodeARN" if "virtualNodeARN" in at(route, destination.path) else "virtualNodeRef/name"
        path = f"{destination.path}/{key}"
        return {"op": "test", "path": path, "value": at(route, path)}

    def destination(self, spelling: Spelling, like: Mapping[str, Any], weight: int) -> Manifest:
        """A target beside another: on the same port, the VirtualNode of the version's own name."""
        host = spelling.host
        if host is not None and spelling.namespace is not None:
            host = full_node(host, spelling.namespace)
        port = {"port": like["port"]} if "port" in like else {}
        return {**target_at(host or spelling.backend or spelling.name), **port, "weight": weight}

    def spelling(self, service: Service, version: Version) -> Spelling:
        """As the user spelled it, else by the VirtualNode that we deploy for it where the route is ours."""
        node = node_name(version)
        backend = full_node(node or version.backend, version.namespace)
        host = version.host
        if host is None and node is not None and not service.routes_are_named:
            host = backend
        return Spelling(version.name, host, None, version.namespace, backend)

    def resources(self, release: Release, service: Service, weights: Mapping[str, int]) -> list[Manifest]:
        """The Service that callers use, VirtualNodes, the VirtualRouter, and a VirtualService for each host."""
        nodes = [node for name in weights for node in self.version_resources(release, service, service.versions[name])]
        return route_objects(release, service, weights, nodes)

    def version_resources(self, release: Release, service: Service, version: Version) -> list[Manifest]:
        """The VirtualNode of a version that we deploy, unless it is among the objects that its user gives it."""
        return virtual_nodes(release, service, version)

    def subset_resources(self, release: Release, service: Service, versions: Sequence[str]) -> list[Manifest]:
        """None that several versions share."""
        return []

    def refusal(self, route: Manifest) -> str:
        """What the controller says against the VirtualRouter as it stands."""
        if _observed(route) < _generation(route):
            return ""
        return "; ".join(
            f"{item['type']}={item['status']} ({item.get('reason') or 'no reason given'}): {item.get('message') or ''}"
            for item in (route.get("status") or {}).get("conditions") or []
            if item.get("type") == ACTIVE and item.get("status") == "False"
        )

    def unsettled(self, route: Manifest) -> str:
        """Whether the controller of App Mesh has handed over the VirtualRouter as it stands."""
        status = route.get("status") or {}
        if _observed(route) < _generation(route):
            return (
                f"the controller of App Mesh has seen generation {_observed(route)} of {_generation(route)}: it says "
                "no more where a VirtualNode is missing, or the mesh cannot be reached"
            )
        said = {item.get("type"): item.get("status") for item in status.get("conditions") or []}
        return "" if said.get(ACTIVE) == "True" else f"the controller of App Mesh has not said {ACTIVE}"

    def problems(self, route: Manifest) -> list[dict[str, str]]:
        """Routes that send nothing anywhere or more than everything, and what the controller says against them."""
        found = []
        for rule in self.rules(route):
            total = sum(rule.effective())
            if not total:
                what = "all weights are 0" if rule.destinations else "it has no targets"
                found.append({"code": "rule_without_weights", "path": rule.path, "message": f"{rule.name}: {what}"})
            elif total > MOST:
                message = f"{rule.name}: its weights add up to {total}, and App Mesh takes {MOST} at most"
                found.append({"code": "weights_do_not_sum", "path": rule.path, "message": message})
        refusal = self.refusal(route)
        if refusal:
            found.append({"code": "route_refused", "path": "/status/conditions", "message": refusal})
        return found


def _entries(route: Manifest) -> list[Manifest]:
    return list(route.get("spec", {}).get("routes") or [])


def _kind_of(entry: Mapping[str, Any]) -> str:
    """What a route is about: exactly one of these stands in each."""
    return next((kind for kind in ROUTE_OF_PROTOCOL.values() if entry.get(kind)), "httpRoute")


def _generation(route: Manifest) -> int:
    return int(route["metadata"].get("generation") or 0)


def _observed(route: Manifest) -> int:
    return int((route.get("status") or {}).get("observedGeneration") or 0)
