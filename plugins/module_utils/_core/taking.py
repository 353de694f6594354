# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A version that takes the source of another and stays in its own place: the second leg of a release with ``into``.

The second leg is a release like any other, from the version that brought the source to the one that takes it. Only its
candidate's source comes from elsewhere, and the journal tells what a version carries from what is written for it, so
that nobody has to edit the one to have the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from .errors import ReleaseError, SpecError
from .journal import State, backend_key
from .model import ROOT, SOURCES, Release, Service, Version, read_version
from .section import Section
from .weights import Weights, live_version


def taking(release: Release, into: str, source: str) -> Release:
    """The release in which ``into`` takes what ``source`` is made of; raise SpecError where it cannot."""
    return replace(
        release,
        to=into,
        steps=release.promotion.steps or release.steps[-1:],
        services={name: _with_taken(release, service, into, source) for name, service in release.services.items()},
        taken_from=source,
    )


def takings(release: Release) -> Iterator[Release]:
    """The release for each version whose source could be taken; raises SpecError for one that fits nowhere else."""
    into = release.promotion.into
    for name in release.versions if into is not None else ():
        if name != into and all(service.versions[name].is_ours for service in release.services.values()):
            yield taking(release, into or "", name)


def refuse_untakable(release: Release) -> None:
    """Raise SpecError for a version that may be the candidate and whose source fits into no other place."""
    for _leg in takings(release):
        pass


def taken_key(service: str, into: str, source: str) -> tuple[str, str]:
    """Where what a version takes stands among what was built: no version has such a name."""
    return service, f"{into} from {source}"


def current_leg(release: Release, journal: State, weights: Mapping[str, Weights]) -> Release:
    """The release that is to go on now: the one that is written, or the one in which ``into`` takes what live has.

    Once begun, a leg is brought to its end whatever is written meanwhile.
    """
    if journal.is_active:
        return _leg_under_way(release, journal)
    into = release.promotion.into
    lives = {live_version(found) for found in weights.values() if found}
    live = lives.pop() if len(lives) == 1 else None
    if into is None or live is None or live == into or release.to not in (None, live):
        return release
    if live not in release.versions or any(backend_key(name, live) not in journal.deployed for name in weights):
        return release
    for name, found in weights.items():
        if found.get(into, 0):
            raise ReleaseError(
                f"{into} is to take what {live} has, and still has {found[into]} % of {name}: give {live} all of it "
                "first, or take promote.into out"
            )
    return taking(release, into, live)


def is_as_deployed(version: Version, journal: State) -> bool:
    """Whether a version is written as it was deployed; what may take another's source, as it was written then."""
    key = backend_key(version.service, version.name)
    if key in journal.carries:
        return version.source_hash in journal.carries[key].values()
    return version.spec_hash == journal.deployed.get(key)


def is_carried(release: Release, journal: State, name: str) -> bool:
    """Whether the version that takes every candidate's source has that of this one already."""
    into = release.promotion.into
    return into is not None and all(
        journal.carries.get(backend_key(service.name, into), {}).get("source") == service.versions[name].source_hash
        for service in release.services.values()
    )


def carries(release: Release, version: Version) -> dict[str, str]:
    """What the journal is to note of a candidate's source; nothing of one that never takes another's."""
    if version.instead_of is not None:
        return {"source": version.source_hash, "written": version.instead_of}
    return {"source": version.source_hash} if version.name == release.promotion.into else {}


def _leg_under_way(release: Release, journal: State) -> Release:
    # The way back asks for nobody's source.
    if not journal.taken_from or journal.state == "rolling_back":
        return release
    for name in (journal.taken_from, journal.to):
        if name not in release.versions:
            raise ReleaseError(
                f"{journal.to} is taking what {journal.taken_from} has, and {name} is no longer among the versions: "
                "put it back until the release is closed, or roll back"
            )
    return taking(release, journal.to, journal.taken_from)


def _with_taken(release: Release, service: Service, into: str, source: str) -> Service:
    place, giver = service.versions[into], service.versions[source]
    path = f"{ROOT}.services.{service.name}.versions"
    if _kind(place) != _kind(giver):
        raise SpecError(
            f"{path}.{source}",
            f"{into} is to take it (promote.into) and is made of something else: describe both by the same key",
        )
    written = {**giver.written_source, **place.written_place}
    if "helm" in written:
        # As which Helm release it is installed belongs to the place.
        written["helm"] = {key: value for key, value in written["helm"].items() if key != "release_name"}
        if "release_name" in place.written["helm"]:
            written["helm"]["release_name"] = place.written["helm"]["release_name"]
    built = release.built.get(taken_key(service.name, into, source))
    taken = read_version(Section({into: written}, path), into, service.name, service.namespace, service.port, built)
    if (taken.workloads, taken.own_service) != (place.workloads, place.own_service):
        raise SpecError(
            f"{path}.{source}",
            f"{into} is to take it (promote.into), where it would be {_shown(taken)} and not {_shown(place)}: give the "
            "objects of both the same names, without a namespace, and each version a namespace of its own",
        )
    taken = replace(taken, instead_of=place.source_hash)
    return replace(service, versions={**service.versions, into: taken})


def _kind(version: Version) -> str:
    return next(key for key in SOURCES if key in version.written)


def _shown(version: Version) -> str:
    objects = [f"{ref.kind} {ref.namespace}/{ref.name}" for ref in version.workloads]
    return ", ".join([*objects, *([f"Service {version.own_service}"] if version.own_service else [])])
