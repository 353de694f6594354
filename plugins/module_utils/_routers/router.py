# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all routers share: finding versions in rules, and the smallest patch that gives them their weights.

A router says where the rules of its kind of object are and how a destination is written; the rest is here.
"""

from __future__ import annotations

import abc
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .._core.errors import RouteError
from .._core.model import Release, Service, Version
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


class Router(abc.ABC):
    """The adapter for one kind of route."""

    name: str
    kind: str
    plural: str
    api_versions: tuple[str, ...]
    subsets: tuple[str, str]

    @abc.abstractmethod
    def rules(self, route: Manifest) -> tuple[Rule, ...]:
        """All rules of a route, weighted or not."""

    @abc.abstractmethod
    def full_host(self, host: str, namespace: str) -> str:
        """A host as the router resolves it when it stands in an object of that namespace."""

    @abc.abstractmethod
    def service_of(self, host: str) -> tuple[str, str] | None:
        """The name and namespace of the Service behind a full host; None when it is something else."""

    @abc.abstractmethod
    def subset_labels(self, objects: Sequence[Manifest], host: str, subset: str) -> Mapping[str, str] | None:
        """The pod labels of a subset of a host, found in the objects that define subsets."""

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
        """The objects that give these versions the subsets that they are told apart by; none without subsets."""

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
        found = {name for rule in self._named_rules(route, rules) for name in _found(rule, versions, self, route)}
        return [spelling for spelling in versions if spelling.name in found]

    def missing(self, route: Manifest, versions: Sequence[Spelling], rules: Sequence[str] = ()) -> dict[str, str]:
        """Of each version that no rule holds, what to add, and how; with ``rules``, none of these."""
        present = {spelling.name for spelling in self.present(route, versions, rules)}
        return {
            spelling.name: str(_incomplete(self, route, self._named_rules(route, rules), versions, (spelling.name,)))
            for spelling in versions
            if spelling.name not in present
        }

    def backends(self, route: Manifest, versions: Sequence[Spelling], name: str) -> list[tuple[str, str | None]]:
        """Host and subset of every destination that belongs to one of the versions."""
        return [
            (destination.host, destination.subset)
            for rule in self.rules(route)
            for destination in _found(rule, versions, self, route).get(name, ())
        ]

    def read(self, route: Manifest, versions: Sequence[Spelling], rules: Sequence[str] = ()) -> Reading:
        """The percentages that the versions hold in each rule that has all of them."""
        chosen, pins = self._choose(route, versions, rules, [spelling.name for spelling in versions])
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
        _refuse_unknown_versions(versions, weights)
        chosen, pins = self._choose(route, versions, rules, list(weights), adopt)
        namespace = _namespace(route)
        operations: list[Operation] = []
        changes: list[RuleChange] = []
        backends: dict[str, list[Destination]] = {name: [] for name in weights}
        for rule, found in chosen:
            before = percentages(rule, found)
            held, factor = held_after(f"{_named(self, route)}, rule {rule.name}", rule, found, weights)
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
        return Change(tuple(operations), tuple(changes), pins, {name: tuple(found) for name, found in backends.items()})

    def removal(self, route: Manifest, versions: Sequence[Spelling], names: Sequence[str]) -> tuple[Operation, ...]:
        """The operations that take versions without weight out of every rule where others stand beside them."""
        operations: list[Operation] = []
        for rule in self.rules(route):
            found = _found(rule, versions, self, route)
            weights = rule.effective()
            for position in reversed(range(len(rule.destinations))):
                destination = rule.destinations[position]
                if not any(destination in found.get(name, ()) for name in names):
                    continue
                if weights[position]:
                    raise RouteError(
                        f"{_named(self, route)}, rule {rule.name}: {destination} still has weight {weights[position]}; "
                        "shift its traffic away before it is taken out"
                    )
                operations += [
                    {"op": "test", "path": destination.path, "value": at(route, destination.path)},
                    {"op": "remove", "path": destination.path},
                ]
        return tuple(operations)

    def sends_to(self, route: Manifest, host: str, subset: str | None) -> list[str]:
        """The places in a route from which traffic (mirrored copies too) goes to a backend."""
        places = []
        for rule in self.rules(route):
            for destination, weight in zip(rule.destinations, rule.effective(), strict=True):
                if weight and reaches(destination, host, subset):
                    places.append(f"{rule.name} (weight {weight})")
            places += [f"{rule.name} (mirror)" for mirror in rule.mirrors if reaches(mirror, host, subset)]
        return places

    def _named_rules(self, route: Manifest, names: Sequence[str]) -> tuple[Rule, ...]:
        """The rules of these names or places, all without names; one that does not exist is refused."""
        rules = self.rules(route)
        _refuse_unknown_rules(self, route, rules, names)
        return tuple(rule for rule in rules if not names or rule.name in names or rule.place in names)

    def _choose(
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
            places = _found(rule, versions, self, route)
            found = {name: _only(self, route, rule, name, there) for name, there in places.items() if name in wanted}
            if wanted and len(found) == len(wanted):
                chosen.append((rule, found))
            elif found:
                partial.append((rule, found))
        if rules:
            if adopt:
                chosen, partial = [*chosen, *partial], []
            if len(chosen) < len(candidates):
                raise _incomplete(self, route, candidates, versions, wanted)
        elif not chosen and adopt and len(partial) == 1:
            chosen, partial = partial, []
        elif not chosen and adopt and partial:
            raise RouteError(
                f"{_named(self, route)}: {', '.join(wanted)} could be completed in more than one rule "
                f"({', '.join(rule.name for rule, _found_in in partial)}); name those that are meant with rules"
            )
        elif not chosen:
            raise _incomplete(self, route, candidates, versions, wanted)
        return chosen, tuple((rule.name, ", ".join(found)) for rule, found in partial)

    def _addition(self, route: Manifest, model: Destination, spelling: Spelling, weight: int) -> Operation:
        """The operation that puts a version into a rule, written like the destination of another one."""
        entry = self.destination(spelling, at(route, model.path), weight)
        return {"op": "add", "path": f"{model.path.rsplit('/', 1)[0]}/-", "value": entry}


def _found(rule: Rule, versions: Sequence[Spelling], router: Router, route: Manifest) -> dict[str, list[Destination]]:
    """The destinations of each version in a rule."""
    namespace = _namespace(route)
    found: dict[str, list[Destination]] = {}
    for destination in rule.destinations:
        spelling = _spelling_of(destination, versions, router, namespace)
        if spelling is not None:
            found.setdefault(spelling.name, []).append(destination)
    return found


def _only(router: Router, route: Manifest, rule: Rule, name: str, places: Sequence[Destination]) -> Destination:
    """The one destination of a version; two cannot share what is meant for one."""
    if len(places) > 1:
        raise RouteError(
            f"{_named(router, route)}, rule {rule.name}: {name} matches {len(places)} destinations "
            f"({'; '.join(map(str, places))}); say which with versions.{name}.host and versions.{name}.subset"
        )
    return places[0]


def _spelling_of(
    destination: Destination, versions: Sequence[Spelling], router: Router, namespace: str
) -> Spelling | None:
    """The version that a destination belongs to: as spelled, else by subset, else by the end of the backend's name."""
    for spelling in versions:
        if (spelling.host or spelling.subset) and _is_spelled(destination, spelling, router, namespace):
            return spelling
    loose = [spelling for spelling in versions if not (spelling.host or spelling.subset)]
    for spelling in loose:
        if destination.subset == spelling.name:
            return spelling
    if destination.subset is not None:
        return None
    # The longest name wins, or "blue" would also claim the backend of "dark-blue".
    for spelling in sorted(loose, key=lambda spelling: -len(spelling.name)):
        if destination.backend == spelling.name or destination.backend.endswith(f"-{spelling.name}"):
            return spelling
    return None


def _is_spelled(destination: Destination, spelling: Spelling, router: Router, namespace: str) -> bool:
    if spelling.subset is not None and destination.subset != spelling.subset:
        return False
    return spelling.host is None or destination.host == router.full_host(spelling.host, spelling.namespace or namespace)


def _refuse_unknown_versions(versions: Sequence[Spelling], weights: Mapping[str, int]) -> None:
    known = {spelling.name for spelling in versions}
    for name in weights:
        if name not in known:
            raise RouteError(f"weights name the version {name}, which is not among {', '.join(sorted(known))}")


def _refuse_unknown_rules(router: Router, route: Manifest, rules: Sequence[Rule], names: Sequence[str]) -> None:
    for name in names:
        if not any(name in (rule.name, rule.place) for rule in rules):
            known = ", ".join(rule.name for rule in rules) or "none"
            raise RouteError(f"{_named(router, route)} has no rule {name}; its rules: {known}")


def _incomplete(
    router: Router, route: Manifest, rules: Sequence[Rule], versions: Sequence[Spelling], wanted: Sequence[str]
) -> RouteError:
    """The refusal of a route in which no rule, or a named one not, holds all the wanted versions."""
    standing = "; ".join(
        f"{rule.name}: {', '.join(map(str, rule.destinations)) or 'no weighted destination'}" for rule in rules
    )
    if not any(rule.destinations for rule in rules):
        return RouteError(
            f"{_named(router, route)} has no weighted destination ({standing or 'no rules'}); where it only redirects "
            "or delegates, name the object that carries the weights"
        )
    found = [_found(rule, versions, router, route) for rule in rules]
    missing = [name for name in wanted if not any(name in places for places in found)]
    if missing:
        what = f"no destination for {', '.join(missing)}"
        remedy = _remedy(router, route, rules, found, versions, missing[0])
    else:
        lacking = [rule.name for rule, places in zip(rules, found, strict=True) if not set(wanted) <= set(places)]
        what = f"{', '.join(wanted)} do not stand together in {', '.join(lacking)}"
        remedy = "add what is missing there, or name with rules only those that hold all of them"
    return RouteError(f"{_named(router, route)}: {what}. It has {standing}; {remedy}")


def _remedy(
    router: Router,
    route: Manifest,
    rules: Sequence[Rule],
    found: Sequence[Mapping[str, Sequence[Destination]]],
    versions: Sequence[Spelling],
    name: str,
) -> str:
    """What to add for a version that is missing, written like a destination of another version, else like any."""
    known = [places[0] for places_of in found for places in places_of.values()]
    model = [*known, *(destination for rule in rules for destination in rule.destinations)][0]
    spelling = next(spelling for spelling in versions if spelling.name == name)
    entry = json.dumps(router.destination(spelling, at(route, model.path), 0))
    return (
        f"add {entry} beside it, let route: {{adopt: true}} do so, or spell the version with "
        f"versions.{name}.host or .subset"
    )


def _named(router: Router, route: Manifest) -> str:
    return f"{router.kind} {_namespace(route)}/{route['metadata']['name']}"


def _namespace(route: Manifest) -> str:
    return str(route["metadata"].get("namespace", "default"))
