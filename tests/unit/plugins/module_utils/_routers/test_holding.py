# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.holding import Sought, holding

from tests.unit.plugins.module_utils._routers.test_envoy import SERVICES, SUBSETS, dump_of, recorded, route

HEADER = {"prefix": "/", "headers": [{"name": "x-tester"}]}
BLUE = "outbound|80||web-blue.proxied.svc.cluster.local"
GREEN = "outbound|80||web-green.proxied.svc.cluster.local"


def problem(dump: dict[str, Any], blue: int, **more: Any) -> str:
    return holding(dump, Sought(SERVICES, **more), {"blue": blue, "green": 100 - blue}).problem


def text(dump: dict[str, Any], blue: int, **more: Any) -> str:
    return holding(dump, Sought(SERVICES, **more), {"blue": blue, "green": 100 - blue}).text


def test_the_wanted_weights_beside_a_rule_for_one_version() -> None:
    assert problem(recorded("routes"), 95, hosts=["web.proxied.test"]) == ""
    assert problem(recorded("routes"), 100, hosts=["zero.proxied.test"]) == ""
    assert holding(recorded("routes"), Sought(SUBSETS), {"blue": 95, "green": 5}).problem == ""


def test_other_weights_are_told() -> None:
    assert problem(recorded("routes"), 90, hosts=["web.proxied.test"]) == "not_followed"
    assert text(recorded("routes"), 90, hosts=["web.proxied.test"]) == (
        "holds blue 95, green 5 in rule api (prefix /api) of proxied/web in http.20080, web.proxied.test:80"
    )
    assert problem(recorded("routes"), 0, hosts=["zero.proxied.test"]) == "not_followed"


def test_weights_are_parts_of_what_the_versions_hold_together() -> None:
    split = route({"prefix": "/"}, {"blue": 9, "green": 1})
    split["route"]["weighted_clusters"]["clusters"].append({"name": "outbound|80||other.test", "weight": 40})
    assert problem(dump_of(split), 90) == ""
    assert problem(dump_of(split), 89) == "not_followed"


def test_every_virtual_host_has_to_follow() -> None:
    dump = dump_of(route({"prefix": "/"}, {"blue": 50, "green": 50}))
    dump["configs"].append(dump_of(route({"prefix": "/"}, {"blue": 75, "green": 25}))["configs"][0])
    dump["configs"][1]["route_config"]["name"] = "https.443"
    assert problem(dump, 50) == "not_followed"
    assert "https.443" in text(dump, 50)


def test_every_split_of_a_route_has_to_follow() -> None:
    rules = [route({"prefix": "/a"}, {"blue": 50, "green": 50}), route({"prefix": "/"}, {"blue": 75, "green": 25})]
    assert problem(dump_of(*rules), 50) == "not_followed"
    for rule, name in zip(rules, ("new", "other"), strict=True):
        rule["name"] = name
    assert problem(dump_of(*rules), 50, rules=["new"]) == ""


def test_a_route_that_has_moved_all_at_once_is_not_taken_for_one_that_was_always_so() -> None:
    pinned, stale = route(HEADER, cluster=GREEN), route({"prefix": "/"}, {"blue": 100})
    assert problem(dump_of(pinned, stale), 0, pinned=["green"]) == "not_followed"
    moved = route({"prefix": "/"}, {"green": 100})
    assert problem(dump_of(pinned, moved), 0) == ""
    assert problem(dump_of(route(HEADER, cluster=BLUE), moved), 0) == ""


def test_a_rule_that_never_had_a_second_destination_needs_to_be_known_as_pinned() -> None:
    rules = [route(HEADER, cluster=GREEN), route({"prefix": "/"}, cluster=BLUE)]
    assert problem(dump_of(*rules), 100) == "not_followed"
    assert problem(dump_of(*rules), 100, pinned=["green"]) == ""
    assert problem(dump_of(*rules), 95, pinned=["blue", "green"]) == "not_followed"
    assert text(dump_of(*rules), 95).endswith(", which has no other destination")


def test_rules_of_other_objects_do_not_count_when_ours_are_named() -> None:
    shadow = {"hosts": ["shadow.proxied.test"]}
    assert problem(recorded("routes"), 90, **shadow) == "not_followed"
    assert problem(recorded("routes"), 90, routes=["proxied/shadowed"], **shadow) == ""


def test_a_shadowed_rule_is_named_whatever_it_holds() -> None:
    assert problem(recorded("routes"), 90, hosts=["late.proxied.test"]) == "rule_shadowed"
    assert text(recorded("routes"), 90, hosts=["late.proxied.test"]) == (
        "never gets to rule shop (prefix /shop/cart) of proxied/before in http.20080, late.proxied.test:80: "
        "maintenance (prefix /shop, from proxied/before) comes before it and takes all its requests"
    )


def test_a_shadowed_rule_beside_one_that_is_reached_does_not_matter() -> None:
    weights = {"blue": 50, "green": 50}
    assert problem(dump_of(route({"prefix": "/"}, weights), route({"prefix": "/a"}, weights)), 50) == ""


def test_a_host_that_is_missing_or_leads_elsewhere_is_named() -> None:
    missing = holding(recorded("routes"), Sought(SERVICES, ["nope.test"]), {"blue": 95, "green": 5})
    assert (missing.problem, missing.host) == ("unknown_host", "nope.test")
    assert "hosts that it has: *.wild.test, late.proxied.test" in missing.text
    taken = holding(recorded("routes"), Sought(SERVICES, ["taken.proxied.test"]), {"blue": 95, "green": 5})
    assert taken.problem == "taken_elsewhere"
    assert "outbound|80||web.proxied.svc.cluster.local" in taken.text


def test_no_rule_at_all() -> None:
    assert problem({"configs": []}, 50) == "no_rule"
    assert text({}, 50) == "has no rule that sends to any of blue, green"
