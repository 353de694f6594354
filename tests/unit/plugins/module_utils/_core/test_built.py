# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions whose objects are built: what is read of them, what a release knows of what was built."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.built import (
    Built,
    HelmChart,
    Kustomization,
    merged_values,
    substituted,
    with_weights,
    without_hooks,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.manifests import (
    standing_resources,
    version_resources,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release, refuse_unbuilt
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.taking import refuse_untakable
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.workloads import WorkloadRef

from tests.unit.releases import refusal, web

Json = dict[str, Any]

BLUE = "bluegreen.services.web.versions.blue"
DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web-one"},
    "spec": {"replicas": 3, "template": {"spec": {}}},
}
SERVICE: Json = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web-one"}}


def made_of(**blue: Any) -> Json:
    return web(services={"web": {"versions": {"blue": blue, "green": {"image": "web:1.5"}}}})


def built_from(written: Json, *objects: Json, content: object = "one") -> Any:
    release = read_release(written, {("web", "blue"): Built(objects, content)})
    return release, release.services["web"].versions["blue"]


def test_a_chart_is_read_with_the_name_of_its_release() -> None:
    release = read_release(made_of(helm={"chart": "./web", "values": {"image": "web:1.4"}}))
    assert release.services["web"].versions["blue"].source == HelmChart(
        f"{BLUE}.helm", "./web", "web-blue", "prod", values={"image": "web:1.4"}
    )
    with pytest.raises(SpecError, match="only the module release_info builds them"):
        refuse_unbuilt(release)


@pytest.mark.parametrize("written", ["app/blue", {"path": "app/blue"}])
def test_a_kustomization_is_a_path_or_a_path_with_more(written: object) -> None:
    version = read_release(made_of(kustomize=written)).services["web"].versions["blue"]
    assert version.source == Kustomization(f"{BLUE}.kustomize", "app/blue")


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ({"helm": {}}, f"{BLUE}.helm.chart: is required"),
        ({"helm": "web"}, f'{BLUE}.helm: expected a mapping, got "web"'),
        ({"helm": {"chart": "web", "value": {}}}, f"{BLUE}.helm.value: unknown key; did you mean values?"),
        ({"helm": {"chart": "web", "release_name": "Web"}}, f'{BLUE}.helm.release_name: "Web" is no name of a Helm'),
        ({"kustomize": {"substitute": {}}}, f"{BLUE}.kustomize.path: is required"),
        ({"kustomize": {"path": "a", "substitute": {"a-b": 1}}}, f"{BLUE}.kustomize.substitute.a-b: is no name"),
        ({"kustomize": {"path": "a", "substitute": {"a": []}}}, f"{BLUE}.kustomize.substitute.a: expected a string"),
        ({"helm": {"chart": "web"}, "replicas": 2}, f"{BLUE}.replicas: unknown key"),
        ({"helm": {"chart": "a"}, "kustomize": "a"}, f"{BLUE}: expected just one of image, manifests, helm, kustomize"),
    ],
)
def test_what_is_refused(version: Json, message: str) -> None:
    assert refusal(made_of(**version)).startswith(message)


def test_two_versions_are_never_one_helm_release() -> None:
    chart = {"helm": {"chart": "web", "release_name": "web"}}
    assert refusal(web(services={"web": {"versions": {"blue": chart, "green": chart}}})) == (
        f"bluegreen.services.web.versions.green.helm.release_name: web is the Helm release of {BLUE}.helm too"
    )


def test_what_helm_applies_is_known_and_not_applied_by_us() -> None:
    release, version = built_from(made_of(helm={"chart": "web"}), DEPLOYMENT, SERVICE)
    refuse_unbuilt(release)
    assert version.workloads == (WorkloadRef("Deployment", "web-one", "prod"),)
    assert version.own_service == "web-one"
    assert version_resources(release.services["web"], version, "web") == []
    standing = standing_resources(release.services["web"], version, "web")
    assert [(item["kind"], item["metadata"]["namespace"]) for item in standing] == [
        ("Deployment", "prod"),
        ("Service", "prod"),
    ]


def test_what_kustomize_builds_is_applied_like_a_list() -> None:
    release, version = built_from(made_of(kustomize="web"), DEPLOYMENT, SERVICE)
    applied = version_resources(release.services["web"], version, "web")
    assert [item["metadata"]["labels"]["app.kubernetes.io/managed-by"] for item in applied] == [
        "bluegreen.kubernetes"
    ] * 2


def test_a_specification_is_its_content_wherever_it_lies() -> None:
    def spec_hash(path: str, content: str) -> str:
        written = made_of(helm={"chart": path})
        return str(built_from(written, DEPLOYMENT, content=content)[1].spec_hash)

    assert spec_hash("/home/a/chart", "one") == spec_hash("/runner/chart", "one")
    assert spec_hash("/home/a/chart", "one") != spec_hash("/home/a/chart", "two")


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([SERVICE], f"{BLUE}.helm: holds nothing that runs pods"),
        (
            [{"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "a"}}],
            f"{BLUE}.helm (Namespace a).kind: a Name",
        ),
        (
            [DEPLOYMENT, SERVICE, {**SERVICE, "metadata": {"name": "web-admin"}}],
            f"{BLUE}.helm: holds the Services web-one and web-admin: name the one that routes are to use web-blue",
        ),
    ],
)
def test_objects_that_are_refused(objects: list[Json], message: str) -> None:
    with pytest.raises(SpecError) as refused:
        built_from(made_of(helm={"chart": "web"}), *objects)
    assert refused.value.message.startswith(message)


def test_hooks_and_tests_of_a_chart_are_nothing_to_wait_for() -> None:
    hook = {"kind": "Job", "metadata": {"name": "migrate", "annotations": {"helm.sh/hook": "pre-upgrade"}}}
    assert without_hooks([hook, DEPLOYMENT]) == (DEPLOYMENT,)


def test_values_are_merged_as_helm_does_it() -> None:
    base = {"image": {"name": "web", "tag": "1"}, "hosts": ["a", "b"]}
    assert merged_values(base, {"image": {"tag": "2"}, "hosts": ["c"]}) == {
        "image": {"name": "web", "tag": "2"},
        "hosts": ["c"],
    }


def settings(**data: str) -> Json:
    return {"kind": "ConfigMap", "metadata": {"name": "web", "namespace": "${ns}"}, "data": data}


def test_placeholders_get_their_values() -> None:
    kustomization = Kustomization("path", "dir", {"ns": "prod", "count": 3, "HOME": None})
    written = {**settings(url="http://web.${ns}:80", home="${HOME}/x"), "count": "${count}"}
    assert substituted(kustomization, [written]) == (
        {
            "kind": "ConfigMap",
            "metadata": {"name": "web", "namespace": "prod"},
            "data": {"url": "http://web.prod:80", "home": "${HOME}/x"},
            "count": 3,
        },
    )


@pytest.mark.parametrize("substitute", [{}, {"other": "x"}])
def test_a_placeholder_without_a_value_is_refused_by_its_name(substitute: Json) -> None:
    with pytest.raises(SpecError, match=r"^path: what it builds holds \$\{ns\}, which has no value"):
        substituted(Kustomization("path", "dir", substitute), [settings()])


def test_a_script_keeps_its_own_placeholders_when_nothing_is_substituted() -> None:
    written = {"kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"run.sh": "echo ${HOME}"}}
    assert substituted(Kustomization("path", "dir"), [written]) == (written,)


def with_route(**helm: Any) -> Json:
    release = web()
    release["services"]["web"]["route"] = {"helm": {"chart": "web", **helm}}
    return release


WEIGHTS = {"blue": "blue.weight", "green": "green.weight"}


def test_a_route_may_be_a_chart_too() -> None:
    (route,) = read_release(with_route(weight_values=WEIGHTS)).services["web"].routes
    assert route.chart == HelmChart(
        "bluegreen.services.web.route.helm", "web", "web", "prod", weight_values=WEIGHTS
    )  # fmt: skip


@pytest.mark.parametrize("weight_values", [None, {"blue": "blue.weight"}, {**WEIGHTS, "red": "red.weight"}])
def test_a_chart_that_would_reset_a_weight_is_refused(weight_values: Json | None) -> None:
    assert refusal(with_route(weight_values=weight_values)) == (
        "bluegreen.services.web.route.helm.weight_values: expected the place of each version's weight in the values, "
        "for blue, green: any other would be reset when the chart is installed again"
    )


def test_a_versions_chart_has_no_weights() -> None:
    said = refusal(made_of(helm={"chart": "web", "weight_values": WEIGHTS}))
    assert said.startswith(f"{BLUE}.helm.weight_values: unknown key")


def test_weights_come_into_the_values_where_the_chart_has_them() -> None:
    chart = HelmChart("path", "web", "web", "prod", weight_values={**WEIGHTS, "red": "red"})
    assert with_weights(chart, {"blue": {"weight": 100, "colour": 1}}, {"blue": 25, "green": 75}) == {
        "blue": {"weight": 25, "colour": 1},
        "green": {"weight": 75},
        "red": 0,
    }


def test_a_chart_is_never_taken_into_another_place() -> None:
    written = {**made_of(helm={"chart": "web"}), "promote": {"into": "green"}}
    release, _version = built_from(written, DEPLOYMENT, SERVICE)
    with pytest.raises(SpecError, match=r"promote\.into"):
        refuse_untakable(release)
