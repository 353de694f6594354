# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release worked out down to the last object: from what the user wants and what stands, the plan of every stage."""

from __future__ import annotations

from collections.abc import Mapping

from .._core.capacity import live_workloads, noted_workloads, problems, scaled_workloads
from .._core.durations import text
from .._core.errors import ReleaseError, SpecError
from .._core.journal import State
from .._core.manifests import version_resources
from .._core.model import ROOT, Release, refuse_unbuilt
from .._core.observe import UNSEEN
from .._core.plan import (
    Decision,
    Observed,
    decide,
    live_before,
    retirable,
    service_weights,
    steps_left,
    timeline,
)
from .._core.taking import current_leg, refuse_untakable
from . import stages
from .proofs import refuse_unused_header
from .registry import ROUTERS
from .routes import Plain, ReleaseRoutes
from .rules import Manifest

# Those that move a release on, in their order.
STAGES = ("deploy", "verify", "shift", "promote")


def route_resources(release: Release, service: str, weights: Mapping[str, int]) -> list[Manifest]:
    """The objects that route a service's traffic with these weights."""
    return ROUTERS[release.router].resources(release, release.services[service], weights)


def refuse_unwritable(release: Release) -> None:
    """Raise SpecError for what only shows when a version's objects are written, before anything of it is."""
    ROUTERS[release.router].refuse_course(release)
    refuse_untakable(release)
    for service in release.services.values():
        ROUTERS[release.router].refuse(service)
        for version in service.versions.values():
            version_resources(service, version, release.name)


def routes_to_read(release: Release) -> list[Plain]:
    """Every route of a release with the spelling of all versions, as the module traffic_info takes them."""
    routes = ReleaseRoutes(release)
    return [{"service": service.name, **routes.options(service, route)} for service, route in routes.pairs()]


def workloads_to_read(release: Release, observed: Observed) -> list[Plain]:
    """The workloads whose capacity matters: those that traffic may have to go back to, and a candidate that is scaled.

    Raises ReleaseError where release_plan() does.
    """
    release = current_leg(release, observed.journal, service_weights(observed))
    decision = decide(release, observed)
    found = noted_workloads(observed.journal.capacity)
    if decision.action in ("start", "resume"):
        found += live_workloads(release, decision.before, decision.to)
    if decision.action in ("install", "start", "resume"):
        found += scaled_workloads(release, decision.to)
    return list({item["key"]: item for item in found}.values())


def release_plan(
    release: Release, observed: Observed, limit: int | None = None, predict: bool = True, token: str = ""
) -> Plain:
    """The plan of a release: what each stage has left to do, as plain JSON.

    ``token`` is the value of the test header, which nobody should be able to guess. Without ``predict``, what comes
    after the deployment is empty until the journal says that the release has begun: no weight moves before the way
    back is noted.
    """
    refuse_unbuilt(release)
    release = current_leg(release, observed.journal, service_weights(observed))
    decision = decide(release, observed)
    routes = ReleaseRoutes(release, observed)
    if limit is not None:
        routes.router.refuse_weight("bluegreen_percent", limit)
    _refuse_incomplete_routes(routes, decision)
    going = decision.action in ("install", "start", "resume")
    if going and release.observe is None:
        raise SpecError(f"{ROOT}.observe", UNSEEN)
    steps = steps_left(release, decision, observed, limit)
    if going and decision.action != "install":
        refuse_unused_header(release)
    if stages.mirrors(routes, decision, steps):
        _refuse_foreign_mirrors(routes, decision.to)
    begun = predict or decision.action != "start"
    return {
        "release": release.name,
        "namespace": release.namespace,
        "action": decision.action,
        "reason": decision.reason,
        "to": decision.to,
        "live": decision.live,
        "state": observed.journal.state,
        "weights": service_weights(observed),
        "on_failure": release.on_failure,
        "timeline": timeline(decision, steps, release),
        "blocked": {} if predict and going else _blocked(release, decision, observed.journal),
        "problems": problems(observed.capacity, stages.noted_capacity(routes, decision)),
        "status": _status(release, decision, observed),
        "started": stages.started(routes, decision) if going else None,
        "skeleton": stages.skeleton(routes, decision) if going or decision.live else stages.NO_SKELETON,
        "deploy": stages.deploy(routes, decision, steps) if going else stages.NO_DEPLOYMENT,
        "verify": stages.verify(routes, decision, token) if going and begun else stages.NO_VERIFICATION,
        "mirror": stages.mirror(routes, decision, steps) if begun else stages.NO_MIRRORING,
        "shift": {"steps": [stages.step(routes, decision, step, first=step is steps[0]) for step in steps if begun]},
        "promote": stages.promote(routes, decision, steps) if begun or release.taken_from else stages.NO_PROMOTION,
        "retire": stages.retire(routes, decision),
        "clean": stages.clean(observed.journal),
        "rollback": _rollback_if_any(routes),
    }


def rollback_plan(release: Release, observed: Observed) -> Plain:
    """The way back alone, for a release that has nowhere to go: what forbids to go on does not forbid to go back.

    Raises ReleaseError when there is no way back.
    """
    return {
        "release": release.name,
        "namespace": release.namespace,
        "live": live_before(observed.journal),
        "state": observed.journal.state,
        "weights": service_weights(observed),
        "problems": problems(observed.capacity, observed.journal.capacity),
        "clean": stages.clean(observed.journal),
        "rollback": stages.rollback(ReleaseRoutes(release, observed)),
    }


def _blocked(release: Release, decision: Decision, journal: State) -> dict[str, str]:
    """The stages that cannot do anything yet, or any more, each with what to do first."""
    if decision.action == "roll_back":
        begun = f"a rollback from {decision.to} was begun: run the playbook rollback to finish it"
        return dict.fromkeys(STAGES, begun)
    if decision.action == "install":
        first = f"the first install of {decision.to} is still to be done: run the playbook deploy first"
    elif decision.action == "start":
        if release.to is None and journal.install and journal.state == "promoted":
            # Right after a first install the stages that follow have nothing to do, unless its user wants more.
            return {}
        first = f"the release to {decision.to} has not begun: run the playbook deploy first, which notes the way back"
    else:
        return {}
    # Of the way into another version, promote takes every stage.
    return dict.fromkeys(STAGES[1:-1] if release.taken_from else STAGES[1:], first)


def _rollback_if_any(routes: ReleaseRoutes) -> Plain:
    """A release without a way back may still go on."""
    try:
        return stages.rollback(routes)
    except ReleaseError:
        return stages.NO_ROLLBACK


def _status(release: Release, decision: Decision, observed: Observed) -> Plain:
    """Where the release is, for a person."""
    journal = observed.journal
    status: Plain = {"release": release.name, "state": journal.state, "live": decision.live}
    if journal.is_active:
        taken = f", which takes what {journal.taken_from} has" if journal.taken_from else ""
        status["candidate"] = f"{journal.to}{taken}, step {journal.step or 0} passed, {journal.verified}"
        if journal.reason:
            status["reason"] = journal.reason
    for service, weights in service_weights(observed).items():
        status[service] = ", ".join(f"{name} {weight} %" for name, weight in weights.items()) or "no route yet"
    versions, due_in = retirable(release, observed, decision.live)
    if versions:
        names = ", ".join(dict.fromkeys(version.name for version in versions))
        status["fallback"] = f"{names}, retired in {text(due_in)}" if due_in else f"{names}, due to be retired"
    return status


def _refuse_incomplete_routes(routes: ReleaseRoutes, decision: Decision) -> None:
    for service, route in routes.pairs():
        found = routes.found(service, route)
        going = decision.action in ("start", "resume")
        if going and found is not None and decision.to in found.missing and not routes.may_extend(service, route):
            raise ReleaseError(found.missing[decision.to])
        if going and found is not None and found.refused:
            raise ReleaseError(
                f"{routes.kind(service, route)} {route.namespace}/{route.name} is refused as it stands, and no weight "
                f"in it would move anything: {found.refused}"
            )
        creatable = route.chart is not None or (
            not service.routes_are_named and all(version.own_service for version in service.versions.values())
        )
        if not creatable and not routes.exists(service, route):
            raise ReleaseError(
                f"{routes.kind(service, route)} {route.namespace}/{route.name} of {service.name} is missing: create "
                "it, or say with route: {name, namespace} where it is; only for versions that are deployed from an "
                "image is one created"
            )


def _refuse_foreign_mirrors(routes: ReleaseRoutes, to: str) -> None:
    """A mirror that the journal knows nothing of is the user's, and ours could not be told from it at the end."""
    for service, route in routes.pairs():
        found = routes.found(service, route)
        # What an earlier release noted is over.
        noted = routes.noted(route) if routes.observed.journal.is_active else {}
        if found is not None and to in found.mirrors and "mirror" not in noted:
            raise ReleaseError(
                f"{routes.kind(service, route)} {route.namespace}/{route.name} copies requests to {to} already, and "
                "this release would take that mirror away with its own: remove it first, or release without mirror"
            )
