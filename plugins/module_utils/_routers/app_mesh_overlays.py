# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a test rule is written among the routes of a VirtualRouter, and told from anybody else's.

See U(https://docs.aws.amazon.com/app-mesh/latest/APIReference/API_RouteSpec.html): a route has one match, whose
conditions hold together; the route with the lowest priority number that matches takes the request, wherever it stands.
A gRPC route calls headers metadata.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from .._core.errors import RouteError
from .app_mesh_manifests import LOWEST_PRIORITY
from .overlays import is_test_rule, name_of_test_rule
from .rules import Manifest, Rule

# Each kind of route that knows headers, and what it calls them.
WITH_HEADERS: Mapping[str, str] = {"httpRoute": "headers", "http2Route": "headers", "grpcRoute": "metadata"}
MOST_CONDITIONS = 10
LONGEST_NAME = 50


def is_ours(entry: Mapping[str, Any]) -> bool:
    """Whether a route is a test rule of ours."""
    for kind, key in WITH_HEADERS.items():
        if entry.get(kind):
            conditions = (entry[kind].get("match") or {}).get(key) or []
            exact = {item["name"]: item["match"]["exact"] for item in conditions if _is_exact(item)}
            return is_test_rule(str(entry.get("name", "")), [exact])
    return False


def copy_for_tests(
    where: str,
    theirs: Sequence[Mapping[str, Any]],
    rule: Rule,
    entry: Mapping[str, Any],
    kind: str,
    target: Mapping[str, Any],
    header: str,
    value: str,
) -> Manifest:
    """A copy of a route for the requests with a header, all of them to one target, with the next higher priority.

    ``theirs`` are all routes but ours.
    """
    key = WITH_HEADERS[kind]
    match = entry[kind].get("match") or {}
    conditions = match.get(key) or []
    named_so = f"{where}, rule {rule.name}"
    if any(str(item["name"]).lower() == header for item in conditions):
        raise RouteError(
            f"{named_so} has a condition on the header {header} already; choose another name for the header of the "
            "tests"
        )
    if len(conditions) >= MOST_CONDITIONS:
        raise RouteError(
            f"{named_so} has {MOST_CONDITIONS} conditions on {key} already, and no room for one more: verify without "
            "header"
        )
    if len(header) > LONGEST_NAME:
        raise RouteError(f"test_header.name: App Mesh takes {LONGEST_NAME} characters at most, got {header}")
    result: Manifest = copy.deepcopy(dict(entry))
    result["name"] = name_of_test_rule(rule, header, value)
    result["priority"] = _free_priority(named_so, theirs, entry)
    condition = {"name": header, "match": {"exact": value}}
    result[kind]["match"] = {**copy.deepcopy(match), key: [*copy.deepcopy(conditions), condition]}
    result[kind]["action"] = {"weightedTargets": [{**copy.deepcopy(dict(target)), "weight": 100}]}
    return result


def _free_priority(where: str, theirs: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]) -> int:
    """The number directly before that of a route: with any lower one, other routes would lose requests to the copy."""
    priority = _priority(entry)
    if priority == 0:
        raise RouteError(
            f"{where} has priority 0, and no test rule can stand before it: give it a higher number, or verify without "
            "header"
        )
    before = [str(other.get("name")) for other in theirs if _priority(other) == priority - 1]
    if before:
        raise RouteError(
            f"{where} has priority {priority}, and {', '.join(before)} has {priority - 1}: leave a number free between "
            "them for a test rule, or verify without header"
        )
    return priority - 1


def _priority(entry: Mapping[str, Any]) -> int:
    """A route without a priority comes last."""
    priority = entry.get("priority")
    return LOWEST_PRIORITY if priority is None else int(priority)


def _is_exact(item: Mapping[str, Any]) -> bool:
    return "exact" in (item.get("match") or {}) and not item.get("invert")
