# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions that are Helm releases: what Helm is asked to install and to uninstall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._core.built import Built, HelmChart
from .._core.journal import State, backend_key
from .._core.model import Release, Version, content_hash
from .._core.plan import Observed, decide, service_weights
from .._core.taking import current_leg
from .._core.weights import Weights
from .._core.workloads import SCALABLE_KINDS
from .routes import Plain, ReleaseRoutes


def charts(versions: Sequence[Version], journal: State) -> list[Plain]:
    """The Helm releases of versions, with the options of kubernetes.core.helm.

    ``is_new`` says that the version differs from what was deployed last: then Helm has to have something to do, or the
    objects that it holds have to be ``objects`` already.
    """
    found = []
    for version in versions:
        if isinstance(version.source, HelmChart) and version.built is not None:
            deployed = journal.deployed.get(backend_key(version.service, version.name))
            found.append(_installed(version.source, version.built, deployed != version.spec_hash))
    return found


def route_charts(routes: ReleaseRoutes) -> Plain:
    """The Helm releases of routes that are to be installed, and the entry that then notes their charts.

    Their values hold the weights as they stand. When only these have changed there is nothing to install: Helm would
    write what is there already.
    """
    journal = routes.observed.journal
    found, noted = [], {}
    for service, route in routes.pairs():
        if route.chart is not None and route.built is not None:
            key, content = routes.key(route), content_hash(route.built.content)
            if journal.skeleton.get(key) != content or not routes.exists(service, route):
                found.append(_installed(route.chart, route.built, is_new=True))
                noted[key] = content
    return {"charts": found, "entry": {"event": "skeleton", "charts": noted} if noted else None}


def route_weights(release: Release, observed: Observed) -> dict[str, Weights]:
    """The weights of each service as they stand, or as its route is to begin; raises where decide() does.

    Nothing of a release without a route that is a chart.
    """
    if not any(route.chart for service in release.services.values() for route in service.routes):
        return {}
    current = service_weights(observed)
    decision = decide(current_leg(release, observed.journal, current), observed)
    return {name: current.get(name) or {decision.live or decision.to: 100} for name in release.services}


def _installed(source: HelmChart, built: Built, is_new: bool) -> Plain:
    return {
        "path": source.path,
        **_identity(source),
        "chart_ref": built.chart,
        "chart_version": source.version,
        "chart_repo_url": source.repo,
        "release_values": dict(built.values),
        "disable_hook": source.disable_hook,
        "skip_crds": source.skip_crds,
        "is_new": is_new,
        "objects": [dict(item) for item in built.objects],
    }


def helm_releases(versions: Sequence[Version]) -> list[Plain]:
    """The Helm releases of versions that go."""
    return [_identity(version.source) for version in versions if isinstance(version.source, HelmChart)]


def revived(versions: Sequence[Version], capacity: Sequence[Mapping[str, object]]) -> list[Plain]:
    """What scales workloads of Helm releases up again that a retirement left without pods.

    Helm compares what it is to install with what it has installed, and does not look at what stands.
    """
    asleep = {seen["key"] for seen in capacity if seen["exists"] and seen["replicas"] == 0}
    return [
        {
            **{key: item[key] for key in ("apiVersion", "kind")},
            "metadata": {key: item["metadata"][key] for key in ("name", "namespace")},
            "spec": {"replicas": item["spec"].get("replicas", 1)},
        }
        for version in versions
        if isinstance(version.source, HelmChart) and backend_key(version.service, version.name) in asleep
        for item in (version.given.objects if version.given is not None else ())
        if item["kind"] in SCALABLE_KINDS
    ]


def _identity(source: HelmChart) -> Plain:
    return {"release_name": source.release_name, "release_namespace": source.namespace}
