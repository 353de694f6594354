# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: what happened adds up to where a release is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import ReleaseError, SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import (
    ACTIVE,
    EVENTS,
    Entry,
    Journal,
    State,
    checked_entry,
    read_journal,
)
from hypothesis import given, settings
from hypothesis import strategies as st


def started(to: str = "green", **keys: Any) -> Entry:
    return {"event": "started", "to": to, "live": "blue", "before": {"web": {"blue": 100}}, "spec_hash": "1", **keys}


def deployed(*versions: str) -> Entry:
    return {"event": "deployed", "versions": {f"web/{version}": f"hash of {version}" for version in versions}}


def step(number: int, percent: int, **keys: Any) -> Entry:
    return {"event": "step", "step": number, "percent": percent, **keys}


def promoted(live: str = "green", time: float = 100.0) -> Entry:
    return {"event": "promoted", "live": live, "time": time}


def retired(*versions: str) -> Entry:
    return {"event": "retired", "versions": [f"web/{version}" for version in versions]}


VERIFIED, HELD = {"event": "verified"}, {"event": "held"}
ROLLING_BACK, ROLLED_BACK = {"event": "rolling_back"}, {"event": "rolled_back", "live": "blue"}


def journal(*entries: Entry) -> Journal:
    written = Journal(State(), ())
    for entry in entries:
        written = written.appended(checked_entry(entry))
    return written


def state(*entries: Entry) -> State:
    return journal(*entries).state


VERSIONS = st.sampled_from(["blue", "green", "red"])
ADDED = st.fixed_dictionaries({"istio/prod/web": st.builds(lambda name: {"added": [name]}, VERSIONS)})
ENTRIES = st.lists(
    st.one_of(
        st.builds(started, VERSIONS, spec_hash=st.sampled_from("123"), routes=st.just({}) | ADDED),
        st.builds(lambda routes: {"event": "added", "routes": routes}, ADDED),
        st.builds(deployed, VERSIONS),
        st.builds(step, st.integers(1, 4), st.integers(0, 100), last=st.booleans()),
        st.builds(promoted, VERSIONS, st.floats(0, 1e9)),
        st.builds(retired, VERSIONS),
        st.sampled_from([VERIFIED, HELD, ROLLING_BACK, ROLLED_BACK]),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(ENTRIES, st.integers(1, 4))
def test_any_story_adds_up_and_keeps_its_end(entries: list[Entry], attempts: int) -> None:
    written = journal(*entries)
    assert written.state.state in ("none", *ACTIVE, "promoted", "retired", "rolled_back")
    assert read_journal(written.data()) == written
    pruned = written.pruned(attempts)
    assert pruned.state == written.state
    assert sum(entry["event"] == "started" for entry in pruned.entries) <= attempts
    assert read_journal(pruned.data()) == pruned
    for entry in written.entries:
        # The last to say so had its effect already; what has none is not written.
        once = written.appended(entry)
        assert once.appended(entry) is once


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], "none"),
        ([started()], "started"),
        ([started(), deployed("green")], "deployed"),
        ([started(), deployed("green"), VERIFIED], "verified"),
        ([started(), VERIFIED, deployed("green")], "verified"),
        ([started(), step(1, 5)], "shifting"),
        ([started(), step(1, 5), deployed("green"), VERIFIED], "shifting"),
        ([started(), step(1, 50, last=True)], "shifted"),
        ([started(), step(1, 100, last=True)], "shifting"),
        ([started(), step(1, 5), HELD], "held"),
        ([started(), step(1, 5), HELD, step(2, 25)], "shifting"),
        ([started(), promoted()], "promoted"),
        ([started(), promoted(), retired("blue")], "retired"),
        ([started(), promoted(), retired("blue"), promoted()], "retired"),
        ([started(), promoted(), retired("blue"), started("blue")], "started"),
        ([started(), step(1, 5), ROLLING_BACK], "rolling_back"),
        ([started(), step(1, 5), ROLLING_BACK, started()], "rolling_back"),
        ([started(), step(1, 5), ROLLING_BACK, HELD], "rolling_back"),
        ([started(), step(1, 5), ROLLING_BACK, ROLLED_BACK], "rolled_back"),
        ([started(), ROLLING_BACK, ROLLED_BACK, retired("green")], "rolled_back"),
        ([started(), ROLLING_BACK, ROLLED_BACK, ROLLING_BACK], "rolled_back"),
        ([started(), promoted(), ROLLING_BACK], "rolling_back"),
        ([started(), promoted(), HELD], "promoted"),
        ([HELD], "none"),
        ([ROLLING_BACK], "none"),
    ],
)
def test_where_a_release_is(entries: list[Entry], expected: str) -> None:
    found = state(*entries)
    assert found.state == expected
    assert found.is_active == (expected in ACTIVE)


def test_a_step_is_noted_with_what_was_seen() -> None:
    found = state(started(), step(2, 25, verified="probe"))
    assert (found.step, found.percent, found.verified) == (2, 25, "probe")
    assert state(started(), step(2, 25)).verified == "unverified"


def test_a_new_attempt_forgets_the_one_before() -> None:
    first = [
        started(routes={"istio/prod/web": {"added": ["green"]}}),
        deployed("green"),
        step(1, 100, verified="probe"),
    ]
    found = state(*first, promoted(), started("blue", live="green", before={"web": {"green": 100}}, spec_hash="2"))
    assert found.attempt == 2
    assert (found.to, found.live, found.spec_hash, found.before) == ("blue", "green", "2", {"web": {"green": 100}})
    assert (found.step, found.percent, found.promoted_at, found.routes) == (None, None, None, {})
    assert found.verified == "unverified"
    # What stands in the cluster and with which specification outlives attempts.
    assert (found.deployed, found.standing) == ({"web/green": "hash of green"}, ["web/green"])


def test_the_same_attempt_keeps_the_weights_from_before_its_first_write() -> None:
    moved = {"web": {"blue": 75, "green": 25}}
    found = state(started(), step(1, 25), started(before=moved, spec_hash="2", live="green"))
    assert (found.attempt, found.before, found.live) == (1, {"web": {"blue": 100}}, "blue")
    assert (found.state, found.percent) == ("shifting", 25)
    assert found.spec_hash == "2"


def test_the_first_note_of_a_route_stays_and_additions_accumulate() -> None:
    ours, theirs = [{"manager": "bluegreen.kubernetes"}], [{"manager": "helm"}]
    found = state(
        started(routes={"istio/prod/web": {"managed_fields": theirs}}),
        {"event": "added", "routes": {"istio/prod/web": {"added": ["green"]}}},
        started(routes={"istio/prod/web": {"managed_fields": ours}}),
        {"event": "added", "routes": {"istio/prod/web": {"added": ["blue", "green"]}}},
    )
    assert found.routes == {"istio/prod/web": {"managed_fields": theirs, "added": ["blue", "green"]}}


def test_what_was_there_before_us_is_known_but_does_not_stand_by_our_hand() -> None:
    found = state(started(found={"web/blue": "hash of blue"}), deployed("green"))
    assert found.found == {"web/blue": "hash of blue"}
    assert (found.deployed, found.standing) == ({"web/green": "hash of green"}, ["web/green"])


def test_the_time_of_promotion_is_the_first() -> None:
    assert state(started(), promoted(time=100), promoted(time=200)).promoted_at == 100
    assert state(started(), promoted(time=100), started("blue"), promoted("blue", time=200)).promoted_at == 200


def test_what_is_retired_stands_no_more_but_stays_known() -> None:
    found = state(started(), deployed("blue", "green"), promoted(), retired("blue"))
    assert found.standing == ["web/green"]
    assert found.deployed == {"web/blue": "hash of blue", "web/green": "hash of green"}


def test_an_entry_without_effect_is_not_written() -> None:
    once = journal(started(), deployed("green"))
    assert once.appended({**deployed("green"), "time": 1}) is once
    assert len(once.appended(step(1, 5)).entries) == 3


def test_appending_leaves_the_journal_before_as_it_was() -> None:
    before = journal(started(routes={"istio/prod/web": {"added": ["green"]}}))
    held = before.state.plain()
    before.appended({"event": "added", "routes": {"istio/prod/web": {"added": ["blue"]}}})
    assert before.state.plain() == held


def test_only_the_newest_attempts_are_kept_entry_by_entry() -> None:
    entries = [entry for number in range(12) for entry in (started(f"v{number}"), promoted(f"v{number}", number))]
    written = journal(*entries)
    pruned = written.pruned()
    assert len(pruned.entries) == 20
    assert pruned.entries == written.entries[-20:]
    assert (pruned.base.attempt, pruned.state.attempt) == (2, 12)
    assert written.pruned(12) is written


@pytest.mark.parametrize("data", [None, {}])
def test_no_journal_is_an_empty_one(data: dict[str, str] | None) -> None:
    assert read_journal(data) == Journal(State(), ())


@pytest.mark.parametrize(
    "data",
    [
        {"base": "{"},
        {"base": "[1]"},
        {"base": '{"of a newer version": 1}'},
        {"entries": "{"},
        {"entries": "5"},
        {"entries": "{}"},
        {"entries": '{"event": "of a newer version"}'},
        {"entries": '{"event": ["started"]}'},
        {"entries": '{"event": "started"}'},
        {"entries": '{"event": "added", "routes": [1]}'},
        {"entries": '{"event": "deployed", "versions": ["web/blue"]}'},
    ],
)
def test_a_journal_that_cannot_be_understood_is_refused(data: dict[str, str]) -> None:
    with pytest.raises(ReleaseError, match=r"^the journal cannot be read \(.+\): it was written by a newer version of"):
        read_journal(data)


def test_every_line_of_the_config_map_is_an_entry() -> None:
    data = journal(started(), {**step(1, 5), "note": "a line\nbreak \u2028 and \u0085"}).data()
    assert [json.loads(line)["event"] for line in data["entries"].splitlines()] == ["started", "step"]


def test_an_unknown_event_is_no_entry() -> None:
    with pytest.raises(SpecError) as refused:
        checked_entry({"event": "exploded"})
    assert refused.value.message == f"entry.event: expected one of {', '.join(EVENTS)}, got 'exploded'"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"event": "started", "to": "green"}, "entry: an entry started lacks or misspells 'before'"),
        ({"event": "step", "percent": 5}, "entry: an entry step lacks or misspells 'step'"),
        ({"event": "promoted", "live": "green"}, "entry: an entry promoted lacks or misspells 'time'"),
        ({"event": "deployed", "versions": ["web/green"]}, "entry: an entry deployed lacks or misspells "),
        ({"event": "added", "routes": ["web"]}, "entry: an entry added lacks or misspells "),
        ({"event": "held", "why": {1, 2}}, "entry: an entry held lacks or misspells "),
    ],
)
def test_a_misshapen_entry_is_refused(entry: Entry, problem: str) -> None:
    with pytest.raises(SpecError) as refused:
        checked_entry(entry)
    assert refused.value.message.startswith(problem)


def test_why_an_attempt_was_held_is_nothing_to_the_next() -> None:
    held = [started(), {**HELD, "reason": "errors: 5 of 10"}]
    assert state(*held).reason == "errors: 5 of 10"
    assert state(*held, started()).reason == "errors: 5 of 10"
    assert state(*held, ROLLING_BACK, ROLLED_BACK, started()).reason == ""
