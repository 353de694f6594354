# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What App Mesh has accepted, which outlives an object that is wrong: pure.

The real controller writes what is right to App Mesh, and reports what is not by an event; then App Mesh goes on with
what it was told last. It refuses to delete what another thing still refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.lab.app_mesh.objects import Json, Key, Objects, key, referred, selects

PROTOCOLS = {"http": "httpRoute", "http2": "http2Route", "grpc": "grpcRoute", "tcp": "tcpRoute"}
# All weights of a route together.
MOST = 100


class Refusal(Exception):
    """Why an object is not accepted."""


@dataclass(frozen=True)
class Thing:
    """An accepted object, the mesh that it belongs to, and its names there."""

    mesh: str
    name: str
    manifest: Json

    @property
    def spec(self) -> Json:
        spec: Json = self.manifest["spec"]
        return spec


@dataclass(frozen=True)
class Accepted:
    nodes: Mapping[Key, Thing] = field(default_factory=dict)
    routers: Mapping[Key, Thing] = field(default_factory=dict)
    services: Mapping[Key, Thing] = field(default_factory=dict)


# Kind and key of an object → why it is not accepted.
Refusals = dict[tuple[str, Key], str]


def accept(objects: Objects, earlier: Accepted) -> tuple[Accepted, Refusals]:
    """What is accepted now. A refused object stays as it was accepted before; one in use stays without its object."""
    judge = _Judge(objects)
    nodes = judge.judged("VirtualNode", objects.nodes, earlier.nodes, lambda node: None)
    routers = judge.judged(
        "VirtualRouter", objects.routers, earlier.routers, lambda router: _check_router(router, nodes)
    )
    services = judge.judged(
        "VirtualService",
        objects.services,
        earlier.services,
        lambda service: judge.check_service(service, nodes, routers),
    )
    routers |= _in_use(earlier.routers, routers, (place for thing in services.values() for place in routers_of(thing)))
    users = [*services.values(), *routers.values()]
    nodes |= _in_use(earlier.nodes, nodes, (place for thing in users for place in nodes_of(thing)))
    return Accepted(nodes, routers, services), judge.refusals


class _Judge:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._names: set[str] = set()
        self.refusals: Refusals = {}

    def judged(
        self, kind: str, found: Mapping[Key, Json], earlier: Mapping[Key, Thing], check: Callable[[Thing], None]
    ) -> dict[Key, Thing]:
        kept: dict[Key, Thing] = {}
        for place, manifest in sorted(found.items(), key=lambda entry: _age(entry[1])):
            try:
                thing = Thing(mesh_of(manifest, self._objects), own_name(kind, manifest), manifest)
                check(thing)
            except Refusal as refusal:
                self.refusals[kind, place] = str(refusal)
                if place in earlier:
                    kept[place] = earlier[place]
            else:
                kept[place] = thing
        return kept

    def check_service(self, service: Thing, nodes: Mapping[Key, Thing], routers: Mapping[Key, Thing]) -> None:
        _check_provider(service, nodes, routers)
        if service.name in self._names:
            raise Refusal(f"another virtual service is named {service.name}")
        self._names.add(service.name)


def _age(manifest: Json) -> tuple[str, Key]:
    """The older of two that want the same has it."""
    return manifest["metadata"].get("creationTimestamp") or "", key(manifest)


def _in_use(earlier: Mapping[Key, Thing], now: Mapping[Key, Thing], used: Iterator[Key]) -> dict[Key, Thing]:
    return {place: earlier[place] for place in used if place in earlier and place not in now}


def mesh_of(manifest: Json, objects: Objects) -> str:
    """The one mesh whose selector fits the namespace."""
    namespace = key(manifest)[0]
    found = objects.labels_of_namespace(namespace)
    meshes = [mesh for mesh in objects.meshes.values() if selects(mesh["spec"].get("namespaceSelector"), found)]
    if len(meshes) != 1:
        raise Refusal(f"failed to find matching mesh for namespace: {namespace}, expecting 1 but found {len(meshes)}")
    return own_name("Mesh", meshes[0])


def own_name(kind: str, manifest: Json) -> str:
    """The name that a thing has in App Mesh."""
    namespace, name = key(manifest)
    default = {"Mesh": name, "VirtualService": f"{name}.{namespace}"}.get(kind, f"{name}_{namespace}")
    return manifest["spec"].get("awsName") or default


def route_action(route: Json) -> tuple[str, Json] | None:
    """The field that says of which protocol a route is, and what stands there."""
    return next(((name, route[name]) for name in PROTOCOLS.values() if name in route), None)


def _check_router(router: Thing, nodes: Mapping[Key, Thing]) -> None:
    namespace = key(router.manifest)[0]
    protocols = {PROTOCOLS[protocol] for _port, protocol in listeners(router)}
    for route in router.spec.get("routes") or []:
        action = route_action(route)
        if action is None:
            raise Refusal(f"route {route['name']} is of no protocol")
        kind, rule = action
        if kind not in protocols:
            raise Refusal(f"route {route['name']} is a {kind}, of which the router has no listener")
        targets = rule["action"]["weightedTargets"]
        total = sum(target["weight"] for target in targets)
        if not 1 <= total <= MOST:
            raise Refusal(f"route {route['name']}: its weights add up to {total}, not to 1 to {MOST}")
        for target in targets:
            _check_target(route["name"], target, namespace, router.mesh, nodes)


def _check_target(route: str, target: Json, namespace: str, mesh: str, nodes: Mapping[Key, Thing]) -> None:
    if "virtualNodeRef" not in target:
        raise Refusal(f"route {route}: the stand-in knows virtualNodeRef only")
    place = referred(target["virtualNodeRef"], namespace)
    if place not in nodes:
        raise Refusal(f"failed to resolve virtualNodeRef: VirtualNode {'/'.join(place)} not found")
    if nodes[place].mesh != mesh:
        raise Refusal(f"virtualNode {'/'.join(place)} didn't belong to mesh {mesh}")
    if listener(nodes[place], target.get("port")) is None:
        raise Refusal(f"route {route}: no port says which listener of virtualNode {'/'.join(place)} is meant")


def listeners(thing: Thing) -> list[tuple[int, str]]:
    """Ports and protocols that a node or a router listens with."""
    mappings = [entry["portMapping"] for entry in thing.spec.get("listeners") or []]
    return [(mapping["port"], mapping["protocol"]) for mapping in mappings]


def listener(node: Thing, port: int | None) -> tuple[int, str] | None:
    """Port and protocol of the listener that a target means."""
    fitting = [entry for entry in listeners(node) if port is None or entry[0] == port]
    return fitting[0] if len(fitting) == 1 else None


def _check_provider(service: Thing, nodes: Mapping[Key, Thing], routers: Mapping[Key, Thing]) -> None:
    for kind, known in (("virtualNode", nodes), ("virtualRouter", routers)):
        for place in _provider(service, kind):
            if place not in known:
                raise Refusal(f"failed to resolve {kind}Ref: {'/'.join(place)}")


def routers_of(service: Thing) -> list[Key]:
    """The virtual router that provides a service, if one does."""
    return _provider(service, "virtualRouter")


def _provider(service: Thing, kind: str) -> list[Key]:
    reference = ((service.spec.get("provider") or {}).get(kind) or {}).get(f"{kind}Ref")
    return [referred(reference, key(service.manifest)[0])] if reference else []


def nodes_of(thing: Thing) -> list[Key]:
    """The virtual nodes that a service or a router names itself."""
    namespace = key(thing.manifest)[0]
    found = _provider(thing, "virtualNode")
    for route in thing.spec.get("routes") or []:
        action = route_action(route)
        for target in action[1]["action"]["weightedTargets"] if action else []:
            if "virtualNodeRef" in target:
                found.append(referred(target["virtualNodeRef"], namespace))
    return found


def backends(accepted: Accepted) -> set[Key]:
    """The virtual services that some node names as a backend: no Envoy knows others."""
    return {
        referred(backend["virtualService"]["virtualServiceRef"], key(node.manifest)[0])
        for node in accepted.nodes.values()
        for backend in node.spec.get("backends") or []
        if "virtualServiceRef" in backend["virtualService"]
    }
