# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would make a release go wrong is found in the cluster before anything is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.acceptance import objects
from tests.acceptance.cluster import VIRTUAL_SERVICES, Cluster, until
from tests.acceptance.playbooks import Playbooks, Run
from tests.acceptance.traffic import Gateway, Load

Json = dict[str, Any]


def shadowed(namespace: str) -> Json:
    """The owner's route behind a rule that sends everything to blue."""
    route = objects.route(namespace, "web", {"blue": 100, "green": 0})
    main = route["spec"]["http"][0]
    first = {"name": "all", "match": [{"uri": {"prefix": "/"}}], "route": [{"destination": {"host": "web-blue"}}]}
    route["spec"]["http"] = [first, main]
    return route


def by_subset(namespace: str) -> Json:
    destinations = objects.subset_destinations("web", {"blue": 100, "green": 0})
    return objects.route(namespace, "web", {}, http=[{"name": "main", "route": destinations}])


def other_route(namespace: str) -> Json:
    """Somebody's older route for the same host at the same gateway, all to blue."""
    other = objects.route(namespace, "web", {"blue": 100})
    other["metadata"]["name"] = "forgotten"
    return other


def second_later(cluster: Cluster, namespace: str, name: str) -> None:
    """Objects know their age in whole seconds."""
    born = cluster.get(VIRTUAL_SERVICES, namespace, name)["metadata"]["creationTimestamp"]
    until(lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > born, "the next second")


def codes(run: Run, action: str = "traffic_info") -> list[str]:
    return [problem["code"] for problem in run.succeeded().results(action)[-1]["problems"]]


def linted(playbooks: Playbooks, namespace: str) -> Run:
    routes = [{"name": "web", "namespace": namespace}]
    return playbooks.task("traffic_info", {"routes": routes, "lint": True})


def test_a_healthy_route_of_somebody_elses_has_no_problems(
    playbooks: Playbooks, cluster: Cluster, web: str, tell: Callable[[str], None]
) -> None:
    assert codes(linted(playbooks, web)) == []
    with cluster.requests(web) as counted:
        planned = playbooks.run("plan", objects.existing(web, to="green"))
    assert codes(planned, "release_info") == []
    assert not any(task.name == "Show what may make it go wrong" and task.outcome == "ok" for task in planned.tasks)
    tell(f"a plan with what stands around its route: {counted.total()} requests")


def test_a_healthy_release_of_our_own_has_no_problems(playbooks: Playbooks, namespace: str) -> None:
    playbooks.run("release", objects.release(namespace, to="blue")).succeeded()
    planned = playbooks.run("plan", objects.release(namespace, to="green")).succeeded()
    assert planned.results("release_info")[-1]["plan"]["action"] == "start"
    assert codes(planned, "release_info") == []


@pytest.mark.parametrize("playbook", ["plan", "skeleton", "deploy", "release"])
def test_a_rule_that_no_request_reaches_is_refused_before_anything_is_written(
    playbooks: Playbooks, cluster: Cluster, web: str, playbook: str
) -> None:
    cluster.apply([shadowed(web)])
    before = cluster.versions(web)
    run = playbooks.run(playbook, objects.existing(web, to="green"))
    run.refused("rule_shadowed", "rule all stands in front of main", "accept: [rule_shadowed]")
    assert cluster.versions(web) == before


def test_what_the_user_accepts_is_not_refused(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    cluster.apply([shadowed(web)])
    run = playbooks.run("release", objects.existing(web, to="green", accept=["rule_shadowed"])).succeeded()
    first, *others = run.results("release_info")
    assert "rule_shadowed" in [problem["code"] for problem in first["problems"]]
    # What stands around the routes is read once, and never between steps.
    assert "unread" in first
    assert not any("unread" in other for other in others)
    assert cluster.weights(web, rule=1) == {"web-blue": 0, "web-green": 100}


def test_a_subset_that_nobody_has_defined_is_refused(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    cluster.apply(objects.subsets(web, "web", "blue"))
    cluster.apply([by_subset(web)])
    before = cluster.versions(web)
    run = playbooks.run("release", objects.existing(web, to="green"))
    run.refused("subset_missing", f"DestinationRule {web}/web has no such subset (it has blue)", "add {name: green")
    assert cluster.versions(web) == before
    cluster.apply(objects.subsets(web, "web", "blue", "green"))
    assert codes(playbooks.run("plan", objects.existing(web, to="green")), "release_info") == []


def test_the_older_route_of_a_host_is_the_one_that_serves(
    playbooks: Playbooks, cluster: Cluster, gateway: Gateway, namespace: str, host: str
) -> None:
    cluster.apply([*objects.workload(namespace, "web", "blue"), *objects.workload(namespace, "web", "green")])
    cluster.wait_until_ready(namespace, "web-blue", "web-green")
    cluster.apply([other_route(namespace)])
    second_later(cluster, namespace, "forgotten")
    cluster.apply([objects.route(namespace, "web", {"blue": 100, "green": 0})])
    before = cluster.versions(namespace)
    run = playbooks.run("release", objects.existing(namespace, to="green"))
    run.refused("duplicate_host", f"VirtualService {namespace}/forgotten serves {host}", "is older")
    assert cluster.versions(namespace) == before
    # What is refused would indeed have moved nothing.
    moved = {"routes": [{"name": "web", "namespace": namespace}], "weights": {"blue": 0, "green": 100}}
    playbooks.task("traffic", moved).succeeded()
    later = objects.route(namespace, "web", {"green": 100}, host=f"later.{host}")
    later["metadata"]["name"] = "later"
    cluster.apply([later])
    gateway.wait_until_served(f"later.{host}")
    assert gateway.weights(host) == {"web-blue": 100}


def test_what_a_policy_says_of_live_alone_is_told_and_does_not_refuse(
    playbooks: Playbooks, cluster: Cluster, web: str
) -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "database", "namespace": web},
        "spec": {
            "podSelector": {"matchLabels": {"app": "database"}},
            "ingress": [{"from": [{"podSelector": {"matchLabels": {objects.LABEL: "blue"}}}]}],
        },
    }
    cluster.apply([policy])
    planned = playbooks.run("plan", objects.existing(web, to="green")).succeeded()
    assert codes(planned, "release_info") == ["policy_fits_only_live"]
    assert f"NetworkPolicy {web}/database allows connections with blue and not green" in planned.output
    assert "[WARNING]: policy_fits_only_live: " in planned.output
    accepted = playbooks.run("plan", objects.existing(web, to="green", accept=["policy_fits_only_live"])).succeeded()
    assert codes(accepted, "release_info") == ["policy_fits_only_live"]
    assert "[WARNING]: policy_fits_only_live" not in accepted.output


def only_routes(cluster: Cluster, namespace: str) -> Json:
    """The kubeconfig of somebody who may read VirtualServices and nothing else."""
    role = ["role", "routes", "--verb=get,list", "--resource=virtualservices.networking.istio.io"]
    bound = ["rolebinding", "routes", "--role=routes", f"--serviceaccount={namespace}:reader"]
    token = ""
    for words in (["serviceaccount", "reader"], role, bound, ["token", "reader"]):
        made = cluster.kubectl("create", *words, "-n", namespace)
        assert made.returncode == 0, made.stderr
        token = made.stdout.strip()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {"server": cluster.url, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "reader", "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "reader"}}],
        "current-context": "lab",
    }


def test_what_may_not_be_read_is_told(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    cluster.apply([shadowed(web)])
    routes = [{"name": "web", "namespace": web}]
    arguments = {"routes": routes, "lint": True, "kubeconfig": only_routes(cluster, web), "validate_certs": False}
    run = playbooks.task("traffic_info", arguments)
    assert codes(run) == ["rule_pins_version", "rule_shadowed"]
    unread = run.results("traffic_info")[0]["unread"]
    assert [
        note for note in unread if note.startswith(f"PodDisruptionBudget in {web}: ") and "does not allow this" in note
    ]
    assert not [note for note in unread if note.startswith(f"VirtualService in {web}")]


def test_weights_divide_the_requests_of_a_user_who_is_pinned(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    web: str,
    host: str,
    traffic_to: Callable[[str], AbstractContextManager[Load]],
) -> None:
    for name in ("web-blue", "web-green"):
        rule = objects.subsets(web, name)[1]
        rule["spec"] = {"host": name, "trafficPolicy": {"loadBalancer": {"consistentHash": {"useSourceIp": True}}}}
        cluster.apply([rule])
    assert codes(linted(playbooks, web)) == ["pinned_sessions", "pinned_sessions"]
    moved = {"routes": [{"name": "web", "namespace": web}], "weights": {"blue": 50, "green": 50}}
    playbooks.task("traffic", moved).succeeded()
    since = gateway.wait_until_it_holds(host, {"web-blue": 50, "web-green": 50})
    # All of them come from one address.
    with traffic_to(host) as running:
        assert {record.version for record in running.next(100, since)} == {"blue", "green"}
