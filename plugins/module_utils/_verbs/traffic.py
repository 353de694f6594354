# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``traffic``: weights, test rules and mirrors of one or more routes, all or nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._cluster.client import Cluster, Conflict, Expired, Refused
from .._core.errors import BlueGreenError, RouteError
from .._core.ownership import handed_back, other_managers
from .._routers.rules import guarded
from .backends import refuse_unready
from .switched import wait_for_endpoints
from .traffic_overlays import OVERLAY_OPTIONS, check_overlays
from .traffic_plan import Target, change_to, described, difference, inverse, planned, read, target_of
from .verb import ROUTE_OPTIONS, Module, Result, connect, finish, with_auth

ATTEMPTS = 5
# What a controller has to see a route that was written, and to say so.
SETTLES_WITHIN = 30.0


def argument_spec() -> dict[str, Any]:
    """The module's options and rules."""
    route = {
        **ROUTE_OPTIONS,
        "adopt": {"type": "bool", "default": False},
        "weights": {"type": "dict"},
        "expect": {"type": "dict"},
        "min_endpoints": {"type": "dict"},
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
                **OVERLAY_OPTIONS,
            }
        ),
        "mutually_exclusive": [["weights", "remove"]],
        "supports_check_mode": True,
    }


def run(module: Module) -> None:
    """Set the weights and leave."""
    finish(module, _traffic)


def _traffic(module: Module) -> Result:
    check_overlays(module.params)
    targets = [target_of(route, module.params) for route in module.params["routes"]]
    return _set(connect(module), targets, module.params, module)


class WayBack:
    """Weights that another verb writes by itself, without a task of its own."""

    def __init__(self, routes: Sequence[Mapping[str, Any]]) -> None:
        """Raises BlueGreenError for what a task would be refused for."""
        specification = {key: value for key, value in argument_spec().items() if key != "supports_check_mode"}
        validated = ArgumentSpecValidator(**specification).validate({"routes": [dict(route) for route in routes]})
        if validated.error_messages:
            raise BlueGreenError("; ".join(validated.error_messages))
        self._params = validated.validated_parameters
        self._targets = [target_of(route, self._params) for route in self._params["routes"]]

    def take(self, cluster: Cluster, module: Module) -> Result:
        """Write the weights; what the verb ``traffic`` returns."""
        return _set(cluster, self._targets, self._params, module)


def _set(cluster: Cluster, targets: Sequence[Target], params: Mapping[str, Any], module: Module) -> Result:
    try:
        attempts = _move(cluster, targets, params, module)
    except BlueGreenError as error:
        _put_back(cluster, targets, error)
    if not module.check_mode:
        for target in targets:
            _hand_back(cluster, target, module)
    changed = [target for target in targets if target.told.operations]
    return {
        "changed": bool(changed),
        "attempts": attempts,
        "routes": [described(target) for target in targets],
        "diff": [part for target in changed for part in difference(target)],
    }


def _move(cluster: Cluster, targets: Sequence[Target], params: Mapping[str, Any], module: Module) -> int:
    """Read, plan and write all routes; after a conflict anew, from what then stands. Return the number of attempts."""
    for attempt in range(1, ATTEMPTS + 1):
        for target in targets:
            read(cluster, target, module)
            target.change = planned(target, params, module.check_mode)
        if params["require_ready"]:
            _require_ready(cluster, targets, module)
        if module.check_mode:
            return attempt
        try:
            for target in targets:
                _write(cluster, target, params)
        except Conflict as error:
            conflict = error
        else:
            for target in targets:
                if target.written:
                    _settle(cluster, target, params, module)
            return attempt
    raise _contended(cluster, targets, conflict)


def _require_ready(cluster: Cluster, targets: Sequence[Target], module: Module) -> None:
    try:
        for target in targets:
            for name in target.change.gains:
                minimum = target.endpoints.get(name, 1)
                own = [spelling.namespace for spelling in target.spellings if spelling.name == name]
                refuse_unready(
                    cluster,
                    target.router,
                    name,
                    target.change.backends[name],
                    minimum,
                    target.weights.get(name, 0),
                    namespaces=[namespace for namespace in (target.ref.namespace, *own) if namespace],
                )
    except BlueGreenError as error:
        # What is deployed by a stage before this one is not there yet when nothing may be written.
        if not module.check_mode:
            raise
        module.warn(error.message)


def _write(cluster: Cluster, target: Target, params: Mapping[str, Any]) -> None:
    """Send the patch of one route, and look at what the API server says it stored: it must leave nothing to do."""
    if not target.change.operations:
        return
    target.original = target.original or target.route
    version = target.route["metadata"]["resourceVersion"]
    try:
        target.stored = target.route = cluster.patch(target.ref, guarded(target.change.operations, version))
    except Refused as refused:
        # The patch's own tests come before the comparison of resourceVersions: after somebody else's write they fail,
        # and the API server calls that a refusal.
        if cluster.get(target.ref)["metadata"]["resourceVersion"] == version:
            raise
        raise Conflict(refused.message) from refused
    target.written.append(target.change)
    if change_to(target, target.route, params).operations:
        raise RouteError(
            f"{target.key}: it was written, but the API server stored something else; an admission webhook or another "
            "writer changes it, or its CustomResourceDefinition is older than what was written"
        )


def _settle(cluster: Cluster, target: Target, params: Mapping[str, Any], module: Module) -> None:
    """Wait until the controllers behind a route have said, or shown, that they follow what was written."""
    if target.router.switches:
        to = next(name for name, weight in target.weights.items() if weight)
        minimum = target.endpoints.get(to, 1) if params["require_ready"] else 0
        wait_for_endpoints(cluster, target.route, minimum, SETTLES_WITHIN)
        return
    until = time.monotonic() + SETTLES_WITHIN
    while not _is_followed(target, module):
        left = until - time.monotonic()
        if left <= 0:
            raise RouteError(
                f"{target.key}: {SETTLES_WITHIN:g} s after it was written {target.router.unsettled(target.route)}; see "
                "whether the controller of its parents runs"
            )
        _follow(cluster, target, left, module)


def _follow(cluster: Cluster, target: Target, left: float, module: Module) -> None:
    """Take in what becomes of a route, until it is followed or the time is over."""
    version = target.route["metadata"]["resourceVersion"]
    one = f"metadata.name={target.ref.name}"
    try:
        for kind, item in cluster.watch(replace(target.ref, name=""), version, left, field_selector=one):
            target.route = item if kind == "MODIFIED" else cluster.get(target.ref)
            if _is_followed(target, module):
                return
    except Expired:
        target.route = cluster.get(target.ref)


def _is_followed(target: Target, module: Module) -> bool:
    refusal = target.router.refusal(target.route)
    if refusal and not target.refused:
        raise RouteError(f"{target.key} was refused once it was written: {refusal}")
    if refusal:
        # No fault of what was written, which may be the way back.
        module.warn(f"{target.key} was refused before already: {refusal}")
    return bool(refusal) or not target.router.unsettled(target.route)


def _put_back(cluster: Cluster, targets: Sequence[Target], error: BlueGreenError) -> NoReturn:
    """Restore the routes that were written, last first, and raise the error with what became of them."""
    told = []
    for target in reversed([target for target in targets if target.written]):
        try:
            cluster.patch(target.ref, inverse(target, cluster.get(target.ref)))
            told.append(f"{target.key} was put back")
        except BlueGreenError as second:
            told.append(f"{target.key} could not be put back ({second.message})")
    raise BlueGreenError("; ".join([error.message, *told]), **error.details) from error


def _contended(cluster: Cluster, targets: Sequence[Target], conflict: Conflict) -> BlueGreenError:
    writers = sorted({name for target in targets for name in other_managers(cluster.get(target.ref))})
    return BlueGreenError(
        f"{', '.join(target.key for target in targets)} changed {ATTEMPTS} times while it was being written "
        f"({conflict.message}); others who write it: {', '.join(writers) or 'unknown'}; stop them, or let them leave "
        "it alone"
    )


def _hand_back(cluster: Cluster, target: Target, module: Module) -> None:
    """Restore who owns which field as it was noted, so that a later apply of the owner's meets no conflict with us."""
    noted = target.options.get("managed_fields")
    if not noted:
        return
    for _attempt in range(ATTEMPTS):
        fields = handed_back(target.route, noted)
        if fields is None:
            return
        patch = [{"op": "replace", "path": "/metadata/managedFields", "value": fields}]
        try:
            target.route = cluster.patch(target.ref, guarded(patch, target.route["metadata"]["resourceVersion"]))
        except Conflict:
            target.route = cluster.get(target.ref)
        else:
            return
    module.warn(f"{target.key}: the ownership of its fields could not be handed back, somebody else keeps writing it")
