# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the verb ``traffic`` is to do with one route: what is wanted, what stands, and the patch between the two."""

from __future__ import annotations

import copy
import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._cluster.client import Cluster, Ref
from .._core.errors import BlueGreenError, RouteError
from .._core.weights import Weights, checked_weights
from .._routers.router import Router
from .._routers.rules import Change, Manifest, Operation, Spelling, guarded
from .verb import Module, Result, find_route, ref_of, router_of, spellings_of

try:
    import jsonpatch

    JSONPATCH_IMPORT_ERROR: str | None = None
except ImportError:
    JSONPATCH_IMPORT_ERROR = traceback.format_exc()


@dataclass
class Target:
    """One route on its way: what is wanted of it, how it stands, what is to be written.

    ``original`` is how it stood before our first write, ``stored`` after our last, ``written`` what we wrote.
    """

    router: Router
    ref: Ref
    options: Mapping[str, Any]
    weights: Weights
    expect: Weights | None
    spellings: list[Spelling]
    route: Manifest = field(default_factory=dict)
    change: Change = field(default_factory=lambda: Change(()))
    original: Manifest = field(default_factory=dict)
    stored: Manifest = field(default_factory=dict)
    written: list[Change] = field(default_factory=list)

    @property
    def key(self) -> str:
        """How messages name the route."""
        return f"{self.router.kind} {self.ref.namespace}/{self.ref.name}"

    @property
    def told(self) -> Change:
        """The change to tell of: what was written first, for after a conflict elsewhere nothing is left to do here."""
        return self.written[0] if self.written else self.change


def target_of(route: Mapping[str, Any], params: Mapping[str, Any]) -> Target:
    """One of the module's routes, with its own weights or those that are meant for all."""
    weights: Weights = {}
    if not params["remove"]:
        given = route.get("weights") if route.get("weights") is not None else params.get("weights")
        if given is None:
            raise BlueGreenError("weights: is required, here or in each of the routes: {blue: 90, green: 10}")
        weights = checked_weights(given, "weights")
    expect = route.get("expect") if route.get("expect") is not None else params.get("expect")
    return Target(
        router=router_of(route),
        ref=ref_of(route),
        options=route,
        weights=weights,
        expect=checked_weights(expect, "expect") if expect else None,
        spellings=spellings_of(route, weights or dict.fromkeys(params["remove"])),
    )


def read(cluster: Cluster, target: Target, module: Module) -> None:
    """Read the route as it stands. In check mode one that an earlier stage would create may still be missing."""
    found = find_route(cluster, target.options)
    if found is None and not (module.check_mode and target.options["adopt"]):
        raise BlueGreenError(f"{target.key} does not exist: create it, or mend routes.name and routes.namespace")
    if found is None:
        module.warn(f"{target.key} does not exist yet: what is done to it can only be told once it does")
    target.route = found or {}


def planned(target: Target, remove: Sequence[str], check_mode: bool) -> Change:
    """The change that a route needs: to the wanted weights, or without the versions that are to be removed."""
    if not target.route:
        return Change(())
    if remove:
        return Change(target.router.removal(target.route, target.spellings, remove))
    route = target.route
    if target.expect is not None and not target.written:
        route = _expected(target, target.expect, check_mode)
    return patch_to(target, route, target.weights)


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


def inverse(target: Target) -> list[Operation]:
    """The operations that make a route again what it was before our first write; refused when others wrote since."""
    _require_jsonpatch()
    operations = jsonpatch.make_patch(target.stored["spec"], target.original["spec"])
    back = [{**operation, "path": f"/spec{operation['path']}"} for operation in operations]
    return guarded(back, target.stored["metadata"]["resourceVersion"])


def _applied(route: Manifest, operations: Sequence[Operation]) -> Manifest:
    _require_jsonpatch()
    # The library has no null for what is absent, which the API server's tests do; the operations were made from
    # this very object, so there is nothing to test.
    patch = [operation for operation in operations if operation["op"] != "test"]
    applied: Manifest = jsonpatch.apply_patch(copy.deepcopy(route), patch)
    return applied


def described(target: Target) -> Result:
    """A route in the module's result."""
    return {
        "router": target.router.name,
        "kind": target.router.kind,
        "name": target.ref.name,
        "namespace": target.ref.namespace,
        "rules": [
            {"name": rule.name, "before": rule.before, "after": rule.after, "factor": rule.factor}
            for rule in target.told.rules
        ],
        "patch": list(target.told.operations),
        "problems": [
            {
                "code": "rule_pins_version",
                "path": name,
                "message": f"rule {name} holds only {versions} and was left alone",
            }
            for name, versions in target.told.pins
        ],
    }


def difference(target: Target) -> list[Result]:
    """What changes for a person, rule by rule, and then the very operations."""
    weights = {
        "before_header": target.key,
        "after_header": target.key,
        "before": {rule.name: rule.before for rule in target.told.rules},
        "after": {rule.name: rule.after for rule in target.told.rules},
    }
    operations = "".join(f"{json.dumps(operation)}\n" for operation in target.told.operations)
    return [weights, {"prepared": f"JSON Patch of {target.key}\n{operations}"}]


def _shown(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {weight}" for name, weight in weights.items())


def _require_jsonpatch() -> None:
    if JSONPATCH_IMPORT_ERROR:
        raise BlueGreenError(
            "the Python library jsonpatch is missing on this machine; install it: pip install jsonpatch",
            exception=JSONPATCH_IMPORT_ERROR,
        )
