# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a release: entries in the order of events, and the state that they add up to.

The state is always derived, never written beside the entries, so the two cannot disagree. Old attempts are
folded into a base state, which is what a journal starts from.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import ReleaseError, SpecError

ACTIVE = ("started", "deployed", "verified", "shifting", "shifted", "held", "rolling_back")
KEPT_ATTEMPTS = 10

Entry = dict[str, Any]

# What folding raises over an entry, or a base, of another shape than ours.
_MISSHAPEN = (AttributeError, KeyError, TypeError, ValueError)


@dataclass
class State:
    """Where a release is: everything that a later run has to know and cannot see in the cluster's objects.

    ``taken_from`` names the version whose source the candidate takes. ``carries`` has, of versions that may take
    another's, hashes of two sources: of the one that was deployed there, and of the one that was written for it then.
    """

    state: str = "none"
    attempt: int = 0
    to: str = ""
    live: str | None = None
    install: bool = False
    spec_hash: str | None = None
    before: dict[str, dict[str, int]] = field(default_factory=dict)
    routes: dict[str, dict[str, Any]] = field(default_factory=dict)
    capacity: dict[str, dict[str, Any]] = field(default_factory=dict)
    percent: int | None = None
    step: int | None = None
    verified: str = "unverified"
    reason: str = ""
    promoted_at: float | None = None
    deployed: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    standing: list[str] = field(default_factory=list)
    taken_from: str = ""
    carries: dict[str, dict[str, str]] = field(default_factory=dict)
    skeleton: dict[str, str] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Whether an attempt was started and not closed."""
        return self.state in ACTIVE

    def plain(self) -> dict[str, Any]:
        """As plain JSON, for results and for the base of a journal."""
        return copy.deepcopy(self.__dict__)


@dataclass(frozen=True)
class Journal:
    """A base state and the entries since."""

    base: State
    entries: tuple[Entry, ...]

    @property
    def state(self) -> State:
        """What the entries add up to."""
        state = copy.deepcopy(self.base)
        for entry in self.entries:
            _apply(state, entry)
        return state

    def appended(self, entry: Entry) -> Journal:
        """The journal with one more entry; the same journal when the entry changes nothing."""
        before = self.state
        after = copy.deepcopy(before)
        _apply(after, entry)
        return self if after == before else Journal(self.base, (*self.entries, entry))

    def pruned(self, attempts: int = KEPT_ATTEMPTS) -> Journal:
        """The journal with only the newest attempts entry by entry; what older ones left behind is in the base."""
        starts = [position for position, entry in enumerate(self.entries) if entry["event"] == "started"]
        if len(starts) <= attempts:
            return self
        cut = starts[-attempts]
        return Journal(Journal(self.base, self.entries[:cut]).state, self.entries[cut:])

    def data(self) -> dict[str, str]:
        """The data of the ConfigMap that holds the journal: one line of JSON an entry."""
        lines = [json.dumps(entry, sort_keys=True) for entry in self.entries]
        return {"base": json.dumps(self.base.plain(), sort_keys=True), "entries": "\n".join(lines)}


def read_journal(data: Mapping[str, str] | None) -> Journal:
    """Read a ConfigMap's data; without any, an empty journal. Raises ReleaseError when it cannot be understood."""
    if not data:
        return Journal(State(), ())
    try:
        base = State(**json.loads(data.get("base") or "{}"))
        entries = tuple(json.loads(line) for line in (data.get("entries") or "").splitlines())
        journal = Journal(base, entries)
        journal.state  # noqa: B018  an entry that does not fold is as unreadable as one that does not parse
    except _MISSHAPEN as error:
        raise ReleaseError(
            f"the journal cannot be read ({error}): it was written by a newer version of the collection, or edited "
            "by hand; use that version, or delete the ConfigMap once no release is under way"
        ) from error
    return journal


def checked_entry(entry: Mapping[str, Any]) -> Entry:
    """Return an entry as plain data, or raise SpecError when it is no entry of a journal."""
    event = entry.get("event")
    if event not in EVENTS:
        raise SpecError("entry.event", f"expected one of {', '.join(EVENTS)}, got {event!r}")
    try:
        checked: Entry = json.loads(json.dumps(entry))
        _apply(State(), checked)
    except _MISSHAPEN as error:
        raise SpecError("entry", f"an entry {event} lacks or misspells {error}") from None
    return checked


def backend_key(service: str, version: str) -> str:
    """The key of a version of a service in the journal."""
    return f"{service}/{version}"


def _apply(state: State, entry: Mapping[str, Any]) -> None:
    _FOLDS[entry["event"]](state, entry)


def _start(state: State, entry: Mapping[str, Any]) -> None:
    """A new attempt; the same one again only brings its specification up to date."""
    if not (state.is_active and state.to == entry["to"]):
        state.attempt += 1
        state.state = "started"
        state.to = entry["to"]
        state.install = bool(entry.get("install", False))
        state.before = copy.deepcopy(dict(entry["before"]))
        state.routes = {}
        state.percent = state.step = state.promoted_at = None
        state.verified = "unverified"
        state.reason = ""
        state.found.update(entry.get("found", {}))
        state.capacity.update(copy.deepcopy(dict(entry.get("capacity", {}))))
        state.live = entry.get("live")
        state.taken_from = entry.get("taken_from") or ""
    state.spec_hash = entry["spec_hash"]
    _note_routes(state, entry.get("routes", {}))


def _note_routes(state: State, routes: Mapping[str, Mapping[str, Any]]) -> None:
    """What is known of each route: its first note stays, what was added to it accumulates."""
    for name, note in routes.items():
        known = state.routes.setdefault(name, {})
        for key, value in note.items():
            if key == "added":
                known["added"] = sorted({*known.get("added", ()), *value})
            else:
                known.setdefault(key, copy.deepcopy(value))


def _capacity(state: State, entry: Mapping[str, Any]) -> None:
    """What was held for a way back is the autoscalers' own again."""
    for key in entry["returned"]:
        state.capacity.pop(key, None)


def _advance(state: State, to: str) -> None:
    """Move forward only: a stage that is run again later does not throw the release back."""
    order: Sequence[str] = ("started", "deployed", "verified")
    if state.state in order and order.index(state.state) < order.index(to):
        state.state = to


def _skeleton(state: State, entry: Mapping[str, Any]) -> None:
    """The charts that routes were made from, without weights: those are the routes' own."""
    state.skeleton.update(entry["charts"])


def _added(state: State, entry: Mapping[str, Any]) -> None:
    _note_routes(state, entry["routes"])


def _deployed(state: State, entry: Mapping[str, Any]) -> None:
    state.deployed.update(entry["versions"])
    state.standing = sorted({*state.standing, *entry["versions"]})
    carries = copy.deepcopy(dict(entry.get("carries", {})))
    state.carries = {key: note for key, note in state.carries.items() if key not in entry["versions"]} | carries
    _advance(state, "deployed")


def _verified(state: State, _entry: Mapping[str, Any]) -> None:
    _advance(state, "verified")


def _step(state: State, entry: Mapping[str, Any]) -> None:
    state.percent, state.step = entry["percent"], entry["step"]
    state.verified = entry.get("verified", "unverified")
    state.reason = ""
    state.state = "shifted" if entry.get("last") and entry["percent"] < 100 else "shifting"


def _promoted(state: State, entry: Mapping[str, Any]) -> None:
    if state.state != "retired":
        state.state = "promoted"
    state.live = entry["live"]
    if state.promoted_at is None:
        state.promoted_at = entry["time"]


def _retired(state: State, entry: Mapping[str, Any]) -> None:
    state.standing = sorted(set(state.standing) - set(entry["versions"]))
    if state.state == "promoted":
        state.state = "retired"


def _rolled_back(state: State, entry: Mapping[str, Any]) -> None:
    state.state = "rolled_back"
    state.live = entry.get("live")


def _held(state: State, entry: Mapping[str, Any]) -> None:
    # A rollback that was begun is finished, whatever fails on the way.
    if state.is_active and state.state != "rolling_back":
        state.state = "held"
        state.reason = entry.get("reason", "")


def _rolling_back(state: State, _entry: Mapping[str, Any]) -> None:
    if state.is_active or state.state in ("promoted", "retired"):
        state.state = "rolling_back"


_FOLDS: dict[str, Callable[[State, Mapping[str, Any]], None]] = {
    "started": _start,
    "skeleton": _skeleton,
    "added": _added,
    "capacity": _capacity,
    "deployed": _deployed,
    "verified": _verified,
    "step": _step,
    "held": _held,
    "promoted": _promoted,
    "retired": _retired,
    "rolling_back": _rolling_back,
    "rolled_back": _rolled_back,
}
EVENTS = tuple(_FOLDS)
