# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A migration carries over the weights that live traffic has, and nothing that it cannot tell."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import ReleaseError, SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import State
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.plan import Observed, ObservedRoute
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.migration import migration, refuse_same
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.routes import ReleaseRoutes
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Spelling

from tests.unit.releases import web

Json = dict[str, Any]
BOTH = [Spelling("blue"), Spelling("green")]
LIVE = {"blue": 70, "green": 30}


def standing(weights: Json | None, **more: Any) -> ObservedRoute:
    if weights is None:
        return ObservedRoute("web", "web", "prod", exists=False)
    return ObservedRoute("web", "web", "prod", exists=True, weights=weights, **{"owned": True, **more})


def migrated(
    old: str = "app_mesh",
    new: str = "istio",
    before: ObservedRoute | None = None,
    after: ObservedRoute | None = None,
    state: str = "promoted",
    service: Json | None = None,
    **release: Any,
) -> Json:
    spec = web(**release)
    spec["services"]["web"] |= service or {}
    journal = State(state)
    return migration(
        ReleaseRoutes(read_release({**spec, "router": old}), Observed(journal, (before or standing(LIVE),), 0.0)),
        ReleaseRoutes(read_release({**spec, "router": new}), Observed(journal, (after or standing(None),), 0.0)),
    )


@pytest.mark.parametrize(("old", "new"), [*itertools.permutations(("istio", "gateway_api", "app_mesh"), 2)])
def test_the_new_route_begins_with_the_weights_of_the_old_one(old: str, new: str) -> None:
    plan = migrated(old, new)
    (route,) = (item for item in plan["manifests"] if item["kind"] in ROUTERS[new].kinds)
    assert ROUTERS[new].read(route, BOTH).weights() == LIVE
    assert plan["weights"] == {"web": LIVE}
    kinds = [item["kind"] for item in plan["former"]]
    assert "Service" not in kinds
    assert ROUTERS[old].kind in kinds


def test_what_led_the_traffic_goes_the_last_first() -> None:
    former = migrated(before=standing({"green": 100}))["former"]
    assert [(item["kind"], item["metadata"]["name"]) for item in former] == [
        ("VirtualNode", "web-blue"),
        ("VirtualService", "web"),
        ("VirtualRouter", "web"),
        ("VirtualNode", "web-green"),
    ]


def test_a_second_run_creates_no_route_and_resets_no_weight() -> None:
    for before in (standing(LIVE), standing(None)):
        plan = migrated(before=before, after=standing(LIVE))
        assert [item["kind"] for item in plan["manifests"]] == ["Service"]
        assert (plan["weights"], plan["notes"]) == ({"web": LIVE}, [])


def test_a_route_that_has_moved_on_is_told_and_left() -> None:
    plan = migrated(after=standing({"blue": 0, "green": 100}))
    assert plan["weights"] == {"web": {"blue": 0, "green": 100}}
    assert "has blue 0 %, green 100 %, and the weights in app_mesh are blue 70 %, green 30 %" in plan["notes"][0]


def test_the_new_side_is_seen_as_a_step_would_be() -> None:
    observe = {"probe": {"url": "http://gateway/"}}
    plan = migrated(
        service={"gateways": ["istio-system/public"], "hosts": ["web.example.com"]}, observe=observe, old="gateway_api"
    )
    (metric,) = plan["proof"]["metrics"]
    assert metric["expect"]["weights"] == LIVE
    assert plan["callers"] == ["web: lead web.example.com to the gateway istio-system/public"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"state": "shifting"}, r"in the middle \(shifting\): let release.yml finish it"),
        ({"state": "rolling_back"}, r"in the middle \(rolling_back\)"),
        ({"before": standing(None)}, "web has no route in app_mesh that could be carried over"),
        (
            {"before": standing({"blue": 0, "green": 0})},
            r"VirtualRouter prod/web gives none of .* all are 0",
        ),
        ({"before": standing({}, problem="no blue")}, "gives none of the versions of web any weight: no blue"),
        ({"before": standing(LIVE, consistent=False)}, "hold different weights"),
        (
            {"service": {"route": {"name": "web"}}},
            "VirtualService prod/web of web is missing: create it with blue",
        ),
        ({"after": standing({"blue": 100, "green": 0}, owned=False)}, "give yours the weights that live traffic has"),
        ({"after": standing({}, owned=False)}, "VirtualService prod/web gives none of the versions"),
    ],
)
def test_what_cannot_be_told_is_refused(wrong: Json, message: str) -> None:
    with pytest.raises(ReleaseError, match=message):
        migrated(**wrong)


def test_a_plain_service_takes_all_or_nothing() -> None:
    with pytest.raises(SpecError, match="the steps that are possible are 0 and 100"):
        migrated(new="service")
    plan = migrated(new="service", before=standing({"blue": 0, "green": 100}))
    assert plan["manifests"][0]["spec"]["selector"]["app.kubernetes.io/version"] == "green"


def test_a_way_that_leads_nowhere_is_refused() -> None:
    release = read_release(web())
    with pytest.raises(SpecError, match=r"is istio, and so is bluegreen\.router"):
        refuse_same(release, release)
    other = read_release(web(router="app_mesh", services={"api": {"versions": {"blue": {"image": "api:1"}}}}))
    with pytest.raises(SpecError, match="knows no web"):
        refuse_same(other, release)
