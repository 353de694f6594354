# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was read from a cluster, from plain JSON to what a plan is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .journal import State
from .model import Release
from .plan import Observed, ObservedRoute
from .section import Section
from .weights import Weights

ROOT = "observed"


def observed_release(
    release: Release, journal: object, routes: Sequence[Any], now: float, capacity: Sequence[Mapping[str, Any]] = ()
) -> Observed:
    """A journal's state, as it is or as plain JSON, and routes as the module traffic_info returns them.

    Raises SpecError for what cannot be part of them.
    """
    state = journal if isinstance(journal, State) else _read_state(journal)
    found = (Section(route, f"{ROOT}.routes[{position}]") for position, route in enumerate(routes))
    return Observed(state, tuple(_read_route(release, route) for route in found), now, tuple(capacity))


def _read_state(journal: object) -> State:
    state = State()
    with Section(journal, f"{ROOT}.journal") as section:
        for name, default in vars(state).items():
            value = section.raw(name)
            if value is None:
                continue
            if default is not None and not isinstance(value, type(default)):
                raise section.error(name, f"expected something like {default!r}, got {value!r}")
            setattr(state, name, value)
    return state


def _read_route(release: Release, route: Section) -> ObservedRoute:
    with route:
        name = route.text("name")
        service = route.text("service", name)
        if service not in release.services:
            raise route.error("service", f"no service {service}; known: {', '.join(release.services)}")
        # What traffic_info says beyond what a plan needs.
        route.raw("router")
        route.raw("rules")
        return ObservedRoute(
            service=service,
            name=name,
            namespace=route.text("namespace", release.services[service].namespace),
            exists=route.flag("exists", True),
            owned=route.flag("owned", False),
            weights=_read_weights(route.section("weights")),
            consistent=route.flag("consistent", True),
            managed_fields=route.items("managed_fields"),
            missing=route.strings("missing"),
            refused=route.optional_text("refused") or "",
            backends=_read_backends(route.section("backends")),
            mirrors=route.texts("mirrors"),
            delegated=route.flag("delegated", False),
            problem="; ".join(Section(item, route.at("problems")).text("message") for item in route.items("problems")),
        )


def _read_backends(section: Section) -> dict[str, tuple[tuple[str, str | None], ...]]:
    found = {}
    for version in section.names():
        entries = (Section(item, f"{section.at(version)}[{at}]") for at, item in enumerate(section.items(version)))
        found[version] = tuple((entry.text("host"), entry.optional_text("subset")) for entry in entries)
    return found


def _read_weights(section: Section) -> Weights:
    return {version: section.integer(version, 0, 0, 100) for version in section.names()}
