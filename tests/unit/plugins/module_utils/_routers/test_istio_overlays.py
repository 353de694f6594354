# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test rules and mirrors as they are written in a VirtualService, and what they are refused for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import RouteError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.istio import IstioRouter
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.overlays import (
    checked_header,
    leftovers,
    with_mirror,
    with_test_rules,
    without_mirror,
    without_test_rules,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Change, Manifest, Spelling

from .adapters import applied

ROUTER = IstioRouter()
BOTH = [Spelling("blue"), Spelling("green")]
BLUE = {"destination": {"host": "web-blue", "port": {"number": 80}}, "weight": 100}
GREEN = {
    "destination": {"host": "web-green", "port": {"number": 80}},
    "headers": {"response": {"set": {"app-version": "web-green"}}},
}
LEGACY = {"destination": {"host": "legacy"}, "weight": 5}


def route(*http: Manifest, **spec: Any) -> Manifest:
    return {"metadata": {"name": "web", "namespace": "prod"}, "spec": {"http": list(http), **spec}}


def rule(**keys: Any) -> Manifest:
    return {"route": [BLUE, GREEN], **keys}


def for_tests(given: Manifest, header: str = "x-bluegreen", rules: tuple[str, ...] = ()) -> Change:
    return with_test_rules(ROUTER, given, BOTH, "green", header, "4f1c", rules)


def copied(given: Manifest, percent: float = 10) -> Change:
    return with_mirror(ROUTER, given, BOTH, "green", percent)


def refusal(work: Any) -> str:
    with pytest.raises(RouteError) as refused:
        work()
    return refused.value.message


class TestTestRules:
    """The rule for requests with a header."""

    def test_a_rule_without_conditions_gets_only_the_header(self) -> None:
        assert for_tests(route(rule(timeout="5s"))).operations == (
            {"op": "test", "path": "/spec/http/0/route/1/destination", "value": GREEN["destination"]},
            {
                "op": "add",
                "path": "/spec/http/0",
                "value": {
                    "name": "bluegreen-test-a81d1002-http-0",
                    "match": [{"headers": {"x-bluegreen": {"exact": "4f1c"}}}],
                    "timeout": "5s",
                    "route": [{**GREEN, "weight": 100}],
                },
            },
        )

    def test_every_condition_gets_the_header_beside_what_it_has(self) -> None:
        matches = [{"headers": {"x-team": {"exact": "a"}}}, {"uri": {"prefix": "/api"}, "gateways": ["mesh"]}]
        (_test, added) = for_tests(route(rule(match=matches))).operations
        assert added["value"]["match"] == [
            {"headers": {"x-team": {"exact": "a"}, "x-bluegreen": {"exact": "4f1c"}}},
            {"uri": {"prefix": "/api"}, "gateways": ["mesh"], "headers": {"x-bluegreen": {"exact": "4f1c"}}},
        ]

    def test_its_name_is_of_plain_letters_and_tells_the_rule(self) -> None:
        names = [item.name for item in for_tests(route(rule(name="für alle"), rule(name="main"))).overlays]
        assert [name.split("-", maxsplit=3)[3] for name in names] == ["http-0-f-r-alle", "http-1-main"]

    def test_rules_of_one_name_get_test_rules_of_different_names(self) -> None:
        names = {item.name for item in for_tests(route(rule(name="main"), rule(name="main"))).overlays}
        assert len(names) == 2

    @pytest.mark.parametrize("mirror", [{"mirror": {"host": "shadow"}, "mirrorPercent": 5}, {"mirrors": [GREEN]}])
    def test_a_test_request_is_not_mirrored(self, mirror: Manifest) -> None:
        (_test, added) = for_tests(route(rule(**mirror))).operations
        assert added["value"].keys() == {"name", "match", "route"}

    def test_only_the_rules_that_are_named(self) -> None:
        given = route(rule(name="main"), rule())
        standing = applied(given, for_tests(given, rules=("http[1]",)).operations)
        assert [item.path for item in ROUTER.test_rules(standing)] == ["/spec/http/1"]
        # The places are still those of the user's rules.
        assert [item.path for item in ROUTER.rules(standing)] == ["/spec/http/0", "/spec/http/2"]
        assert for_tests(standing, rules=("http[1]",)).operations == ()

    def test_a_rule_that_holds_only_some_of_the_versions_is_left_alone(self) -> None:
        change = for_tests(route(rule(), {"route": [BLUE], "name": "pinned"}))
        assert len(change.overlays) == 1
        assert change.pins == (("pinned", "blue"),)

    def test_where_there_are_no_headers_nothing_is_added(self) -> None:
        given = route(tcp=[rule()], tls=[rule(match=[{"sniHosts": ["web.example.com"]}])])
        for change in (for_tests(given), copied(given)):
            assert (change.operations, change.gains, change.unsuited) == ((), (), ("tls[0]", "tcp[0]"))

    def test_what_is_behind_the_version_has_to_be_ready(self) -> None:
        change = for_tests(route(rule()))
        assert change.gains == ("green",)
        assert [str(place) for place in change.backends["green"]] == ["web-green.prod.svc.cluster.local"]
        assert without_test_rules(ROUTER, applied(route(rule()), change.operations)).gains == ()

    @pytest.mark.parametrize("part", ["headers", "withoutHeaders"])
    def test_a_condition_on_the_same_header_is_refused(self, part: str) -> None:
        given = route(rule(match=[{part: {"x-bluegreen": {"exact": "on"}}}]))
        assert "has a condition on the header x-bluegreen already" in refusal(lambda: for_tests(given))
        assert for_tests(given, "X-Other").overlays

    def test_a_part_of_the_request_line_is_no_header(self) -> None:
        assert "Istio takes uri for a part" in refusal(lambda: for_tests(route(rule()), "uri"))

    def test_a_version_that_is_not_there_is_refused_with_what_to_add(self) -> None:
        message = refusal(lambda: for_tests(route({"route": [BLUE]})))
        assert "no destination for green" in message
        assert "adopt" in message

    def test_a_rule_with_our_beginning_and_a_header_of_its_own_is_the_users(self) -> None:
        theirs = rule(name="bluegreen-test-a81d1002-mine", match=[{"headers": {"x-bluegreen": {"exact": "other"}}}])
        bare = rule(name="bluegreen-test-a81d1002-mine")
        given = route(theirs, bare)
        assert ROUTER.test_rules(given) == ()
        assert without_test_rules(ROUTER, given) == Change(())
        assert len(ROUTER.rules(given)) == 2

    def test_ours_is_told_whatever_else_of_it_was_changed(self) -> None:
        standing = applied(route(rule()), for_tests(route(rule())).operations)
        standing["spec"]["http"][0] |= {"timeout": "1s", "mirror": {"host": "shadow"}}
        assert applied(standing, without_test_rules(ROUTER, standing).operations) == route(rule())
        # And a new run writes it anew.
        assert applied(standing, for_tests(standing).operations)["spec"]["http"][0].keys() == {"name", "match", "route"}


class TestMirror:
    """The copies of requests."""

    def test_it_goes_to_exactly_the_destination_of_the_version(self) -> None:
        assert copied(route(rule())).operations == (
            {"op": "add", "path": "/spec/http/0/mirror", "value": GREEN["destination"]},
            {"op": "add", "path": "/spec/http/0/mirrorPercentage", "value": {"value": 10}},
        )

    @pytest.mark.parametrize(("percent", "written"), [(100.0, "100"), (0.5, "0.5"), (33.3, "33.3")])
    def test_the_percentage_is_written_as_the_api_server_keeps_it(self, percent: float, written: str) -> None:
        assert str(copied(route(rule()), percent).operations[1]["value"]["value"]) == written

    def test_it_stands_last_among_others(self) -> None:
        other = {"destination": {"host": "shadow"}}
        given = route(rule(mirrors=[other]))
        standing = applied(given, copied(given).operations)
        assert standing["spec"]["http"][0]["mirrors"] == [
            other,
            {"destination": GREEN["destination"], "percentage": {"value": 10}},
        ]

    @pytest.mark.parametrize(
        "keys",
        [
            {"mirror": {"host": "shadow"}},
            {"mirror": GREEN["destination"]},
            {"mirror": {"host": "shadow"}, "mirrorPercentage": {"value": 10}},
            {"mirrorPercentage": {"value": 10}},
            {"mirror_percent": None},
        ],
    )
    def test_a_mirror_of_the_users_own_is_refused_and_never_removed(self, keys: Manifest) -> None:
        given = route(rule(name="main", **keys))
        assert "rule main has a mirror of its own" in refusal(lambda: copied(given))
        assert without_mirror(ROUTER, given, BOTH, "green") == Change(())

    def test_another_percentage_to_the_same_destination_is_refused(self) -> None:
        standing = applied(route(rule()), copied(route(rule())).operations)
        assert "copies 10 % of its requests to the same destination already" in refusal(lambda: copied(standing, 20))

    def test_others_that_came_after_it_stay(self) -> None:
        given = route(rule(mirrors=[]))
        standing = applied(given, copied(given).operations)
        other = {"destination": {"host": "shadow"}}
        mirrors = standing["spec"]["http"][0]["mirrors"]
        standing["spec"]["http"][0]["mirrors"] = [other, *mirrors, other]
        cleaned = applied(standing, without_mirror(ROUTER, standing, BOTH, "green").operations)
        assert cleaned["spec"]["http"][0]["mirrors"] == [other, other]

    def test_a_rule_that_mirrors_to_a_version_which_it_does_not_hold_is_the_users(self) -> None:
        given = route({"route": [BLUE], "mirror": GREEN["destination"], "mirrorPercentage": {"value": 10}})
        assert without_mirror(ROUTER, given, BOTH, "green") == Change(())
        assert leftovers(ROUTER, given, BOTH) == []


@pytest.mark.parametrize("name", ["", "uri", "x bluegreen", ":authority", "-x", "@request.auth.claims", "x_blue"])
def test_what_is_no_header_is_refused(name: str) -> None:
    assert refusal(lambda: checked_header(name, "4f1c")).startswith("test_header.name: ")


@pytest.mark.parametrize("value", ["", "a b", "ü", "a\n"])
def test_what_no_header_can_carry_is_refused(value: str) -> None:
    assert refusal(lambda: checked_header("X-Bluegreen", value)).startswith("test_header.value: ")
