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
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.router import Router
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest, Operation
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

    def route(self, topology: Topology) -> Manifest:
        """The object, as the API server would return it."""


class Istio(Adapter):
    """VirtualServices."""

    router = ROUTERS["istio"]
    kinds = ("http", "tls", "tcp")
    subsets = (False, True)
    weight_path = r"/spec/(http|tls|tcp)/\d+/route/\d+/weight"

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


ADAPTERS: dict[str, Adapter] = {"istio": Istio()}


BACKENDS = (*VERSIONS, *OTHERS)
_ORDERS = st.permutations(BACKENDS)
_WEIGHTS = st.lists(st.none() | st.integers(0, 100), min_size=len(BACKENDS), max_size=len(BACKENDS))
_NAMES = st.sampled_from([None, "main", "api"])
_SIZES = st.lists(st.integers(0, 4), max_size=3)


@st.composite
def topologies(draw: st.DrawFn, adapter: Adapter, versions: Sequence[str]) -> Topology:
    """Routes of several rules in which at least one holds all the versions, and with weight."""
    kinds = st.sampled_from(adapter.kinds)
    sizes = draw(_SIZES)
    whole = draw(st.integers(0, len(sizes)))
    blocks = []
    for size in [*sizes[:whole], None, *sizes[whole:]]:
        order = draw(_ORDERS)
        # The rule that holds them all ends with the last of them: none to all of the others stand among them.
        length = size if size is not None else max(order.index(version) for version in versions) + 1
        lines = tuple(Line(name, weight) for name, weight in zip(order[:length], draw(_WEIGHTS), strict=False))
        blocks.append(Block(draw(kinds), draw(_NAMES), lines))
    assume(all(_has_weight(block, versions) for block in blocks if block.holds(versions)))
    return Topology(draw(st.sampled_from(adapter.subsets)), tuple(blocks))


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
    return value[int(last)] if isinstance(value, list) else value.get(last)


def without_weights(value: Any) -> Any:
    """A copy without any leaf named ``weight``."""
    if isinstance(value, dict):
        return {key: without_weights(item) for key, item in value.items() if key != "weight"}
    return [without_weights(item) for item in value] if isinstance(value, list) else value


def in_order(adapter: Adapter, topology: Topology) -> Iterator[Block]:
    """The rules in the order in which the router lists them: kind by kind."""
    for kind in adapter.kinds:
        yield from (block for block in topology.blocks if block.kind == kind)


def _has_weight(block: Block, versions: Sequence[str]) -> bool:
    return len(block.lines) == 1 or any(line.weight for line in block.lines if line.backend in versions)
