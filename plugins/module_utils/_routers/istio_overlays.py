# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a test rule and a mirror are written in the http rules of a VirtualService, and told from anybody else's.

See U(https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute): conditions within one match
hold together, a rule without match takes every request, the first rule that matches wins. Headers are named in lower
case, and four names of parts of the request line are no headers there. A rule has C(mirror) with C(mirrorPercentage),
or the list C(mirrors), never both.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .._core.errors import RouteError
from .._core.observe import PARTS_OF_REQUESTS
from .overlays import is_test_rule, name_of_test_rule
from .rules import Manifest, Operation, Rule

MIRROR, MIRROR_PERCENTAGE, MIRRORS = "mirror", "mirrorPercentage", "mirrors"
# The last two are older spellings, which are still accepted.
MIRROR_KEYS = (MIRROR, MIRRORS, MIRROR_PERCENTAGE, "mirrorPercent", "mirror_percent")


def is_ours(entry: Mapping[str, Any]) -> bool:
    """Whether an http rule is a test rule of ours."""
    return is_test_rule(
        str(entry.get("name", "")),
        [
            {name: condition["exact"] for name, condition in _headers(match).items() if "exact" in (condition or {})}
            for match in entry.get("match") or []
        ],
    )


def copy_for_tests(
    where: str, rule: Rule, entry: Mapping[str, Any], destination: Mapping[str, Any], header: str, value: str
) -> Manifest:
    """A copy of an http rule for the requests with a header, all of them to one destination.

    Its mirror stays out: a test request belongs to one version alone.
    """
    if header in PARTS_OF_REQUESTS:
        raise RouteError(f"test_header.name: Istio takes {header} for a part of the request line; choose another")
    matches = [match or {} for match in entry.get("match") or [{}]]
    for match in matches:
        if header in _headers(match) or header in (match.get("withoutHeaders") or {}):
            raise RouteError(
                f"{where}, rule {rule.name} has a condition on the header {header} already; choose another name for "
                "the header of the tests"
            )
    result = {key: copy.deepcopy(value) for key, value in entry.items() if key not in MIRROR_KEYS}
    result["name"] = name_of_test_rule(rule, header, value)
    result["match"] = [
        {**copy.deepcopy(match), "headers": {**_headers(match), header: {"exact": value}}} for match in matches
    ]
    result["route"] = [{**copy.deepcopy(dict(destination)), "weight": 100}]
    return result


def mirror_operations(
    where: str, rule: Rule, entry: Mapping[str, Any], destination: Mapping[str, Any], percent: float
) -> tuple[Operation, ...]:
    """The operations that add a mirror to an http rule; none when this very mirror stands there."""
    percentage = {"value": int(percent) if percent == int(percent) else percent}
    standing = _own_mirror(entry, destination)
    if standing is not None:
        if standing[1] == percentage:
            return ()
        raise RouteError(
            f"{where}, rule {rule.name} copies {standing[1].get('value')} % of its requests to the same destination "
            "already; take that mirror away first, by hand or with mirror: {state: absent}"
        )
    if MIRRORS in entry:
        # What others mirror to stays first.
        value = {"destination": dict(destination), "percentage": percentage}
        return ({"op": "add", "path": f"{rule.path}/{MIRRORS}/-", "value": value},)
    if any(key in entry for key in MIRROR_KEYS):
        raise RouteError(
            f"{where}, rule {rule.name} has a mirror of its own, and Istio allows only one in this form: write it as "
            "mirrors: [{destination: …, percentage: …}], which can be extended, or release without mirror"
        )
    return (
        {"op": "add", "path": f"{rule.path}/{MIRROR}", "value": dict(destination)},
        {"op": "add", "path": f"{rule.path}/{MIRROR_PERCENTAGE}", "value": percentage},
    )


def mirror_removal(rule: Rule, entry: Mapping[str, Any], destination: Mapping[str, Any]) -> tuple[Operation, ...]:
    """The operations that take our mirror to a destination out of an http rule."""
    standing = _own_mirror(entry, destination)
    if standing is None:
        return ()
    path = f"{rule.path}/{standing[0]}"
    if standing[0] == MIRROR:
        return (
            {"op": "test", "path": path, "value": dict(destination)},
            {"op": "remove", "path": path},
            {"op": "remove", "path": f"{rule.path}/{MIRROR_PERCENTAGE}"},
        )
    return (
        {"op": "test", "path": f"{path}/destination", "value": dict(destination)},
        {"op": "remove", "path": path},
    )


def _own_mirror(entry: Mapping[str, Any], destination: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """The place and percentage of a mirror as we write it: to exactly what stands among the weighted destinations."""
    if entry.get(MIRROR) == destination and entry.get(MIRROR_PERCENTAGE):
        return MIRROR, entry[MIRROR_PERCENTAGE]
    for position, mirror in enumerate(entry.get(MIRRORS) or []):
        if mirror.get("destination") == destination and mirror.get("percentage"):
            return f"{MIRRORS}/{position}", mirror["percentage"]
    return None


def _headers(match: Mapping[str, Any] | None) -> dict[str, Any]:
    return dict((match or {}).get("headers") or {})
