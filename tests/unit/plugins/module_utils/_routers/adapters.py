# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the suite of all routers has to know of one: a new router adds its adapter here, and passes the suite."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jsonpatch
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.weights import largest_remainder
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.router import Router
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import (
    Destination,
    Manifest,
    Operation,
    Rule,
    Spelling,
)
from hypothesis import assume
from hypothesis import strategies as st

# One name ends like another on purpose.
VERSIONS = ("blue", "green", "dark-blue")
OTHERS = ("legacy", "partner")


@dataclass(frozen=True)
class Line:
    """One destination: a version or something else, and its weight (None: not written)."""

    backend: str
    weight: int | None


@dataclass(frozen=True)
class Block:
    """One rule: of which kind, its own name if it has one, its destinations."""

    kind: str
    name: str | None
    lines: tuple[Line, ...]

    def holds(self, versions: Sequence[str]) -> bool:
        """Whether all of these are among the destinations."""
        return set(versions) <= {line.backend for line in self.lines}


@dataclass(frozen=True)
class Topology:
    """A route, said without the words of any router."""

    by_subset: bool
    blocks: tuple[Block, ...]


class Adapter(Protocol):
    """How a topology is written for one router."""

    router: Router
    kinds: tuple[str, ...]
    subsets: tuple[bool, ...]
    weight_path: str
    alone_has_all: bool
    # Whether a rule can divide its traffic; else one version has all of it.
    splits: bool = True
    # What overlays are about: the kind of rules that know them and where these stand, their conditions and
    # destinations, what a user may have in them besides, and where a mirror is written. Where the first is empty, no
    # rule knows them.
    with_headers: str
    matches: str
    destinations: str
    extras: tuple[tuple[Manifest, ...], ...]
    mirror_path: str
    # Whether rules stand in one list whatever they are about, and not in one for each kind.
    one_list: bool = False
    # Whether the rules that know headers can copy requests, too.
    mirrors: bool = True
    # What weights, and which percentages, fit whatever the shape of the route: sums may be bounded.
    largest_weight: int = 100
    grain: int = 1

    def entries(self, route: Manifest) -> list[Manifest]:
        """The rules of the list in which some know headers, as they are written."""
        found: list[Manifest] = route["spec"].get(self.with_headers) or []
        return found

    def varied(self, entry: Manifest, draw: st.DrawFn) -> None:
        """Write into a rule what a user may have in it."""
        del entry[self.matches]
        for extras in self.extras:
            entry |= copy.deepcopy(draw(st.sampled_from(extras)))

    def matches_of(self, entry: Manifest) -> list[Manifest]:
        """The conditions of a rule, one of which has to hold."""
        found: list[Manifest] = entry.get(self.matches) or []
        return found

    def targets_of(self, entry: Manifest) -> list[Manifest]:
        """The weighted destinations of a rule."""
        found: list[Manifest] = entry[self.destinations]
        return found

    def rest_of(self, entry: Manifest) -> Manifest:
        """What of a rule its copy for tests has in common with it."""
        own = ("name", self.matches, self.destinations, "mirrors", "filters")
        return {key: value for key, value in entry.items() if key not in own}

    def foreign(self, name: str) -> Manifest:
        """A rule that only has a name like one of ours."""
        return {"name": name, self.matches: self.extras[0][-1][self.matches]}

    def knows_headers(self, block: Block) -> bool:
        """Whether a rule of this kind does."""
        return block.kind == self.with_headers

    def header(self, match: Manifest, name: str) -> str:
        """The value that a condition asks for in a header."""

    def route(self, topology: Topology) -> Manifest:
        """The object, as the API server would return it."""

    def rules(self, route: Manifest) -> tuple[Rule, ...]:
        """Its rules with every version that they could send to."""
        return self.router.rules(route)

    def backend(self, destination: Destination) -> str:
        """The name of the version or of the other backend that a destination is."""
        return destination.subset or destination.backend.removeprefix("web-")

    def without_weights(self, route: Manifest) -> Manifest:
        """A copy without anything that says who gets how much."""
        bare: Manifest = without_leaves(route, "weight")
        return bare


class Istio(Adapter):
    """VirtualServices."""

    router = ROUTERS["istio"]
    kinds = ("http", "tls", "tcp")
    subsets = (False, True)
    weight_path = r"/spec/(http|tls|tcp)/\d+/route/\d+/weight"
    alone_has_all = True
    with_headers = "http"
    matches = "match"
    destinations = "route"
    extras = (
        (
            {},
            {"match": []},
            {"match": [{"uri": {"prefix": "/äpi&<"}}]},
            {"match": [{"headers": {"x-team": {"exact": "a"}}}, {"method": {"exact": "PUT"}}]},
        ),
        ({}, {"mirrors": []}, {"mirrors": [{"destination": {"host": "shadow"}, "percentage": {"value": 5}}]}),
        ({}, {"rewrite": {"uri": "/"}}),
    )
    mirror_path = r"/spec/http/\d+/(mirror|mirrorPercentage|mirrors/-)"

    def header(self, match: Manifest, name: str) -> str:
        return str(match["headers"][name]["exact"])

    def route(self, topology: Topology) -> Manifest:
        """With a match, a timeout and retries, so that there is something to leave alone."""
        spec: Manifest = {"hosts": ["web.example.com"], "exportTo": ["*"]}
        for block in topology.blocks:
            rule: Manifest = {"match": [{"port": 80}], "route": [self._entry(topology, line) for line in block.lines]}
            if block.kind == "http":
                rule |= {"timeout": "5s", "retries": {"attempts": 2}}
                rule |= {"name": block.name} if block.name else {}
            spec.setdefault(block.kind, []).append(rule)
        return {"metadata": {"name": "web", "namespace": "prod", "resourceVersion": "7"}, "spec": spec}

    def _entry(self, topology: Topology, line: Line) -> Manifest:
        if line.backend in VERSIONS:
            target = {"host": "web", "subset": line.backend} if topology.by_subset else {"host": f"web-{line.backend}"}
        else:
            target = {"host": f"{line.backend}.example.com"}
        entry: Manifest = {"destination": {**target, "port": {"number": 8080}}}
        return entry if line.weight is None else {**entry, "weight": line.weight}


class GatewayApi(Adapter):
    """Routes of the Gateway API: weights on any scale, which count 1 where they are not written."""

    router = ROUTERS["gateway_api"]
    kinds = ("rules",)
    subsets = (False,)
    weight_path = r"/spec/rules/\d+/backendRefs/\d+/weight"
    alone_has_all = False
    with_headers = "rules"
    matches = "matches"
    destinations = "backendRefs"
    extras = (
        (
            {},
            {"matches": []},
            {"matches": [{"path": {"type": "Exact", "value": "/äpi&<"}}]},
            {"matches": [{"headers": [{"type": "Exact", "name": "x-team", "value": "a"}]}, {"method": "PUT"}]},
        ),
        (
            {},
            {"filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "shadow", "port": 80}}}]},
            {"filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": "web"}}]},
        ),
        ({}, {"sessionPersistence": {"sessionName": "web"}}),
    )
    mirror_path = r"/spec/rules/\d+/filters(/-)?"

    def header(self, match: Manifest, name: str) -> str:
        return str(next(header["value"] for header in match["headers"] if header["name"] == name))

    def route(self, topology: Topology) -> Manifest:
        """With a match and a timeout, so that there is something to leave alone."""
        rules: list[Manifest] = []
        for block in topology.blocks:
            rule: Manifest = {"backendRefs": [self._entry(line) for line in block.lines]}
            rule |= {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "timeouts": {"request": "5s"}}
            rules.append(rule | ({"name": block.name} if block.name else {}))
        metadata = {"name": "web", "namespace": "prod", "resourceVersion": "7", "generation": 3}
        spec = {"hostnames": ["web.example.com"], "parentRefs": [{"name": "public"}], "rules": rules}
        return {"kind": "HTTPRoute", "metadata": metadata, "spec": spec}

    def _entry(self, line: Line) -> Manifest:
        entry: Manifest = {"kind": "Service", "port": 8080}
        if line.backend in VERSIONS:
            entry |= {"name": f"web-{line.backend}"}
        else:
            entry |= {"name": line.backend, "namespace": "partners"}
        return entry if line.weight is None else {**entry, "weight": line.weight}


class AppMesh(Adapter):
    """VirtualRouters: whole weights, all of them written, in the action of one of four kinds of routes."""

    router = ROUTERS["app_mesh"]
    kinds = ("httpRoute", "http2Route", "grpcRoute", "tcpRoute")
    # With VirtualNodes of the cluster, and with such as only their ARN names.
    subsets = (False, True)
    weight_path = r"/spec/routes/\d+/(http|http2|grpc|tcp)Route/action/weightedTargets/\d+/weight"
    alone_has_all = False
    with_headers = "routes"
    matches = "match"
    destinations = "weightedTargets"
    extras = (
        (
            {"prefix": "/"},
            {"path": {"exact": "/äpi&<"}},
            {"prefix": "/", "conditions": [{"name": "x-team", "match": {"exact": "a"}}]},
            {"prefix": "/", "conditions": [{"name": "x-team", "invert": True, "match": {"suffix": "a"}}]},
        ),
        ({}, {"timeout": {"perRequest": {"unit": "s", "value": 5}}}),
        ({}, {"retryPolicy": {"maxRetries": 2, "perRetryTimeout": {"unit": "ms", "value": 500}}}),
    )
    mirror_path = ""
    one_list = True
    mirrors = False
    # The sum of five weights, four times this grain of them, is the most that a route may have.
    largest_weight = 4
    grain = 20

    def knows_headers(self, block: Block) -> bool:
        return block.kind != "tcpRoute"

    def header(self, match: Manifest, name: str) -> str:
        conditions = match.get("headers") or match.get("metadata") or []
        return str(next(item["match"]["exact"] for item in conditions if item["name"] == name))

    def varied(self, entry: Manifest, draw: st.DrawFn) -> None:
        kind = self._kind(entry)
        if kind == "tcpRoute":
            return
        match = copy.deepcopy(draw(st.sampled_from(self.extras[0])))
        conditions = match.pop("conditions", None)
        if kind == "grpcRoute":
            match = {"serviceName": "web.Api"}
        if conditions is not None:
            match["metadata" if kind == "grpcRoute" else "headers"] = conditions
        entry[kind]["match"] = match
        for extras in self.extras[1:]:
            entry[kind] |= copy.deepcopy(draw(st.sampled_from(extras)))

    def matches_of(self, entry: Manifest) -> list[Manifest]:
        return [entry[self._kind(entry)]["match"]]

    def targets_of(self, entry: Manifest) -> list[Manifest]:
        targets: list[Manifest] = entry[self._kind(entry)]["action"]["weightedTargets"]
        return targets

    def rest_of(self, entry: Manifest) -> Manifest:
        kind = self._kind(entry)
        return {key: value for key, value in entry[kind].items() if key not in ("match", "action")}

    def foreign(self, name: str) -> Manifest:
        targets = [{"virtualNodeRef": {"name": "shadow"}, "weight": 1}]
        match = {"prefix": "/", "headers": [{"name": "x-team", "match": {"exact": "a"}}]}
        return {"name": name, "httpRoute": {"match": match, "action": {"weightedTargets": targets}}}

    def route(self, topology: Topology) -> Manifest:
        """With priorities, listeners and a status, so that there is something to leave alone."""
        routes: list[Manifest] = []
        for place, block in enumerate(topology.blocks):
            targets = [self._target(topology, line) for line in block.lines]
            entry: Manifest = {"action": {"weightedTargets": targets}}
            entry |= {"match": {"port": 8080}} if block.kind == "tcpRoute" else {"match": {"prefix": "/"}}
            # Their names are unlike one another, and a number is free before each.
            routes.append({"name": f"{block.name or 'route'}-{place}", "priority": 10 * place + 1, block.kind: entry})
        metadata = {"name": "web", "namespace": "prod", "resourceVersion": "7", "generation": 3}
        listeners = [{"portMapping": {"port": 8080, "protocol": "http"}}]
        spec = {"awsName": "web_prod", "listeners": listeners, "meshRef": {"name": "mesh"}, "routes": routes}
        return {"kind": "VirtualRouter", "metadata": metadata, "spec": spec, "status": {"observedGeneration": 3}}

    def _target(self, topology: Topology, line: Line) -> Manifest:
        name = f"web-{line.backend}" if line.backend in VERSIONS else line.backend
        node: Manifest = {"virtualNodeRef": {"name": name}}
        if topology.by_subset:
            node = {"virtualNodeARN": f"arn:aws:appmesh:eu-west-1:1:mesh/mesh/virtualNode/{name}"}
        elif line.backend in OTHERS:
            node["virtualNodeRef"]["namespace"] = "partners"
        # The API demands a weight of each.
        return {**node, "port": 8080, "weight": 1 if line.weight is None else line.weight}

    def backend(self, destination: Destination) -> str:
        return destination.backend.rpartition("/")[2].removeprefix("web-")

    def _kind(self, entry: Manifest) -> str:
        return next(kind for kind in self.kinds if kind in entry)


class PlainService(Adapter):
    """Services: one label of the selector holds the name of the version that has everything."""

    router = ROUTERS["service"]
    kinds = ("selector",)
    # With and without the usual label; beside another one, that holds the number of what is deployed.
    subsets = (False, True)
    weight_path = r"/spec/selector/(app.kubernetes.io~1version|track)"
    alone_has_all = False
    splits = False
    with_headers = ""
    matches = ""
    destinations = ""
    extras = ()
    mirror_path = ""

    def header(self, match: Manifest, name: str) -> str:
        raise NotImplementedError

    def route(self, topology: Topology) -> Manifest:
        """With labels of pods, ports and a session affinity, so that there is something to leave alone."""
        (block,) = topology.blocks
        live = max((line for line in block.lines if line.backend in VERSIONS), key=lambda line: line.weight or 0)
        own = {"track": live.backend, "app.kubernetes.io/version": "1.4"}
        selector = own if topology.by_subset else {"app.kubernetes.io/version": live.backend}
        spec = {"selector": {"app": "web", **selector}, "ports": [{"port": 80}], "sessionAffinity": "None"}
        metadata = {"name": "web", "namespace": "prod", "resourceVersion": "7", "labels": {"track": "blue"}}
        return {"kind": "Service", "metadata": metadata, "spec": spec}

    def rules(self, route: Manifest) -> tuple[Rule, ...]:
        chosen, _pins = self.router.carrying(route, [Spelling(name) for name in VERSIONS], (), VERSIONS)
        return tuple(rule for rule, _found in chosen)

    def backend(self, destination: Destination) -> str:
        labels = dict(label.split("=") for label in str(destination.subset).split(","))
        return labels.get("track") or labels["app.kubernetes.io/version"]

    def without_weights(self, route: Manifest) -> Manifest:
        bare = copy.deepcopy(route)
        selector = bare["spec"]["selector"]
        del selector["track" if "track" in selector else "app.kubernetes.io/version"]
        return bare


ADAPTERS: dict[str, Adapter] = {
    "istio": Istio(),
    "gateway_api": GatewayApi(),
    "app_mesh": AppMesh(),
    "service": PlainService(),
}


BACKENDS = (*VERSIONS, *OTHERS)
_ORDERS = st.permutations(BACKENDS)
_NAMES = st.sampled_from([None, "main", "api"])
_SIZES = st.lists(st.integers(0, 4), max_size=3)


@st.composite
def topologies(draw: st.DrawFn, adapter: Adapter, versions: Sequence[str]) -> Topology:
    """Routes of several rules in which at least one holds all the versions, and with weight."""
    kinds = st.sampled_from(adapter.kinds)
    if not adapter.splits:
        live = draw(st.sampled_from(versions))
        lines = tuple(Line(name, 100 if name == live else 0) for name in draw(_ORDERS))
        return Topology(draw(st.sampled_from(adapter.subsets)), (Block(draw(kinds), None, lines),))
    sizes = draw(_SIZES)
    weight = st.none() | st.integers(0, adapter.largest_weight)
    weights = st.lists(weight, min_size=len(BACKENDS), max_size=len(BACKENDS))
    whole = draw(st.integers(0, len(sizes)))
    blocks = []
    for size in [*sizes[:whole], None, *sizes[whole:]]:
        order = draw(_ORDERS)
        # The rule that holds them all ends with the last of them: none to all of the others stand among them.
        length = size if size is not None else max(order.index(version) for version in versions) + 1
        lines = tuple(Line(name, weight) for name, weight in zip(order[:length], draw(weights), strict=False))
        blocks.append(Block(draw(kinds), draw(_NAMES), lines))
    assume(all(_has_weight(adapter, block, versions) for block in blocks if block.holds(versions)))
    return Topology(draw(st.sampled_from(adapter.subsets)), tuple(blocks))


@st.composite
def percentages(draw: st.DrawFn, adapter: Adapter, names: Sequence[str]) -> dict[str, int]:
    """Weights for these versions, as far as the router's routes can carry them."""
    if not adapter.splits:
        to = draw(st.sampled_from(names))
        return {name: 100 if name == to else 0 for name in names}
    shares = draw(st.lists(st.integers(0, 100), min_size=len(names), max_size=len(names)).filter(any))
    grains = largest_remainder(dict(zip(names, shares, strict=True)), 100 // adapter.grain)
    return {name: share * adapter.grain for name, share in grains.items()}


def applied(route: Manifest, operations: Sequence[Operation]) -> Manifest:
    """The route after a JSON Patch, with each test checked where it stands: null stands for what is absent."""
    route = copy.deepcopy(route)
    for operation in operations:
        if operation["op"] == "test":
            assert standing(route, operation["path"]) == operation["value"], operation
        else:
            route = jsonpatch.apply_patch(route, [operation])
    return route


def standing(value: Any, path: str) -> Any:
    """What stands at a JSON pointer; None when there is nothing."""
    *parents, last = path.split("/")[1:]
    for part in parents:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value[int(last)] if isinstance(value, list) else value.get(last.replace("~1", "/"))


def without_leaves(value: Any, name: str) -> Any:
    """A copy without any leaf of this name."""
    if isinstance(value, dict):
        return {key: without_leaves(item, name) for key, item in value.items() if key != name}
    return [without_leaves(item, name) for item in value] if isinstance(value, list) else value


def in_order(adapter: Adapter, topology: Topology) -> Iterator[Block]:
    """The rules in the order in which the router lists them: kind by kind, unless they stand in one list."""
    if adapter.one_list:
        yield from topology.blocks
        return
    for kind in adapter.kinds:
        yield from (block for block in topology.blocks if block.kind == kind)


def _has_weight(adapter: Adapter, block: Block, versions: Sequence[str]) -> bool:
    alone = len(block.lines) == 1 and adapter.alone_has_all
    return alone or any(line.weight for line in block.lines if line.backend in versions)
