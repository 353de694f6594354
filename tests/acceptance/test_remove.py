# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""remove.yml deletes what a release has created, and nothing that anybody still needs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json, until
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.traffic import Gateway, Load, nothing_failed

# The roots that the cluster and the mesh put into every namespace.
OF_EVERY_NAMESPACE = ("configmap/kube-root-ca.crt", "configmap/istio-ca-")
KINDS = "virtualservices.networking.istio.io,destinationrules,services,deployments,configmaps"


def left(cluster: Cluster, namespace: str) -> set[str]:
    """What stands there, without what every namespace has."""
    return {name for name in cluster.names(KINDS, namespace) if not name.startswith(OF_EVERY_NAMESPACE)}


def seen_by_proxies(gateway: Gateway, namespace: str, host: str, **more: Any) -> Json:
    """A release whose users are seen at the entry."""
    spec = objects.release(namespace, host, observe={"probe": {"url": gateway.url}, "proxies": {}}, **more)
    for version in spec["services"]["web"]["versions"].values():
        version["replicas"] = 1
    return spec


def test_it_goes_when_nobody_calls_it_and_what_is_not_ours_stays(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    traffic_to: Callable[[str], AbstractContextManager[Load]],
    tell: Callable[[str], None],
) -> None:
    spec = seen_by_proxies(gateway, namespace, host)
    theirs = objects.service_of(namespace, "web-old", {"app": "old"})
    cluster.apply([theirs])
    playbooks.run("release", spec).succeeded()
    gateway.wait_until_served(host)
    before = cluster.versions(namespace)

    with traffic_to(host) as load:
        playbooks.run("remove", spec).refused("requests still come", "to blue", "bluegreen_force: true")
    tell(nothing_failed(load))
    assert cluster.versions(namespace) == before

    assert playbooks.run("remove", spec, "--check").succeeded().changed == 4
    assert cluster.versions(namespace) == before

    killed = playbooks.begin("remove", {"bluegreen": spec})
    killed.task("Delete what users call")
    killed.kill()
    assert "virtualservice.networking.istio.io/web" not in left(cluster, namespace)
    assert "configmap/bluegreen-web" in left(cluster, namespace)

    playbooks.run("remove", spec).succeeded()
    until(lambda: left(cluster, namespace) == {"service/web-old"}, "all but what is not ours is gone")
    playbooks.run("remove", spec).unchanged()


def test_an_unfinished_release_is_removed_by_force_alone(
    playbooks: Playbooks, cluster: Cluster, gateway: Gateway, namespace: str, host: str
) -> None:
    spec = seen_by_proxies(gateway, namespace, host, steps=[50])
    playbooks.run("release", spec).succeeded()
    playbooks.run("release", {**spec, "to": "green"}).succeeded()
    before = cluster.versions(namespace)
    playbooks.run("remove", spec).refused("green is unfinished (shifted, 50 %)", "rollback", "bluegreen_force: true")
    assert cluster.versions(namespace) == before
    playbooks.run("remove", spec, bluegreen_force=True).succeeded()
    assert left(cluster, namespace) == set()


def test_what_somebody_elses_route_leads_to_is_not_removed(
    playbooks: Playbooks, cluster: Cluster, namespace: str, host: str
) -> None:
    spec = objects.release(namespace, host, steps=[100])
    playbooks.run("release", spec).succeeded()
    # Nothing that counts requests, which is told before anything is touched.
    playbooks.run("remove", spec).refused("nothing in observe counts their requests", "bluegreen_force: true")
    cluster.apply([objects.route(namespace, "shop", {"blue": None}, "shop.example.com")])
    place = cluster.route(namespace, "shop")["spec"]["http"][0]["route"][0]["destination"]
    cluster.patch_route(
        namespace, {"spec": {"http": [{"route": [{"destination": {**place, "host": "web-blue"}}]}]}}, "shop"
    )
    before = cluster.versions(namespace)
    playbooks.run("remove", spec).refused(f"VirtualService {namespace}/shop", "not ours to delete")
    assert cluster.versions(namespace) == before
