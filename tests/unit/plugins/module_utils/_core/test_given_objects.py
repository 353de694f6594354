# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions whose objects their user writes: what is applied of them, and what a release knows of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.given_objects import CONFIGURATION_HASH
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.manifests import version_resources
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import Version, read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.workloads import WorkloadRef

from tests.unit.releases import refusal, web

Json = dict[str, Any]


def workload(name: str, kind: str = "Deployment", **spec: Any) -> Json:
    pods = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": pods, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def service(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": name}}}


def configuration(value: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web-settings"}, "data": {"colour": value}}


def release_of(*manifests: Any, **version: Any) -> Json:
    return web(services={"web": {"versions": {"blue": {"manifests": list(manifests), **version}}}})


def read(*manifests: Json, **version: Any) -> Version:
    return read_release(release_of(*manifests, **version)).services["web"].versions["blue"]


def applied(*manifests: Json) -> list[Json]:
    release = read_release(release_of(*manifests))
    found = release.services["web"]
    return version_resources(found, found.versions["blue"], release.name)


def test_everything_but_labels_and_namespace_is_as_it_was_written() -> None:
    written = [workload("web-one", replicas=3), service("web-one")]
    before = copy.deepcopy(written)
    for was, made in zip(before, applied(*written), strict=True):
        assert made["metadata"].pop("namespace") == "prod"
        assert made["metadata"].pop("labels")["app.kubernetes.io/managed-by"] == "bluegreen.kubernetes"
        assert made == was
    assert written == before


def test_an_object_stays_in_the_namespace_that_it_names() -> None:
    elsewhere = service("web-one")
    elsewhere["metadata"]["namespace"] = "shared"
    assert [item["metadata"]["namespace"] for item in applied(workload("web-one"), elsewhere)] == ["prod", "shared"]


def test_pods_are_replaced_when_their_configuration_changes() -> None:
    def pods(value: str) -> Json:
        return dict(applied(workload("web-one"), configuration(value))[0]["spec"]["template"]["metadata"])

    first, second = pods("blue"), pods("green")
    assert first["labels"] == second["labels"] == {"app": "web-one"}
    assert first["annotations"][CONFIGURATION_HASH] != second["annotations"][CONFIGURATION_HASH]
    assert pods("blue") == first


def test_a_release_knows_what_runs_and_what_reaches_it() -> None:
    version = read(service("web-one"), workload("web-one", "StatefulSet", replicas=4), workload("web-worker"))
    assert version.workloads == (
        WorkloadRef("StatefulSet", "web-one", "prod"),
        WorkloadRef("Deployment", "web-worker", "prod"),
    )
    assert (version.own_service, version.is_ours, version.runs_as.name) == ("web-one", True, "web-one")
    assert version.given is not None
    assert version.given.replicas == 4


def test_of_several_services_the_one_of_the_versions_name_is_meant() -> None:
    assert read(workload("a"), service("metrics"), service("web-blue")).own_service == "web-blue"
    assert read(workload("a"), service("metrics"), service("api"), host="api").own_service is None
    assert read(workload("a")).own_service is None


def test_another_manifest_is_another_specification() -> None:
    hashes = {read(workload("a", replicas=count)).spec_hash for count in (1, 2)}
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("manifests", "path", "problem"),
    [
        ([], "", "holds nothing that runs pods: expected one of Deployment, StatefulSet, DaemonSet"),
        ([service("web")], "", "holds nothing that runs pods"),
        (["web.yml"], "[0]", "expected a Kubernetes object; a file of several documents is read by from_yaml_all"),
        ([{"kind": "Service"}], "[0].apiVersion", "is required"),
        ([workload("a"), {**service("a"), "metadata": {}}], "[1].metadata.name", "the name of the Service"),
        ([{**workload("a"), "spec": {}}], "[0].spec.template", "the pods of the Deployment"),
        (
            [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}],
            "[0].kind",
            "a Namespace belongs to the whole cluster and to no version: apply it before",
        ),
        ([workload("a"), workload("a")], "", "Deployment prod/a is there twice"),
        ([workload("a"), service("b"), service("c")], "", "holds the Services b and c: name the one"),
    ],
)
def test_objects_that_are_refused(manifests: list[Any], path: str, problem: str) -> None:
    said = refusal(release_of(*manifests))
    assert said.startswith(f"bluegreen.services.web.versions.blue.manifests{path}: ")
    assert problem in said


def test_two_versions_never_write_one_object() -> None:
    """Not even a StatefulSet of the same name, whose claims both would use."""
    versions = {name: {"manifests": [workload("web", "StatefulSet")]} for name in ("blue", "green")}
    assert refusal(web(services={"web": {"versions": versions}})) == (
        "bluegreen.services.web.versions.green.manifests: StatefulSet prod/web is an object of web.versions.blue too: "
        "each version needs names of its own"
    )
