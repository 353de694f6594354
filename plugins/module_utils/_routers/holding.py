# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a proxy holds the weights that were written, and if not, why not.

A proxy gets a route configuration whole. Once one rule of an object has the wanted weights, the object's other rules
there are as new, and a rule of it that sends everything to one version does so on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .envoy import Backends, HeldRule, known_hosts, unknown_hosts, weights_held

Problem = Literal["", "not_followed", "rule_shadowed", "taken_elsewhere", "unknown_host", "no_rule"]

SHOWN = 5


@dataclass(frozen=True)
class Sought:
    """What is looked for in a proxy.

    ``hosts``: only virtual hosts for these, and each has to be there; empty: any. ``routes``: only rules made from
    these objects (namespace/name), ``rules``: only rules of these names; empty: any. ``pinned``: versions to which some
    rule sends everything on purpose.
    """

    backends: Backends
    hosts: Sequence[str] = ()
    routes: Sequence[str] = ()
    rules: Sequence[str] = ()
    pinned: Sequence[str] = ()


@dataclass(frozen=True)
class Holding:
    """The rules that one proxy holds, and what is wrong with them: nothing, when ``problem`` is empty."""

    rules: tuple[HeldRule, ...]
    problem: Problem = ""
    text: str = ""
    host: str = ""
    """The host that it does not know."""


def holding(config_dump: Mapping[str, Any], sought: Sought, weights: Mapping[str, int]) -> Holding:
    """Judge what a proxy holds against the wanted percentages."""
    found = weights_held(config_dump, sought.backends, sought.hosts)
    rules = tuple(rule for rule in found if _is_sought(rule, sought))
    unknown = unknown_hosts(config_dump, sought.backends, sought.hosts)
    if unknown:
        host = unknown[0]
        if host.sends_to:
            return Holding(
                rules, "taken_elsewhere", f"sends host {host.host} to {_listed(host.sends_to)} only", host.host
            )
        known = _listed(known_hosts(config_dump)) or "none"
        text = f"has no route for host {host.host} (hosts that it has: {known})"
        return Holding(rules, "unknown_host", text, host.host)
    if not rules:
        versions = ", ".join(sought.backends)
        return Holding((), "no_rule", f"has no rule that sends to any of {versions}")
    for group in _groups(rules):
        wrong = _judged(group, sought, weights)
        if wrong is not None:
            return Holding(rules, *wrong)
    return Holding(rules)


def told(weights: Mapping[str, int]) -> str:
    """Weights for a person: blue 95, green 5."""
    return ", ".join(f"{version} {weight}" for version, weight in weights.items())


def _is_sought(rule: HeldRule, sought: Sought) -> bool:
    # What Istio makes from a Gateway API route bears the route's name and more.
    from_route = not (sought.routes and rule.source) or any(
        rule.source == route or rule.source.startswith((f"{route}-", f"{route}~")) for route in sought.routes
    )
    # The name of a rule's match follows its own.
    named = not sought.rules or any(rule.name == name or rule.name.startswith(f"{name}.") for name in sought.rules)
    return from_route and named


def _groups(rules: Sequence[HeldRule]) -> list[list[HeldRule]]:
    """The rules that reach a proxy together: of one object in one virtual host."""
    groups: dict[tuple[str, str, str], list[HeldRule]] = {}
    for rule in rules:
        groups.setdefault((rule.configuration, rule.virtual_host, rule.source), []).append(rule)
    return list(groups.values())


def _judged(group: Sequence[HeldRule], sought: Sought, weights: Mapping[str, int]) -> tuple[Problem, str] | None:
    holders = [rule for rule in group if _holds(rule, weights)]
    reached = [rule for rule in holders if rule.shadowed_by is None]
    if holders and not reached:
        rule = holders[0]
        return (
            "rule_shadowed",
            f"never gets to {_place(rule)}: {rule.shadowed_by} comes before it and takes all its requests",
        )
    new = any(rule.split for rule in reached)
    # What is split is surely meant; a rule with one destination may be meant to be as it is.
    for rule in sorted(group, key=lambda rule: not rule.split):
        pins = list(rule.weights) if not rule.split else []
        on_purpose = bool(reached) and bool(pins) and (new or pins[0] in sought.pinned)
        if rule not in reached and rule.shadowed_by is None and not on_purpose:
            alone = "" if rule.split else ", which has no other destination"
            return "not_followed", f"holds {told(rule.weights)} in {_place(rule)}{alone}"
    return None


def _holds(rule: HeldRule, weights: Mapping[str, int]) -> bool:
    total = sum(rule.weights.values())
    return total > 0 and all(100 * rule.weights.get(name, 0) == weight * total for name, weight in weights.items())


def _place(rule: HeldRule) -> str:
    source = f" of {rule.source}" if rule.source else ""
    return f"rule {rule.name} ({rule.match}){source} in {rule.configuration}, {rule.virtual_host}"


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more
