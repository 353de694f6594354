# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what stands around a route: every kind once in each namespace, and what cannot be read is told."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Forbidden, NotFound, Ref
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import State
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.observation import observed_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.lint_release import Intent, intents
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs.lint import lint_routes

from tests.unit.releases import web

Json = dict[str, Any]
ROUTE = {"router": "istio", "name": "web", "namespace": "prod"}


def item(name: str, spec: Json, namespace: str = "prod") -> Json:
    return {
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": spec,
    }


def virtual_service(name: str = "web", *subsets: str) -> Json:
    targets = [{"host": "web", "subset": subset} for subset in subsets] or [{"host": "web-blue"}, {"host": "web-green"}]
    route = [{"destination": target, "weight": weight} for target, weight in zip(targets, (100, 0), strict=True)]
    return item(name, {"hosts": ["web.example.com"], "gateways": ["infra/public"], "http": [{"route": route}]})


def service(name: str, **selector: str) -> Json:
    return item(name, {"selector": selector})


class FakeCluster:
    """Lists of objects by plural; an error in their place is raised."""

    def __init__(self, **lists: Any) -> None:
        self.lists = {"virtualservices": [virtual_service()], **lists}
        self.asked: Counter[tuple[str, str]] = Counter()

    def items(self, ref: Ref, label_selector: str | None = None) -> Json:
        self.asked[ref.plural, str(ref.namespace)] += 1
        found = self.lists.get(ref.plural, [])
        if isinstance(found, Exception):
            raise found
        here = [entry for entry in found if entry["metadata"]["namespace"] == ref.namespace]
        if label_selector:
            wanted = dict(pair.split("=") for pair in label_selector.split(","))
            here = [entry for entry in here if wanted.items() <= entry["metadata"]["labels"].items()]
        return {"items": here}

    def find(self, ref: Ref) -> Json | None:
        return next((entry for entry in self.lists.get(ref.plural, []) if entry["metadata"]["name"] == ref.name), None)


def linted(cluster: FakeCluster, *wanted: Intent) -> tuple[list[list[str]], list[str]]:
    among: Any = cluster
    found, unread = lint_routes(among, wanted or [Intent(ROUTE)])
    return [[problem["code"] for problem in of_route] for of_route in found], unread


def test_each_kind_is_read_once_in_each_namespace() -> None:
    cluster = FakeCluster()
    assert linted(cluster, Intent(ROUTE), Intent(ROUTE)) == ([[], []], [])
    assert set(cluster.asked.values()) == {1}
    assert {plural for plural, namespace in cluster.asked if namespace == "infra"} == {
        "virtualservices",
        "destinationrules",
    }


@pytest.mark.parametrize("error", [NotFound("nothing there"), Forbidden("you may not")])
def test_what_cannot_be_read_is_told_and_hides_nothing_else(error: Exception) -> None:
    two = [virtual_service("web", "blue", "green"), virtual_service("other")]
    cluster = FakeCluster(virtualservices=two, destinationrules=error, sidecars=error)
    codes, unread = linted(cluster)
    assert codes == [["duplicate_host"]]
    assert [note.split(":")[0] for note in unread] == [
        "DestinationRule in infra",
        "DestinationRule in istio-system",
        "DestinationRule in prod",
        "Sidecar in prod",
    ]


def test_a_route_that_is_not_there_has_no_surroundings() -> None:
    assert linted(FakeCluster(virtualservices=[])) == ([[]], [])


def test_a_subset_may_be_defined_for_all_namespaces() -> None:
    entries = [{"name": name, "labels": {"v": name}} for name in ("blue", "green")]
    rule = item("web", {"host": "web.prod.svc.cluster.local", "subsets": entries}, "istio-system")
    routes = [virtual_service("web", "blue", "green")]
    assert linted(FakeCluster(virtualservices=routes, destinationrules=[rule])) == ([[]], [])
    assert linted(FakeCluster(virtualservices=routes)) == ([["subset_missing", "subset_missing"]], [])


def test_the_pods_of_subsets_are_counted() -> None:
    rule = item(
        "web", {"host": "web", "subsets": [{"name": name, "labels": {"v": name}} for name in ("blue", "green")]}
    )
    pod = {"metadata": {"name": "a", "namespace": "prod", "labels": {"app": "web", "v": "blue"}}}
    cluster = FakeCluster(
        virtualservices=[virtual_service("web", "blue", "green")],
        destinationrules=[rule],
        services=[service("web", app="web")],
        pods=[pod],
    )
    assert linted(cluster) == ([["subset_without_pods"]], [])


def test_without_a_release_the_labels_of_versions_are_those_that_their_services_select() -> None:
    policy = item("web", {"selector": {"matchLabels": {"v": "blue"}}})
    services = [service("web-blue", v="blue"), service("web-green", v="green")]
    cluster = FakeCluster(services=services, authorizationpolicies=[policy])
    assert linted(cluster, Intent(ROUTE, candidate="web-green", live="web-blue")) == ([["policy_fits_only_live"]], [])


def release(to: str = "green", **keys: Any) -> list[Intent]:
    spec = read_release(web(to=to, **keys))
    routes = [{"service": "web", "name": "web", "namespace": "prod", "weights": {"blue": 100, "green": 0}}]
    return intents(spec, observed_release(spec, State(), routes, 0.0))


def test_what_a_release_wants() -> None:
    (intent,) = release(steps=[0, 10, 50])
    assert (intent.candidate, intent.live, intent.first, intent.last) == ("green", "blue", 10, 50)
    assert (intent.retires, intent.writes_subsets) == (True, False)
    assert [manifest["kind"] for manifest in intent.planned["green"]] == ["Deployment", "Service"]
    assert {name: ref.name for name, ref in intent.standing.items()} == {"blue": "web-blue"}


def test_a_release_that_does_not_begin_wants_nothing() -> None:
    assert release(to="blue") == []


def test_a_release_of_versions_that_exist_looks_at_both() -> None:
    versions = {name: {"existing": {"deployment": name}} for name in ("blue", "green")}
    (intent,) = release(services={"web": {"versions": versions}})
    assert {name: ref.name for name, ref in intent.standing.items()} == {"blue": "blue", "green": "green"}
    assert (intent.planned, intent.retires) == ({}, False)


def test_the_candidates_autoscaler_is_the_one_that_is_going_to_be_written() -> None:
    scaled = {"image": "web:1.5", "autoscaling": {"max_replicas": 2}}
    (intent,) = release(services={"web": {"versions": {"blue": {"image": "web:1.4"}, "green": scaled}}})
    cluster = FakeCluster(deployments=[item("web-blue", {"replicas": 6, "template": {}})])
    assert linted(cluster, intent) == ([["hpa_below_share"]], [])


def test_the_candidates_autoscaler_is_the_one_that_stands() -> None:
    versions = {name: {"existing": {"deployment": f"web-{name}"}} for name in ("blue", "green")}
    (intent,) = release(services={"web": {"versions": versions}})
    target = {"kind": "Deployment", "name": "web-green"}
    scaler = item("web", {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 2})
    workloads = [
        item(f"web-{name}", {"replicas": count, "template": {}}) for name, count in (("blue", 6), ("green", 2))
    ]
    cluster = FakeCluster(deployments=workloads, horizontalpodautoscalers=[scaler])
    assert linted(cluster, intent) == ([["hpa_below_share"]], [])
