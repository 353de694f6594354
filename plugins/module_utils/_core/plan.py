# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision: from what the user wants and what stands in the cluster, what each stage has left to do.

Nothing here reads a clock or a cluster. The same specification and the same observation give the same plan, and a
plan made after any of its stages has run holds only what is left: that is what makes every stage repeatable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .companions import companions, named_versions
from .durations import text
from .errors import ReleaseError
from .gates import Gate
from .journal import State, backend_key
from .model import Release, Version
from .observe import gates_of_step
from .steps import Step, refuse_falling
from .taking import is_as_deployed, is_carried, taking
from .weights import Weights, live_version, weights_at


@dataclass(frozen=True)
class ObservedRoute:
    """A route as it stands: which versions of its service are in it, and with which percentages.

    ``missing`` says of each version that is not in it what would have to be added, ``refused`` what its controller has
    to say against it. ``backends`` are full host and subset of each version that is in it, ``mirrors`` those that get
    copies of its requests. A ``delegated`` one gets its requests from another route, which has the hosts.
    """

    service: str
    name: str
    namespace: str
    exists: bool
    owned: bool = False
    weights: Weights = field(default_factory=dict)
    consistent: bool = True
    managed_fields: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    backends: Mapping[str, tuple[tuple[str, str | None], ...]] = field(default_factory=dict)
    mirrors: tuple[str, ...] = ()
    delegated: bool = False


@dataclass(frozen=True)
class Observed:
    """What was read from the cluster before deciding; ``now`` in seconds since the epoch.

    ``capacity`` is of the workloads that ``workloads_to_read`` names, where a stage has asked for it.
    """

    journal: State
    routes: tuple[ObservedRoute, ...]
    now: float
    capacity: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Decision:
    """What a run is about. ``action`` is install, start, resume, roll_back or nothing."""

    action: str
    to: str
    live: str | None
    before: Mapping[str, Weights]
    reason: str


@dataclass(frozen=True)
class PlannedStep:
    """A step that is left: its place in the user's list (from 1), what each service gets, what it had before."""

    number: int
    percent: int
    pause: float
    weights: Mapping[str, Weights]
    expect: Mapping[str, Weights]
    gates: tuple[Gate, ...]
    last: bool


def decide(release: Release, observed: Observed) -> Decision:
    """Find out what there is to do, or raise ReleaseError when the user has to say something first."""
    journal = observed.journal
    _refuse_unreadable(observed)
    weights = service_weights(observed)
    if journal.is_active:
        return _resumed(release, journal, weights)
    if not any(weights.values()) and journal.attempt == 0:
        first = release.promotion.into or release.versions[0]
        return Decision("install", first, None, {}, f"first install of {first}")
    _refuse_unequal_routes(observed)
    live = _common_live(release, weights, journal)
    if live is not None:
        # A route that is missing is created for the live version before anything else.
        weights = {name: found or {live: 100} for name, found in weights.items()}
        _refuse_changed_live(release, journal, live)
    to = release.to or _idle_version(release, journal, live)
    if to is None or to == live:
        return Decision("nothing", live or "", live, weights, _nothing(release, live))
    _refuse_untaken(release, to)
    if live == release.promotion.into and is_carried(release, journal, to):
        return Decision("nothing", live or "", live, weights, f"{live} is live and has taken what {to} is made of")
    return Decision("start", to, live, weights, _reason(release, live, to))


def steps_left(release: Release, decision: Decision, observed: Observed, limit: int | None = None) -> list[PlannedStep]:
    """The steps from where the traffic stands; with ``limit``, only as far as that percentage.

    A step that the journal saw passed is not repeated. The one whose weights stand but whose pause was cut short is.
    """
    if decision.action not in ("start", "resume"):
        return []
    current = {name: found or decision.before[name] for name, found in service_weights(observed).items()}
    standing = [route.weights.get(decision.to, 0) for route in observed.routes]
    # Nobody goes back, and a run that was killed between two routes goes on from the one that is ahead.
    stands = max(standing, default=0)
    steps = list(enumerate(release.steps, start=1))
    refuse_falling([step.percent_for(decision.to) for _number, step in steps], "bluegreen.steps")
    if limit is not None:
        steps = _limited(steps, limit, decision.to, stands)
    journal = observed.journal
    passed = journal.percent if journal.is_active and journal.percent is not None else -1
    if passed > min(standing, default=0):
        # Somebody has taken traffic away since: what was seen to hold before says nothing about going on from there.
        passed = -1
    named = named_versions(release)
    planned: list[PlannedStep] = []
    for number, step in steps:
        percent = step.percent_for(decision.to)
        if percent <= passed or percent < stands:
            continue
        planned.append(
            PlannedStep(
                number=number,
                percent=percent,
                pause=step.pause,
                weights={
                    name: _step_weights(step, decision.to, before, named) for name, before in decision.before.items()
                },
                expect=planned[-1].weights if planned else _with_candidate(current, decision.to),
                gates=gates_of_step(release.observe or (), release.gates, step.gates),
                last=number == steps[-1][0],
            )
        )
    return planned


def retirable(release: Release, observed: Observed, live: str | None) -> tuple[list[Version], float]:
    """The versions that have done their service, and the seconds until they may go."""
    journal = observed.journal
    if journal.is_active or live is None:
        return [], 0.0
    versions = [
        version
        for service in release.services.values()
        for version in service.versions.values()
        if version.name not in (live, release.promotion.into) and _may_go(release, version, journal)
    ]
    if journal.promoted_at is None:
        return versions, 0.0
    return versions, max(0.0, journal.promoted_at + release.retire.after - observed.now)


def rollback_weights(release: Release, observed: Observed) -> dict[str, Weights]:
    """The weights before the first write, for what still stands; empty when there is nothing to roll back.

    Raises ReleaseError when there is nothing left to go back to.
    """
    journal = observed.journal
    if not (journal.is_active or journal.state in ("promoted", "retired")):
        return {}
    if journal.install:
        if journal.is_active:
            raise ReleaseError(
                f"this is the first install of {journal.to}: there are no weights to go back to; "
                "mend what failed and run it again"
            )
        return {}
    noted = _noted_weights(release, journal)
    for service, weights in noted.items():
        for version, weight in weights.items():
            gone = backend_key(service, version) in journal.deployed and (
                backend_key(service, version) not in journal.standing
            )
            if weight and gone:
                raise ReleaseError(f"{service} cannot go back to {version}: it was retired; {_anew(journal, version)}")
    current = service_weights(observed)
    return {
        name: {version: weights.get(version, 0) for version in {**weights, **current.get(name, {})}}
        for name, weights in noted.items()
    }


def _anew(journal: State, version: str) -> str:
    if journal.taken_from == version:
        return f"{journal.to} has what it was made of; write at {version} what to go back to, and release that"
    return f"release it again with to: {version}"


def live_before(journal: State) -> str | None:
    """The version that was live when the release began, if all services agreed."""
    return _common(live_version(weights) for weights in journal.before.values())


def service_weights(observed: Observed) -> dict[str, Weights]:
    """The weights of each service that has a route."""
    found: dict[str, Weights] = {}
    for route in observed.routes:
        found.setdefault(route.service, {})
        if route.weights:
            found[route.service] = dict(route.weights)
    return found


def timeline(decision: Decision, steps: list[PlannedStep], release: Release) -> list[str]:
    """The plan as lines for a person."""
    if decision.action == "nothing":
        return [f"nothing to do: {decision.reason}"]
    if decision.action == "roll_back":
        return [f"finish the rollback from {decision.to}"]
    ours = any(service.versions[decision.to].is_ours for service in release.services.values())
    beside = dict.fromkeys(version.name for _service, version in companions(release, decision.to, decision.before))
    new = " and ".join([decision.to, *([] if decision.action == "install" else beside)])
    wait = f"until {new} {'are' if new != decision.to else 'is'} ready (at most {text(release.ready_timeout)})"
    deploy = f"deploy to {decision.to} what {release.taken_from} has" if release.taken_from else f"deploy {new}"
    lines = [f"{deploy} and wait {wait}" if ours else f"wait {wait}"]
    if decision.action == "install":
        return [*lines, f"{decision.to} gets 100 % without steps: {decision.reason}"]
    header = release.test_header
    lines.append(f"verify {decision.to} at 0 %" + (f" by the header {header}" if header else ""))
    # Only before the candidate's first traffic.
    if release.mirror is not None and steps and not any(now.get(decision.to, 0) for now in steps[0].expect.values()):
        lines.append(f"mirror {release.mirror.percent} % to {decision.to} for {text(release.mirror.duration)}")
    lines += [
        f"step {step.number}: {_aim(release, step, decision.to)}, then {text(step.pause)} of verification"
        + (f" by {', '.join(gate.name for gate in step.gates)}" if step.gates else "")
        for step in steps
    ]
    if steps and steps[-1].percent == 100:
        lines.append(f"promote {decision.to}")
        into = release.promotion.into if release.taken_from is None else None
        if decision.live != into:
            lines.append(f"{decision.live} {_retirement(release, decision)}")
        if into is not None:
            lines += _timeline_back(release, decision, into)
    return lines


def _timeline_back(release: Release, decision: Decision, into: str) -> list[str]:
    """What follows once the candidate has everything: ``into`` takes its source, and the traffic."""
    before = {name: {decision.to: 100, into: 0} for name in release.services}
    back = Decision("start", into, decision.to, before, "")
    leg = taking(release, into, decision.to)
    return timeline(back, steps_left(leg, back, Observed(State(), (), 0.0)), leg)


def _aim(release: Release, step: PlannedStep, to: str) -> str:
    """What a step gives to whom: to the candidate, or to each version by name."""
    steps = release.steps
    named = steps[step.number - 1].weights if step.number <= len(steps) else None
    if named is None:
        return f"{step.percent} % to {to}"
    return ", ".join(f"{weight} % to {name}" for name, weight in named.items())


def _resumed(release: Release, journal: State, weights: Mapping[str, Weights]) -> Decision:
    # The first install goes to the first version, whatever the release wants afterwards.
    to = journal.to if journal.install else release.to or journal.to
    live = live_before(journal)
    if journal.state == "rolling_back":
        return Decision("roll_back", journal.to, live, journal.before, "a rollback was begun and is finished first")
    if to != journal.to:
        raise ReleaseError(
            f"a release to {journal.to} is under way ({journal.state}, {journal.percent or 0} %), and this one wants "
            f"{to}: finish it with to: {journal.to}, or take it back with the playbook rollback, then start this one"
        )
    if release.taken_from is not None:
        # What it takes is what has proven itself with all the traffic, and nothing else.
        _refuse_changed_live(release, journal, release.taken_from)
    if to not in release.versions:
        raise ReleaseError(f"the release under way goes to {to}, which is no longer among the versions; put it back")
    changed = release.candidate_hash(to) != journal.spec_hash
    if changed and not journal.install and any(found.get(to, 0) for found in weights.values()):
        raise ReleaseError(
            f"the specification of {to} has changed since it got traffic: put it back to go on, or roll back and "
            "start anew"
        )
    for service, companion in companions(release, to, journal.before):
        known = journal.deployed.get(backend_key(service.name, companion.name))
        weight = weights.get(service.name, {}).get(companion.name, 0)
        if weight and not journal.install and known not in (None, companion.spec_hash):
            raise ReleaseError(
                f"the specification of {companion.name} has changed since it got traffic ({weight} %): put it back to "
                "go on, or roll back and start anew"
            )
    late = [name for name in release.services if name not in journal.before]
    if late and not journal.install:
        raise ReleaseError(
            f"{late[0]} was no part of the release to {to} when it began, and has no way back: take it out of the "
            "specification until the release is closed, or roll back first"
        )
    action = "install" if journal.install else "resume"
    return Decision(action, to, live, _noted_weights(release, journal), f"{journal.state} since an earlier run")


def _noted_weights(release: Release, journal: State) -> dict[str, Weights]:
    """The weights before the first write, of the versions that the specification still has."""
    noted: dict[str, Weights] = {}
    for name, weights in journal.before.items():
        service = release.services.get(name)
        known = service.versions if service is not None else {}
        forgotten = [version for version, weight in weights.items() if weight and version not in known]
        if forgotten:
            raise ReleaseError(
                f"{name} had traffic on {' and '.join(forgotten)} when the release to {journal.to} began, which is no "
                f"longer in the specification: put {name} and its versions back until the release is closed"
            )
        noted[name] = {version: weight for version, weight in weights.items() if version in known}
    return {name: weights for name, weights in noted.items() if weights}


def _refuse_unreadable(observed: Observed) -> None:
    for route in observed.routes:
        if route.exists and not route.weights:
            raise ReleaseError(route.problem or f"{route.namespace}/{route.name} holds none of the versions")
        if route.exists and not any(route.weights.values()):
            raise ReleaseError(
                f"{route.namespace}/{route.name} of {route.service}: all weights of its versions are 0 "
                f"({_shown(route.weights)}), so none of them is live and there is nothing to move; give the one "
                "that is to be live its weight first"
            )
        if not route.consistent:
            raise ReleaseError(
                f"{route.namespace}/{route.name}: its rules carry different weights for the same versions; "
                "name the rules to move with route.rules, or make them equal first"
            )


def _refuse_unequal_routes(observed: Observed) -> None:
    """Several routes of one service start from the same weights; afterwards each is told what to expect."""
    first: dict[str, ObservedRoute] = {}
    for route in [route for route in observed.routes if route.exists]:
        other = first.setdefault(route.service, route)
        if _positive(other.weights) != _positive(route.weights):
            raise ReleaseError(
                f"{route.service}: its routes carry different weights ({other.namespace}/{other.name}: "
                f"{_shown(other.weights)}; {route.namespace}/{route.name}: {_shown(route.weights)}); make them equal "
                "first"
            )


def _positive(weights: Weights) -> Weights:
    return {name: weight for name, weight in weights.items() if weight}


def _shown(weights: Weights) -> str:
    return ", ".join(f"{name} {weight} %" for name, weight in weights.items()) or "none"


def _common_live(release: Release, weights: Mapping[str, Weights], journal: State) -> str | None:
    """The version that all services have live; undecided when there is a tie and the user names no candidate."""
    missing = [name for name, found in weights.items() if not found]
    lives = {name: live_version(found) for name, found in weights.items() if found}
    live = _common(lives.values()) if lives else journal.live
    if live is None and release.to is None:
        stated = "; ".join(f"{name}: {_shown(found)}" for name, found in weights.items())
        raise ReleaseError(
            f"which version is live cannot be told from the weights ({stated}): say where to go with to: VERSION"
        )
    if missing and live is None:
        raise ReleaseError(
            f"{', '.join(missing)} has no route, and which version is live is not known: create the route with 100 for "
            "that version"
        )
    never = [name for name in missing if live and not _is_there(release.services[name].versions.get(live), journal)]
    if never:
        raise ReleaseError(
            f"{', '.join(never)} has no route and never had the version {live}, from which this release starts: "
            "release it first under a release name of its own"
        )
    return live


def _is_there(version: Version | None, journal: State) -> bool:
    if version is None:
        return False
    return version.existing is not None or backend_key(version.service, version.name) in journal.standing


def _nothing(release: Release, live: str | None) -> str:
    into = release.promotion.into
    if live is not None and into not in (None, live):
        return f"{live} is live and was never deployed by this release: there is nothing that {into} could take"
    return f"{live} is live and no other version is to be released"


def _reason(release: Release, live: str | None, to: str) -> str:
    if release.taken_from is not None:
        return f"{release.taken_from} is live, and {to} is to take what it has"
    return f"from {live} to {to}"


def _refuse_untaken(release: Release, to: str) -> None:
    """Raise ReleaseError for a candidate whose source nothing could take afterwards."""
    into = release.promotion.into
    if into is None or release.taken_from is not None:
        return
    if not all(service.versions[to].is_ours for service in release.services.values()):
        raise ReleaseError(
            f"{to} is existing, and {into} cannot take what the release does not deploy: say what {to} is made of, or "
            "take promote.into out"
        )


def _idle_version(release: Release, journal: State, live: str | None) -> str | None:
    changed = [
        name
        for name in release.versions
        # What takes every candidate's source is none itself, and what it has taken needs no second time.
        if name not in (live, release.promotion.into)
        and not (live == release.promotion.into and is_carried(release, journal, name))
        and any(_is_changed(service.versions[name], journal) for service in release.services.values())
    ]
    if len(changed) > 1:
        raise ReleaseError(f"{' and '.join(changed)} have changed: say which is the candidate with to: VERSION")
    return changed[0] if changed else None


def _is_changed(version: Version, journal: State) -> bool:
    found = journal.found.get(backend_key(version.service, version.name))
    if backend_key(version.service, version.name) in journal.deployed:
        return not is_as_deployed(version, journal)
    return version.spec_hash != found


def _refuse_changed_live(release: Release, journal: State, live: str) -> None:
    for service in release.services.values():
        version = service.versions.get(live)
        known = backend_key(service.name, live) in journal.deployed
        if version is not None and known and not is_as_deployed(version, journal):
            if release.taken_from == live:
                raise ReleaseError(
                    f"{live} of {service.name} is live and is no longer written as it was deployed, while {release.to} "
                    f"is to take what it has: put it back until {release.to} has taken it"
                )
            others = " or ".join(name for name in release.versions if name != live) or "another version"
            raise ReleaseError(
                f"{live} of {service.name} is live and its specification differs from the one that was deployed: "
                f"a live version is never changed in place; give the change to {others} and release that"
            )


def _limited(steps: list[tuple[int, Step]], limit: int, to: str, stands: int) -> list[tuple[int, Step]]:
    if limit < stands:
        raise ReleaseError(
            f"bluegreen_percent: {to} has {stands} % already and steps only rise; use the playbook rollback to go back"
        )
    kept = [(number, step) for number, step in steps if step.percent_for(to) <= limit]
    if not kept or kept[-1][1].percent_for(to) < limit:
        kept.append((len(kept) + 1, Step(limit, steps[-1][1].pause)))
    return kept


def _step_weights(step: Step, to: str, before: Weights, named: Mapping[str, None]) -> Weights:
    # What a step gave to a version by name, another step takes away again.
    versions = {**dict.fromkeys(named, 0), **before, to: 0} if named else {**before, to: 0}
    if step.weights is not None:
        # What gets nothing, and had nothing, need not even be there.
        given = {name: weight for name, weight in step.weights.items() if weight or name in versions}
        return {**dict.fromkeys(versions, 0), **given}
    return weights_at(list(versions), to, step.percent_for(to), before)


def _with_candidate(current: Mapping[str, Weights], to: str) -> dict[str, Weights]:
    return {name: {**dict.fromkeys([to], 0), **weights} for name, weights in current.items()}


def _may_go(release: Release, version: Version, journal: State) -> bool:
    if version.existing is not None:
        # Only what a release took the traffic from has done its service, and it goes once.
        served = journal.state == "promoted" and journal.before.get(version.service, {}).get(version.name, 0) > 0
        return release.retire.written and served
    return backend_key(version.service, version.name) in journal.standing


def _common(names: Any) -> str | None:
    found = set(names)
    return found.pop() if len(found) == 1 else None


def _retirement(release: Release, decision: Decision) -> str:
    versions = [service.versions.get(decision.live or "") for service in release.services.values()]
    if not release.retire.written and all(version is None or version.existing for version in versions):
        return "stays as it is: it is not ours to take down"
    verb = "scaled to zero" if release.retire.mode == "scale_to_zero" else "deleted"
    return f"is {verb} after {text(release.retire.after or release.drain)} without traffic"
