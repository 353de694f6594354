# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether one rule of a route takes every request that another one is meant for.

Only what is certain is said: of two regular expressions nobody can tell, so neither takes the other's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .lint_subject import GATEWAY_API, ISTIO
from .rules import Manifest

Match = Mapping[str, Any]

# What says nothing about requests.
_NAMES = frozenset({"name", "statPrefix", "ignoreUriCase"})
_CONDITIONS_BY_NAME = frozenset({"headers", "queryParams"})
_LISTS = frozenset({"gateways", "sniHosts", "destinationSubnets"})


def takes_all(router: str, first: Manifest, second: Manifest) -> bool:
    """Whether the first of two rules, as they are written, takes all that the second one matches."""
    if router == ISTIO:
        firsts, seconds = first.get("match") or [{}], second.get("match") or [{}]
        return all(any(_takes(one, other) for one in firsts) for other in seconds)
    if router == GATEWAY_API:
        # The most specific match wins there, wherever it stands: only of equal ones the first does.
        firsts, seconds = first.get("matches") or [{}], second.get("matches") or [{}]
        return all(any(_as_default(one) == _as_default(other) for one in firsts) for other in seconds)
    return False


def is_catch_all(rule: Manifest) -> bool:
    """Whether an http rule of Istio matches every request, as Istio understands it: it then goes behind all others."""
    return any(
        not (set(match) - _NAMES - {"uri"}) and _is_any(match.get("uri") or {"prefix": "/"})
        for match in rule.get("match") or [{}]
    )


def _as_default(match: Match) -> Match:
    """A match of the Gateway API with the path that it has where none is written."""
    return {**match, "path": {"type": "PathPrefix", "value": "/", **(match.get("path") or {})}}


def _takes(one: Match, other: Match) -> bool:
    """Whether every request of the other match is one of this match too."""
    for key, wanted in one.items():
        if key in _NAMES:
            continue
        given: Any = other.get(key)
        if key == "uri":
            fits = _is_any(wanted) or (_reaches(wanted, given) and (_folds(one) or not _folds(other)))
        elif key in _CONDITIONS_BY_NAME:
            fits = all(
                name in (given or {}) and (not item or _reaches(item, given[name])) for name, item in wanted.items()
            )
        elif key in _LISTS:
            fits = bool(given) and set(given) <= set(wanted)
        elif key == "sourceLabels":
            fits = wanted.items() <= (given or {}).items()
        else:
            fits = given == wanted
        if not fits:
            return False
    return True


def _reaches(wanted: Match, given: Match | None) -> bool:
    """Whether one condition on a string holds wherever the other does."""
    if given is None:
        return False
    if wanted == given or _is_everything(wanted):
        return True
    start = given.get("exact", given.get("prefix"))
    return "prefix" in wanted and start is not None and str(start).startswith(str(wanted["prefix"]))


def _is_any(uri: Match) -> bool:
    """Every path begins with a slash."""
    return uri.get("prefix") == "/" or _is_everything(uri)


def _is_everything(condition: Match) -> bool:
    return condition.get("regex") == ".*"


def _folds(match: Match) -> bool:
    return bool(match.get("ignoreUriCase"))
