# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the verb ``traffic`` is to do with one route: what is wanted, what stands, and the patch between the two."""

from __future__ import annotations

import copy
import json
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .._cluster.client import Cluster, Ref
from .._core.errors import BlueGreenError, RouteError
from .._core.section import integer
from .._core.weights import Weights, checked_weights
from .._routers.router import Router
from .._routers.rules import Change, Manifest, Operation, Spelling, guarded
from .traffic_overlays import Overlays, overlay_versions
from .verb import Module, Result, find_route, kind_of, ref_of, router_of, spellings_of

try:
    import jsonpatch

    JSONPATCH_IMPORT_ERROR: str | None = None
except ImportError:
    JSONPATCH_IMPORT_ERROR = traceback.format_exc()


@dataclass
class Target:
    """One route on its way: what is wanted of it, how it stands, what is to be written.

    ``original`` is how it stood before our first write, ``stored`` after our last, ``written`` what we wrote;
    ``refused`` whether its controller refused it before.
    """

    router: Router
    kind: str
    ref: Ref
    options: Mapping[str, Any]
    weights: Weights
    expect: Weights | None
    spellings: list[Spelling]
    endpoints: Mapping[str, int]
    route: Manifest = field(default_factory=dict)
    change: Change = field(default_factory=lambda: Change(()))
    original: Manifest = field(default_factory=dict)
    stored: Manifest = field(default_factory=dict)
    written: list[Change] = field(default_factory=list)
    refused: bool = False

    @property
    def key(self) -> str:
        """How messages name the route."""
        return f"{self.kind} {self.ref.namespace}/{self.ref.name}"

    @property
    def told(self) -> Change:
        """The change to tell of: what was written first, for after a conflict elsewhere nothing is left to do here."""
        return self.written[0] if self.written else self.change


def target_of(route: Mapping[str, Any], params: Mapping[str, Any]) -> Target:
    """One of the module's routes, with its own weights or those that are meant for all."""
    weights: Weights = {}
    given = route.get("weights") if route.get("weights") is not None else params.get("weights")
    overlaid = params["test_header"] is not None or params["mirror"] is not None
    if not params["remove"] and not (overlaid and given is None):
        if given is None:
            raise BlueGreenError("weights: is required, here or in each of the routes: {blue: 90, green: 10}")
        weights = checked_weights(given, "weights")
    expect = route.get("expect") if route.get("expect") is not None else params.get("expect")
    names = dict.fromkeys([*weights, *params["remove"], *overlay_versions(params)])
    spellings = spellings_of(route, names)
    return Target(
        router=router_of(route),
        kind=kind_of(route),
        ref=ref_of(route),
        options=route,
        weights=weights,
        expect=checked_weights(expect, "expect") if expect else None,
        spellings=spellings,
        endpoints=_checked_endpoints(route.get("min_endpoints") or {}, {spelling.name for spelling in spellings}),
    )


def _checked_endpoints(given: Mapping[str, Any], known: Collection[str]) -> dict[str, int]:
    """How many ready endpoints each version has to have before it gains weight."""
    endpoints = {str(name): integer(count, f"routes.min_endpoints.{name}", 1) for name, count in given.items()}
    for name in endpoints:
        if name not in known:
            raise BlueGreenError(
                f"routes.min_endpoints.{name}: no such version here; known: {', '.join(sorted(known))}"
            )
    return endpoints


def read(cluster: Cluster, target: Target, module: Module) -> None:
    """Read the route as it stands. In check mode one that an earlier stage would create may still be missing."""
    found = find_route(cluster, target.options)
    if found is None and not (module.check_mode and target.options["adopt"]):
        raise BlueGreenError(f"{target.key} does not exist: create it, or mend routes.name and routes.namespace")
    if found is None:
        module.warn(f"{target.key} does not exist yet: what is done to it can only be told once it does")
    target.route = found or {}
    if not target.written:
        target.refused = bool(found and target.router.refusal(found))


def planned(target: Target, params: Mapping[str, Any], check_mode: bool) -> Change:
    """The change that a route needs; in check mode from where the tasks before this one would have left it."""
    if not target.route:
        return Change(())
    route = target.route
    if target.expect is not None and not target.written and not params["remove"]:
        route = _expected(target, target.expect, check_mode)
    if check_mode:
        route = _assumed(target, route, params)
    return change_to(target, route, params)


def change_to(target: Target, route: Manifest, params: Mapping[str, Any]) -> Change:
    """The change that makes of a route what is wanted of it."""
    change = Change(())
    if params["remove"]:
        change = Change(target.router.removal(route, target.spellings, params["remove"]))
    elif target.weights:
        change = patch_to(target, route, target.weights)
    return change.followed_by(_overlays(target, route).wanted(params))


def _assumed(target: Target, route: Manifest, params: Mapping[str, Any]) -> Manifest:
    """A route with what tasks before this one would have put there: the version in question, and its overlays."""
    rules = target.options["rules"]
    present = target.router.present(route, target.spellings, rules)
    lacking = set(overlay_versions(params)) - {spelling.name for spelling in present}
    if lacking and target.options["adopt"]:
        standing = target.router.read(route, present, rules).weights()
        route = _applied(route, patch_to(target, route, {**standing, **dict.fromkeys(lacking, 0)}).operations)
    return _applied(route, _overlays(target, route).assumed(params).operations)


def _overlays(target: Target, route: Manifest) -> Overlays:
    return Overlays(target.router, route, target.spellings, target.options["rules"])


def patch_to(target: Target, route: Manifest, weights: Weights) -> Change:
    """The change that gives a route these weights."""
    return target.router.patch(route, target.spellings, weights, target.options["rules"], target.options["adopt"])


def _expected(target: Target, expect: Weights, check_mode: bool) -> Manifest:
    """The route with the weights that must stand now.

    In check mode it is made so: the steps before this one have not run, and their very patches are predicted.
    """
    expected = {**dict.fromkeys(target.weights, 0), **expect}
    change = patch_to(target, target.route, expected)
    if check_mode:
        return _applied(target.route, change.operations)
    for rule in change.rules:
        if rule.before != expected:
            raise RouteError(
                f"{target.key}, rule {rule.name}: expected the weights {_shown(expected)}, found "
                f"{_shown(rule.before)}; somebody else has moved them: find out who, then run again or roll back"
            )
    return target.route


def inverse(target: Target, now: Manifest) -> list[Operation]:
    """The operations that make a route again what it was before our first write; refused when others wrote since.

    A controller that has written into the status meanwhile is nobody else: the generation counts what is specified.
    """
    whole = {"op": "replace", "path": "/spec", "value": target.original["spec"]}
    generation = target.stored["metadata"].get("generation")
    # Not every kind has one.
    same = now["metadata"].get("generation") == generation and (generation or now["spec"] == target.stored["spec"])
    return guarded([whole], (now if same else target.stored)["metadata"]["resourceVersion"])


def _applied(route: Manifest, operations: Sequence[Operation]) -> Manifest:
    if not operations:
        return route
    if JSONPATCH_IMPORT_ERROR:
        raise BlueGreenError(
            "the Python library jsonpatch is missing on this machine; install it: pip install jsonpatch",
            exception=JSONPATCH_IMPORT_ERROR,
        )
    # The library has no null for what is absent, which the API server's tests do; the operations were made from
    # this very object, so there is nothing to test.
    patch = [operation for operation in operations if operation["op"] != "test"]
    applied: Manifest = jsonpatch.apply_patch(copy.deepcopy(route), patch)
    return applied


def described(target: Target) -> Result:
    """A route in the module's result."""
    return {
        "router": target.router.name,
        "kind": target.kind,
        "name": target.ref.name,
        "namespace": target.ref.namespace,
        "rules": [
            {"name": rule.name, "before": rule.before, "after": rule.after, "factor": _number(rule.factor)}
            for rule in target.told.rules
        ],
        "overlays": [
            {"name": overlay.name, "before": overlay.before, "after": overlay.after} for overlay in target.told.overlays
        ],
        "patch": list(target.told.operations),
        "problems": [
            *(
                {
                    "code": "rule_pins_version",
                    "path": name,
                    "message": f"rule {name} holds only {versions} and was left alone",
                }
                for name, versions in target.told.pins
            ),
            *(
                {
                    "code": "rule_without_headers",
                    "path": name,
                    "message": f"rule {name} knows neither headers nor mirrors and was left alone; test the version "
                    "through its own Service",
                }
                for name in target.told.unsuited
            ),
        ],
    }


def difference(target: Target) -> list[Result]:
    """What changes for a person, rule by rule, and then the very operations."""
    weights = {
        "before_header": target.key,
        "after_header": target.key,
        "before": {
            **{rule.name: rule.before for rule in target.told.rules},
            **{overlay.name: overlay.before for overlay in target.told.overlays if overlay.before},
        },
        "after": {
            **{rule.name: rule.after for rule in target.told.rules},
            **{overlay.name: overlay.after for overlay in target.told.overlays if overlay.after},
        },
    }
    operations = "".join(f"{json.dumps(operation)}\n" for operation in target.told.operations)
    return [weights, {"prepared": f"JSON Patch of {target.key}\n{operations}"}]


def _shown(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {weight}" for name, weight in weights.items())


def _number(factor: Fraction) -> int | float:
    return int(factor) if factor.denominator == 1 else round(float(factor), 6)
