# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that programs build for a release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .._core.built import Built, HelmChart
from .._core.model import BuiltSources, Release, route_key
from .._core.taking import taken_key, takings
from . import charts, kustomizations


def build(release: Release, directory: str) -> BuiltSources:
    """Build every version that is made of a chart or a kustomization, by service and version. Raises SpecError."""
    base = Path(directory).expanduser().resolve()
    built: dict[tuple[str, str], Built] = {}
    for service in release.services.values():
        for version in service.versions.values():
            source = version.source
            if isinstance(source, HelmChart):
                built[service.name, version.name] = charts.render(source, base)
            elif source is not None:
                built[service.name, version.name] = kustomizations.build(source, base)
    for leg in takings(release):
        into, giver = leg.to or "", leg.taken_from or ""
        for service in leg.services.values():
            source = service.versions[into].source
            # It is another Helm release; what kustomize builds is the same anywhere.
            if isinstance(source, HelmChart):
                built[taken_key(service.name, into, giver)] = charts.render(source, base)
            elif source is not None:
                built[taken_key(service.name, into, giver)] = built[service.name, giver]
    return built


def build_routes(release: Release, weights: Mapping[str, Mapping[str, int]], directory: str) -> BuiltSources:
    """Build every route that is made of a chart, with the weights of its service. Raises SpecError."""
    base = Path(directory).expanduser().resolve()
    return {
        route_key(service.name, route.namespace, route.name): charts.render(
            route.chart, base, weights.get(service.name)
        )
        for service in release.services.values()
        for route in service.routes
        if route.chart is not None
    }
