# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is peculiar to the Gateway API: weights that count 1 unwritten, namespaces, grants, and what parents say."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import RouteError, SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import Release, read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.overlays import with_mirror, with_test_rules
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.release import refuse_unwritable
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest, Spelling

from tests.unit.releases import web

ROUTER = ROUTERS["gateway_api"]
BOTH = [Spelling("blue"), Spelling("green")]


def route(*backends: dict[str, Any], status: list[dict[str, Any]] | None = None, generation: int = 4) -> Manifest:
    found: Manifest = {
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "namespace": "prod", "generation": generation},
        "spec": {"rules": [{"backendRefs": list(backends)}]},
    }
    return found if status is None else {**found, "status": {"parents": status}}


def parent(name: str, **conditions: tuple[str, int]) -> dict[str, Any]:
    """What a parent says: for each condition its status, and the generation that it is about."""
    said = [
        {"type": kind, "status": status, "observedGeneration": generation, "reason": "Because", "message": "of this"}
        for kind, (status, generation) in conditions.items()
    ]
    return {"parentRef": {"name": name, "namespace": "infra"}, "conditions": said}


def released(**service: Any) -> Release:
    versions = {"blue": {"image": "web:1"}, "green": {"image": "web:2"}}
    return read_release(web(router="gateway_api", services={"web": {"versions": versions, **service}}))


def objects(release: Release, weights: dict[str, int]) -> list[Manifest]:
    return ROUTER.resources(release, release.services["web"], weights)


def test_what_is_not_written_counts_one() -> None:
    found = route({"name": "web-blue", "port": 80}, {"name": "web-green", "port": 80})
    assert ROUTER.read(found, BOTH).weights() == {"blue": 50, "green": 50}


def test_weights_stay_on_the_scale_that_they_have() -> None:
    found = route({"name": "web-blue", "weight": 9000}, {"name": "web-green", "weight": 1000})
    change = ROUTER.patch(found, BOTH, {"blue": 75, "green": 25})
    assert [operation["value"] for operation in change.operations if operation["op"] == "replace"] == [7500, 2500]


def test_backends_are_told_apart_by_their_namespaces() -> None:
    found = route({"name": "web", "namespace": "blue-space", "weight": 1}, {"name": "web", "weight": 0})
    versions = [Spelling("old", host="web", namespace="blue-space"), Spelling("new", host="web")]
    assert ROUTER.read(found, versions).weights() == {"old": 100, "new": 0}
    assert ROUTER.backends(found, versions, "old") == [("web.blue-space.svc.cluster.local", None)]


def test_a_backend_that_is_no_service_has_no_endpoints_to_see() -> None:
    found = route({"name": "pool", "kind": "InferencePool", "group": "inference.networking.k8s.io", "weight": 1})
    ((host, _subset),) = ROUTER.backends(found, [Spelling("pool")], "pool")
    assert ROUTER.service_of(host) is None
    assert ROUTER.service_of("web.prod.svc.cluster.local") == ("web", "prod")


def test_a_version_is_added_like_another_with_its_own_name_in_its_header() -> None:
    release = released(gateways=["infra/public"])
    (created,) = objects(release, {"blue": 100})
    spellings = [
        ROUTER.spelling(release.services["web"], release.services["web"].versions[name]) for name in ("blue", "green")
    ]
    change = ROUTER.patch(created, spellings, {"blue": 100, "green": 0}, adopt=True)
    blue, green = created["spec"]["rules"][0]["backendRefs"][0], change.operations[-1]["value"]
    assert green == {
        **blue,
        "name": "web-green",
        "weight": 0,
        "filters": [
            {
                "type": "ResponseHeaderModifier",
                "responseHeaderModifier": {"set": [{"name": "app-version", "value": "web-green"}]},
            }
        ],
    }


@pytest.mark.parametrize(
    ("gateways", "parents"),
    [
        (["public"], [{"name": "public"}]),
        (["infra/public"], [{"namespace": "infra", "name": "public"}]),
        (["infra/public/https"], [{"namespace": "infra", "name": "public", "sectionName": "https"}]),
        ([], [{"group": "", "kind": "Service", "name": "web", "port": 80}]),
    ],
)
def test_where_a_route_of_ours_is_attached(gateways: list[str], parents: list[dict[str, Any]]) -> None:
    manifests = objects(released(gateways=gateways, hosts=["web.example.com"]), {"blue": 100})
    made = manifests[-1]
    assert (made["kind"], made["spec"]["parentRefs"]) == ("HTTPRoute", parents)
    # Inside the mesh callers use the name of a Service that selects nobody.
    assert [item["kind"] for item in manifests] == (["HTTPRoute"] if gateways else ["Service", "HTTPRoute"])
    assert made["spec"].get("hostnames") == (["web.example.com"] if gateways else None)


@pytest.mark.parametrize(
    ("protocol", "kind"), [("http", "HTTPRoute"), ("grpc", "GRPCRoute"), ("tcp", "TCPRoute"), ("tls", "TLSRoute")]
)
def test_each_protocol_has_its_kind_of_route(protocol: str, kind: str) -> None:
    made = objects(released(gateways=["public"], hosts=["web.example.com"], protocol=protocol), {"blue": 100})[-1]
    assert made["kind"] == kind
    assert ("filters" in made["spec"]["rules"][0]["backendRefs"][0]) == (kind in ("HTTPRoute", "GRPCRoute"))
    assert ("hostnames" in made["spec"]) == (kind != "TCPRoute")


def test_a_version_in_another_namespace_is_opened_to_the_route() -> None:
    versions = {"blue": {"image": "web:1"}, "green": {"image": "web:2", "namespace": "other"}}
    grant, made = objects(released(gateways=["public"], versions=versions), {"blue": 100, "green": 0})
    assert (grant["kind"], grant["metadata"]["namespace"]) == ("ReferenceGrant", "other")
    assert grant["spec"] == {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "prod"}],
        "to": [{"group": "", "kind": "Service", "name": "web-green"}],
    }
    assert [entry["namespace"] for entry in made["spec"]["rules"][0]["backendRefs"]] == ["prod", "other"]


@pytest.mark.parametrize(
    ("service", "path", "remedy"),
    [
        ({"create_gateway": True, "hosts": ["web.example.com"]}, "create_gateway", "name one with gateways"),
        ({"versions": {"blue": {"image": "web:1", "subset": "b"}}}, "versions.blue.subset", "leave it out"),
        ({"route": {"kind": "VirtualService"}}, "route.kind", "HTTPRoute, GRPCRoute, TLSRoute, TCPRoute"),
    ],
)
def test_what_this_api_cannot_do_is_refused(service: dict[str, Any], path: str, remedy: str) -> None:
    with pytest.raises(SpecError) as refused:
        refuse_unwritable(released(**service))
    assert refused.value.path == f"bluegreen.services.web.{path}"
    assert remedy in refused.value.message


def test_a_route_settles_when_every_parent_has_seen_it_as_it_stands() -> None:
    fine, old = ("True", 4), ("True", 3)
    blue = {"name": "web-blue", "weight": 1}
    assert ROUTER.unsettled(route(blue)) == "no parent has taken the route into its status"
    late = route(
        blue, status=[parent("a", Accepted=fine, ResolvedRefs=fine), parent("b", Accepted=fine, ResolvedRefs=old)]
    )
    assert ROUTER.unsettled(late) == "Gateway infra/b has not said ResolvedRefs for generation 4"
    settled = route(blue, status=[parent("a", Accepted=fine, ResolvedRefs=fine)])
    assert (ROUTER.unsettled(settled), ROUTER.refusal(settled)) == ("", "")


def test_a_refusal_counts_for_the_route_as_it_stands_only() -> None:
    blue = {"name": "web-blue", "weight": 1}
    refused = route(blue, status=[parent("a", Accepted=("False", 4), ResolvedRefs=("True", 4))])
    assert ROUTER.refusal(refused) == "Gateway infra/a says Accepted=False (Because): of this"
    before = route(blue, status=[parent("a", Accepted=("False", 3), ResolvedRefs=("True", 3))])
    assert ROUTER.refusal(before) == ""
    assert [problem["code"] for problem in ROUTER.problems(refused)] == ["route_refused"]


def test_only_routes_with_headers_can_be_overlaid() -> None:
    found = {**route({"name": "web-blue", "weight": 1}, {"name": "web-green", "weight": 0}), "kind": "TCPRoute"}
    assert with_test_rules(ROUTER, found, BOTH, "green", "x-bluegreen", "42").unsuited == ("rules[0]",)
    assert with_mirror(ROUTER, found, BOTH, "green", 10).unsuited == ("rules[0]",)


def test_a_full_route_has_no_room_for_tests() -> None:
    found = route({"name": "web-blue", "weight": 1}, {"name": "web-green", "weight": 0})
    found["spec"]["rules"] *= 16
    with pytest.raises(RouteError, match="has 16 rules"):
        with_test_rules(ROUTER, found, BOTH, "green", "x-bluegreen", "42")


@pytest.mark.parametrize(
    ("percent", "written"), [(50, {"percent": 50}), (0.5, {"fraction": {"numerator": 1, "denominator": 200}})]
)
def test_a_mirror_takes_a_percentage_or_a_fraction(percent: float, written: dict[str, Any]) -> None:
    found = route({"name": "web-blue", "weight": 1}, {"name": "web-green", "port": 80, "weight": 0})
    (added,) = with_mirror(ROUTER, found, BOTH, "green", percent).operations
    assert added["value"] == [
        {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "web-green", "port": 80}, **written}}
    ]
