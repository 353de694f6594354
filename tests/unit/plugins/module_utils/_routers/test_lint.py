# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would make a release go wrong: hosts, rules and owners, each code with cases that have it and that have not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.lint import lint
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.lint_subject import Surroundings, selects
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest

from .lint_objects import (
    around,
    backends,
    destination,
    destination_rule,
    http_route,
    named,
    problems,
    rule,
    subject,
    virtual_service,
    weighted,
)

API = {"uri": {"prefix": "/api"}}
ROOT = {"uri": {"prefix": "/"}}
ALL = [destination("web-blue", None)]


def other(*http: Manifest, born: int = 1, **more: Any) -> Manifest:
    return virtual_service(*(http or (rule(route=ALL),)), name="other", born=born, **more)


def test_a_healthy_route_has_no_problems() -> None:
    services = [named("web-blue"), named("web-green")]
    for route in (virtual_service(), virtual_service(gateways=["mesh"], hosts=["web"])):
        assert lint(subject(route), around(VirtualService=[route], Service=services)) == []
    route = http_route(backends("web-blue", "web-green"))
    assert lint(subject(route, "gateway_api"), around(HTTPRoute=[route], Service=services)) == []


def at_gateway(name: str, born: int, section: str = "") -> Manifest:
    """A route of the Gateway API with hosts and a parent."""
    parent = {"name": "public", "namespace": "infra", **({"sectionName": section} if section else {})}
    spec = {"hostnames": ["web.example.com"], "parentRefs": [parent], "rules": [backends("web-blue", "web-green")]}
    return {"kind": "HTTPRoute", **named(name, spec=spec, creationTimestamp=f"2026-01-01T00:00:0{born}Z")}


class TestDuplicateHost:
    @pytest.mark.parametrize(("born", "refuses"), [(1, True), (9, False)])
    @pytest.mark.parametrize("gateways", [["infra/public"], ["mesh"], None])
    def test_the_older_of_two_serves(self, gateways: list[str] | None, born: int, refuses: bool) -> None:
        mine = virtual_service(gateways=gateways)
        route = other(born=born, gateways=gateways)
        (found,) = problems("duplicate_host", subject(mine), around(VirtualService=[mine, route]))
        assert (found["path"], found["refuses"]) == ("/spec/hosts", refuses)
        assert "VirtualService prod/other serves web.example.com" in found["message"]

    @pytest.mark.parametrize(("born", "refuses"), [(1, True), (9, False)])
    def test_of_equal_matches_the_oldest_route_has_the_requests(self, born: int, refuses: bool) -> None:
        mine, theirs = at_gateway("web", 5), at_gateway("other", born)
        (found,) = problems("duplicate_host", subject(mine, "gateway_api"), around(HTTPRoute=[mine, theirs]))
        assert (found["path"], found["refuses"]) == ("/spec/hostnames", refuses)
        assert "HTTPRoute prod/other has an equal match for web.example.com at Gateway/infra/public" in found["message"]

    @pytest.mark.parametrize(
        "theirs",
        [
            {"hostnames": ["api.example.com"]},
            {"parentRefs": [{"name": "public", "namespace": "edge"}]},
            {"parentRefs": [{"name": "public", "namespace": "infra", "sectionName": "internal"}]},
            {"rules": [backends("other", matches=[{"path": {"type": "PathPrefix", "value": "/shop"}}])]},
        ],
    )
    def test_routes_of_the_gateway_api_that_do_not_meet(self, theirs: Manifest) -> None:
        mine, other_one = at_gateway("web", 5, section="public"), at_gateway("other", 1)
        other_one["spec"].update(theirs)
        assert problems("duplicate_host", subject(mine, "gateway_api"), around(HTTPRoute=[mine, other_one])) == []

    def test_of_the_same_second_the_name_decides(self) -> None:
        (found,) = problems("duplicate_host", subject(virtual_service()), around(VirtualService=[other(born=5)]))
        assert found["refuses"]

    @pytest.mark.parametrize(
        "route",
        [
            pytest.param(other(hosts=["api.example.com"]), id="another-host"),
            pytest.param(other(gateways=["infra/internal"]), id="another-gateway"),
            pytest.param(other(gateways=["mesh"]), id="only-in-the-mesh"),
            pytest.param(other(rule({"uri": {"prefix": "/shop"}})), id="another-path"),
            pytest.param(other(rule(ROOT)), id="behind-all-others"),
            pytest.param(other(exportTo=["."], namespace="team"), id="seen-by-its-own-namespace"),
        ],
    )
    def test_what_takes_nothing_of_it(self, route: Manifest) -> None:
        mine = virtual_service(rule(API), exportTo=["prod"])
        assert problems("duplicate_host", subject(mine), around(VirtualService=[mine, route])) == []

    def test_a_short_host_in_the_mesh_is_of_its_namespace(self) -> None:
        mine = virtual_service(hosts=["web"], gateways=None)
        theirs = other(hosts=["web.prod.svc.cluster.local"], gateways=None, namespace="team")
        another = other(hosts=["web"], gateways=None, namespace="team")
        assert problems("duplicate_host", subject(mine), around(VirtualService=[theirs]))
        assert not problems("duplicate_host", subject(mine), around(VirtualService=[another]))


class TestTwinService:
    def test_a_short_host_that_fits_in_two_namespaces(self) -> None:
        services = [named("web-blue"), named("web-green"), named("web-green", "stage")]
        (found,) = problems("twin_service", subject(virtual_service()), around(Service=services))
        assert found["path"] == "/spec/http/0/route/1/destination/host"
        assert "web-green.prod.svc.cluster.local" in found["remedy"]
        assert not found["refuses"]

    def test_a_full_host_is_clear(self) -> None:
        full = [destination(f"web-{name}.prod.svc.cluster.local", 50) for name in ("blue", "green")]
        route = virtual_service(rule(route=full))
        services = [named("web-green"), named("web-green", "stage")]
        assert problems("twin_service", subject(route), around(Service=services)) == []

    @pytest.mark.parametrize(("host", "twins"), [("*.svc.cluster.local", 1), ("*.prod.svc.cluster.local", 0)])
    def test_a_wildcard_host_in_the_mesh(self, host: str, twins: int) -> None:
        full = [destination(f"web-{name}.prod.svc.cluster.local", 50) for name in ("blue", "green")]
        route = virtual_service(rule(route=full), hosts=[host], gateways=["mesh"])
        services = [named("web-green"), named("web-green", "stage")]
        assert len(problems("twin_service", subject(route), around(Service=services))) == twins

    @pytest.mark.parametrize(("more", "twins"), [({}, 1), ({"namespace": "prod"}, 0)])
    def test_a_backend_without_a_namespace(self, more: dict[str, str], twins: int) -> None:
        route = http_route(backends("web-blue", "web-green"))
        route["spec"]["rules"][0]["backendRefs"][1] |= more
        services = [named("web-green"), named("web-green", "stage")]
        assert len(problems("twin_service", subject(route, "gateway_api"), around(Service=services))) == twins


class TestWeightsDoNotSum:
    @pytest.mark.parametrize("weights", [(45, 45), (9, 1), (100, 50)])
    def test_parts_of_another_sum(self, weights: tuple[int, int]) -> None:
        (found,) = problems("weights_do_not_sum", subject(virtual_service(rule(route=weighted(*weights)))))
        assert (found["path"], found["refuses"]) == ("/spec/http/0", False)
        assert f"add up to {sum(weights)}" in found["message"]

    @pytest.mark.parametrize("weights", [(100, 0), (75, 25), (190, 10)])
    def test_whole_hundreds(self, weights: tuple[int, int]) -> None:
        assert problems("weights_do_not_sum", subject(virtual_service(rule(route=weighted(*weights))))) == []

    def test_the_gateway_api_has_any_scale(self) -> None:
        route = http_route(backends("web-blue", "web-green"))
        assert problems("weights_do_not_sum", subject(route, "gateway_api")) == []


class TestRuleShadowed:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ([], [API]),
            ([ROOT], [API]),
            ([{"uri": {"regex": ".*"}}], [API]),
            ([API], [{"uri": {"exact": "/api/v1"}}]),
            ([API], [{"uri": {"prefix": "/api/v1"}, "method": {"exact": "GET"}}]),
            ([{"headers": {"x-team": {}}}], [{"headers": {"x-team": {"exact": "a"}}}]),
            ([{**API, "ignoreUriCase": True}], [API]),
            ([{"gateways": ["mesh", "public"]}], [{"gateways": ["mesh"]}]),
            ([{"sourceLabels": {"app": "a"}}], [{"sourceLabels": {"app": "a", "tier": "b"}}]),
            ([API, {"port": 8080}], [{"uri": {"prefix": "/api/a"}}, {**ROOT, "port": 8080}]),
        ],
    )
    def test_a_rule_in_front_takes_everything(self, first: list[Manifest], second: list[Manifest]) -> None:
        route = virtual_service(rule(*first, name="old", route=ALL), rule(*second))
        (found,) = problems("rule_shadowed", subject(route))
        assert (found["path"], found["refuses"]) == ("/spec/http/1", True)
        assert "rule old stands in front of main" in found["message"]

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ([API], []),
            ([API], [ROOT]),
            ([{"headers": {"x-team": {"exact": "a"}}}], [ROOT]),
            ([{**API, "method": {"exact": "GET"}}], [API]),
            ([{"uri": {"exact": "/api"}}], [API]),
            ([{"uri": {"regex": "/api.*"}}], [API]),
            ([API], [{**API, "ignoreUriCase": True}]),
            ([{"withoutHeaders": {"x-team": {}}}], [ROOT]),
            ([API], [API, {"uri": {"prefix": "/shop"}}]),
        ],
    )
    def test_a_rule_in_front_leaves_something(self, first: list[Manifest], second: list[Manifest]) -> None:
        route = virtual_service(rule(*first, name="old", route=ALL), rule(*second))
        assert problems("rule_shadowed", subject(route)) == []

    def test_a_rule_behind_takes_nothing(self) -> None:
        assert problems("rule_shadowed", subject(virtual_service(rule(), rule(name="old", route=ALL)))) == []

    def test_a_rule_in_front_that_is_moved_too_is_told_and_does_not_refuse(self) -> None:
        (found,) = problems("rule_shadowed", subject(virtual_service(rule(name="first"), rule(API))))
        assert not found["refuses"]

    def test_only_the_rules_that_are_meant(self) -> None:
        route = virtual_service(rule(name="first"), rule(API))
        assert problems("rule_shadowed", subject(route, rules=("first",))) == []

    @pytest.mark.parametrize(
        ("path", "shadows"), [(None, 1), ({"type": "PathPrefix", "value": "/"}, 1), ({"value": "/api"}, 0)]
    )
    def test_of_equal_matches_of_the_gateway_api_the_first_wins(self, path: Manifest | None, shadows: int) -> None:
        matches = [{"path": path}] if path else []
        route = http_route(backends("legacy", matches=matches), backends("web-blue", "web-green"))
        assert len(problems("rule_shadowed", subject(route, "gateway_api"))) == shadows


class TestOwnedByController:
    @pytest.mark.parametrize(
        ("metadata", "parts", "refuses"),
        [
            (
                {"annotations": {"argocd.argoproj.io/tracking-id": "shop:x"}},
                ["Argo CD", "ignoreDifferences", ".spec.http[].route[].weight", "group: networking.istio.io"],
                False,
            ),
            ({"labels": {"argocd.argoproj.io/instance": "shop"}}, ["Argo CD"], False),
            ({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, ["Flux", "reconcile: disabled"], False),
            ({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}, ["Flux", "driftDetection"], False),
            (
                {"ownerReferences": [{"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "web"}]},
                ["Flagger (Canary web)"],
                True,
            ),
            (
                {"annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": "web"}},
                ["Argo Rollouts (Rollout web)"],
                True,
            ),
        ],
    )
    def test_the_route_is_somebody_elses_to_write(self, metadata: Manifest, parts: list[str], refuses: bool) -> None:
        route = virtual_service()
        route["metadata"] |= metadata
        (found,) = problems("owned_by_controller", subject(route))
        assert (found["path"], found["refuses"]) == ("/metadata", refuses)
        text = f"{found['message']} {found['remedy']}"
        assert [part for part in parts if part not in text] == []

    @pytest.mark.parametrize(
        "metadata",
        [
            {"labels": {"app.kubernetes.io/managed-by": "Helm"}},
            {"ownerReferences": [{"apiVersion": "example.com/v1", "kind": "Team", "name": "web"}]},
            {
                "labels": {"kustomize.toolkit.fluxcd.io/name": "shop"},
                "annotations": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"},
            },
        ],
    )
    def test_nobody_writes_it_again(self, metadata: Manifest) -> None:
        route = virtual_service()
        route["metadata"] |= metadata
        assert problems("owned_by_controller", subject(route)) == []

    def test_a_destination_rule_that_a_rollout_writes(self) -> None:
        item = destination_rule("web-green")
        item["metadata"]["annotations"] = {"argo-rollouts.argoproj.io/managed-by-rollouts": "web"}
        (found,) = problems("owned_by_controller", subject(virtual_service()), around(DestinationRule=[item]))
        assert found["path"] == "DestinationRule prod/web: /metadata"

    def test_a_destination_rule_that_is_applied_again_is_not_written_here(self) -> None:
        item = destination_rule("web-green")
        item["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "shop:x"}
        assert problems("owned_by_controller", subject(virtual_service()), around(DestinationRule=[item])) == []

    def test_what_argo_cd_has_to_ignore_in_the_gateway_api(self) -> None:
        annotations = {"argocd.argoproj.io/tracking-id": "shop:x"}
        route = http_route(backends("web-blue", "web-green"), annotations=annotations)
        (found,) = problems("owned_by_controller", subject(route, "gateway_api"))
        assert ".spec.rules[].backendRefs[].weight" in found["remedy"]

    def test_what_argo_cd_has_to_ignore_in_app_mesh(self) -> None:
        targets = [{"virtualNodeRef": {"name": f"web-{name}"}, "weight": 50} for name in ("blue", "green")]
        routes = [{"name": "main", "httpRoute": {"action": {"weightedTargets": targets}}}]
        route = named("web", spec={"routes": routes}, annotations={"argocd.argoproj.io/tracking-id": "shop:x"})
        (found,) = problems("owned_by_controller", subject(route, "app_mesh"))
        assert "group: appmesh.k8s.aws, kind: VirtualRouter" in found["remedy"]
        assert ".spec.routes[][].action?.weightedTargets[]?.weight" in found["remedy"]


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "version": "green"}}, False),
        ({"matchExpressions": [{"key": "version", "operator": "In", "values": ["blue"]}]}, True),
        ({"matchExpressions": [{"key": "version", "operator": "NotIn", "values": ["blue"]}]}, False),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_a_label_selector_fits_as_kubernetes_says(selector: Manifest, fits: bool) -> None:
    assert selects(selector, {"app": "web", "version": "blue"}) is fits


def test_a_route_of_another_kind_is_left_alone() -> None:
    service = {"kind": "Service", **named("web", spec={"selector": {"version": "blue"}})}
    assert lint(subject(service, "service"), Surroundings()) == []
