# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding versions in the rules of a route, and what is said when they are not there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .._core.errors import RouteError
from .rules import Destination, Manifest, Rule, Spelling, at

if TYPE_CHECKING:
    from .router import Router


def found_in(rule: Rule, versions: Sequence[Spelling], router: Router, route: Manifest) -> dict[str, list[Destination]]:
    """The destinations of each version in a rule."""
    namespace = namespace_of(route)
    found: dict[str, list[Destination]] = {}
    for destination in rule.destinations:
        spelling = _spelling_of(destination, versions, router, namespace)
        if spelling is not None:
            found.setdefault(spelling.name, []).append(destination)
    return found


def only(router: Router, route: Manifest, rule: Rule, name: str, places: Sequence[Destination]) -> Destination:
    """The one destination of a version; two cannot share what is meant for one."""
    if len(places) > 1:
        raise RouteError(
            f"{named(router, route)}, rule {rule.name}: {name} matches {len(places)} destinations "
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


def refuse_unknown_versions(versions: Sequence[Spelling], weights: Mapping[str, int]) -> None:
    known = {spelling.name for spelling in versions}
    for name in weights:
        if name not in known:
            raise RouteError(f"weights name the version {name}, which is not among {', '.join(sorted(known))}")


def refuse_unknown_rules(router: Router, route: Manifest, rules: Sequence[Rule], names: Sequence[str]) -> None:
    for name in names:
        if not any(name in (rule.name, rule.place) for rule in rules):
            known = ", ".join(rule.name for rule in rules) or "none"
            raise RouteError(f"{named(router, route)} has no rule {name}; its rules: {known}")


def incomplete(
    router: Router, route: Manifest, rules: Sequence[Rule], versions: Sequence[Spelling], wanted: Sequence[str]
) -> RouteError:
    """The refusal of a route in which no rule, or a named one not, holds all the wanted versions."""
    standing = "; ".join(
        f"{rule.name}: {', '.join(map(str, rule.destinations)) or 'no weighted destination'}" for rule in rules
    )
    delegates = [f"{{name: {name}, namespace: {namespace}}}" for namespace, name in router.delegates(route)]
    if not any(rule.destinations for rule in rules):
        theirs = f", which is named with route: {' or '.join(delegates)}" if delegates else ""
        return RouteError(
            f"{named(router, route)} has no weighted destination ({standing or 'no rules'}); where it only redirects "
            f"or delegates, name the object that carries the weights{theirs}"
        )
    found = [found_in(rule, versions, router, route) for rule in rules]
    missing = [name for name in wanted if not any(name in places for places in found)]
    if missing:
        what = f"no destination for {', '.join(missing)}"
        remedy = _remedy(router, route, rules, found, versions, missing[0])
        if delegates:
            remedy = f"name a delegate of it with route: {' or '.join(delegates)}, or {remedy}"
    else:
        lacking = [rule.name for rule, places in zip(rules, found, strict=True) if not set(wanted) <= set(places)]
        what = f"{', '.join(wanted)} do not stand together in {', '.join(lacking)}"
        remedy = "add what is missing there, or name with rules only those that hold all of them"
    return RouteError(f"{named(router, route)}: {what}. It has {standing}; {remedy}")


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


def named(router: Router, route: Manifest) -> str:
    return f"{route.get('kind', router.kind)} {namespace_of(route)}/{route['metadata']['name']}"


def namespace_of(route: Manifest) -> str:
    return str(route["metadata"].get("namespace", "default"))
