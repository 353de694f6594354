# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``traffic``: the weights of one or more routes, all or nothing."""

from __future__ import annotations

import copy
import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._cluster.client import Cluster, Conflict, NotFound, Ref
from .._core.errors import BlueGreenError, RouteError
from .._core.model import MANAGED_BY
from .._core.weights import Weights, checked_weights
from .._routers.router import Change, Manifest, Operation, Router, Spelling, guarded
from .backends import refuse_unready
from .verb import ROUTE_OPTIONS, Module, Result, connect, finish, router_of, spellings_of, with_auth

try:
    import jsonpatch

    JSONPATCH_IMPORT_ERROR: str | None = None
except ImportError:
    JSONPATCH_IMPORT_ERROR = traceback.format_exc()

ATTEMPTS = 5


def argument_spec() -> dict[str, Any]:
    """The module's options and rules."""
    route = {
        **ROUTE_OPTIONS,
        "adopt": {"type": "bool", "default": False},
        "weights": {"type": "dict"},
        "expect": {"type": "dict"},
        "managed_fields": {"type": "list", "elements": "dict"},
    }
    return {
        "argument_spec": with_auth(
            {
                "routes": {"type": "list", "elements": "dict", "required": True, "options": route},
                "weights": {"type": "dict"},
                "expect": {"type": "dict"},
                "remove": {"type": "list", "elements": "str", "default": []},
                "require_ready": {"type": "bool", "default": True},
            }
        ),
        "mutually_exclusive": [["weights", "remove"]],
        "supports_check_mode": True,
    }


def run(module: Module) -> None:
    """Set the weights and leave."""
    finish(module, _traffic)


@dataclass
class Target:
    """One route on its way: what is wanted of it, what was read, what is to be written, what was."""

    router: Router
    ref: Ref
    options: Mapping[str, Any]
    weights: Weights
    expect: Weights | None
    spellings: list[Spelling]
    before: Manifest = field(default_factory=dict)
    change: Change = field(default_factory=lambda: Change((), ()))
    written: list[tuple[Manifest, Manifest]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """How messages name the route."""
        return f"{self.router.kind} {self.ref.namespace}/{self.ref.name}"


def _traffic(module: Module) -> Result:
    params = module.params
    targets = [_target(route, params) for route in params["routes"]]
    cluster = connect(module)
    for attempt in range(1, ATTEMPTS + 1):
        for target in targets:
            _read(cluster, target, module)
            target.change = _planned(target, params["remove"], module.check_mode)
        if params["require_ready"]:
            _require_ready(cluster, targets, module)
        if module.check_mode:
            break
        try:
            _write(cluster, targets)
            break
        except Conflict as conflict:
            if attempt == ATTEMPTS:
                _give_up(cluster, targets, conflict)
    if not module.check_mode:
        for target in targets:
            _hand_back(cluster, target)
    changed = any(target.change.operations or target.written for target in targets)
    return {
        "changed": changed,
        "attempts": attempt,
        "routes": [_described(target) for target in targets],
        "diff": [
            part for target in targets if target.change.operations or target.written for part in _difference(target)
        ],
    }


def _target(route: Mapping[str, Any], params: Mapping[str, Any]) -> Target:
    router = router_of(route)
    weights: Weights = {}
    if not params["remove"]:
        given = route.get("weights") if route.get("weights") is not None else params.get("weights")
        if given is None:
            raise BlueGreenError("weights: is required, here or in each of the routes: {blue: 90, green: 10}")
        weights = checked_weights(given, "weights")
    expect = route.get("expect") if route.get("expect") is not None else params.get("expect")
    return Target(
        router=router,
        ref=Ref(route.get("api_version") or router.api_versions[0], router.plural, route["namespace"], route["name"]),
        options=route,
        weights=weights,
        expect=checked_weights(expect, "expect") if expect else None,
        spellings=spellings_of(route, weights or dict.fromkeys(params["remove"])),
    )


def _read(cluster: Cluster, target: Target, module: Module) -> None:
    try:
        target.before = cluster.get(target.ref)
    except NotFound as missing:
        if missing.kind_missing:
            raise BlueGreenError(
                f"{target.key}: the cluster has no kind {target.router.kind} in {target.ref.api_version}: install its "
                "CustomResourceDefinitions, or name the version that it has with api_version"
            ) from missing
        if module.check_mode and target.options["adopt"]:
            module.warn(f"{target.key} does not exist yet: what is done to it can only be told once it does")
            target.before = {}
            return
        if cluster.namespace_missing(target.ref.namespace or ""):
            raise BlueGreenError(
                f"{target.key}: the namespace {target.ref.namespace} does not exist; create it first"
            ) from missing
        raise BlueGreenError(
            f"{target.key} does not exist: create it, or mend routes.name and routes.namespace"
        ) from missing


def _planned(target: Target, remove: Sequence[str], check_mode: bool) -> Change:
    if not target.before:
        return Change((), ())
    if remove:
        return Change(target.router.removal(target.before, target.spellings, remove), ())
    route = target.before
    route = target.before
    if target.expect is not None and not target.written:
        route = _expected(target, target.expect, check_mode)
    return _patch(target, route, target.weights)


def _patch(target: Target, route: Manifest, weights: Weights) -> Change:
    return target.router.patch(route, target.spellings, weights, target.options["rules"], target.options["adopt"])


def _expected(target: Target, expect: Weights, check_mode: bool) -> Manifest:
    """The route with the weights that must stand now.

    In check mode it is made so: the steps before this one have not run, and their very patches are predicted.
    """
    expected = {**dict.fromkeys(target.weights, 0), **expect}
    change = _patch(target, target.before, expected)
    if check_mode:
        return _applied(target.before, change.operations)
    for rule in change.rules:
        if rule.before != expected:
            raise RouteError(
                f"{target.key}, rule {rule.name}: expected the weights {_shown(expected)}, found "
                f"{_shown(rule.before)}; somebody else has moved them: find out who, then run again or roll back"
            )
    return target.before


def _applied(route: Manifest, operations: Sequence[Operation]) -> Manifest:
    _require_jsonpatch()
    # The library has no null for what is absent, which the API server's tests do; the operations were made from
    # this very object, so there is nothing to test.
    patch = [operation for operation in operations if operation["op"] != "test"]
    applied: Manifest = jsonpatch.apply_patch(copy.deepcopy(route), patch)
    return applied


def _require_ready(cluster: Cluster, targets: Sequence[Target], module: Module) -> None:
    try:
        for target in targets:
            for name in target.weights:
                if any(rule.after[name] > rule.before[name] for rule in target.change.rules):
                    refuse_unready(cluster, target.router, name, target.change.backends[name])
    except BlueGreenError as error:
        # What is deployed by a stage before this one is not there yet when nothing may be written.
        if not module.check_mode:
            raise
        module.warn(error.message)


def _write(cluster: Cluster, targets: Sequence[Target]) -> None:
    """Write route by route; when one fails for good, put back those that were written."""
    try:
        for target in targets:
            if target.change.operations:
                before = target.before
                patch = guarded(target.change.operations, before["metadata"]["resourceVersion"])
                after = cluster.patch(target.ref, patch)
                target.written.append((before, after))
                target.before = after
                _confirm(target)
    except Conflict:
        raise
    except BlueGreenError as error:
        _put_back(cluster, targets, error)


def _confirm(target: Target) -> None:
    """Read the weights back from what the API server says it stored."""
    if target.weights and _patch(target, target.before, target.weights).operations:
        raise RouteError(
            f"{target.key}: the weights were written, but the API server stored others; an admission webhook or "
            "another writer changes them"
        )


def _put_back(cluster: Cluster, targets: Sequence[Target], error: BlueGreenError) -> None:
    """Restore the routes that were written, last first, and raise the error with what became of them."""
    told = []
    for target in reversed([target for target in targets if target.written]):
        before, after = target.written[0][0], target.written[-1][1]
        try:
            _require_jsonpatch()
            inverse = [
                {**operation, "path": f"/spec{operation['path']}"}
                for operation in jsonpatch.make_patch(after["spec"], before["spec"])
            ]
            cluster.patch(target.ref, guarded(inverse, after["metadata"]["resourceVersion"]))
            told.append(f"{target.key} was put back")
        except BlueGreenError as second:
            told.append(f"{target.key} could not be put back ({second.message})")
    raise BlueGreenError("; ".join([error.message, *told]), **error.details) from error


def _give_up(cluster: Cluster, targets: Sequence[Target], conflict: Conflict) -> None:
    for target in targets:
        target.before = cluster.get(target.ref)
    writers = sorted({name for target in targets for name in _writers(target.before)})
    error = BlueGreenError(
        f"{', '.join(target.key for target in targets)} changed {ATTEMPTS} times while its weights were being written "
        f"({conflict.message}); others who write it: {', '.join(writers) or 'unknown'}; stop them, or let them leave "
        "the weights alone"
    )
    _put_back(cluster, targets, error)


def _writers(route: Manifest) -> list[str]:
    """The field managers of a route other than ourselves, the latest first."""
    fields = sorted(route["metadata"].get("managedFields") or [], key=lambda item: str(item.get("time")), reverse=True)
    return [str(item.get("manager")) for item in fields if item.get("manager") != MANAGED_BY]


def _hand_back(cluster: Cluster, target: Target) -> None:
    """Restore who owns which field as it was noted, so that a later apply of the owner's meets no conflict with us."""
    noted = target.options.get("managed_fields")
    if not noted or not any(
        item.get("manager") == MANAGED_BY for item in target.before["metadata"].get("managedFields") or []
    ):
        return
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": noted}]
    target.before = cluster.patch(target.ref, guarded(patch, target.before["metadata"]["resourceVersion"]))


def _described(target: Target) -> Result:
    return {
        "router": target.router.name,
        "kind": target.router.kind,
        "name": target.ref.name,
        "namespace": target.ref.namespace,
        "rules": [
            {"name": rule.name, "before": rule.before, "after": rule.after, "factor": rule.factor}
            for rule in target.change.rules
        ],
        "patch": list(target.change.operations),
        "problems": [
            {
                "code": "rule_pins_version",
                "path": name,
                "message": f"rule {name} holds only {versions} and was left alone",
            }
            for name, versions in target.change.pins
        ],
    }


def _difference(target: Target) -> list[Result]:
    """What changes for a person, rule by rule, and then the very operations."""
    weights = {
        "before_header": target.key,
        "after_header": target.key,
        "before": {rule.name: rule.before for rule in target.change.rules},
        "after": {rule.name: rule.after for rule in target.change.rules},
    }
    operations = "".join(f"{json.dumps(operation)}\n" for operation in target.change.operations)
    return [weights, {"prepared": f"JSON Patch of {target.key}\n{operations}"}]


def _shown(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {weight}" for name, weight in weights.items())


def _require_jsonpatch() -> None:
    if JSONPATCH_IMPORT_ERROR:
        raise BlueGreenError(
            "the Python library jsonpatch is missing on this machine; install it: pip install jsonpatch",
            exception=JSONPATCH_IMPORT_ERROR,
        )
