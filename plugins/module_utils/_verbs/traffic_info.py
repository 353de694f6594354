# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``traffic_info``: what the routes say, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._cluster.client import Cluster
from .._core.errors import RouteError
from .._core.model import MANAGED_BY
from .._core.problems import with_remedies
from .._core.weights import live_version
from .._routers.lint_release import Intent
from .._routers.overlays import leftovers, mirrored
from .._routers.router import Router
from .._routers.rules import Manifest, Spelling
from .lint import lint_routes
from .verb import (
    ROUTE_OPTIONS,
    Module,
    Result,
    connect,
    find_route,
    finish,
    kind_of,
    ref_of,
    router_of,
    spellings_of,
    with_auth,
)


def argument_spec() -> dict[str, Any]:
    """The module's options and rules."""
    return {
        "argument_spec": with_auth(
            {
                "routes": {"type": "list", "elements": "dict", "required": True, "options": dict(ROUTE_OPTIONS)},
                "lint": {"type": "bool", "default": False},
                "unused": {"type": "list", "elements": "str", "default": []},
            }
        ),
        "supports_check_mode": True,
    }


def run(module: Module) -> None:
    """Read the routes and leave."""
    finish(module, _traffic_info)


def _traffic_info(module: Module) -> Result:
    params = module.params
    cluster = connect(module)
    routes = [observe(cluster, route) for route in params["routes"]]
    for route in routes:
        route["problems"] = with_remedies(route["problems"])
    if params["unused"]:
        _refuse_used(cluster, params["routes"], params["unused"])
    unread = _lint(cluster, params["routes"], routes) if params["lint"] else []
    known = [route for route in routes if route["weights"]]
    weights = known[0]["weights"] if known else {}
    return {
        "changed": False,
        "routes": routes,
        "weights": weights,
        "live": live_version(weights),
        "candidate": _candidate(weights),
        "consistent": all(route["consistent"] and route["weights"] == weights for route in known),
        "problems": [problem for route in routes for problem in route["problems"]],
        "unread": unread,
    }


def _lint(cluster: Cluster, options: Sequence[Mapping[str, Any]], routes: Sequence[Result]) -> list[str]:
    """Add to each route what is wrong around it, and tell what could not be read."""
    intents = [
        Intent(dict(route), candidate=_candidate(found["weights"]), live=live_version(found["weights"]))
        for route, found in zip(options, routes, strict=True)
    ]
    problems, unread = lint_routes(cluster, intents)
    for route, of_route in zip(routes, problems, strict=True):
        route["problems"] += of_route
    return unread


def observe(cluster: Cluster, route: Mapping[str, Any]) -> Result:
    """One read of one route: the weights of the versions that are in it."""
    router, ref = router_of(route), ref_of(route)
    result: Result = {
        "router": router.name,
        "name": ref.name,
        "namespace": ref.namespace,
        "exists": False,
        "owned": False,
        "weights": {},
        "rules": [],
        "consistent": True,
        "problems": [],
        "missing": {},
        "refused": None,
        "backends": {},
        "mirrors": [],
        "delegated": False,
        "managed_fields": [],
    }
    found = find_route(cluster, route)
    if found is None:
        message = f"{kind_of(route)} {ref.namespace}/{ref.name} does not exist"
        return {**result, "problems": [{"code": "route_missing", "path": "", "message": message}]}
    metadata = found["metadata"]
    result["exists"] = True
    result["owned"] = (metadata.get("labels") or {}).get("app.kubernetes.io/managed-by") == MANAGED_BY
    result["delegated"] = router.is_delegate(found)
    result["managed_fields"] = metadata.get("managedFields") or []
    spellings = spellings_of(route, {}) or router.spellings(found)
    result["refused"] = router.refusal(found) or None
    result.update(_read(router, found, route, spellings))
    result["backends"] = {
        spelling.name: [{"host": host, "subset": subset} for host, subset in dict.fromkeys(standing)]
        for spelling in spellings
        if (standing := router.backends(found, spellings, spelling.name))
    }
    result["mirrors"] = mirrored(router, found, spellings)
    result["problems"] += leftovers(router, found, spellings)
    return result


def _read(router: Router, found: Manifest, route: Mapping[str, Any], spellings: Sequence[Spelling]) -> Result:
    rules = route.get("rules") or []
    try:
        # With none of them there, reading all says what stands there instead.
        present = router.present(found, spellings, rules) or spellings
        reading = router.read(found, present, rules)
    except RouteError as error:
        return {"problems": [{"code": "weights_unreadable", "path": "/spec", "message": error.message}]}
    return {
        "weights": reading.weights(),
        "rules": [{"name": rule.name, "weights": rule.weights} for rule in reading.rules],
        "consistent": reading.consistent,
        "missing": router.missing(found, spellings, rules),
        "problems": [
            {"code": "rule_pins_version", "path": name, "message": f"rule {name} holds only {versions}"}
            for name, versions in reading.pins
        ],
    }


def _refuse_used(cluster: Cluster, routes: Sequence[Mapping[str, Any]], versions: Sequence[str]) -> None:
    """Raise RouteError when any rule or mirror in the routes' namespaces still sends traffic to a version."""
    places = []
    for route in routes:
        router, ref = router_of(route), ref_of(route)
        standing = cluster.items(replace(ref, name="")).get("items") or []
        own = next((item for item in standing if item["metadata"]["name"] == route["name"]), None)
        spellings = spellings_of(route, {})
        for spelling in spellings:
            if spelling.name not in versions:
                continue
            for host, subset in _backends(router, own, spellings, spelling):
                for item in standing:
                    name = f"{kind_of(route)} {route['namespace']}/{item['metadata']['name']}"
                    places += [f"{name}, {place}" for place in router.sends_to(item, host, subset)]
    if places:
        raise RouteError(
            f"{', '.join(versions)} cannot be retired, traffic still goes there from {'; '.join(sorted(set(places)))}; "
            "shift it away first"
        )


def _backends(
    router: Router, route: Manifest | None, spellings: Sequence[Spelling], spelling: Spelling
) -> list[tuple[str, str | None]]:
    """Where a version is reached: what its own route names, and its own Service."""
    found = router.backends(route, spellings, spelling.name) if route is not None else []
    return [*found, *([(spelling.backend, None)] if spelling.backend else [])]


def _candidate(weights: Mapping[str, int]) -> str | None:
    """The version that shares the traffic with live, when there is just one."""
    live = live_version(weights)
    others = [name for name in weights if name != live]
    return others[0] if live is not None and len(others) == 1 else None
