# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes of a release, beside what was observed of them and what the journal noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._core.journal import State
from .._core.model import Release, Route, Service
from .._core.plan import Observed, ObservedRoute
from .registry import ROUTERS
from .router import Router

Plain = dict[str, Any]
NOTHING_OBSERVED = Observed(State(), (), 0.0)


@dataclass(frozen=True)
class ReleaseRoutes:
    """What a release knows of its routes, in the form in which modules take them."""

    release: Release
    observed: Observed = NOTHING_OBSERVED

    @property
    def router(self) -> Router:
        """The adapter for the release's kind of route."""
        return ROUTERS[self.release.router]

    def pairs(self) -> Iterator[tuple[Service, Route]]:
        """Every route with its service."""
        for service in self.release.services.values():
            for route in service.routes:
                yield service, route

    def kind(self, service: Service, route: Route) -> str:
        """The kind of a route: what its user says, else what carries the protocol of its service."""
        return route.kind or self.router.kind_for(service.protocol)

    def options(self, service: Service, route: Route) -> Plain:
        """The options of one route, with the spelling of all versions.

        Those that a stage is not about keep their destinations from being taken for others'.
        """
        spellings = [self.router.spelling(service, version) for version in service.versions.values()]
        return {
            "router": self.release.router,
            "name": route.name,
            "namespace": route.namespace,
            "kind": self.kind(service, route),
            "api_version": route.api_version,
            "rules": list(route.rules),
            "versions": {
                spelling.name: {
                    "host": spelling.host,
                    "subset": spelling.subset,
                    "namespace": spelling.namespace,
                    "backend": spelling.backend,
                    **({"selector": dict(spelling.selector)} if spelling.selector else {}),
                }
                for spelling in spellings
            },
        }

    def weighted(
        self, weights: Mapping[str, Mapping[str, int]], extend: bool = True
    ) -> Iterator[tuple[Service, Route, Plain]]:
        """The routes of the services in ``weights``, each with its weights; ours and adopted ones may be extended."""
        for service, route in self.pairs():
            if service.name in weights:
                target = {
                    **self.options(service, route),
                    "adopt": extend and self.may_extend(service, route),
                    "weights": dict(weights[service.name]),
                }
                yield service, route, target

    def found(self, service: Service, route: Route) -> ObservedRoute | None:
        """The route as it was observed."""
        for found in self.observed.routes:
            if (found.service, found.name, found.namespace) == (service.name, route.name, route.namespace):
                return found
        return None

    def exists(self, service: Service, route: Route) -> bool:
        """Whether the route was seen to be there."""
        found = self.found(service, route)
        return found is not None and found.exists

    def is_delegated(self, service: Service) -> bool:
        """Whether any route of a service gets its requests from another route."""
        found = (self.found(service, route) for route in service.routes)
        return any(route is not None and route.delegated for route in found)

    def is_ours(self, service: Service, route: Route) -> bool:
        """Whether we created the route, or will."""
        found = self.found(service, route)
        return not service.routes_are_named if found is None or not found.exists else found.owned

    def may_extend(self, service: Service, route: Route) -> bool:
        """Whether a version that is missing from the route may be added to it."""
        return route.adopt or self.is_ours(service, route)

    def standing(self, service: Service, version: str) -> list[tuple[str, str | None]]:
        """Full host and subset of a version, wherever it stands in the routes of its service."""
        standing = (found.backends.get(version, ()) for found in self.observed.routes if found.service == service.name)
        return list(dict.fromkeys(backend for backends in standing for backend in backends))

    def key(self, route: Route | ObservedRoute) -> str:
        """The name of a route in the journal."""
        return f"{self.release.router}/{route.namespace}/{route.name}"

    def noted(self, route: Route) -> Mapping[str, Any]:
        """What the journal knows of a route."""
        return self.observed.journal.routes.get(self.key(route), {})
