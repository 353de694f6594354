# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a test rule and a mirror are written in the rules of an HTTPRoute or a GRPCRoute, and told from anybody else's.

See U(https://gateway-api.sigs.k8s.io/reference/spec/): conditions within one match hold together; a match with more
headers wins over one that is else the same, so that the copy wins wherever it stands; a route has at most 16 rules.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from .._core.errors import RouteError
from .overlays import is_test_rule, name_of_test_rule
from .rules import Manifest, Operation, Rule

MIRROR = "RequestMirror"
MOST_RULES = 16
PORTIONS = ("percent", "fraction")
# What a mirror says of its backend; weights and filters are the business of backendRefs.
_BACKEND_KEYS = ("group", "kind", "name", "namespace", "port")


def is_mirror(item: Mapping[str, Any]) -> bool:
    """Whether a filter copies requests."""
    return item.get("type") == MIRROR


def is_ours(entry: Mapping[str, Any]) -> bool:
    """Whether a rule is a test rule of ours."""
    return is_test_rule(
        str(entry.get("name", "")),
        [
            {header["name"]: header["value"] for header in match.get("headers") or [] if _is_exact(header)}
            for match in entry.get("matches") or []
        ],
    )


def copy_for_tests(
    where: str,
    standing: Sequence[Manifest],
    rule: Rule,
    entry: Mapping[str, Any],
    backend: Mapping[str, Any],
    header: str,
    value: str,
) -> Manifest:
    """A copy of a rule for the requests with a header, all of them to one backend.

    Its mirrors stay out: a test request belongs to one version alone.
    """
    if sum(1 for other in standing if not is_ours(other)) >= MOST_RULES:
        raise RouteError(
            f"{where} has {MOST_RULES} rules already, and no room for one for tests; verify without header"
        )
    matches = list(entry.get("matches") or [{}])
    if any(item["name"].lower() == header for match in matches for item in match.get("headers") or []):
        raise RouteError(
            f"{where}, rule {rule.name} has a condition on the header {header} already; choose another name for the "
            "header of the tests"
        )
    condition = {"type": "Exact", "name": header, "value": value}
    result = copy.deepcopy(dict(entry))
    result["name"] = name_of_test_rule(rule, header, value).lower().replace(".", "-").replace("_", "-")
    result["matches"] = [
        {**copy.deepcopy(match), "headers": [*copy.deepcopy(match.get("headers") or []), condition]}
        for match in matches
    ]
    result["backendRefs"] = [{**copy.deepcopy(dict(backend)), "weight": 1}]
    filters = [item for item in result.pop("filters", []) if not is_mirror(item)]
    return {**result, "filters": filters} if filters else result


def mirror_operations(
    where: str, rule: Rule, entry: Mapping[str, Any], backend: Mapping[str, Any], percent: float
) -> tuple[Operation, ...]:
    """The operations that add a mirror to a rule; none when this very mirror stands there."""
    portion = _portion(percent)
    standing = _own_mirror(entry, backend)
    if standing is not None:
        written = entry["filters"][standing]["requestMirror"]
        if portion.items() <= written.items():
            return ()
        found = ", ".join(f"{key} {written[key]}" for key in PORTIONS if key in written)
        raise RouteError(
            f"{where}, rule {rule.name} copies requests to the same backend already ({found}); take that mirror away "
            "first, by hand or with mirror: {state: absent}"
        )
    value = {"type": MIRROR, "requestMirror": {"backendRef": _core_of(backend), **portion}}
    path = f"{rule.path}/filters"
    if entry.get("filters"):
        return ({"op": "add", "path": f"{path}/-", "value": value},)
    return ({"op": "add", "path": path, "value": [value]},)


def mirror_removal(rule: Rule, entry: Mapping[str, Any], backend: Mapping[str, Any]) -> tuple[Operation, ...]:
    """The operations that take our mirror to a backend out of a rule."""
    place = _own_mirror(entry, backend)
    if place is None:
        return ()
    path = f"{rule.path}/filters/{place}"
    test = {"op": "test", "path": f"{path}/requestMirror/backendRef/name", "value": backend["name"]}
    # A list that was not there before we came is not there after we have gone.
    return (test, {"op": "remove", "path": path if len(entry["filters"]) > 1 else f"{rule.path}/filters"})


def _own_mirror(entry: Mapping[str, Any], backend: Mapping[str, Any]) -> int | None:
    """The place of a mirror as we write it: a portion, to exactly what stands among the backends."""
    for place, item in enumerate(entry.get("filters") or []):
        mirror = item.get("requestMirror") or {}
        if is_mirror(item) and set(PORTIONS) & set(mirror) and _core_of(mirror["backendRef"]) == _core_of(backend):
            return place
    return None


def _portion(percent: float) -> Manifest:
    """A percentage as the API takes it: a whole one, else a fraction."""
    if percent == int(percent):
        return {"percent": int(percent)}
    exact = Fraction(str(percent)) / 100
    return {"fraction": {"numerator": exact.numerator, "denominator": exact.denominator}}


def _core_of(backend: Mapping[str, Any]) -> Manifest:
    return {key: backend[key] for key in _BACKEND_KEYS if key in backend}


def _is_exact(header: Mapping[str, Any]) -> bool:
    return str(header.get("type", "Exact")) == "Exact"
