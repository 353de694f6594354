# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is laid over a route goes again without a trace, whatever the shape of the route and whoever wrote meanwhile."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.overlays import (
    TEST_RULE_PREFIX,
    leftovers,
    with_mirror,
    with_test_rules,
    without_mirror,
    without_test_rules,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.router import Router
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Change, Manifest, Spelling
from hypothesis import given, settings
from hypothesis import strategies as st

from .adapters import ADAPTERS, VERSIONS, Adapter, Block, applied, in_order, percentages, topologies

SPELLINGS = [Spelling(name) for name in VERSIONS]
EACH = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS.keys())
ABLE = {name: adapter for name, adapter in ADAPTERS.items() if adapter.with_headers}
EACH_WITH_HEADERS = pytest.mark.parametrize("adapter", ABLE.values(), ids=ABLE.keys())
MODEST = settings(max_examples=80)
HEADER, VALUE = "x-bluegreen", "4f1c"


@st.composite
def routes(draw: st.DrawFn, adapter: Adapter) -> tuple[list[Block], Manifest]:
    """A route in which at least one rule holds all the versions, and the blocks that it is made of, in their order."""
    topology = draw(topologies(adapter, VERSIONS))
    route = adapter.route(topology)
    for entry in adapter.entries(route):
        adapter.varied(entry, draw)
    return list(in_order(adapter, topology)), route


def in_test(router: Router, route: Manifest, value: str = VALUE) -> Manifest:
    return applied(route, with_test_rules(router, route, SPELLINGS, "green", HEADER, value).operations)


def mirrored(router: Router, route: Manifest) -> Manifest:
    return applied(route, with_mirror(router, route, SPELLINGS, "green", 12.5).operations)


def written(route: Manifest) -> str:
    """Every byte of a route, as the API server keeps it."""
    return json.dumps(route, sort_keys=True)


@EACH
@MODEST
@given(data=st.data())
def test_test_rules_that_come_and_go_leave_every_byte(adapter: Adapter, data: st.DataObject) -> None:
    blocks, route = data.draw(routes(adapter))
    before = written(route)
    change = with_test_rules(adapter.router, route, SPELLINGS, "green", HEADER, VALUE)
    able = [block for block in blocks if block.holds(VERSIONS) and adapter.knows_headers(block)]
    standing = applied(route, change.operations)
    assert len(change.overlays) == len(adapter.router.test_rules(standing)) == len(able)
    back = without_test_rules(adapter.router, standing)
    assert written(applied(standing, back.operations)) == before == written(route)
    assert without_test_rules(adapter.router, route) == Change(())


@EACH
@MODEST
@given(data=st.data())
def test_a_test_rule_stands_directly_before_its_rule_and_sends_everything_to_one_version(
    adapter: Adapter, data: st.DataObject
) -> None:
    _blocks, route = data.draw(routes(adapter))
    standing = in_test(adapter.router, route)
    lists = [entries for entries in standing["spec"].values() if isinstance(entries, list)]
    for entries in lists:
        for position, entry in enumerate(entries):
            if not isinstance(entry, dict) or not str(entry.get("name")).startswith(TEST_RULE_PREFIX):
                continue
            original = entries[position + 1]
            assert [adapter.header(match, HEADER) for match in adapter.matches_of(entry)] == [VALUE] * max(
                1, len(adapter.matches_of(original))
            )
            assert [item["weight"] > 0 for item in adapter.targets_of(entry)] == [True]
            kept = adapter.rest_of(original)
            assert kept.items() <= adapter.rest_of(entry).items()
            assert "mirror" not in written(entry).lower()
    assert all(adapter.backend(rule.destinations[0]) == "green" for rule in adapter.router.test_rules(standing))


@EACH
@MODEST
@given(data=st.data())
def test_nobody_else_sees_a_test_rule(adapter: Adapter, data: st.DataObject) -> None:
    _blocks, route = data.draw(routes(adapter))
    router, standing = adapter.router, in_test(adapter.router, route)
    assert [(rule.name, rule.place) for rule in router.rules(standing)] == [
        (rule.name, rule.place) for rule in router.rules(route)
    ]
    assert router.read(standing, SPELLINGS) == router.read(route, SPELLINGS)
    assert router.spellings(standing) == router.spellings(route)
    for rule in router.rules(route):
        if rule.place == rule.name:
            assert router.present(standing, SPELLINGS, [rule.place]) == router.present(route, SPELLINGS, [rule.place])


@EACH
@MODEST
@given(data=st.data())
def test_weights_are_written_past_a_test_rule(adapter: Adapter, data: st.DataObject) -> None:
    _blocks, route = data.draw(routes(adapter))
    router, standing = adapter.router, in_test(adapter.router, route)
    wanted = data.draw(percentages(adapter, VERSIONS))
    shifted = applied(standing, router.patch(standing, SPELLINGS, wanted).operations)
    assert {written(entry) for entry in ours(adapter, shifted)} == {written(entry) for entry in ours(adapter, standing)}
    cleaned = applied(shifted, without_test_rules(router, shifted).operations)
    assert written(cleaned) == written(applied(route, router.patch(route, SPELLINGS, wanted).operations))


@EACH_WITH_HEADERS
@MODEST
@given(data=st.data())
def test_what_users_write_meanwhile_survives(adapter: Adapter, data: st.DataObject) -> None:
    _blocks, route = data.draw(routes(adapter))
    router, standing = adapter.router, in_test(adapter.router, route)
    key = adapter.with_headers
    added = adapter.foreign(f"{TEST_RULE_PREFIX}of-somebody-else")
    standing["spec"][key] = data.draw(st.permutations([*standing["spec"].get(key, []), added]))
    kept = [entry for entry in standing["spec"][key] if entry not in ours(adapter, standing)]
    cleaned = applied(standing, without_test_rules(router, standing).operations)
    assert cleaned["spec"][key] == kept
    assert added in kept


@EACH
@MODEST
@given(data=st.data())
def test_a_second_run_finds_the_rules_of_the_first(adapter: Adapter, data: st.DataObject) -> None:
    _blocks, route = data.draw(routes(adapter))
    router, standing = adapter.router, in_test(adapter.router, route, "first")
    again = with_test_rules(router, standing, SPELLINGS, "green", HEADER, "first")
    assert (again.operations, again.overlays) == ((), ())
    assert written(in_test(router, standing, "second")) == written(in_test(router, route, "second"))


@EACH
@MODEST
@given(data=st.data())
def test_a_mirror_that_comes_and_goes_leaves_every_byte(adapter: Adapter, data: st.DataObject) -> None:
    blocks, route = data.draw(routes(adapter))
    before = written(route)
    change = with_mirror(adapter.router, route, SPELLINGS, "green", 12.5)
    able = [block for block in blocks if block.holds(VERSIONS) and adapter.knows_headers(block) and adapter.mirrors]
    standing = applied(route, change.operations)
    assert len(change.overlays) == len(able)
    assert all(re.fullmatch(adapter.mirror_path, operation["path"]) for operation in change.operations)
    assert with_mirror(adapter.router, standing, SPELLINGS, "green", 12.5).operations == ()
    back = without_mirror(adapter.router, standing, SPELLINGS, "green")
    assert written(applied(standing, back.operations)) == before == written(route)
    assert without_mirror(adapter.router, route, SPELLINGS, "green") == Change(())


@EACH
@MODEST
@given(data=st.data())
def test_everything_goes_in_one_write_with_the_weights(adapter: Adapter, data: st.DataObject) -> None:
    _blocks, route = data.draw(routes(adapter))
    router = adapter.router
    standing = in_test(router, mirrored(router, route))
    wanted = data.draw(percentages(adapter, VERSIONS))
    change = (
        router.patch(standing, SPELLINGS, wanted)
        .followed_by(without_mirror(router, standing, SPELLINGS, "green"))
        .followed_by(without_test_rules(router, standing))
    )
    alone = router.patch(route, SPELLINGS, wanted)
    assert written(applied(standing, change.operations)) == written(applied(route, alone.operations))
    assert (change.rules, change.pins, change.gains) == (alone.rules, alone.pins, alone.gains)


@EACH
@MODEST
@given(data=st.data())
def test_what_is_left_over_is_named_and_keeps_its_version(adapter: Adapter, data: st.DataObject) -> None:
    blocks, route = data.draw(routes(adapter))
    router = adapter.router
    able = [block for block in blocks if block.holds(VERSIONS) and adapter.knows_headers(block)]
    standing = in_test(router, mirrored(router, route))
    codes = [problem["code"] for problem in leftovers(router, standing, SPELLINGS)]
    assert codes == ["leftover_test_rule"] * len(able) + ["leftover_mirror"] * len(able) * adapter.mirrors
    assert leftovers(router, route, SPELLINGS) == []
    places = {
        place
        for backend in set(router.backends(route, SPELLINGS, "green"))
        for place in router.sends_to(standing, *backend)
        if place.endswith(("(mirror)", "(test rule)"))
    }
    assert bool(places) == bool(able)


def ours(adapter: Adapter, route: Manifest) -> list[Any]:
    """The test rules as they are written."""
    names = {rule.name for rule in adapter.router.test_rules(route)}
    return [entry for entry in adapter.entries(route) if entry.get("name") in names]
