# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would make a release go wrong: subsets, pods, budgets and policies: cases that have it and that have not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.lint_subject import (
    LintedVersion,
    Surroundings,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.lint_subsets import subset_selectors
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest

from .lint_objects import (
    around,
    backends,
    by_subset,
    destination,
    destination_rule,
    http_route,
    named,
    problems,
    rule,
    subject,
    version,
    virtual_service,
)

HOST = "web.prod.svc.cluster.local"
BY_SUBSET = virtual_service(rule(route=by_subset()))
HASH = {"loadBalancer": {"consistentHash": {"httpCookie": {"name": "user", "ttl": "0s"}}}}


class TestSubsetMissing:
    @pytest.mark.parametrize(
        ("rules", "said"),
        [
            ([], "no DestinationRule has that host"),
            ([destination_rule("web", "blue")], "has no such subset (it has blue)"),
            ([destination_rule("api", "blue", "green"), destination_rule("web", "blue")], "it has blue"),
        ],
    )
    def test_the_candidates(self, rules: list[Manifest], said: str) -> None:
        found = problems("subset_missing", subject(BY_SUBSET), around(DestinationRule=rules))[-1]
        assert (found["path"], found["refuses"]) == ("/spec/http/0/route/1", True)
        assert said in found["message"]
        assert "add {name: green" in found["remedy"]

    @pytest.mark.parametrize("host", ["web", HOST, "*.prod.svc.cluster.local", "*"])
    def test_one_that_is_there(self, host: str) -> None:
        rules = [destination_rule(host, "blue", "green")]
        assert problems("subset_missing", subject(BY_SUBSET), around(DestinationRule=rules)) == []

    def test_one_that_has_traffic(self) -> None:
        rules = [destination_rule("web", "green")]
        (found,) = problems("subset_missing", subject(BY_SUBSET), around(DestinationRule=rules))
        assert found["path"] == "/spec/http/0/route/0"

    @pytest.mark.parametrize(("names", "missing"), [(("blue",), 1), (("blue", "green"), 0)])
    def test_one_that_the_release_is_going_to_name(self, names: tuple[str, ...], missing: int) -> None:
        route = virtual_service(rule(route=by_subset()[:1]))
        rules = [destination_rule("web", *names)]
        found = problems("subset_missing", subject(route), around(DestinationRule=rules))
        assert [item["path"] for item in found] == ["/spec/http/0/route/-"] * missing

    def test_one_that_nobody_wants(self) -> None:
        route = virtual_service(rule(route=[*by_subset(), destination("web", 0, "old")]))
        rules = [destination_rule("web", "blue", "green")]
        assert problems("subset_missing", subject(route), around(DestinationRule=rules)) == []

    def test_one_that_copies_go_to(self) -> None:
        mirror = {"mirror": {"host": "web", "subset": "shadow"}}
        route = virtual_service({**rule(route=by_subset()), **mirror})
        rules = [destination_rule("web", "blue", "green")]
        (found,) = problems("subset_missing", subject(route), around(DestinationRule=rules))
        assert "subset shadow" in found["message"]

    @pytest.mark.parametrize(("writes", "missing"), [(True, 0), (False, 1)])
    def test_one_that_the_release_writes_itself(self, writes: bool, missing: int) -> None:
        versions = {"blue": version("blue"), "green": version("green", planned=True)}
        rules = around(DestinationRule=[destination_rule("web", "blue")])
        wanted = subject(BY_SUBSET, versions=versions, writes_subsets=writes)
        assert len(problems("subset_missing", wanted, rules)) == missing

    def test_one_that_could_not_be_looked_for(self) -> None:
        unread = Surroundings(unread=frozenset({("DestinationRule", "prod")}))
        assert problems("subset_missing", subject(BY_SUBSET), unread) == []

    def test_hosts_without_subsets(self) -> None:
        assert problems("subset_missing", subject(virtual_service())) == []


class TestSubsetWithoutPods:
    @pytest.mark.parametrize(("count", "empty"), [(0, 1), (1, 0)])
    def test_a_subset_is_there_and_selects(self, count: int, empty: int) -> None:
        rules = [destination_rule("web", "blue", "green")]
        seen = Surroundings({"DestinationRule": rules}, pods={(HOST, "blue"): 2, (HOST, "green"): count})
        found = problems("subset_without_pods", subject(BY_SUBSET), seen)
        assert [(item["path"], item["refuses"]) for item in found] == [("/spec/http/0/route/1", False)] * empty

    def test_pods_that_are_still_to_be_deployed(self) -> None:
        seen = Surroundings({"DestinationRule": [destination_rule("web", "blue", "green")]}, pods={(HOST, "green"): 0})
        versions = {"blue": version("blue"), "green": version("green", planned=True)}
        assert problems("subset_without_pods", subject(BY_SUBSET, versions=versions), seen) == []

    def test_what_selects_them(self) -> None:
        seen = around(
            DestinationRule=[destination_rule("web", "blue")], Service=[named("web", spec={"selector": {"app": "web"}})]
        )
        assert subset_selectors(subject(BY_SUBSET), seen) == {(HOST, "blue"): {"app": "web", "version": "blue"}}


class TestPinnedSessions:
    @pytest.mark.parametrize(
        ("more", "path"),
        [
            ({"trafficPolicy": HASH}, "/spec/trafficPolicy"),
            (
                {"trafficPolicy": {"portLevelSettings": [{"port": {"number": 80}, **HASH}]}},
                "/spec/trafficPolicy/portLevelSettings/0",
            ),
            ({"subsets": [{"name": "green", "trafficPolicy": HASH}]}, "/spec/subsets/0/trafficPolicy"),
        ],
    )
    def test_by_a_hash(self, more: Manifest, path: str) -> None:
        rules = [destination_rule("web", **more)]
        (found,) = problems("pinned_sessions", subject(BY_SUBSET), around(DestinationRule=rules))
        assert (found["path"], found["refuses"]) == (f"DestinationRule prod/web: {path}", False)
        assert "httpCookie" in found["message"]

    @pytest.mark.parametrize(
        "more",
        [
            {"trafficPolicy": {"loadBalancer": {"simple": "ROUND_ROBIN"}}},
            {"subsets": [{"name": "another", "trafficPolicy": HASH}]},
        ],
    )
    def test_no_hash_of_these_versions(self, more: Manifest) -> None:
        rules = [destination_rule("web", **more), destination_rule("other", trafficPolicy=HASH)]
        assert problems("pinned_sessions", subject(BY_SUBSET), around(DestinationRule=rules)) == []

    @pytest.mark.parametrize(("more", "count"), [({"sessionPersistence": {"type": "Cookie"}}, 1), ({}, 0)])
    def test_by_a_rule_of_the_gateway_api(self, more: Manifest, count: int) -> None:
        route = http_route(backends("web-blue", "web-green", **more))
        assert len(problems("pinned_sessions", subject(route, "gateway_api"))) == count


class TestAutoscalers:
    @pytest.mark.parametrize(
        ("bounds", "more", "path"),
        [
            ({"minReplicas": 1, "maxReplicas": 3}, {}, "maxReplicas"),
            ({"minReplicas": 1, "maxReplicas": 8}, {"first": 50}, "minReplicas"),
            ({"maxReplicas": 8}, {"first": 50}, "minReplicas"),
        ],
    )
    def test_fewer_pods_than_the_share_takes(self, bounds: Manifest, more: Manifest, path: str) -> None:
        versions = {"blue": version("blue", 4), "green": version("green", 1, bounds)}
        (found,) = problems("hpa_below_share", subject(virtual_service(), versions=versions, **more))
        assert (found["path"], found["refuses"]) == (f"HorizontalPodAutoscaler prod/web-green: /spec/{path}", False)

    @pytest.mark.parametrize(
        ("candidate", "more"),
        [
            (version("green", 1, {"minReplicas": 1, "maxReplicas": 4}), {}),
            (version("green", 1, {"minReplicas": 2, "maxReplicas": 4}), {"first": 50}),
            (version("green", 2, {"minReplicas": 1, "maxReplicas": 4}), {"first": 50}),
            (version("green", 1, {"minReplicas": 1, "maxReplicas": 2}), {"last": 50}),
            (version("green", 1), {"first": 100}),
        ],
    )
    def test_enough_pods(self, candidate: LintedVersion, more: Manifest) -> None:
        versions = {"blue": version("blue", 4), "green": candidate}
        assert problems("hpa_below_share", subject(virtual_service(), versions=versions, **more)) == []

    def test_pods_of_an_earlier_deployment_do_not_count(self) -> None:
        green = version("green", 4, {"minReplicas": 1, "maxReplicas": 4}, planned=True)
        versions = {"blue": version("blue", 4), "green": green}
        assert problems("hpa_below_share", subject(virtual_service(), versions=versions, first=50))


class TestBudgets:
    def budget(self, **spec: Any) -> Surroundings:
        item = named("web", spec={"selector": {"matchLabels": {"app": "web"}}, **spec})
        return around(PodDisruptionBudget=[item])

    @pytest.mark.parametrize("least", [4, 6])
    def test_nothing_may_leave_once_live_has_gone(self, least: int) -> None:
        (found,) = problems("pdb_blocks_retire", subject(virtual_service()), self.budget(minAvailable=least))
        assert (found["path"], found["refuses"]) == ("PodDisruptionBudget prod/web: /spec/minAvailable", False)

    def test_an_autoscaler_may_take_the_candidate_down_to_its_minimum(self) -> None:
        green = version("green", 4, {"minReplicas": 2, "maxReplicas": 8})
        wanted = subject(virtual_service(), versions={"blue": version("blue"), "green": green})
        assert problems("pdb_blocks_retire", wanted, self.budget(minAvailable=2))

    @pytest.mark.parametrize(
        "spec",
        [
            {"minAvailable": 3},
            {"minAvailable": "90%"},
            {"maxUnavailable": 1},
            {"minAvailable": 4, "selector": {"matchLabels": {"version": "blue"}}},
            {"minAvailable": 4, "selector": {"matchLabels": {"app": "api"}}},
        ],
    )
    def test_some_pod_may_leave(self, spec: Manifest) -> None:
        assert problems("pdb_blocks_retire", subject(virtual_service()), self.budget(**spec)) == []

    def test_live_stays(self) -> None:
        wanted = subject(virtual_service(), retires=False)
        assert problems("pdb_blocks_retire", wanted, self.budget(minAvailable=6)) == []


BLUE = {"matchLabels": {"version": "blue"}}
WEB = {"matchLabels": {"app": "web"}}


def policy(**spec: Any) -> list[Manifest]:
    return [named("web", spec=spec)]


def principals(*names: str) -> list[Manifest]:
    return policy(rules=[{"from": [{"source": {"principals": list(names)}}]}])


class TestPolicyFitsOnlyLive:
    @pytest.mark.parametrize(
        ("objects", "path"),
        [
            ({"AuthorizationPolicy": policy(selector=BLUE)}, "AuthorizationPolicy prod/web: /spec/selector"),
            ({"PeerAuthentication": policy(selector=BLUE)}, "PeerAuthentication prod/web: /spec/selector"),
            ({"NetworkPolicy": policy(podSelector=BLUE)}, "NetworkPolicy prod/web: /spec/podSelector"),
            (
                {"NetworkPolicy": policy(ingress=[{"from": [{"podSelector": BLUE}]}])},
                "NetworkPolicy prod/web: /spec/ingress",
            ),
            (
                {"NetworkPolicy": policy(egress=[{"to": [{"podSelector": BLUE}]}])},
                "NetworkPolicy prod/web: /spec/egress",
            ),
            (
                {"AuthorizationPolicy": principals("cluster.local/ns/prod/sa/web-blue")},
                "AuthorizationPolicy prod/web: /spec/rules",
            ),
            (
                {"Sidecar": policy(egress=[{"hosts": ["./web-blue.prod.svc.cluster.local"]}])},
                "Sidecar prod/web: /spec/egress",
            ),
        ],
    )
    def test_what_names_live_alone(self, objects: dict[str, list[Manifest]], path: str) -> None:
        (found,) = problems("policy_fits_only_live", subject(virtual_service()), around(**objects))
        assert (found["path"], found["refuses"]) == (path, False)
        assert found["message"].endswith("blue and not green")

    @pytest.mark.parametrize(
        "objects",
        [
            {"AuthorizationPolicy": policy(selector=WEB)},
            {"AuthorizationPolicy": policy()},
            {"AuthorizationPolicy": policy(selector={"matchLabels": {"app": "api"}})},
            {"PeerAuthentication": policy(selector=WEB)},
            {"NetworkPolicy": policy(podSelector={})},
            {"NetworkPolicy": policy(podSelector=WEB, ingress=[{"from": [{"podSelector": WEB}]}])},
            {"NetworkPolicy": policy(ingress=[{"from": [{"podSelector": BLUE, "namespaceSelector": {}}]}])},
            {"AuthorizationPolicy": principals("cluster.local/ns/prod/sa/*")},
            {"AuthorizationPolicy": principals("*")},
            {"Sidecar": policy(egress=[{"hosts": ["./*", "istio-system/*"]}])},
            {"Sidecar": policy(egress=[{"hosts": ["*/*.prod.svc.cluster.local"]}])},
            {"Sidecar": policy(egress=[{"hosts": ["istio-system/*"]}])},
            {"Sidecar": policy()},
        ],
    )
    def test_what_names_both_or_neither(self, objects: dict[str, list[Manifest]]) -> None:
        assert problems("policy_fits_only_live", subject(virtual_service()), around(**objects)) == []

    def test_the_candidate_has_the_same_policy(self) -> None:
        green = named("web-green", spec={"selector": {"matchLabels": {"version": "green"}}, "action": "DENY"})
        both = [*policy(selector=BLUE, action="DENY"), green]
        assert problems("policy_fits_only_live", subject(virtual_service()), around(AuthorizationPolicy=both)) == []

    def test_the_candidate_has_another_policy(self) -> None:
        green = named("web-green", spec={"selector": {"matchLabels": {"version": "green"}}, "action": "ALLOW"})
        both = [*policy(selector=BLUE, action="DENY"), green]
        assert problems("policy_fits_only_live", subject(virtual_service()), around(AuthorizationPolicy=both))

    def test_labels_that_are_not_known(self) -> None:
        versions = {"blue": version("blue"), "green": LintedVersion("prod")}
        wanted = subject(virtual_service(), versions=versions)
        assert problems("policy_fits_only_live", wanted, around(AuthorizationPolicy=policy(selector=BLUE))) == []
