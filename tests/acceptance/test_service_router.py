# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases without a mesh: the selector of a Service leads everything to one version, and then to another.

Something has to carry requests to a Service, and the lab has no kube-proxy: a gateway in front does it, as an ingress
controller would. It knows nothing of versions, and follows the endpoints of the one Service.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.test_check_mode import patches
from tests.acceptance.traffic import Gateway, Load, nothing_failed

Traffic = Callable[[str], AbstractContextManager[Load]]
STABLE, CANARY = {"track": "stable"}, {"track": "canary"}
SWITCH = [
    {"op": "test", "path": "/spec/selector/track", "value": "stable"},
    {"op": "replace", "path": "/spec/selector/track", "value": "canary"},
]


def entry(namespace: str) -> Json:
    """What leads requests from outside to the Service, whatever it selects."""
    route = objects.route(namespace, "entry", {})
    route["spec"]["http"] = [{"route": [{"destination": {"host": "web", "port": {"number": 80}}}]}]
    return route


def observing(gateway: Gateway, host: str) -> Json:
    return {"probe": {"url": gateway.url, "host": host, "rate": 200}}


def ours(namespace: str, **more: Any) -> Json:
    spec = objects.release(namespace, router="service", **{"steps": [0, 100], **more})
    del spec["services"]["web"]["gateways"]
    return spec


def tracked(namespace: str, **more: Any) -> Json:
    """Deployments of somebody else's behind a Service that tells them apart by a label of its owner's."""
    spec = objects.existing(namespace, router="service", to="green", pause="0s", **{"steps": [100], **more})
    versions = spec["services"]["web"]["versions"]
    versions["blue"]["selector"], versions["green"]["selector"] = STABLE, CANARY
    return spec


def workload(namespace: str, version: str, track: Json, replicas: int = 1) -> Json:
    deployment, _service = objects.workload(namespace, "web", version, replicas=replicas)
    for labels in (deployment["spec"]["selector"]["matchLabels"], deployment["spec"]["template"]["metadata"]["labels"]):
        labels.update(track)
    return deployment


def service(cluster: Cluster, namespace: str) -> Json:
    return cluster.get("service", namespace, "web")


def selector(cluster: Cluster, namespace: str) -> Json:
    return dict(service(cluster, namespace)["spec"]["selector"])


def without_track(found: Json) -> Json:
    rest = copy.deepcopy(found)
    for key in ("resourceVersion", "managedFields"):
        rest["metadata"].pop(key)
    rest["metadata"].pop("generation", None)
    rest["spec"]["selector"].pop("track")
    return rest


def managers(found: Json) -> set[str]:
    return {entry["manager"] for entry in found["metadata"]["managedFields"]}


@pytest.fixture
def two_tracks(cluster: Cluster, namespace: str) -> str:
    """Two ready versions, and a Service of their owner's that selects the stable one."""
    cluster.apply([workload(namespace, "blue", STABLE), workload(namespace, "green", CANARY)])
    cluster.apply([objects.service_of(namespace, "web", {"app": "web", **STABLE})])
    cluster.wait_until_ready(namespace, "web-blue", "web-green")
    return namespace


def test_a_service_of_ours_there_and_back(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    traffic_to: Traffic,
    tell: Callable[[str], None],
) -> None:
    """First install, a switch and the way back, and a release to its end, under requests all the while."""
    spec = ours(namespace, to="green", observe=observing(gateway, host))
    cluster.apply([entry(namespace)])
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    assert selector(cluster, namespace) == {"app.kubernetes.io/name": "web", "app.kubernetes.io/version": "blue"}
    gateway.wait_until_served(host)
    with traffic_to(host) as load:
        for stage in ("deploy", "shift"):
            playbooks.run(stage, spec).succeeded()
        assert selector(cluster, namespace)["app.kubernetes.io/version"] == "green"
        with cluster.requests(namespace) as sent:
            playbooks.run("rollback", spec).succeeded()
        assert sent["patch services"] == 1
        assert selector(cluster, namespace)["app.kubernetes.io/version"] == "blue"
        playbooks.run("release", spec).succeeded()
        assert selector(cluster, namespace) == {"app.kubernetes.io/name": "web", "app.kubernetes.io/version": "green"}
        assert cluster.names("deployments,services", namespace) == {
            "deployment.apps/web-green",
            "service/web-green",
            "service/web",
        }
        playbooks.run("release", spec).unchanged()
    tell(nothing_failed(load))


def test_a_service_of_somebody_else(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    two_tracks: str,
    host: str,
    traffic_to: Traffic,
    tell: Callable[[str], None],
) -> None:
    """One label changes as check mode says, and nothing else of it; it is its owner's again at the end."""
    cluster.apply([entry(two_tracks)])
    gateway.wait_until_served(host)
    before = service(cluster, two_tracks)
    spec = tracked(two_tracks, observe=observing(gateway, host))
    predicted = playbooks.run("release", spec, "--check", "--diff").succeeded()
    assert service(cluster, two_tracks) == before
    with traffic_to(host) as load:
        sent = playbooks.run("release", spec).succeeded()
        assert patches(predicted) == patches(sent) == [("web", SWITCH)]
        playbooks.run("release", spec).unchanged()
    after = service(cluster, two_tracks)
    assert after["spec"]["selector"] == {"app": "web", **CANARY}
    assert without_track(after) == without_track(before)
    assert managers(after) == managers(before)
    tell(nothing_failed(load))


def test_the_switch_waits_for_pods_that_the_selector_would_find(
    playbooks: Playbooks, cluster: Cluster, namespace: str
) -> None:
    """The candidate runs, but under another label than the one that the Service is to be led to."""
    cluster.apply([workload(namespace, "blue", STABLE), workload(namespace, "green", {"track": "next"})])
    cluster.apply([objects.service_of(namespace, "web", {"app": "web", **STABLE})])
    cluster.wait_until_ready(namespace, "web-blue", "web-green")
    before = service(cluster, namespace)
    run = playbooks.run("release", tracked(namespace))
    run.refused("0 ready pods have the labels app=web,track=canary, 1 wanted")
    assert service(cluster, namespace)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_what_a_service_cannot_do_is_refused_before_anything_is_touched(
    playbooks: Playbooks, cluster: Cluster, two_tracks: str
) -> None:
    before = cluster.versions(two_tracks)
    possible = "the steps that are possible are 0 and 100, got 50"
    playbooks.run("release", tracked(two_tracks, steps=[50, 100])).refused("bluegreen.steps[0]", possible)
    playbooks.run("release", tracked(two_tracks), bluegreen_percent=50).refused("bluegreen_percent", possible)
    playbooks.run("release", tracked(two_tracks, mirror={"percent": 10})).refused("bluegreen.mirror")
    route = {"router": "service", "name": "web", "namespace": two_tracks}
    versions = {"blue": {"selector": STABLE}, "green": {"selector": CANARY}}
    routes = [{**route, "versions": versions}]
    split = playbooks.task("traffic", {"routes": routes, "weights": {"blue": 50, "green": 50}})
    split.refused(f"Service {two_tracks}/web", "possible are 0 and 100")
    playbooks.task("traffic_info", {"routes": routes, "unused": ["blue"]}).refused(
        "blue cannot be retired", f"Service {two_tracks}/web, selector (weight 100)"
    )
    playbooks.task("traffic_info", {"routes": routes, "unused": ["green"]}).succeeded()
    assert cluster.versions(two_tracks) == before
