# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is peculiar to plain Services: versions told apart by labels, all or nothing, and what they cannot do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import (
    BlueGreenError,
    RouteError,
    SpecError,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import State
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import Release, read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.plan import Observed, ObservedRoute
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.release import (
    refuse_unwritable,
    release_plan,
    routes_to_read,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest, Spelling

from tests.unit.releases import web

ROUTER = ROUTERS["service"]
VERSION = "app.kubernetes.io/version"
BOTH = [Spelling("blue"), Spelling("green")]
TO_GREEN = {"blue": 0, "green": 100}


def service(name: str = "web", **labels: str) -> Manifest:
    spec: Manifest = {"ports": [{"port": 80}]}
    if labels:
        spec["selector"] = {key.replace("VERSION", VERSION): value for key, value in labels.items()}
    return {"kind": "Service", "metadata": {"name": name, "namespace": "prod"}, "spec": spec}


def tracks(**selectors: dict[str, str]) -> list[Spelling]:
    return [Spelling(name, selector=selector) for name, selector in selectors.items()]


def released(service: dict[str, Any] | None = None, **keys: Any) -> Release:
    versions = {"blue": {"image": "web:1"}, "green": {"image": "web:2"}}
    services = {"web": {"versions": versions, **(service or {})}}
    return read_release(web(**{"router": "service", "services": services, **keys}))


def refusal(found: Manifest, versions: list[Spelling], weights: dict[str, int] | None = None) -> str:
    with pytest.raises(RouteError) as refused:
        ROUTER.patch(found, versions, weights or TO_GREEN)
    return refused.value.message


def test_the_usual_label_comes_before_others() -> None:
    found = service(app="web", track="blue", VERSION="blue")
    assert [item["path"] for item in ROUTER.patch(found, BOTH, TO_GREEN).operations] == [
        "/spec/selector/app.kubernetes.io~1version"
    ] * 2
    assert ROUTER.spellings(found) == [Spelling("blue")]


def test_only_labels_that_differ_are_written() -> None:
    versions = tracks(blue={"track": "stable", "tier": "web"}, green={"track": "canary", "tier": "web"})
    change = ROUTER.patch(service(track="stable", tier="web", app="shop"), versions, TO_GREEN)
    assert change.operations == (
        {"op": "test", "path": "/spec/selector/track", "value": "stable"},
        {"op": "replace", "path": "/spec/selector/track", "value": "canary"},
    )
    assert change.gains == ("green",)
    (green,) = change.backends["green"]
    assert (green.host, green.subset) == ("web.prod.svc.cluster.local", "app=shop,tier=web,track=canary")


def test_one_label_is_enough_to_spell_a_version() -> None:
    versions = [Spelling("blue", selector={"track": "stable"}), Spelling("green")]
    operations = ROUTER.patch(service(track="stable"), versions, TO_GREEN).operations
    assert [item["value"] for item in operations] == ["stable", "green"]


@pytest.mark.parametrize(
    ("found", "versions", "weights", "told"),
    [
        (service(VERSION="blue"), BOTH, {"blue": 50, "green": 50}, "the steps that are possible are 0 and 100"),
        (service(app="web"), BOTH, TO_GREEN, "selects app=web, and no label of it holds the name of a version"),
        (service(), BOTH, TO_GREEN, "selects nothing, and no label of it"),
        (service(a="blue", b="blue"), BOTH, TO_GREEN, "a and b both hold the name of a version"),
        (service(VERSION="blue"), BOTH, {"green": 100}, "is none of the versions in the weights (green)"),
        (
            service(track="old"),
            tracks(blue={"track": "stable"}, green={"track": "canary"}),
            TO_GREEN,
            "selects track=old, which is none of blue, green",
        ),
        (
            service(track="stable"),
            tracks(blue={"track": "stable"}, green={"track": "stable"}),
            TO_GREEN,
            "blue and green have the same labels (track=stable)",
        ),
        (
            service(track="stable"),
            tracks(blue={"track": "stable"}, green={"track": "canary", "tier": "web"}),
            TO_GREEN,
            "versions.green.selector has to name the labels track",
        ),
    ],
)
def test_a_selector_that_cannot_be_switched(
    found: Manifest, versions: list[Spelling], weights: dict[str, int], told: str
) -> None:
    message = refusal(found, versions, weights)
    assert "Service prod/web" in message
    assert told in message


def test_a_version_that_is_selected_is_not_taken_down() -> None:
    found = service(VERSION="blue", app="web")
    ((host, subset),) = ROUTER.backends(found, BOTH, "blue")
    assert ROUTER.sends_to(found, host, subset) == ["selector (weight 100)"]
    assert [ROUTER.sends_to(found, *backend) for backend in ROUTER.backends(found, BOTH, "green")] == [[]]
    # The version's own Service is no way for users, and goes with it.
    own = service("web-blue", VERSION="blue", app="web")
    assert ROUTER.sends_to(own, host, subset) == []
    assert ROUTER.sends_to(own, "web-blue.prod.svc.cluster.local", None) == []
    assert ROUTER.removal(found, BOTH, ["green"]) == ()
    with pytest.raises(RouteError, match="still selects blue"):
        ROUTER.removal(found, BOTH, ["blue"])


def test_where_nobody_can_tell_every_version_may_be_meant() -> None:
    found = service(app="web")
    places = [ROUTER.sends_to(found, *backend) for backend in ROUTER.backends(found, BOTH, "green")]
    assert places == [["selector (weight 100)"]]


def test_the_service_that_is_created_selects_the_pods_that_are_deployed() -> None:
    release = released({"versions": {"blue": {"image": "web:1"}, "green": {"image": "web:2"}}, "port": 8080})
    (made,) = ROUTER.resources(release, release.services["web"], {"blue": 100, "green": 0})
    assert made["spec"] == {
        "selector": {"app.kubernetes.io/name": "web", VERSION: "blue"},
        "ports": [{"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP"}],
    }
    labelled = {"image": "web:1", "labels": {"track": "stable"}, "selector": {"track": "stable"}}
    release = released({"versions": {"blue": labelled}})
    (made,) = ROUTER.resources(release, release.services["web"], {"blue": 100})
    assert made["spec"]["selector"] == {"app.kubernetes.io/name": "web", "track": "stable"}
    with pytest.raises(SpecError, match="0 and 100, got blue: 50, green: 50"):
        ROUTER.resources(released(), released().services["web"], {"blue": 50, "green": 50})


def test_without_steps_there_is_one() -> None:
    assert [step.percent for step in released().steps] == [100]
    assert [step.percent for step in read_release(web()).steps] == [5, 25, 50, 100]


def test_labels_reach_the_modules_and_nobody_else_sees_the_key() -> None:
    existing = {
        "blue": {"existing": {"deployment": "a"}, "selector": {"track": "stable"}},
        "green": {"existing": {"deployment": "b"}, "selector": {"track": "canary"}},
    }
    (route,) = routes_to_read(released({"versions": existing, "route": {"name": "shop"}}))
    assert (route["router"], route["kind"], route["name"]) == ("service", "Service", "shop")
    assert [route["versions"][name]["selector"] for name in existing] == [{"track": "stable"}, {"track": "canary"}]
    (other,) = routes_to_read(read_release(web()))
    assert all("selector" not in spelling for spelling in other["versions"].values())


LABELS = {"app": "web", "version": "blue"}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web-blue"},
    "spec": {
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}},
    },
}
IMAGES: dict[str, dict[str, Any]] = {"blue": {"image": "web:1"}, "green": {"image": "web:2"}}


@pytest.mark.parametrize(
    ("given", "keys", "path"),
    [
        ({}, {"steps": [0, 50, 100]}, "bluegreen.steps[1]"),
        ({}, {"steps": [{"weights": {"blue": 50, "green": 50}}]}, "bluegreen.steps[0]"),
        ({}, {"steps": {"linear": 50}}, "bluegreen.steps[0]"),
        ({}, {"mirror": {"percent": 10}}, "bluegreen.mirror"),
        ({}, {"verify": {"header": True}}, "bluegreen.verify.header"),
        (
            {},
            {"observe": {"probe": {"url": "http://x/"}, "proxies": {"selector": "app=x"}}},
            "bluegreen.observe.proxies",
        ),
        ({"gateways": ["public"]}, {}, "bluegreen.services.web.gateways"),
        ({"create_gateway": True, "hosts": ["x.test"]}, {}, "bluegreen.services.web.create_gateway"),
        ({"route": {"kind": "VirtualService"}}, {}, "bluegreen.services.web.route.kind"),
        (
            {"versions": {**IMAGES, "green": {"image": "web:2", "subset": "green"}}},
            {},
            "bluegreen.services.web.versions.green.subset",
        ),
        (
            {"versions": {**IMAGES, "green": {"image": "web:2", "host": "shop"}}},
            {},
            "bluegreen.services.web.versions.green.host",
        ),
        (
            {"versions": {**IMAGES, "green": {"image": "web:2", "namespace": "other"}}},
            {},
            "bluegreen.services.web.versions.green.namespace",
        ),
        (
            {"versions": {**IMAGES, "green": {"image": "web:2", "selector": {"track": "canary"}}}},
            {},
            "bluegreen.services.web.versions.green.selector.track",
        ),
        ({"versions": {"blue": {"manifests": [DEPLOYMENT]}}}, {}, "bluegreen.services.web.route"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_read(
    given: dict[str, Any], keys: dict[str, Any], path: str
) -> None:
    with pytest.raises(SpecError) as refused:
        refuse_unwritable(released(given, **keys))
    assert refused.value.message.startswith(f"{path}: ")


def test_what_can_work_is_not_refused() -> None:
    refuse_unwritable(released(steps=[0, 100]))
    refuse_unwritable(released({"versions": {"blue": {"existing": {"deployment": "a"}}}}))
    refuse_unwritable(released(steps=[{"weights": {"blue": 0, "green": 100}}]))


def test_labels_of_versions_are_for_services_alone() -> None:
    versions = {"blue": {"image": "web:1", "selector": {"track": "stable"}}}
    with pytest.raises(SpecError, match=r"versions\.blue\.selector: the router istio tells versions apart by host"):
        refuse_unwritable(released({"versions": versions}, router="istio"))


def test_a_limit_in_between_is_refused_with_the_plan() -> None:
    stands = ObservedRoute("web", "web", "prod", exists=True, owned=True, weights={"blue": 100, "green": 0})
    observed = Observed(State(), (stands,), 0.0)
    with pytest.raises(BlueGreenError, match=r"bluegreen_percent: .*0 and 100, got 50"):
        release_plan(released(to="green"), observed, limit=50)
    plan = release_plan(released(to="green"), observed, limit=100)
    assert [step["percent"] for step in plan["shift"]["steps"]] == [100]
