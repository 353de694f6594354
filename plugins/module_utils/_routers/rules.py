# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of a route as all routers see them, and the arithmetic on the weights of one rule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .._core.errors import RouteError
from .._core.weights import Weights, largest_remainder

Manifest = dict[str, Any]
Operation = dict[str, Any]


@dataclass(frozen=True)
class Spelling:
    """How a version is written in a route; with nothing but its name, the usual spellings are tried.

    ``backend`` is the host for a version that has to be added to a rule and is not spelled, ``selector`` the labels of
    its pods where a route chooses by these.
    """

    name: str
    host: str | None = None
    subset: str | None = None
    namespace: str | None = None
    backend: str | None = None
    selector: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Destination:
    """One weighted destination of a rule: its JSON pointer, its backend, its weight (None: not written)."""

    path: str
    host: str
    subset: str | None
    weight: int | None

    @property
    def backend(self) -> str:
        """The first label of the host: a Service's name."""
        return self.host.split(".")[0]

    def __str__(self) -> str:
        return self.host if self.subset is None else f"{self.host} subset {self.subset}"


@dataclass(frozen=True)
class Rule:
    """One rule of a route, named by its own name or by its place (``http[0]``).

    ``unwritten`` is what a weight counts that is not written, ``alone`` what a destination without weight counts that
    stands alone; None: no more than beside others.
    """

    name: str
    place: str
    path: str
    destinations: tuple[Destination, ...]
    mirrors: tuple[Destination, ...] = ()
    unwritten: int = 0
    alone: int | None = 100

    def effective(self) -> list[int]:
        """The weights as the data plane reads them."""
        if len(self.destinations) == 1 and self.alone is not None:
            return [self.destinations[0].weight or self.alone]
        return self.beside_others()

    def beside_others(self) -> list[int]:
        """The weights as the data plane reads them as soon as there are several."""
        return [self.unwritten if item.weight is None else item.weight for item in self.destinations]


@dataclass(frozen=True)
class RuleWeights:
    """The percentages that versions hold together in one rule."""

    name: str
    weights: Weights


@dataclass(frozen=True)
class Reading:
    """What stands in a route: the rules that hold all the versions, and what keeps the others from it."""

    rules: tuple[RuleWeights, ...]
    pins: tuple[tuple[str, str], ...]

    def weights(self) -> Weights:
        """The weights of the first rule; see ``consistent``."""
        return dict(self.rules[0].weights) if self.rules else {}

    @property
    def consistent(self) -> bool:
        """Whether all rules carry the same weights."""
        return all(rule.weights == self.rules[0].weights for rule in self.rules)


ONCE = Fraction(1)


@dataclass(frozen=True)
class RuleChange:
    """What a patch does to one rule; ``factor`` is what all its weights were multiplied by to stay whole, or small."""

    name: str
    before: Weights
    after: Weights
    factor: Fraction = ONCE


@dataclass(frozen=True)
class Overlay:
    """A test rule or a mirror that comes or goes: what it was, and what it is then, for a person; empty is nothing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """The operations of a JSON Patch (RFC 6902), what they do rule by rule, and what is behind each version.

    ``gains`` are the versions that get more than they had, ``unsuited`` the rules that can carry no overlay.
    """

    operations: tuple[Operation, ...]
    rules: tuple[RuleChange, ...] = ()
    pins: tuple[tuple[str, str], ...] = ()
    backends: Mapping[str, tuple[Destination, ...]] = field(default_factory=dict)
    gains: tuple[str, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    unsuited: tuple[str, ...] = ()

    def followed_by(self, other: Change) -> Change:
        """Both in one patch; the operations of the other must hold after ours too."""
        return Change(
            (*self.operations, *other.operations),
            (*self.rules, *other.rules),
            (*self.pins, *other.pins),
            {
                name: (*self.backends.get(name, ()), *other.backends.get(name, ()))
                for name in {**self.backends, **other.backends}
            },
            (*self.gains, *other.gains),
            (*self.overlays, *other.overlays),
            (*self.unsuited, *other.unsuited),
        )


def percentages(rule: Rule, found: Mapping[str, Destination]) -> Weights:
    """What each version holds of what they hold together in a rule."""
    weights = dict(zip(rule.destinations, rule.effective(), strict=True))
    held = {name: weights[destination] for name, destination in found.items()}
    return largest_remainder(held, 100) if any(held.values()) else held


def held_after(
    where: str,
    rule: Rule,
    found: Mapping[str, Destination],
    weights: Mapping[str, int],
    largest_sum: int | None = None,
) -> tuple[int, Fraction]:
    """What the versions hold together after the change, and the smallest factor that makes every weight whole.

    Where the sum of all weights is bounded, the factor is the largest that stays below, if the smallest does not.
    """
    effective = dict(zip(rule.destinations, rule.effective(), strict=True))
    held = sum(effective[destination] for destination in found.values())
    if held == 0:
        raise RouteError(
            f"{where}: {', '.join(found)} hold no weight together ({rule.path}), so there is nothing to divide among "
            "them; give one of them weight first"
        )
    # Each version gets held * percent / 100; the factor clears the fractions of all of them at once.
    factor = math.lcm(*(100 // math.gcd(100, held * percent) for percent in weights.values()))
    if largest_sum is None:
        return held * factor, Fraction(factor)
    others = [weight for destination, weight in effective.items() if destination not in found.values()]
    after = [*(held * factor * percent // 100 for percent in weights.values()), *(weight * factor for weight in others)]
    # What stands above the bound without us stays, as long as it takes no more than a move from one to another.
    if sum(after) <= largest_sum or (factor == 1 and max(after) <= largest_sum):
        return held * factor, Fraction(factor)
    unit = math.gcd(*after)
    times = largest_sum * unit // sum(after)
    if times == 0:
        raise RouteError(
            f"{where}: {', '.join(f'{name} {percent} %' for name, percent in weights.items())} of the {held} that they "
            f"hold beside {sum(others)} of others takes weights that add up to {sum(after) // unit}, and {largest_sum} "
            "is the most; choose a rounder percentage, or give the others their part in a route of their own"
        )
    scaled = Fraction(factor * times, unit)
    return int(held * scaled), scaled


def weight_operations(rule: Rule, wanted: Mapping[Destination, int], factor: Fraction, grows: bool) -> list[Operation]:
    """The patch of a rule: the wanted weights, all others times the factor; ``grows`` when a destination is added."""
    operations: list[Operation] = []
    # Standing alone, a destination has everything unwritten; beside a new one its weight has to be written.
    standing = rule.beside_others() if grows else rule.effective()
    for destination, effective, stands in zip(rule.destinations, rule.effective(), standing, strict=True):
        weight = wanted.get(destination, int(effective * factor))
        if weight == stands:
            continue
        path = f"{destination.path}/weight"
        # A leaf that does not exist tests equal to null and can be added, but not replaced.
        operations.append({"op": "test", "path": path, "value": destination.weight})
        operations.append({"op": "add" if destination.weight is None else "replace", "path": path, "value": weight})
    return operations


def reaches(destination: Destination, host: str, subset: str | None) -> bool:
    """Whether traffic to a destination can end at a backend: a host without a subset stands for all of its subsets."""
    return destination.host == host and (subset is None or destination.subset in (subset, None))


def guarded(operations: Sequence[Operation], resource_version: str) -> list[Operation]:
    """Operations that the API server refuses with a conflict once the object has changed."""
    return [{"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version}, *operations]


def at(value: Any, pointer: str) -> Any:
    """What stands at a JSON pointer (RFC 6901) made of plain keys and positions."""
    for part in pointer.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value
