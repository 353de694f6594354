# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every router must do, whatever the shape of the route."""

from __future__ import annotations

import re
from collections.abc import Container

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest, Rule, Spelling
from hypothesis import given, settings
from hypothesis import strategies as st

from .adapters import ADAPTERS, VERSIONS, Adapter, Block, Line, Topology, applied, in_order, percentages, topologies

SPELLINGS = [Spelling(name) for name in VERSIONS]
EACH = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS.keys())
MODEST = settings(max_examples=80)
# What a user relies on most: on so many generated routes of each router.
THOROUGH = settings(max_examples=250)


@st.composite
def wishes(draw: st.DrawFn, adapter: Adapter) -> tuple[Topology, Manifest, dict[str, int]]:
    """A route, and weights for some of its versions."""
    names = draw(st.lists(st.sampled_from(VERSIONS), min_size=1, unique=True))
    topology = draw(topologies(adapter, names))
    return topology, adapter.route(topology), draw(percentages(adapter, names))


def test_every_router_has_an_adapter() -> None:
    assert set(ADAPTERS) == set(ROUTERS)


@EACH
@MODEST
@given(data=st.data())
def test_what_was_patched_is_what_is_read(adapter: Adapter, data: st.DataObject) -> None:
    topology, route, wanted = data.draw(wishes(adapter))
    change = adapter.router.patch(route, SPELLINGS, wanted)
    patched = applied(route, change.operations)
    again = adapter.router.patch(patched, SPELLINGS, wanted)
    whole = [block for block in in_order(adapter, topology) if block.holds(list(wanted))]
    assert [rule.after for rule in change.rules] == [wanted] * len(whole)
    assert [rule.before for rule in again.rules] == [wanted] * len(whole)
    assert again.operations == ()
    if len(wanted) == len(VERSIONS):
        reading = adapter.router.read(patched, SPELLINGS)
        assert reading.weights() == wanted
        assert reading.consistent


@EACH
@THOROUGH
@given(data=st.data())
def test_nothing_but_weights_changes(adapter: Adapter, data: st.DataObject) -> None:
    _topology, route, wanted = data.draw(wishes(adapter))
    change = adapter.router.patch(route, SPELLINGS, wanted)
    assert all(re.fullmatch(adapter.weight_path, operation["path"]) for operation in change.operations)
    assert {operation["op"] for operation in change.operations} <= {"test", "add", "replace"}
    assert adapter.without_weights(applied(route, change.operations)) == adapter.without_weights(route)


@EACH
@MODEST
@given(data=st.data())
def test_every_write_is_tested_first(adapter: Adapter, data: st.DataObject) -> None:
    _topology, route, wanted = data.draw(wishes(adapter))
    operations = adapter.router.patch(route, SPELLINGS, wanted).operations
    tests, writes = operations[::2], operations[1::2]
    assert [test["op"] for test in tests] == ["test"] * len(writes)
    assert [test["path"] for test in tests] == [write["path"] for write in writes]
    # What is absent tests equal to null, and can only be added.
    assert [test["value"] is None for test in tests] == [write["op"] == "add" for write in writes]
    assert all(test["value"] != write["value"] for test, write in zip(tests, writes, strict=True))


@EACH
@MODEST
@given(data=st.data())
def test_who_is_not_named_keeps_its_part(adapter: Adapter, data: st.DataObject) -> None:
    _topology, route, wanted = data.draw(wishes(adapter))
    change = adapter.router.patch(route, SPELLINGS, wanted)
    factors = {rule.name: rule.factor for rule in change.rules}
    patched = applied(route, change.operations)
    for before, after in zip(adapter.rules(route), adapter.rules(patched), strict=True):
        held, other = _parts(adapter, before, wanted)
        held_after, other_after = _parts(adapter, after, wanted)
        if held.keys() != wanted.keys():
            assert before == after
        # Rules may share a name; each of them has a factor of its own.
        elif [rule.name for rule in adapter.rules(route)].count(before.name) == 1:
            assert sum(held_after.values()) == sum(held.values()) * factors[before.name]
            assert other_after == {name: weight * factors[before.name] for name, weight in other.items()}


@EACH
@MODEST
@given(data=st.data())
def test_the_factor_is_the_smallest_that_makes_all_weights_whole(adapter: Adapter, data: st.DataObject) -> None:
    _topology, route, wanted = data.draw(wishes(adapter))
    whole = [rule for rule in adapter.rules(route) if _parts(adapter, rule, wanted)[0].keys() == wanted.keys()]
    for rule, change in zip(whole, adapter.router.patch(route, SPELLINGS, wanted).rules, strict=True):
        held = sum(_parts(adapter, rule, wanted)[0].values())
        fits = [
            factor
            for factor in range(1, int(change.factor) + 1)
            if all(held * factor * percent % 100 == 0 for percent in wanted.values())
        ]
        assert fits == [change.factor]


@EACH
@MODEST
@given(data=st.data())
def test_a_version_that_was_added_can_be_taken_out_again(adapter: Adapter, data: st.DataObject) -> None:
    lines = data.draw(
        st.permutations(
            [Line("blue", data.draw(st.none() | st.integers(1, adapter.largest_weight))), Line("legacy", 4)]
        )
    )
    lone = data.draw(st.booleans())
    kept = tuple(line for line in lines if not lone or line.backend == "blue")
    if not lone:
        kept = tuple(Line(line.backend, line.weight or adapter.largest_weight) for line in kept)
    kind, by_subset = data.draw(st.sampled_from(adapter.kinds)), data.draw(st.sampled_from(adapter.subsets))
    route = adapter.route(Topology(by_subset, (Block(kind, None, kept),)))
    grains = st.integers(0, 100 // adapter.grain).map(lambda grains: grains * adapter.grain)
    percent = data.draw(grains if adapter.splits else st.sampled_from([0, 100]))
    # Where hosts tell versions apart, a new one's host is known to who asks for it.
    spellings = [Spelling("blue"), Spelling("green", backend="web-green")]
    wanted = {"blue": 100 - percent, "green": percent}
    added = applied(route, adapter.router.patch(route, spellings, wanted, adopt=True).operations)
    assert adapter.router.read(added, spellings).weights() == wanted
    assert adapter.router.patch(added, spellings, wanted, adopt=True).operations == ()
    back = applied(added, adapter.router.patch(added, spellings, {"blue": 100, "green": 0}).operations)
    bare = applied(back, adapter.router.removal(back, spellings, ["green"]))
    assert adapter.without_weights(bare) == adapter.without_weights(route)
    assert adapter.router.removal(bare, spellings, ["green"]) == ()


@EACH
@MODEST
@given(data=st.data())
def test_traffic_goes_to_a_version_exactly_where_it_has_weight(adapter: Adapter, data: st.DataObject) -> None:
    _topology, route, wanted = data.draw(wishes(adapter))
    for name in wanted:
        weights = [_parts(adapter, rule, [name])[0].get(name, 0) for rule in adapter.rules(route)]
        backends = set(adapter.router.backends(route, SPELLINGS, name))
        places = [place for backend in backends for place in adapter.router.sends_to(route, *backend)]
        assert len(places) == sum(weight > 0 for weight in weights)


def _parts(adapter: Adapter, rule: Rule, wanted: Container[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Effective weights of the wanted versions in a rule, and of everything else."""
    held: dict[str, int] = {}
    other: dict[str, int] = {}
    for destination, weight in zip(rule.destinations, rule.effective(), strict=True):
        name = adapter.backend(destination)
        (held if name in wanted else other)[name] = weight
    return held, other
