# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Istio's own ways: hosts, subsets, mirrors, delegates, and what is created for a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import RouteError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.istio import IstioRouter
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest, Spelling, guarded

from tests.unit.releases import web, web_service

from .adapters import applied

ROUTER = IstioRouter()
BLUE, GREEN = Spelling("blue"), Spelling("green")
BOTH = [BLUE, GREEN]


def entry(host: str, weight: int | None = None, subset: str | None = None, **keys: Any) -> Manifest:
    destination = {"host": host} if subset is None else {"host": host, "subset": subset}
    return {"destination": destination, **({} if weight is None else {"weight": weight}), **keys}


def rule(*entries: Manifest, **keys: Any) -> Manifest:
    return {"route": list(entries), **keys}


def virtual_service(*http: Manifest, namespace: str = "prod", **spec: Any) -> Manifest:
    return {
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {**({"http": list(http)} if http else {}), **spec},
    }


SPLIT = rule(entry("web-blue", 90), entry("web-green", 10))


def refusal(route: Manifest, weights: Mapping[str, int], *rules: str, adopt: bool = False, versions: Any = None) -> str:
    with pytest.raises(RouteError) as refused:
        ROUTER.patch(route, versions or [Spelling(name) for name in weights], weights, rules, adopt)
    return refused.value.message


def weights_of(route: Manifest) -> list[list[int | None]]:
    return [[item.weight for item in found.destinations] for found in ROUTER.rules(route)]


class TestHosts:
    """Hosts as Istio resolves them."""

    @pytest.mark.parametrize(
        ("host", "full"),
        [
            ("web", "web.prod.svc.cluster.local"),
            ("web.prod", "web.prod"),
            ("web.prod.svc.cluster.local", "web.prod.svc.cluster.local"),
            ("web.example.com", "web.example.com"),
        ],
    )
    def test_only_a_name_without_a_dot_is_of_the_namespace(self, host: str, full: str) -> None:
        assert ROUTER.full_host(host, "prod") == full

    def test_only_hosts_of_the_cluster_are_services(self) -> None:
        assert ROUTER.service_of("web.prod.svc.cluster.local") == ("web", "prod")
        assert ROUTER.service_of("web.prod") is None
        assert ROUTER.service_of("web.example.com") is None

    @pytest.mark.parametrize("written", ["web-blue", "web-blue.prod.svc.cluster.local"])
    @pytest.mark.parametrize("asked", ["web-blue", "web-blue.prod.svc.cluster.local"])
    def test_short_and_full_names_are_the_same(self, written: str, asked: str) -> None:
        route = virtual_service(rule(entry(written, 100)))
        assert ROUTER.present(route, [Spelling("v1", host=asked)]) == [Spelling("v1", host=asked)]

    def test_a_name_with_one_dot_is_not_the_service(self) -> None:
        route = virtual_service(rule(entry("web.prod", 100)))
        assert ROUTER.present(route, [Spelling("blue", host="web.prod.svc.cluster.local")]) == []
        assert ROUTER.present(route, [Spelling("blue", host="web")]) == []
        assert ROUTER.problems(route) == [
            {
                "code": "host_not_full",
                "path": "/spec/http/0/route/0/destination/host",
                "message": "web.prod is a full host name to Istio, not a Service in a namespace; write "
                "web.prod.svc.cluster.local if that is what is meant",
            }
        ]

    def test_a_short_name_is_of_the_versions_namespace_where_that_is_known(self) -> None:
        route = virtual_service(rule(entry("web-blue.prod.svc.cluster.local", 100)), namespace="gateways")
        assert ROUTER.present(route, [Spelling("blue", host="web-blue", namespace="prod")])
        assert not ROUTER.present(route, [Spelling("blue", host="web-blue")])


class TestFinding:
    """Which destination is which version."""

    def test_by_backend_or_its_end(self) -> None:
        route = virtual_service(rule(entry("blue", 60), entry("web-green", 40)))
        assert ROUTER.read(route, BOTH).weights() == {"blue": 60, "green": 40}

    def test_by_subset_and_never_by_the_host_of_another_subset(self) -> None:
        route = virtual_service(rule(entry("web", 60, "blue"), entry("web", 30, "green"), entry("web-blue", 10, "x")))
        assert ROUTER.read(route, BOTH).weights() == {"blue": 67, "green": 33}

    def test_a_name_is_not_taken_for_one_that_ends_like_it(self) -> None:
        route = virtual_service(rule(entry("web-dark-blue", 70), entry("web-blue", 20), entry("web-green", 10)))
        spellings = [*BOTH, Spelling("dark-blue")]
        assert ROUTER.read(route, spellings).weights() == {"dark-blue": 70, "blue": 20, "green": 10}
        # The third is named only to be left alone.
        patched = applied(route, ROUTER.patch(route, spellings, {"blue": 0, "green": 100}).operations)
        assert weights_of(patched) == [[70, 0, 30]]
        assert ROUTER.backends(route, spellings, "blue") == [("web-blue.prod.svc.cluster.local", None)]
        bare = applied(patched, ROUTER.removal(patched, spellings, ["blue"]))
        assert weights_of(bare) == [[70, 30]]

    def test_a_version_that_matches_twice_is_refused(self) -> None:
        route = virtual_service(rule(entry("web-blue", 90), entry("api-blue", 5), entry("web-green", 5)))
        assert refusal(route, {"blue": 50, "green": 50}) == (
            "VirtualService prod/web, rule http[0]: blue matches 2 destinations (web-blue.prod.svc.cluster.local; "
            "api-blue.prod.svc.cluster.local); say which with versions.blue.host and versions.blue.subset"
        )
        spelled_out = [Spelling("blue", host="web-blue"), GREEN]
        assert ROUTER.read(route, spelled_out).weights() == {"blue": 95, "green": 5}

    def test_a_version_that_is_nowhere_is_refused_with_the_lines_to_add(self) -> None:
        route = virtual_service(rule(entry("web-blue", 100)), rule(entry("api", 100), name="api"))
        assert refusal(route, {"blue": 90, "green": 10}, versions=[BLUE, Spelling("green", backend="web-green")]) == (
            "VirtualService prod/web: no destination for green. It has http[0]: web-blue.prod.svc.cluster.local; "
            'api: api.prod.svc.cluster.local; add {"destination": {"host": "web-green"}, "weight": 0} beside it, let '
            "route: {adopt: true} do so, or spell the version with versions.green.host or .subset"
        )
        assert list(ROUTER.missing(route, BOTH)) == ["green"]
        assert ROUTER.missing(route, BOTH)["green"].startswith("VirtualService prod/web: no destination for green.")

    def test_versions_that_never_stand_together_are_refused(self) -> None:
        route = virtual_service(rule(entry("web-blue", 100)), rule(entry("web-green", 100), name="preview"))
        assert refusal(route, {"blue": 90, "green": 10}) == (
            "VirtualService prod/web: blue, green do not stand together in http[0], preview. It has "
            "http[0]: web-blue.prod.svc.cluster.local; preview: web-green.prod.svc.cluster.local; add what is missing "
            "there, or name with rules only those that hold all of them"
        )

    def test_weights_of_an_unknown_version_are_refused(self) -> None:
        message = refusal(virtual_service(SPLIT), {"blue": 90, "red": 10}, versions=BOTH)
        assert message == "weights name the version red, which is not among blue, green"

    @pytest.mark.parametrize(
        ("route", "stands"),
        [
            (virtual_service({"redirect": {"uri": "/"}, "name": "moved"}), "moved: no weighted destination"),
            (virtual_service({"directResponse": {"status": 503}}), "http[0]: no weighted destination"),
            (virtual_service(), "no rules"),
        ],
    )
    def test_a_route_without_weights_is_refused(self, route: Manifest, stands: str) -> None:
        expected = (
            f"VirtualService prod/web has no weighted destination ({stands}); where it only redirects or delegates, "
            "name the object that carries the weights"
        )
        assert refusal(route, {"blue": 90, "green": 10}) == expected
        # A reader that names no version is told the same.
        with pytest.raises(RouteError, match="has no weighted destination"):
            ROUTER.read(route, ROUTER.spellings(route))

    def test_a_route_that_delegates_is_refused_with_the_delegates_to_name(self) -> None:
        ours, theirs = {"name": "web-routes"}, {"name": "shop", "namespace": "shop"}
        only = virtual_service({"delegate": ours}, {"delegate": theirs}, {"delegate": ours})
        assert refusal(only, {"blue": 90, "green": 10}) == (
            "VirtualService prod/web has no weighted destination (http[0]: no weighted destination; http[1]: no "
            "weighted destination; http[2]: no weighted destination); where it only redirects or delegates, name the "
            "object that carries the weights, which is named with route: {name: web-routes, namespace: prod} or "
            "{name: shop, namespace: shop}"
        )
        with pytest.raises(RouteError, match="has no weighted destination"):
            ROUTER.read(only, ROUTER.spellings(only))
        mixed = virtual_service({"delegate": ours}, rule(entry("legacy", 100)))
        assert refusal(mixed, {"blue": 90, "green": 10}, versions=BOTH).endswith(
            "; name a delegate of it with route: {name: web-routes, namespace: prod}, or " + LINES_TO_ADD
        )
        assert ROUTER.problems(only)[1] == {
            "code": "rule_delegates",
            "path": "/spec/http/1/delegate",
            "message": "http[1] hands its requests to VirtualService shop/shop, which has the weights",
        }

    def test_who_has_no_hosts_is_a_delegate(self) -> None:
        route = virtual_service(SPLIT)
        assert ROUTER.is_delegate({**route, "spec": {**route["spec"], "hosts": []}})
        assert not ROUTER.is_delegate({**route, "spec": {**route["spec"], "hosts": ["web"]}})

    def test_versions_without_any_weight_have_nothing_to_divide(self) -> None:
        route = virtual_service(rule(entry("web-blue", 0), entry("web-green"), entry("legacy", 100)))
        assert refusal(route, {"blue": 90, "green": 10}) == (
            "VirtualService prod/web, rule http[0]: blue, green hold no weight together (/spec/http/0), so there is "
            "nothing to divide among them; give one of them weight first"
        )


LINES_TO_ADD = (
    'add {"destination": {"host": "blue"}, "weight": 0} beside it, let route: {adopt: true} do so, or spell the '
    "version with versions.blue.host or .subset"
)


class TestRules:
    """Which rules are moved."""

    ROUTE = virtual_service(
        rule(entry("web-blue", 90), entry("web-green", 10), name="main"),
        rule(entry("web-blue", 100), name="pinned"),
        rule(entry("web-blue", 80), entry("web-green", 20)),
        tls=[rule(entry("api", 100)), rule(entry("web-blue", 100), entry("web-green", 0))],
        tcp=[rule(entry("web-blue"), entry("web-green", 100))],
    )

    def test_all_that_hold_the_versions_are_moved_and_those_that_pin_one_are_told(self) -> None:
        change = ROUTER.patch(self.ROUTE, BOTH, {"blue": 50, "green": 50})
        assert [item.name for item in change.rules] == ["main", "http[2]", "tls[1]", "tcp[0]"]
        assert change.pins == (("pinned", "blue"),)
        assert weights_of(applied(self.ROUTE, change.operations)) == [
            [50, 50],
            [100],
            [50, 50],
            [100],
            [50, 50],
            [50, 50],
        ]
        assert not ROUTER.read(self.ROUTE, BOTH).consistent

    @pytest.mark.parametrize(
        ("names", "moved"),
        [(["main"], ["main"]), (["http[0]"], ["main"]), (["http[2]", "tls[1]"], ["http[2]", "tls[1]"])],
    )
    def test_a_rule_is_named_by_its_name_or_its_place(self, names: list[str], moved: list[str]) -> None:
        change = ROUTER.patch(self.ROUTE, BOTH, {"blue": 50, "green": 50}, names)
        assert [item.name for item in change.rules] == moved
        assert change.pins == ()

    def test_an_unknown_rule_is_refused(self) -> None:
        assert refusal(self.ROUTE, {"blue": 50, "green": 50}, "mian") == (
            "VirtualService prod/web has no rule mian; its rules: main, pinned, http[2], tls[0], tls[1], tcp[0]"
        )

    @pytest.mark.parametrize("name", ["pinned", "http[1]"])
    def test_a_named_rule_that_lacks_a_version_is_refused(self, name: str) -> None:
        message = refusal(self.ROUTE, {"blue": 50, "green": 50}, "main", name)
        # It names green, which stands in main, and the rule where it does not.
        assert message.startswith("VirtualService prod/web: blue, green do not stand together in pinned. It has main: ")

    def test_what_is_present_depends_on_the_rules_that_are_named(self) -> None:
        assert ROUTER.present(self.ROUTE, BOTH, ["pinned"]) == [BLUE]
        assert list(ROUTER.missing(self.ROUTE, BOTH, ["pinned"])) == ["green"]
        assert ROUTER.missing(self.ROUTE, BOTH) == {}


class TestPatch:
    """The operations themselves."""

    def test_each_leaf_is_tested_and_replaced(self) -> None:
        operations = ROUTER.patch(virtual_service(SPLIT), BOTH, {"blue": 75, "green": 25}).operations
        assert guarded(operations, "7") == [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
            {"op": "test", "path": "/spec/http/0/route/0/weight", "value": 90},
            {"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 75},
            {"op": "test", "path": "/spec/http/0/route/1/weight", "value": 10},
            {"op": "replace", "path": "/spec/http/0/route/1/weight", "value": 25},
        ]

    def test_an_absent_weight_is_tested_as_null_and_added(self) -> None:
        route = virtual_service(rule(entry("web-blue", 100), entry("web-green")))
        assert ROUTER.patch(route, BOTH, {"blue": 75, "green": 25}).operations[2:] == (
            {"op": "test", "path": "/spec/http/0/route/1/weight", "value": None},
            {"op": "add", "path": "/spec/http/0/route/1/weight", "value": 25},
        )

    @pytest.mark.parametrize("weight", [None, 0, 100])
    def test_a_lone_destination_has_everything_whatever_its_weight(self, weight: int | None) -> None:
        route = virtual_service(rule(entry("web-blue", weight)))
        assert ROUTER.read(route, [BLUE]).weights() == {"blue": 100}
        assert ROUTER.patch(route, [BLUE], {"blue": 100}).operations == ()

    def test_weights_that_are_too_coarse_are_multiplied(self) -> None:
        route = virtual_service(rule(entry("web-blue", 9), entry("web-green", 1), entry("legacy", 5)))
        change = ROUTER.patch(route, BOTH, {"blue": 75, "green": 25})
        assert [item.factor for item in change.rules] == [2]
        assert weights_of(applied(route, change.operations)) == [[15, 5, 10]]

    def test_percentages_are_of_what_the_versions_hold_together(self) -> None:
        route = virtual_service(rule(entry("web-blue", 80), entry("legacy", 20), entry("web-green", 0)))
        change = ROUTER.patch(route, BOTH, {"blue": 75, "green": 25})
        assert change.rules[0].before == {"blue": 100, "green": 0}
        assert weights_of(applied(route, change.operations)) == [[60, 20, 20]]

    def test_what_is_behind_each_version_is_told(self) -> None:
        change = ROUTER.patch(virtual_service(SPLIT), BOTH, {"blue": 75, "green": 25})
        assert [str(item) for item in change.backends["green"]] == ["web-green.prod.svc.cluster.local"]


class TestAdopt:
    """Versions that are added to a route."""

    @pytest.mark.parametrize("weight", [None, 0, 100])
    def test_a_lone_destination_gets_its_weight_written(self, weight: int | None) -> None:
        route = virtual_service(rule(entry("web-blue", weight)))
        change = ROUTER.patch(route, BOTH, {"blue": 100, "green": 0}, adopt=True)
        assert applied(route, change.operations) == virtual_service(rule(entry("web-blue", 100), entry("green", 0)))

    def test_a_subset_stands_beside_a_subset_with_the_same_host_and_port(self) -> None:
        like = {"destination": {"host": "web", "subset": "blue", "port": {"number": 80}}, "weight": 100}
        route = virtual_service(rule(entry("fallback", 10, "any"), like))
        change = ROUTER.patch(route, BOTH, {"blue": 75, "green": 25}, adopt=True)
        assert change.operations[-1] == {
            "op": "add",
            "path": "/spec/http/0/route/-",
            "value": {"destination": {"host": "web", "subset": "green", "port": {"number": 80}}, "weight": 25},
        }

    def test_a_host_of_its_own_beside_a_subset_gets_no_subset(self) -> None:
        route = virtual_service(rule(entry("web", 100, "blue")))
        change = ROUTER.patch(route, [BLUE, Spelling("green", host="web-green")], {"blue": 100, "green": 0}, adopt=True)
        assert change.operations[-1]["value"] == entry("web-green", 0)

    def test_a_short_host_is_written_in_full_where_the_route_is_elsewhere(self) -> None:
        blue = Spelling("blue", "web-blue", namespace="prod")
        green = Spelling("green", "web-green", namespace="prod")
        route = virtual_service(rule(entry("web-blue.prod.svc.cluster.local", 100)), namespace="gateways")
        patched = applied(route, ROUTER.patch(route, [blue, green], {"blue": 75, "green": 25}, adopt=True).operations)
        assert ROUTER.read(patched, [blue, green]).weights() == {"blue": 75, "green": 25}

    def test_the_response_header_names_the_new_backend(self) -> None:
        header = {"response": {"set": {"app-version": "web-blue"}}}
        route = virtual_service(rule(entry("web", 100, "v1", headers=header)))
        blue, green = (
            Spelling("blue", subset="v1"),
            Spelling("green", subset="v2", backend="web-green.prod.svc.cluster.local"),
        )
        value = ROUTER.patch(route, [blue, green], {"blue": 100, "green": 0}, adopt=True).operations[-1]["value"]
        assert value["headers"] == {"response": {"set": {"app-version": "web-green"}}}

    def test_where_more_than_one_rule_lacks_it_they_are_named(self) -> None:
        route = virtual_service(rule(entry("web-blue", 100), name="main"), rule(entry("web-blue", 100)))
        assert refusal(route, {"blue": 100, "green": 0}, adopt=True) == (
            "VirtualService prod/web: blue, green could be completed in more than one rule (main, http[1]); name those "
            "that are meant with rules"
        )
        change = ROUTER.patch(route, BOTH, {"blue": 100, "green": 0}, ["main", "http[1]"], adopt=True)
        assert [item.name for item in change.rules] == ["main", "http[1]"]

    def test_a_rule_that_pins_a_version_beside_a_complete_one_is_left_alone(self) -> None:
        route = virtual_service(SPLIT, rule(entry("web-blue", 100), name="pinned"))
        change = ROUTER.patch(route, BOTH, {"blue": 50, "green": 50}, adopt=True)
        assert change.pins == (("pinned", "blue"),)
        assert weights_of(applied(route, change.operations)) == [[50, 50], [100]]

    def test_what_still_has_weight_is_not_taken_out(self) -> None:
        with pytest.raises(RouteError) as refused:
            ROUTER.removal(virtual_service(SPLIT), BOTH, ["green"])
        assert refused.value.message == (
            "VirtualService prod/web, rule http[0]: web-green.prod.svc.cluster.local still has weight 10; shift its "
            "traffic away before it is taken out"
        )

    def test_several_are_taken_out_from_the_last(self) -> None:
        route = virtual_service(rule(entry("web-blue", 0), entry("legacy", 100), entry("web-green")))
        assert applied(route, ROUTER.removal(route, BOTH, ["blue", "green"])) == virtual_service(
            rule(entry("legacy", 100))
        )


class TestSendsTo:
    """From where traffic still goes to a backend."""

    GREEN = "web-green.prod.svc.cluster.local"

    def test_rules_with_weight_and_mirrors_count(self) -> None:
        mirrored = rule(entry("web-blue", 100), name="copied", mirror={"host": "web-green"})
        mirrors = rule(
            entry("web-blue", 100), mirrors=[{"destination": {"host": "web-green"}, "percentage": {"value": 5}}]
        )
        route = virtual_service(SPLIT, mirrored, mirrors, rule(entry("web-green", 0), entry("web-blue", 100)))
        assert ROUTER.sends_to(route, self.GREEN, None) == [
            "http[0] (weight 10)",
            "copied (mirror)",
            "http[2] (mirror)",
        ]

    def test_a_host_without_a_subset_reaches_all_of_its_subsets_and_the_other_way_round(self) -> None:
        route = virtual_service(rule(entry("web", 100)))
        assert ROUTER.sends_to(route, "web.prod.svc.cluster.local", "green") == ["http[0] (weight 100)"]
        route = virtual_service(rule(entry("web-green", 100, "canary")))
        assert ROUTER.sends_to(route, self.GREEN, None) == ["http[0] (weight 100)"]
        route = virtual_service(rule(entry("web", 100, "blue")))
        assert ROUTER.sends_to(route, "web.prod.svc.cluster.local", "green") == []


def test_rules_without_weights_are_a_problem() -> None:
    route = virtual_service({"redirect": {}, "name": "moved"}, rule(entry("web-blue", 0), entry("web-green")), SPLIT)
    assert ROUTER.problems(route) == [
        {"code": "rule_without_weights", "path": "/spec/http/0", "message": "moved has no destinations"},
        {"code": "rule_without_weights", "path": "/spec/http/1", "message": "http[1]: all weights are 0"},
    ]


def test_a_reader_that_names_no_version_sees_every_backend() -> None:
    route = virtual_service(rule(entry("web-blue", 90), entry("web", 10, "green")))
    assert ROUTER.read(route, ROUTER.spellings(route)).weights() == {"web-blue": 90, "green": 10}


def test_the_labels_of_a_subset_are_those_of_its_own_hosts_rule() -> None:
    def destination_rule(host: str, namespace: str, labels: Any) -> Manifest:
        spec = {"host": host, "subsets": [{"name": "green", "labels": labels}]}
        return {"metadata": {"namespace": namespace}, "spec": spec}

    rules = [destination_rule("web", "test", {"of": "test"}), destination_rule("web", "prod", {"of": "prod"})]
    assert ROUTER.subset_labels(rules, "web.prod.svc.cluster.local", "green") == {"of": "prod"}
    assert ROUTER.subset_labels(rules, "web.prod.svc.cluster.local", "red") is None
    assert ROUTER.subset_labels(rules, "api.prod.svc.cluster.local", "green") is None
    wide = [destination_rule("*.prod.svc.cluster.local", "istio-system", {"of": "all"})]
    assert ROUTER.subset_labels(wide, "web.prod.svc.cluster.local", "green") == {"of": "all"}
    assert ROUTER.subset_labels(wide, "web.test.svc.cluster.local", "green") is None


def test_subsets_may_be_defined_by_the_service_by_callers_and_for_the_whole_mesh() -> None:
    assert ROUTER.definition_namespaces("edge", "prod") == ["prod", "edge", "istio-system"]
    assert ROUTER.definition_namespaces("prod", "prod") == ["prod", "istio-system"]
    assert ROUTER.definition_namespaces("prod", None) == ["prod", "istio-system"]


class TestResources:
    """What is created for a service that has no route yet."""

    def manifests(self, weights: Mapping[str, int] | None = None, **service: Any) -> dict[str, Manifest]:
        release = read_release(web_service(**service))
        found = ROUTER.resources(release, release.services["web"], weights or {"blue": 100, "green": 0})
        owned = {"app.kubernetes.io/managed-by": "bluegreen.kubernetes"}
        assert all(owned.items() <= item["metadata"]["labels"].items() for item in found)
        assert all(item["metadata"]["namespace"] == "prod" for item in found)
        return {item["kind"]: item for item in found}

    def test_inside_the_mesh_a_host_and_its_route(self) -> None:
        found = self.manifests()
        assert list(found) == ["Service", "VirtualService"]
        # Without a selector nobody reaches a version past its weight.
        assert "selector" not in found["Service"]["spec"]
        assert found["VirtualService"]["spec"] == {
            "hosts": ["web.prod.svc.cluster.local"],
            "http": [
                {
                    "name": "web",
                    "route": [
                        {
                            "destination": {"host": f"web-{name}.prod.svc.cluster.local", "port": {"number": 80}},
                            "weight": weight,
                            "headers": {"response": {"set": {"app-version": f"web-{name}"}}},
                        }
                        for name, weight in {"blue": 100, "green": 0}.items()
                    ],
                }
            ],
        }

    def test_behind_a_gateway_only_the_route(self) -> None:
        found = self.manifests(hosts=["web.example.com"], gateways=["istio-system/public"])
        assert list(found) == ["VirtualService"]
        spec = found["VirtualService"]["spec"]
        assert (spec["hosts"], spec["gateways"]) == (["web.example.com"], ["istio-system/public"])

    def test_callers_in_the_cluster_are_led_to_the_gateway_by_the_services_name(self) -> None:
        gateway = "istio-ingressgateway.istio-system.svc.cluster.local"
        found = self.manifests(hosts=["web.prod"], gateways=["istio-system/public"], external_name=gateway)
        assert list(found) == ["Service", "VirtualService"]
        assert found["Service"]["metadata"]["name"] == "web"
        port = {"name": "http", "port": 80, "targetPort": 80, "protocol": "TCP"}
        assert found["Service"]["spec"] == {"type": "ExternalName", "externalName": gateway, "ports": [port]}

    def test_in_both_the_mesh_and_a_gateway(self) -> None:
        found = self.manifests(hosts=["web.example.com"], gateways=["public", "mesh"])
        assert list(found) == ["Service", "VirtualService"]
        assert found["VirtualService"]["spec"]["hosts"] == ["web.example.com", "web.prod.svc.cluster.local"]

    def test_a_gateway_of_its_own(self) -> None:
        found = self.manifests(hosts=["web.example.com"], create_gateway=True)
        assert list(found) == ["Gateway", "VirtualService"]
        assert found["VirtualService"]["spec"]["gateways"] == ["web"]
        assert found["Gateway"]["spec"]["servers"] == [
            {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["web.example.com"]}
        ]

    def test_tls_is_passed_through_by_name(self) -> None:
        found = self.manifests(hosts=["web.example.com"], create_gateway=True, protocol="tls", port=443)
        assert found["Gateway"]["spec"]["servers"][0]["tls"] == {"mode": "PASSTHROUGH"}
        (rule_of_it,) = found["VirtualService"]["spec"]["tls"]
        assert rule_of_it["match"] == [{"port": 443, "sniHosts": ["web.example.com"]}]
        # Only HTTP has headers.
        assert all(item.keys() == {"destination", "weight"} for item in rule_of_it["route"])

    def test_tcp_is_told_apart_by_port(self) -> None:
        spec = self.manifests(gateways=["public"], protocol="tcp", port=5432)["VirtualService"]["spec"]
        assert spec["hosts"] == ["*"]
        assert spec["tcp"][0]["match"] == [{"port": 5432}]

    def test_subsets_of_one_host(self) -> None:
        versions = {name: {"image": f"web:{name}", "subset": f"v-{name}"} for name in ("blue", "green")}
        found = self.manifests(versions=versions)
        assert list(found) == ["Service", "DestinationRule", "VirtualService"]
        assert found["Service"]["spec"]["selector"] == {"app.kubernetes.io/name": "web"}
        assert found["DestinationRule"]["spec"] == {
            "host": "web.prod.svc.cluster.local",
            "subsets": [
                {"name": f"v-{name}", "labels": {"app.kubernetes.io/version": name}} for name in ("blue", "green")
            ],
        }
        assert found["VirtualService"]["spec"]["http"][0]["route"][1]["destination"] == {
            "host": "web.prod.svc.cluster.local",
            "subset": "v-green",
            "port": {"number": 80},
        }

    def test_a_version_gets_its_subset_with_its_first_place(self) -> None:
        versions = {name: {"image": f"web:{name}", "subset": name} for name in ("blue", "green")}
        found = self.manifests({"blue": 100}, versions=versions)
        assert [item["name"] for item in found["DestinationRule"]["spec"]["subsets"]] == ["blue"]

    def test_the_subset_of_an_existing_workload_is_not_ours(self) -> None:
        versions = {
            "blue": {"existing": {"deployment": "web"}, "subset": "blue"},
            "green": {"image": "web:2", "subset": "green"},
        }
        found = self.manifests(versions=versions)
        assert [item["name"] for item in found["DestinationRule"]["spec"]["subsets"]] == ["green"]

    @pytest.mark.parametrize("subset", [None, "v2"])
    def test_what_is_created_is_read_back(self, subset: str | None) -> None:
        versions = {
            name: {"image": f"web:{name}", **({"subset": f"{subset}-{name}"} if subset else {})}
            for name in ("blue", "dark-blue")
        }
        release = read_release(web(services={"web": {"versions": versions}}))
        service = release.services["web"]
        spellings = [IstioRouter().spelling(service, version) for version in service.versions.values()]
        created = ROUTER.resources(release, service, {"blue": 100})[-1]
        assert ROUTER.present(created, spellings) == spellings[:1]
        change = ROUTER.patch(created, spellings, {"blue": 60, "dark-blue": 40}, adopt=True)
        extended = applied(created, change.operations)
        assert extended == ROUTER.resources(release, service, {"blue": 60, "dark-blue": 40})[-1]
