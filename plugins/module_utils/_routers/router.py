# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all routers share: finding versions in rules, and the smallest patch that gives them their weights.

A router says where the rules of its kind of object are and how a destination is written; the rest is here.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .._core.errors import RouteError, SpecError
from .._core.model import ROOT, Release, Service, Version
from . import hosts
from .doors import Door
from .matching import (
    found_in,
    incomplete,
    named,
    namespace_of,
    only,
    refuse_unknown_rules,
    refuse_unknown_versions,
)
from .mesh import refuse_external_name
from .rules import (
    Change,
    Destination,
    Manifest,
    Operation,
    Reading,
    Rule,
    RuleChange,
    RuleWeights,
    Spelling,
    at,
    held_after,
    percentages,
    reaches,
    weight_operations,
)


@dataclass(frozen=True)
class Kind:
    """How a kind of route is addressed: its plural, and the API versions that we know, the preferred one first."""

    plural: str
    api_versions: tuple[str, ...]


class Router(abc.ABC):
    """The adapter for one family of routes.

    ``kind`` is the kind that is meant when none is named; ``subsets`` are API version and plural of the objects that
    define subsets, ``entries`` those of the objects that define hosts which are no Services, and ``nodes`` those of the
    objects through which a route reaches Services, where there are any; ``beside`` are API version and kind of what may
    be created beside a route. A route that ``switches`` leads everything to
    one version, chosen by the labels of its pods: a destination's subset is their selector. ``largest_sum`` is what the
    weights of a rule may add up to, where the API has a bound.
    """

    name: str
    kind: str
    kinds: ClassVar[Mapping[str, Kind]]
    subsets: tuple[str, str] | None = None
    entries: tuple[str, str] | None = None
    nodes: tuple[str, str] | None = None
    largest_sum: int | None = None
    beside: tuple[tuple[str, str], ...] = ()
    switches: bool = False

    def kind_for(self, protocol: str) -> str:
        """The kind of route that carries a protocol."""
        return self.kind

    def refuse(self, service: Service) -> None:
        """Raise SpecError for what a service asks of its routes that this family cannot do."""
        for route in service.routes:
            if route.kind not in (None, *self.kinds):
                raise SpecError(
                    f"{ROOT}.services.{service.name}.route.kind",
                    f'the router {self.name} knows {", ".join(self.kinds)}, got "{route.kind}"',
                )
        refuse_external_name(service)
        for version in service.versions.values():
            if version.selector and not self.switches:
                raise SpecError(
                    f"{ROOT}.services.{service.name}.versions.{version.name}.selector",
                    f"the router {self.name} tells versions apart by host or subset: leave it out",
                )

    def refuse_course(self, release: Release) -> None:
        """Raise SpecError for steps, and ways to prove them, that this family cannot go."""
        return

    def refuse_weight(self, path: str, weight: int) -> None:
        """Raise SpecError for a percentage that this family cannot write; ``path`` is where it was asked for."""
        return

    def doors(self, route: Manifest) -> tuple[Door, ...]:
        """The objects through which requests from outside come to a route; none where nobody can tell."""
        return ()

    def refusal(self, route: Manifest) -> str:
        """What the data plane's controller has to say against a route as it stands; empty when it refuses nothing."""
        return ""

    def unsettled(self, route: Manifest) -> str:
        """Who has not said yet that it follows a route as it stands; empty where nobody says so in the object."""
        return ""

    def subset_labels(self, objects: Sequence[Manifest], host: str, subset: str) -> Mapping[str, str] | None:
        """The pod labels of a subset of a host, found in the objects that define subsets."""
        return None

    def definition_namespaces(self, route: str, service: str | None) -> list[str]:
        """Where the objects may be that define the hosts and subsets of a route, the likeliest first.

        ``route`` is the route's namespace, ``service`` that of the Service behind it.
        """
        return [service or route]

    def delegates(self, route: Manifest) -> list[tuple[str, str]]:
        """Namespace and name of the routes to which a route hands requests."""
        return []

    def is_delegate(self, route: Manifest) -> bool:
        """Whether a route gets its requests from another route, which has the hosts."""
        return False

    @abc.abstractmethod
    def rules(self, route: Manifest) -> tuple[Rule, ...]:
        """All rules of a route, weighted or not, but without those of ours that stand there for a test.

        Places are counted without these too, so that a rule keeps its place while there is one in front of it.
        """

    @abc.abstractmethod
    def test_rules(self, route: Manifest) -> tuple[Rule, ...]:
        """The rules of ours that send requests with a header to one version."""

    @abc.abstractmethod
    def test_rule(
        self, route: Manifest, rule: Rule, destination: Destination, header: str, value: str
    ) -> Manifest | None:
        """A copy of a rule for requests with a header, all to one destination; None where rules know no headers."""

    @abc.abstractmethod
    def mirroring(
        self, route: Manifest, rule: Rule, destination: Destination, percent: float
    ) -> tuple[Operation, ...] | None:
        """The operations that copy requests to a destination of the rule; None where rules know no mirrors."""

    @abc.abstractmethod
    def mirror_removal(self, route: Manifest, rule: Rule, destination: Destination) -> tuple[Operation, ...]:
        """The operations that take such a mirror away; none when there is none."""

    @abc.abstractmethod
    def still_there(self, route: Manifest, destination: Destination) -> Operation:
        """A test that a destination stands where it was read.

        It must be of plain ASCII and whole numbers: the API server compares the very spelling, and its own differs
        from ours in everything else.
        """

    def full_host(self, host: str, namespace: str) -> str:
        """A host as the router resolves it when it stands in an object of that namespace."""
        return hosts.full_host(host, namespace)

    def service_of(self, host: str) -> tuple[str, str] | None:
        """The name and namespace of the Service behind a full host; None when it is something else."""
        return hosts.service_of(host)

    def node_of(self, host: str) -> tuple[str, str] | None:
        """The name and namespace of the object behind a full host that leads to a Service; None for all else."""
        return None

    def service_behind(self, node: Manifest) -> tuple[str, str] | None:
        """The name and namespace of the Service to which such an object leads; None when it leads elsewhere."""
        return None

    @abc.abstractmethod
    def parsed(self, entry: Mapping[str, Any], path: str, namespace: str) -> Destination:
        """A weighted entry of a rule as a destination."""

    @abc.abstractmethod
    def destination(self, spelling: Spelling, like: Mapping[str, Any], weight: int) -> Manifest:
        """The entry for a version that is not in a rule yet, written like one that is."""

    @abc.abstractmethod
    def resources(self, release: Release, service: Service, weights: Mapping[str, int]) -> list[Manifest]:
        """The objects that route a service's traffic with these weights, for a service that has none yet."""

    @abc.abstractmethod
    def spelling(self, service: Service, version: Version) -> Spelling:
        """How a version stands in the routes of its service: as the user spelled it, else as we write it."""

    @abc.abstractmethod
    def subset_resources(self, release: Release, service: Service, versions: Sequence[str]) -> list[Manifest]:
        """The objects beside the route that these versions need before it may name them, such as their subsets."""

    def version_resources(self, release: Release, service: Service, version: Version) -> list[Manifest]:
        """The objects of one version alone without which routes cannot reach it, beside its workload and Service."""
        return []

    @abc.abstractmethod
    def problems(self, route: Manifest) -> list[dict[str, str]]:
        """What is wrong or surprising in a route: code, path and message of each."""

    def spellings(self, route: Manifest) -> list[Spelling]:
        """A version for every backend in a route, for a reader who names none: by subset, else by host."""
        found = {
            destination.subset or destination.backend: Spelling(
                destination.subset or destination.backend, destination.host, destination.subset
            )
            for rule in self.rules(route)
            for destination in rule.destinations
        }
        return list(found.values())

    def present(self, route: Manifest, versions: Sequence[Spelling], rules: Sequence[str] = ()) -> list[Spelling]:
        """Those of the versions that any rule holds; with ``rules``, any of these."""
        found = {name for rule in self._named_rules(route, rules) for name in found_in(rule, versions, self, route)}
        return [spelling for spelling in versions if spelling.name in found]

    def missing(self, route: Manifest, versions: Sequence[Spelling], rules: Sequence[str] = ()) -> dict[str, str]:
        """Of each version that no rule holds, what to add, and how; with ``rules``, none of these."""
        present = {spelling.name for spelling in self.present(route, versions, rules)}
        return {
            spelling.name: str(incomplete(self, route, self._named_rules(route, rules), versions, (spelling.name,)))
            for spelling in versions
            if spelling.name not in present
        }

    def backends(self, route: Manifest, versions: Sequence[Spelling], name: str) -> list[tuple[str, str | None]]:
        """Host and subset of every destination that belongs to one of the versions."""
        return [
            (destination.host, destination.subset)
            for rule in self.rules(route)
            for destination in found_in(rule, versions, self, route).get(name, ())
        ]

    def read(self, route: Manifest, versions: Sequence[Spelling], rules: Sequence[str] = ()) -> Reading:
        """The percentages that the versions hold in each rule that has all of them."""
        chosen, pins = self.carrying(route, versions, rules, [spelling.name for spelling in versions])
        return Reading(tuple(RuleWeights(rule.name, percentages(rule, found)) for rule, found in chosen), pins)

    def patch(
        self,
        route: Manifest,
        versions: Sequence[Spelling],
        weights: Mapping[str, int],
        rules: Sequence[str] = (),
        adopt: bool = False,
    ) -> Change:
        """The patch that gives the versions these percentages of what they hold together in each rule.

        With ``adopt``, versions that are missing from a rule are added to it.
        """
        refuse_unknown_versions(versions, weights)
        chosen, pins = self.carrying(route, versions, rules, list(weights), adopt)
        namespace = namespace_of(route)
        operations: list[Operation] = []
        changes: list[RuleChange] = []
        backends: dict[str, list[Destination]] = {name: [] for name in weights}
        for rule, found in chosen:
            before = percentages(rule, found)
            where = f"{named(self, route)}, rule {rule.name}"
            held, factor = held_after(where, rule, found, weights, self.largest_sum)
            wanted = {found[name]: held * weights[name] // 100 for name in found}
            added = [spelling for spelling in versions if spelling.name in weights and spelling.name not in found]
            operations += weight_operations(rule, wanted, factor, grows=bool(added))
            for name, destination in found.items():
                backends[name].append(destination)
            for spelling in added:
                model = next(iter(found.values()))
                addition = self._addition(route, model, spelling, held * weights[spelling.name] // 100)
                operations.append(addition)
                backends[spelling.name].append(self.parsed(addition["value"], addition["path"], namespace))
            changes.append(
                RuleChange(rule.name, {name: before.get(name, 0) for name in weights}, dict(weights), factor)
            )
        return Change(
            tuple(operations),
            tuple(changes),
            pins,
            {name: tuple(found) for name, found in backends.items()},
            tuple(name for name in weights if any(rule.after[name] > rule.before[name] for rule in changes)),
        )

    def removal(self, route: Manifest, versions: Sequence[Spelling], names: Sequence[str]) -> tuple[Operation, ...]:
        """The operations that take versions without weight out of every rule where others stand beside them."""
        operations: list[Operation] = []
        for rule in self.rules(route):
            found = found_in(rule, versions, self, route)
            weights = rule.effective()
            for position in reversed(range(len(rule.destinations))):
                destination = rule.destinations[position]
                if not any(destination in found.get(name, ()) for name in names):
                    continue
                if weights[position]:
                    raise RouteError(
                        f"{named(self, route)}, rule {rule.name}: {destination} still has weight {weights[position]}; "
                        "shift its traffic away before it is taken out"
                    )
                operations += [self.still_there(route, destination), {"op": "remove", "path": destination.path}]
        return tuple(operations)

    def sends_to(self, route: Manifest, host: str, subset: str | None) -> list[str]:
        """The places in a route from which traffic (mirrored copies too) goes to a backend."""
        places = []
        for rule in self.rules(route):
            for destination, weight in zip(rule.destinations, rule.effective(), strict=True):
                if weight and reaches(destination, host, subset):
                    places.append(f"{rule.name} (weight {weight})")
            places += [f"{rule.name} (mirror)" for mirror in rule.mirrors if reaches(mirror, host, subset)]
        places += [
            f"{rule.name} (test rule)"
            for rule in self.test_rules(route)
            if any(reaches(destination, host, subset) for destination in rule.destinations)
        ]
        return places

    def _named_rules(self, route: Manifest, names: Sequence[str]) -> tuple[Rule, ...]:
        """The rules of these names or places, all without names; one that does not exist is refused."""
        rules = self.rules(route)
        refuse_unknown_rules(self, route, rules, names)
        return tuple(rule for rule in rules if not names or rule.name in names or rule.place in names)

    def carrying(
        self,
        route: Manifest,
        versions: Sequence[Spelling],
        rules: Sequence[str],
        wanted: Sequence[str],
        adopt: bool = False,
    ) -> tuple[list[tuple[Rule, dict[str, Destination]]], tuple[tuple[str, str], ...]]:
        """The rules to act on, each with the destination of every wanted version found, and those that pin versions.

        The other versions only keep a destination of theirs from being taken for a wanted one's.
        """
        candidates = self._named_rules(route, rules)
        chosen: list[tuple[Rule, dict[str, Destination]]] = []
        partial: list[tuple[Rule, dict[str, Destination]]] = []
        for rule in candidates:
            places = found_in(rule, versions, self, route)
            found = {name: only(self, route, rule, name, there) for name, there in places.items() if name in wanted}
            if wanted and len(found) == len(wanted):
                chosen.append((rule, found))
            elif found:
                partial.append((rule, found))
        if rules:
            if adopt:
                chosen, partial = [*chosen, *partial], []
            if len(chosen) < len(candidates):
                raise incomplete(self, route, candidates, versions, wanted)
        elif not chosen and adopt and len(partial) == 1:
            chosen, partial = partial, []
        elif not chosen and adopt and partial:
            raise RouteError(
                f"{named(self, route)}: {', '.join(wanted)} could be completed in more than one rule "
                f"({', '.join(rule.name for rule, _found_in in partial)}); name those that are meant with rules"
            )
        elif not chosen:
            raise incomplete(self, route, candidates, versions, wanted)
        return chosen, tuple((rule.name, ", ".join(found)) for rule, found in partial)

    def _addition(self, route: Manifest, model: Destination, spelling: Spelling, weight: int) -> Operation:
        """The operation that puts a version into a rule, written like the destination of another one."""
        entry = self.destination(spelling, at(route, model.path), weight)
        return {"op": "add", "path": f"{model.path.rsplit('/', 1)[0]}/-", "value": entry}
