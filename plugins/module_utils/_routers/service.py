# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain Services, for clusters without a mesh: the selector leads everything to one version, and then to another.

Facts about the API are from U(https://kubernetes.io/docs/concepts/services-networking/service/): a selector chooses
pods of the Service's own namespace, those that have all of its labels; what it chooses, the cluster writes into
EndpointSlices, and nothing in the Service itself tells when that has happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .._core.errors import RouteError, SpecError
from .._core.manifests import VERSION_LABEL
from .._core.model import ROOT, Release, Service, Version, owned_labels
from .doors import Door, door_of_service
from .matching import named, namespace_of, refuse_unknown_versions
from .router import Kind, Router
from .rules import (
    Change,
    Destination,
    Manifest,
    Operation,
    Rule,
    RuleChange,
    Spelling,
)
from .service_limits import POSSIBLE, WHOLE, created_selector, is_created, refuse_course, refuse_shape, refuse_weight
from .service_selectors import labels_of, selected, text_of

SELECTOR = "/spec/selector"
RULE = "selector"


class ServiceRouter(Router):
    """The selector of a Service as a route with a single rule; a version's subset is the whole selector for it."""

    name = "service"
    kind = "Service"
    kinds: ClassVar[Mapping[str, Kind]] = {"Service": Kind("services", ("v1",))}
    switches = True

    def refuse(self, service: Service) -> None:
        """Nothing but labels within one namespace tells versions apart, and there is no gateway."""
        super().refuse(service)
        refuse_shape(service)
        if is_created(service):
            spellings = [self.spelling(service, version) for version in service.versions.values()]
            first = created_selector(service, next(iter(service.versions.values())))
            labels_of(f"{ROOT}.services.{service.name}", first, spellings)

    def refuse_course(self, release: Release) -> None:
        """Steps in between, copies of requests and conditions on headers need something that looks at requests."""
        refuse_course(release)

    def refuse_weight(self, path: str, weight: int) -> None:
        """All or nothing."""
        refuse_weight(path, weight)

    def doors(self, route: Manifest) -> tuple[Door, ...]:
        """The Service itself, where it has an address outside."""
        return door_of_service(route)

    def parsed(self, entry: Mapping[str, Any], path: str, namespace: str) -> Destination:
        """A whole Service, which leads to what it selects."""
        host = self.full_host(entry["metadata"]["name"], namespace)
        return Destination(path, host, text_of(_selector(entry)), WHOLE)

    def rules(self, route: Manifest) -> tuple[Rule, ...]:
        """One, with what is selected now; none where nothing is."""
        if not _selector(route):
            return ()
        return (Rule(RULE, RULE, SELECTOR, (self.parsed(route, SELECTOR, namespace_of(route)),), alone=None),)

    def spellings(self, route: Manifest) -> list[Spelling]:
        """The one version whose name the usual label holds."""
        name = _selector(route).get(VERSION_LABEL)
        return [Spelling(name)] if name else []

    def carrying(
        self,
        route: Manifest,
        versions: Sequence[Spelling],
        rules: Sequence[str],
        wanted: Sequence[str],
        adopt: bool = False,
    ) -> tuple[list[tuple[Rule, dict[str, Destination]]], tuple[tuple[str, str], ...]]:
        """The one rule with every version that the selector could be led to."""
        self._named_rules(route, rules)
        where, selector = named(self, route), _selector(route)
        labels = labels_of(where, selector, versions)
        live = selected(where, selector, labels)
        host = self.full_host(route["metadata"]["name"], namespace_of(route))
        found = {
            name: Destination(SELECTOR, host, text_of({**selector, **own}), WHOLE if name == live else 0)
            for name, own in labels.items()
        }
        rule = Rule(RULE, RULE, SELECTOR, tuple(found.values()), alone=None)
        return [(rule, {name: found[name] for name in wanted if name in found})], ()

    def present(self, route: Manifest, versions: Sequence[Spelling], rules: Sequence[str] = ()) -> list[Spelling]:
        """All of them: a version needs no place in a selector to get one."""
        self._named_rules(route, rules)
        return list(versions)

    def backends(self, route: Manifest, versions: Sequence[Spelling], name: str) -> list[tuple[str, str | None]]:
        """The Service, as it is once it selects the version; as it stands, where nobody can tell."""
        try:
            ((_rule, found),), _pins = self.carrying(route, versions, (), [name])
            standing = list(found.values())
        except RouteError:
            standing = [destination for rule in self.rules(route) for destination in rule.destinations]
        return [(destination.host, destination.subset) for destination in standing]

    def sends_to(self, route: Manifest, host: str, subset: str | None) -> list[str]:
        """A Service leads to pods by their labels, and to no other Service: a version's own is no way for users."""
        return super().sends_to(route, host, subset) if subset is not None else []

    def patch(
        self,
        route: Manifest,
        versions: Sequence[Spelling],
        weights: Mapping[str, int],
        rules: Sequence[str] = (),
        adopt: bool = False,
    ) -> Change:
        """The patch of the labels that tell versions apart, and of no other."""
        where, selector = named(self, route), _selector(route)
        refuse_unknown_versions(versions, weights)
        if sorted(weights.values())[-1:] != [WHOLE]:
            told = ", ".join(f"{name}: {weight}" for name, weight in weights.items())
            raise RouteError(f"{where}: {POSSIBLE}, got {told}")
        ((rule, found),), pins = self.carrying(route, versions, rules, list(weights))
        before = {name: destination.weight or 0 for name, destination in found.items()}
        if not any(before.values()):
            live = text_of(selector)
            raise RouteError(
                f"{where} selects {live}, which is none of the versions in the weights ({', '.join(weights)}): name "
                "the version that it selects too, with 0"
            )
        labels = labels_of(where, selector, versions)
        to = next(name for name, weight in weights.items() if weight)
        operations: list[Operation] = []
        for key, value in labels[to].items():
            if selector[key] != value:
                path = f"{SELECTOR}/{_escaped(key)}"
                operations.append({"op": "test", "path": path, "value": selector[key]})
                operations.append({"op": "replace", "path": path, "value": value})
        return Change(
            tuple(operations),
            (RuleChange(rule.name, before, dict(weights)),),
            pins,
            {name: (destination,) for name, destination in found.items()},
            () if before[to] else (to,),
        )

    def removal(self, route: Manifest, versions: Sequence[Spelling], names: Sequence[str]) -> tuple[Operation, ...]:
        """Nothing: a version that is not selected does not stand there."""
        ((_rule, found),), _pins = self.carrying(route, versions, (), names)
        for name, destination in found.items():
            if destination.weight:
                raise RouteError(f"{named(self, route)} still selects {name}; lead it to another version first")
        return ()

    def test_rules(self, route: Manifest) -> tuple[Rule, ...]:
        """A selector holds no rules of ours."""
        return ()

    def test_rule(
        self, route: Manifest, rule: Rule, destination: Destination, header: str, value: str
    ) -> Manifest | None:
        """A Service knows no headers."""
        return None

    def mirroring(
        self, route: Manifest, rule: Rule, destination: Destination, percent: float
    ) -> tuple[Operation, ...] | None:
        """A Service knows no mirrors."""
        return None

    def mirror_removal(self, route: Manifest, rule: Rule, destination: Destination) -> tuple[Operation, ...]:
        """A Service knows no mirrors."""
        return ()

    def still_there(self, route: Manifest, destination: Destination) -> Operation:
        """By all of its labels."""
        return {"op": "test", "path": SELECTOR, "value": _selector(route)}

    def destination(self, spelling: Spelling, like: Mapping[str, Any], weight: int) -> Manifest:
        """The selector for a version, made from another's."""
        return {**like, **(spelling.selector or {VERSION_LABEL: spelling.name})}

    def spelling(self, service: Service, version: Version) -> Spelling:
        """By its labels: as the user spelled them, else by its name."""
        backend = self.full_host(version.own_service or version.backend, version.namespace)
        return Spelling(version.name, None, None, version.namespace, backend, dict(version.selector) or None)

    def resources(self, release: Release, service: Service, weights: Mapping[str, int]) -> list[Manifest]:
        """The Service that users call, with the selector of the version that has everything."""
        route = service.routes[0]
        live = next((name for name, weight in weights.items() if weight == WHOLE), None)
        if live is None:
            told = ", ".join(f"{name}: {weight}" for name, weight in weights.items())
            raise SpecError(f"{ROOT}.services.{service.name}", f"{POSSIBLE}, got {told}")
        labels = owned_labels(release.name, service.name)
        port = {"name": service.protocol, "port": service.port, "targetPort": service.protocol, "protocol": "TCP"}
        return [
            {
                "apiVersion": "v1",
                "kind": self.kind,
                "metadata": {"name": route.name, "namespace": route.namespace, "labels": labels},
                "spec": {"selector": created_selector(service, service.versions[live]), "ports": [port]},
            }
        ]

    def subset_resources(self, release: Release, service: Service, versions: Sequence[str]) -> list[Manifest]:
        """None: labels of pods are all that it takes."""
        return []

    def problems(self, route: Manifest) -> list[dict[str, str]]:
        """None of its own: a selector that leads to no version cannot be read, which is a problem already."""
        return []


def _selector(route: Mapping[str, Any]) -> dict[str, str]:
    return dict(route.get("spec", {}).get("selector") or {})


def _escaped(key: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
