# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release wants with each of its routes, as far as a check of what stands around them has to know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._core.manifests import standing_resources
from .._core.model import Release, Version
from .._core.plan import Observed, decide, service_weights, steps_left
from .._core.taking import current_leg
from .._core.workloads import WorkloadRef
from .routes import Plain, ReleaseRoutes
from .rules import Manifest


@dataclass(frozen=True)
class Intent:
    """A route as the module traffic_info takes it, and what is to become of its versions.

    ``planned`` are the objects that the release writes for its candidate, ``standing`` the workloads that exist. See
    ``Subject`` for the rest.
    """

    route: Plain
    candidate: str | None = None
    live: str | None = None
    first: int = 0
    last: int = 0
    retires: bool = False
    writes_subsets: bool = False
    planned: Mapping[str, Sequence[Manifest]] = field(default_factory=dict)
    standing: Mapping[str, WorkloadRef] = field(default_factory=dict)


def intents(release: Release, observed: Observed, limit: int | None = None) -> list[Intent]:
    """One for each route of a release that is about to begin; none for any other.

    Raises ReleaseError where release_plan() does.
    """
    release = current_leg(release, observed.journal, service_weights(observed))
    decision = decide(release, observed)
    if decision.action != "start":
        return []
    routes = ReleaseRoutes(release, observed)
    shares = [step.percent for step in steps_left(release, decision, observed, limit) if step.percent]
    found = []
    for service, route in routes.pairs():
        candidate, live = service.versions[decision.to], service.versions.get(decision.live or "")
        planned = standing_resources(service, candidate, release.name)
        standing = [
            version for version in (live, candidate) if version is not None and not (version is candidate and planned)
        ]
        found.append(
            Intent(
                routes.options(service, route),
                candidate=candidate.name,
                live=decision.live,
                first=shares[0] if shares else 0,
                last=shares[-1] if shares else 0,
                retires=live is not None and _retires(release, live),
                writes_subsets=routes.is_ours(service, route),
                planned={candidate.name: planned} if planned else {},
                standing={version.name: workload for version in standing for workload in version.workloads[:1]},
            )
        )
    return found


def _retires(release: Release, live: Version) -> bool:
    return live.is_ours or release.retire.written
