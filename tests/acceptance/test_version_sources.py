# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions that their user writes as objects: inline, or as a kustomization that is built when the release is read."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import yaml

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.traffic import Gateway, Load, nothing_failed

Traffic = Callable[[str], AbstractContextManager[Load]]


def stateful(version: str, colour: str) -> list[Json]:
    """A StatefulSet with its Service and its settings, without a word of any namespace."""
    deployment, service = objects.workload("nowhere", "web", version)
    workload = {**deployment, "kind": "StatefulSet"}
    workload["spec"] = {**deployment["spec"], "serviceName": f"web-{version}"}
    settings: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"web-{version}-settings"},
        "data": {"colour": colour},
    }
    found = copy.deepcopy([settings, workload, service])
    for item in found:
        item["metadata"].pop("namespace", None)
    return found


def release(namespace: str, blue: Json, green: Json, to: str) -> Json:
    spec = objects.release(namespace, steps=[50, 100], pause="0s", to=to)
    spec["services"]["web"]["versions"] = {"blue": blue, "green": green}
    return spec


def names(cluster: Cluster, namespace: str) -> set[str]:
    found = cluster.names("deployments,statefulsets,configmaps,services", namespace)
    return {name.split("/", 1)[1] for name in found if "/web-" in name}


def test_objects_inline_there_and_back(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    traffic_to: Traffic,
    tell: Callable[[str], None],
) -> None:
    """From an image to a StatefulSet with settings of its own, which go with it when the next version comes."""
    image = {"image": "registry.example.com/web:1.4", "port": 8080}
    playbooks.run("release", release(namespace, image, {"manifests": stateful("green", "a")}, to="blue")).succeeded()
    gateway.wait_until_served(host)
    with traffic_to(host) as load:
        spec = release(namespace, image, {"manifests": stateful("green", "a")}, to="green")
        playbooks.run("release", spec).succeeded()
        playbooks.run("release", spec).unchanged()
        assert names(cluster, namespace) == {"web-green", "web-green-settings"}
        pods = cluster.get("statefulset", namespace, "web-green")["spec"]["template"]["metadata"]["annotations"]
        playbooks.run("release", {**spec, "to": "blue"}).succeeded()
        assert names(cluster, namespace) == {"web-blue"}
        changed = release(namespace, image, {"manifests": stateful("green", "b")}, to="green")
        playbooks.run("deploy", changed).succeeded()
        again = cluster.get("statefulset", namespace, "web-green")["spec"]["template"]["metadata"]["annotations"]
        # Other settings are other pods.
        assert again.keys() == pods.keys()
        assert again != pods
        playbooks.run("rollback", changed).succeeded()
    tell(nothing_failed(load))


def test_a_kustomization_is_built_when_the_release_is_read(
    playbooks: Playbooks, cluster: Cluster, gateway: Gateway, namespace: str, host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "green"
    folder.mkdir()
    (folder / "web.yaml").write_text(yaml.safe_dump_all(objects.workload("nowhere", "web", "green")))
    kustomization = {"namespace": "${example_namespace}", "resources": ["web.yaml"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    green = {"kustomize": {"path": str(folder), "substitute": {"example_namespace": namespace}}}
    image = {"image": "registry.example.com/web:1.4", "port": 8080}
    playbooks.run("release", release(namespace, image, green, to="blue")).succeeded()
    gateway.wait_until_served(host)
    playbooks.run("release", release(namespace, image, green, to="green")).succeeded()
    assert cluster.weights(namespace) == {"web-green": 100}
    kustomization["resources"].append("missing.yaml")  # type: ignore[attr-defined]
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    before = cluster.versions(namespace)
    playbooks.run("release", release(namespace, image, green, to="green")).refused(
        "versions.green.kustomize", "missing.yaml"
    )
    assert cluster.versions(namespace) == before
