# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes that Argo CD or Flux applies again and again, server-side and without force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.acceptance import objects
from tests.acceptance.cluster import VIRTUAL_SERVICES, Cluster, Json
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.test_gateway_api import backend, http_route
from tests.acceptance.test_service_router import CANARY, STABLE, tracked, workload


@dataclass(frozen=True)
class Kept:
    """A route that somebody applies from a manifest: who, the object, and the release that moves it.

    ``manifest`` takes the namespace and the version that has everything.
    """

    owner: str
    resource: str
    manifest: Callable[[str, str], Json]
    release: Callable[[str], Json]
    half_way: int


def virtual_service(namespace: str, version: str) -> Json:
    others = {"blue": 0, "green": 0}
    return objects.route(namespace, "web", {**others, version: 100})


def route(namespace: str, version: str) -> Json:
    return http_route(namespace, [backend(name, 100 if name == version else 0) for name in ("blue", "green")])


def service(namespace: str, version: str) -> Json:
    return objects.service_of(namespace, "web", {"app": "web", **{"blue": STABLE, "green": CANARY}[version]})


KEPT = {
    "istio": Kept(
        "argocd-controller",
        VIRTUAL_SERVICES,
        virtual_service,
        lambda namespace: objects.existing(namespace, to="green", pause="0s"),
        50,
    ),
    "gateway_api": Kept(
        "kustomize-controller",
        "httproute.gateway.networking.k8s.io",
        route,
        lambda namespace: objects.existing(namespace, router="gateway_api", to="green", pause="0s"),
        50,
    ),
    "service": Kept("argocd-controller", "service", service, tracked, 100),
}


@pytest.fixture(params=KEPT)
def kept(request: pytest.FixtureRequest, cluster: Cluster, namespace: str) -> Kept:
    """Two ready versions behind a route that its owner has applied."""
    found = KEPT[request.param]
    if request.param == "service":
        cluster.apply([workload(namespace, "blue", STABLE), workload(namespace, "green", CANARY)])
    else:
        cluster.apply([*objects.workload(namespace, "web", "blue"), *objects.workload(namespace, "web", "green")])
    cluster.apply([found.manifest(namespace, "blue")], found.owner)
    cluster.wait_until_ready(namespace, "web-blue", "web-green")
    return found


def test_the_owner_applies_on_when_a_release_is_over(
    playbooks: Playbooks, cluster: Cluster, namespace: str, kept: Kept
) -> None:
    """Without force and without a conflict, after a rollback and after a promotion, and nothing changes by it."""

    def applies(version: str) -> None:
        cluster.apply([kept.manifest(namespace, version)], kept.owner)

    def standing() -> Json:
        return cluster.get(kept.resource, namespace, "web")

    def applies_what_stands(version: str) -> None:
        before = standing()
        applies(version)
        assert standing() == before

    spec = kept.release(namespace)
    applies_what_stands("blue")
    first = standing()
    owned = _without_times(first["metadata"]["managedFields"])

    playbooks.run("deploy", spec).succeeded()
    playbooks.run("shift", spec, bluegreen_percent=kept.half_way).succeeded()
    half_way = standing()
    # While the weights move they are ours, so whoever does not force meets a conflict and changes nothing.
    with pytest.raises(AssertionError, match=r'conflict with "bluegreen\.kubernetes"'):
        applies("blue")
    assert standing() == half_way

    playbooks.run("rollback", spec).succeeded()
    applies_what_stands("blue")
    assert _without_times(standing()["metadata"]["managedFields"]) == owned

    playbooks.run("release", spec).succeeded()
    assert _without_times(standing()["metadata"]["managedFields"]) == owned
    # Its manifest says by now who has the traffic, or leaves the weights out of what it compares.
    applies_what_stands("green")
    # The same as ever: nothing keeps it from putting its old weights back, which is why the manual is needed.
    applies("blue")
    assert standing()["spec"] == first["spec"]


def _without_times(entries: list[Json]) -> list[Json]:
    return [{key: value for key, value in entry.items() if key != "time"} for entry in entries]


CHECKOUT = """\
# The shop's entry. Ask its team before you touch it.
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
    name: web          # applied by Argo CD
    namespace: {namespace}
spec:
    hosts: ["{namespace}.example.com"]
    gateways: [istio-system/public]
    http:
    -   name: main
        route:
        -   destination: {{host: web-blue, port: {{number: 80}}}}
            weight:    {blue} # today
        -   destination: {{host: web-green, port: {{number: 80}}}}
            weight: {green}
---
kind: Sealed
value: !Encrypted abc
"""


def test_the_checkout_says_what_stands_when_a_release_is_over(
    playbooks: Playbooks, cluster: Cluster, web: str, tmp_path: Path
) -> None:
    """The numbers alone change in the file, so that the owner's next apply of it agrees with the cluster."""
    file = tmp_path / "web.yaml"

    def checkout(blue: int, green: int) -> str:
        return CHECKOUT.format(namespace=web, blue=blue, green=green)

    def agrees() -> None:
        before = cluster.get(VIRTUAL_SERVICES, web, "web")
        cluster.apply([_first(file)])
        assert cluster.get(VIRTUAL_SERVICES, web, "web") == before

    file.write_text(checkout(100, 0))
    file.chmod(0o640)
    cluster.apply([_first(file)])
    spec = objects.existing(web, to="green", pause="0s")
    spec["services"]["web"]["route"] = {"write_back": str(file)}

    broken = {**spec, "services": {"web": {**spec["services"]["web"], "route": {"write_back": str(file) + ".old"}}}}
    before = cluster.versions(web)
    playbooks.run("release", broken).refused("write_back: there is no file", "web.yaml.old")
    file.write_text(checkout(100, 0).replace("web-green", "web-purple"))
    playbooks.run("release", spec).refused(str(file), "no destination for green", "yours to mend")
    assert cluster.versions(web) == before

    file.write_text(checkout(100, 0))
    predicted = playbooks.run("release", spec, "--check", "--diff").succeeded()
    assert "weight:    0 # today" in predicted.output
    assert file.read_text() == checkout(100, 0)
    playbooks.run("release", spec).succeeded()
    assert file.read_text() == checkout(0, 100)
    assert file.stat().st_mode & 0o777 == 0o640
    agrees()

    # What was lost between the journal and the file is written by the next run, and then there is nothing left to do.
    file.write_text(checkout(100, 0))
    playbooks.run("release", spec).succeeded()
    assert file.read_text() == checkout(0, 100)
    playbooks.run("release", spec).unchanged()
    playbooks.run("rollback", spec).succeeded()
    assert file.read_text() == checkout(100, 0)
    agrees()


def _first(file: Path) -> Json:
    """The object that is applied from the file; the other one is none of the cluster's."""
    return dict(yaml.safe_load(file.read_text().partition("---\n")[0]))
