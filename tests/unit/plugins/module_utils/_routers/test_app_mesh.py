# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is peculiar to App Mesh: bounded sums, priorities, virtual nodes in between, and what its controller says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import RouteError, SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import Release, read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.overlays import with_mirror, with_test_rules
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.release import refuse_unwritable
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest, Spelling
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.lab import manifests as lab_manifests
from tests.unit.releases import web

from .adapters import applied

ROUTER = ROUTERS["app_mesh"]
BOTH = [Spelling("blue"), Spelling("green")]
DEFINITIONS = Path(lab_manifests.__path__[0]) / "app-mesh"


def target(name: str, weight: int, namespace: str | None = None) -> Manifest:
    reference = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"virtualNodeRef": reference, "weight": weight}


def entry(*targets: Manifest, name: str = "main", kind: str = "httpRoute", **more: Any) -> Manifest:
    match = {"match": {"prefix": "/"}} if kind == "httpRoute" else {}
    return {"name": name, kind: {**match, "action": {"weightedTargets": list(targets)}}, **more}


def router(*routes: Manifest, generation: int = 4, **status: Any) -> Manifest:
    found: Manifest = {
        "kind": "VirtualRouter",
        "metadata": {"name": "web", "namespace": "prod", "generation": generation},
        "spec": {"routes": list(routes)},
    }
    return {**found, "status": status} if status else found


def weighted(blue: int, green: int, *others: Manifest, **more: Any) -> Manifest:
    return entry(target("web-blue", blue), target("web-green", green), *others, **more)


def weights_of(route: Manifest) -> list[int]:
    return [item["weight"] for item in route["spec"]["routes"][0]["httpRoute"]["action"]["weightedTargets"]]


def active(status: str = "True") -> dict[str, Any]:
    return {"type": "VirtualRouterActive", "status": status, "reason": "Because", "message": "of this"}


def released(**service: Any) -> Release:
    versions = {"blue": {"image": "web:1"}, "green": {"image": "web:2"}}
    return read_release(web(router="app_mesh", services={"web": {"versions": versions, **service}}))


def objects(release: Release, weights: dict[str, int]) -> list[Manifest]:
    return ROUTER.resources(release, release.services["web"], weights)


class TestWeights:
    @settings(max_examples=200)
    @given(data=st.data())
    def test_any_percentage_fits_where_no_others_stand(self, data: st.DataObject) -> None:
        before = data.draw(st.integers(0, 100)), data.draw(st.integers(0, 100))
        assume(any(before))
        percent = data.draw(st.integers(0, 100))
        wanted = {"blue": 100 - percent, "green": percent}
        found = router(weighted(before[0], before[1]))
        patched = applied(found, ROUTER.patch(found, BOTH, wanted).operations)
        assert ROUTER.read(patched, BOTH).weights() == wanted
        assert max(weights_of(patched)) <= 100
        assert sum(weights_of(patched)) <= max(100, sum(before))
        assert ROUTER.patch(patched, BOTH, wanted).operations == ()

    def test_others_keep_their_part_of_a_sum_that_has_to_stay_below_its_bound(self) -> None:
        found = router(weighted(90, 0, target("legacy", 10)))
        change = ROUTER.patch(found, BOTH, {"blue": 75, "green": 25})
        # 67.5 and 22.5 beside 10: twice that is above the bound, four fifths of that are whole.
        assert weights_of(applied(found, change.operations)) == [54, 18, 8]
        assert float(change.rules[0].factor) == 0.8

    def test_a_percentage_that_needs_finer_weights_is_refused_with_what_to_do(self) -> None:
        found = router(weighted(90, 0, target("legacy", 10)))
        with pytest.raises(RouteError, match=r"blue 97 %, green 3 % of the 90 .* add up to 1000, and 100 is the most"):
            ROUTER.patch(found, BOTH, {"blue": 97, "green": 3})

    def test_all_at_zero_is_refused_with_its_path(self) -> None:
        with pytest.raises(RouteError, match=r"blue, green hold no weight together \(/spec/routes/0\).* give one of"):
            ROUTER.patch(router(weighted(0, 0)), BOTH, {"blue": 0, "green": 100})

    def test_what_is_wrong_with_weights_is_a_problem(self) -> None:
        found = ROUTER.problems(router(weighted(0, 0), entry(name="empty"), weighted(100, 50, name="much")))
        assert [(item["code"], item["path"]) for item in found] == [
            ("rule_without_weights", "/spec/routes/0"),
            ("rule_without_weights", "/spec/routes/1"),
            ("weights_do_not_sum", "/spec/routes/2"),
        ]

    def test_nodes_are_told_apart_by_namespace_and_by_arn(self) -> None:
        arn = "arn:aws:appmesh:eu-west-1:1:mesh/mesh/virtualNode/far_prod"
        found = router(entry(target("web", 60, "old"), {"virtualNodeARN": arn, "weight": 40}))
        versions = [Spelling("one", host="web", namespace="old"), Spelling("two", host=arn)]
        assert ROUTER.read(found, versions).weights() == {"one": 60, "two": 40}
        (backend,) = ROUTER.backends(found, versions, "one")
        assert ROUTER.node_of(backend[0]) == ("web", "old")
        assert ROUTER.node_of(arn) is None

    def test_an_added_target_is_written_like_another(self) -> None:
        found = router(entry({**target("web-blue", 100), "port": 9080}))
        versions = [Spelling("blue"), Spelling("green", backend="web-green.other.virtualnode.appmesh.k8s.aws")]
        change = ROUTER.patch(found, versions, {"blue": 100, "green": 0}, adopt=True)
        assert change.operations[-1]["value"] == {**target("web-green", 0, "other"), "port": 9080}


class TestTestRules:
    def test_the_copy_has_the_next_higher_priority(self) -> None:
        found = router(weighted(100, 0, priority=10), weighted(100, 0, name="last"))
        rules = with_test_rules(ROUTER, found, BOTH, "green", "x-bluegreen", "42").operations
        added = [operation["value"] for operation in rules if operation["op"] == "add"]
        assert [item["priority"] for item in added] == [999, 9]
        assert added[1]["httpRoute"]["match"]["headers"] == [{"name": "x-bluegreen", "match": {"exact": "42"}}]
        assert added[1]["httpRoute"]["action"]["weightedTargets"] == [target("web-green", 100)]

    def test_metadata_are_the_headers_of_grpc(self) -> None:
        found = router(weighted(100, 0, kind="grpcRoute"))
        (added,) = (
            operation["value"]
            for operation in with_test_rules(ROUTER, found, BOTH, "green", "x-bluegreen", "42").operations
            if operation["op"] == "add"
        )
        assert added["grpcRoute"]["match"] == {"metadata": [{"name": "x-bluegreen", "match": {"exact": "42"}}]}

    @pytest.mark.parametrize(
        ("routes", "message"),
        [
            ([weighted(100, 0, priority=0)], "rule main has priority 0, and no test rule can stand before it"),
            (
                [weighted(100, 0, priority=5), entry(target("x", 1), name="api", priority=4)],
                "has priority 5, and api has 4: leave a number free between them",
            ),
        ],
    )
    def test_without_a_free_priority_there_is_none(self, routes: list[Manifest], message: str) -> None:
        with pytest.raises(RouteError, match=message):
            with_test_rules(ROUTER, router(*routes), BOTH, "green", "x-bluegreen", "42")

    @pytest.mark.parametrize(
        ("names", "header", "message"),
        [
            (["x-bluegreen"], "x-bluegreen", "has a condition on the header x-bluegreen already"),
            ([f"x-{number}" for number in range(10)], "x-bluegreen", "has 10 conditions on headers already"),
            ([], f"x-{'long' * 13}", "test_header.name: App Mesh takes 50 characters at most"),
        ],
    )
    def test_what_a_match_has_no_room_for_is_refused(self, names: list[str], header: str, message: str) -> None:
        found = router(weighted(100, 0))
        found["spec"]["routes"][0]["httpRoute"]["match"]["headers"] = [{"name": name} for name in names]
        with pytest.raises(RouteError, match=message):
            with_test_rules(ROUTER, found, BOTH, "green", header, "42")

    def test_tcp_knows_no_headers_and_nothing_knows_mirrors(self) -> None:
        found = router(weighted(100, 0, kind="tcpRoute"), weighted(100, 0))
        assert with_test_rules(ROUTER, found, BOTH, "green", "x-bluegreen", "42").unsuited == ("main",)
        assert with_mirror(ROUTER, found, BOTH, "green", 10).unsuited == ("main", "main")


class TestWhatTheControllerSays:
    def test_a_route_settles_when_its_generation_is_active(self) -> None:
        assert "has seen generation 0 of 4" in ROUTER.unsettled(router(weighted(1, 0)))
        late = router(weighted(1, 0), observedGeneration=3, conditions=[active()])
        assert "has seen generation 3 of 4" in ROUTER.unsettled(late)
        silent = router(weighted(1, 0), observedGeneration=4)
        assert ROUTER.unsettled(silent) == "the controller of App Mesh has not said VirtualRouterActive"
        settled = router(weighted(1, 0), observedGeneration=4, conditions=[active()])
        assert (ROUTER.unsettled(settled), ROUTER.refusal(settled)) == ("", "")

    def test_a_refusal_counts_for_the_route_as_it_stands_only(self) -> None:
        refused = router(weighted(1, 0), observedGeneration=4, conditions=[active("False")])
        assert ROUTER.refusal(refused) == "VirtualRouterActive=False (Because): of this"
        assert [item["code"] for item in ROUTER.problems(refused)] == ["route_refused"]
        before = router(weighted(1, 0), observedGeneration=3, conditions=[active("False")])
        assert ROUTER.refusal(before) == ""

    @pytest.mark.parametrize(
        ("discovery", "service"),
        [
            ({"dns": {"hostname": "web-v1.other.svc.cluster.local"}}, ("web-v1", "other")),
            ({"dns": {"hostname": "web-v1.other.svc.cluster.local."}}, ("web-v1", "other")),
            ({"dns": {"hostname": "web-v1.other"}}, ("web-v1", "other")),
            ({"dns": {"hostname": "web-v1"}}, ("web-v1", "prod")),
            ({"dns": {"hostname": "web.example.com"}}, None),
            ({"awsCloudMap": {"namespaceName": "prod", "serviceName": "web"}}, None),
        ],
    )
    def test_the_service_behind_a_node_is_that_of_its_hostname(self, discovery: Manifest, service: Any) -> None:
        node = {"metadata": {"name": "web-v1", "namespace": "prod"}, "spec": {"serviceDiscovery": discovery}}
        assert ROUTER.service_behind(node) == service


class TestObjects:
    def test_what_leads_callers_to_a_service_of_ours(self) -> None:
        host, blue, green, route, service = objects(released(port=9080), {"blue": 100, "green": 0})
        assert [item["kind"] for item in (host, blue, green, route, service)] == [
            "Service",
            "VirtualNode",
            "VirtualNode",
            "VirtualRouter",
            "VirtualService",
        ]
        listeners = [{"portMapping": {"port": 9080, "protocol": "http"}}]
        assert blue["metadata"]["name"] == "web-blue"
        assert blue["spec"] == {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/version": "blue"}},
            "listeners": listeners,
            "serviceDiscovery": {"dns": {"hostname": "web-blue.prod.svc.cluster.local"}},
        }
        (rule,) = route["spec"]["routes"]
        assert rule["httpRoute"]["match"] == {"prefix": "/"}
        assert rule["httpRoute"]["action"]["weightedTargets"] == [
            target("web-blue", 100, "prod"),
            target("web-green", 0, "prod"),
        ]
        assert service["spec"] == {
            "awsName": "web.prod.svc.cluster.local",
            "provider": {"virtualRouter": {"virtualRouterRef": {"name": "web", "namespace": "prod"}}},
        }

    def test_each_host_has_a_virtual_service(self) -> None:
        made = objects(released(hosts=["web.example.com", "www.example.com"]), {"blue": 100})
        services = [item for item in made if item["kind"] == "VirtualService"]
        assert [(item["metadata"]["name"], item["spec"]["awsName"]) for item in services] == [
            ("web", "web.example.com"),
            ("web-1", "www.example.com"),
        ]

    @pytest.mark.parametrize("protocol", ["http", "grpc", "tcp"])
    def test_they_are_what_the_api_takes(self, protocol: str) -> None:
        made = objects(released(protocol=protocol), {"blue": 100, "green": 0})
        checked = 0
        schemas = _schemas()
        for item in made:
            if item["kind"] in schemas:
                Draft202012Validator(schemas[item["kind"]]).validate(item)
                checked += 1
        assert checked == 4

    def test_a_test_rule_is_what_the_api_takes(self) -> None:
        found = objects(released(), {"blue": 100, "green": 0})[3]
        change = with_test_rules(ROUTER, found, BOTH, "green", "x-bluegreen", "42")
        Draft202012Validator(_schemas()["VirtualRouter"]).validate(applied(found, change.operations))

    def test_a_node_that_its_user_gives_is_used(self) -> None:
        labels = {"app": "web"}
        given = [
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"template": {}}},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"selector": labels}},
        ]
        node = {"apiVersion": "appmesh.k8s.aws/v1beta2", "kind": "VirtualNode", "metadata": {"name": "node-x"}}
        for manifests, names, selector in ((given, ["x"], [labels]), ([*given, node], [], [])):
            made = objects(released(versions={"blue": {"manifests": manifests}}), {"blue": 100})
            nodes = [item for item in made if item["kind"] == "VirtualNode"]
            assert [item["metadata"]["name"] for item in nodes] == names
            assert [item["spec"]["podSelector"]["matchLabels"] for item in nodes] == selector
            (rule,) = next(item for item in made if item["kind"] == "VirtualRouter")["spec"]["routes"]
            assert (
                rule["httpRoute"]["action"]["weightedTargets"][0]["virtualNodeRef"]["name"] == (names or ["node-x"])[0]
            )


@pytest.mark.parametrize(
    ("service", "path", "remedy"),
    [
        ({"gateways": ["public"]}, "gateways", "lead a GatewayRoute to the VirtualService web"),
        ({"create_gateway": True, "hosts": ["web.example.com"]}, "create_gateway", "leave this out"),
        ({"protocol": "tls", "hosts": ["web.example.com"]}, "protocol", "write protocol: tcp"),
        ({"versions": {"blue": {"image": "web:1", "subset": "b"}}}, "versions.blue.subset", "leave it out"),
        ({"versions": {"blue": {"image": "web:1", "port": 8080}}}, "versions.blue.port", "write the same"),
        ({"route": {"kind": "VirtualService"}}, "route.kind", "VirtualRouter"),
    ],
)
def test_what_a_virtual_router_cannot_do_is_refused(service: dict[str, Any], path: str, remedy: str) -> None:
    with pytest.raises(SpecError) as refused:
        refuse_unwritable(released(**service))
    assert refused.value.path == f"bluegreen.services.web.{path}"
    assert remedy in refused.value.message


@pytest.mark.parametrize(
    ("release", "path"),
    [
        ({"mirror": {"percent": 10}}, "mirror"),
        ({"observe": {"proxies": {}}}, "observe.proxies"),
    ],
)
def test_ways_to_try_and_see_that_app_mesh_does_not_have_are_refused(release: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as refused:
        refuse_unwritable(read_release(web(router="app_mesh", **release)))
    assert refused.value.path == f"bluegreen.{path}"


def test_a_header_is_refused_where_there_are_none() -> None:
    services = {"web": {"protocol": "tcp", "versions": {"blue": {"image": "web:1"}}}}
    with pytest.raises(SpecError, match="know no headers"):
        refuse_unwritable(read_release(web(router="app_mesh", services=services, verify={"header": "x-bluegreen"})))


def _schemas() -> dict[str, dict[str, Any]]:
    """The schema of each kind, which takes no field that it does not know: the API server would drop it in silence."""
    found = {}
    for file in DEFINITIONS.glob("*.yaml"):
        for item in yaml.safe_load_all(file.read_text()):
            schema = item["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            found[item["spec"]["names"]["kind"]] = {
                **schema,
                "properties": {name: _closed(value) for name, value in schema["properties"].items()},
            }
    return found


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **closed} if "properties" in closed else closed
