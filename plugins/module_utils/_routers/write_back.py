# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Weights in a file of manifests, for routes that somebody else applies from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.errors import BlueGreenError, RouteError
from .._core.manifest_text import Identity, read_object, with_values
from .._core.plan import service_weights
from .._core.weights import Weights
from .registry import ROUTERS
from .routes import Plain, ReleaseRoutes
from .rules import Spelling


def files(routes: ReleaseRoutes, weights: Mapping[str, Weights]) -> list[Plain]:
    """The files that are to hold these weights at the end, each with its routes."""
    found: dict[str, list[Plain]] = {}
    for service, route in routes.pairs():
        if route.write_back is not None and service.name in weights:
            target = {**routes.options(service, route), "weights": dict(weights[service.name])}
            found.setdefault(route.write_back, []).append(target)
    return [{"file": name, "routes": of_file} for name, of_file in found.items()]


def standing_files(routes: ReleaseRoutes) -> list[Plain]:
    """The same for the weights as they stand."""
    return files(routes, {name: found for name, found in service_weights(routes.observed).items() if found})


def with_weights(text: str, file: str, routes: Sequence[Mapping[str, Any]]) -> str:
    """The text of a file with the weights of these routes, and everything else byte for byte.

    Each has the options of the module traffic, with its ``weights``.
    """
    for route in routes:
        text = _with_weights(text, file, route)
    return text


def _with_weights(text: str, file: str, options: Mapping[str, Any]) -> str:
    router = ROUTERS[options["router"]]
    kind = options.get("kind") or router.kind
    group = router.kinds[kind].api_versions[0].rpartition("/")[0]
    identity = Identity(group, kind, options["namespace"], options["name"])
    found = read_object(text, file, identity)
    spellings = [Spelling(name, **(spelling or {})) for name, spelling in (options.get("versions") or {}).items()]
    rules = options.get("rules") or []
    try:
        written = [destination.weight for rule in router.rules(found) for destination in rule.destinations]
        # A boolean is a whole number to Python, and none to its reader.
        unknown = [
            weight
            for weight in written
            if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int))
        ]
        if unknown:
            raise RouteError(f'the weight "{unknown[0]}" is no number: write the numbers out in the file')
        present = {spelling.name for spelling in router.present(found, spellings, rules)}
        # A version without weight needs no place.
        weights = {name: weight for name, weight in options["weights"].items() if weight or name in present}
        change = router.patch(found, spellings, weights, rules)
    except BlueGreenError as error:
        raise RouteError(f"{file}: {error.message}; what is in the file is yours to mend") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # No API server has looked at it yet.
        raise RouteError(f"{file}: {identity} is no {kind} that the API would take ({error!r}): mend it") from error
    values = {item["path"]: item["value"] for item in change.operations if item["op"] != "test"}
    return with_values(text, file, identity, values)
