# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a version: what stands in them, and what may never."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.manifests import Scale, version_resources
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.releases import read_version, web, web_service

SELECTOR = {"app.kubernetes.io/name": "web", "app.kubernetes.io/version": "blue"}


def written(**keys: Any) -> list[dict[str, Any]]:
    """The manifests of a version with these keys."""
    release, service, version = read_version(**keys)
    return version_resources(service, version, release.name)


def one(kind: str, **keys: Any) -> dict[str, Any]:
    """The manifest of a kind."""
    (manifest,) = [manifest for manifest in written(**keys) if manifest["kind"] == kind]
    return manifest


def pod(**keys: Any) -> dict[str, Any]:
    spec: dict[str, Any] = one("Deployment", **keys)["spec"]["template"]["spec"]
    return spec


def container(**keys: Any) -> dict[str, Any]:
    (only,) = pod(**keys)["containers"]
    assert isinstance(only, dict)
    return only


def test_a_version_of_one_line_becomes_a_hardened_deployment_and_its_service() -> None:
    labels = {
        **SELECTOR,
        "app.kubernetes.io/instance": "web-blue",
        "app.kubernetes.io/managed-by": "bluegreen.kubernetes",
        "app.kubernetes.io/part-of": "web",
    }
    pod_labels = {key: value for key, value in labels.items() if key != "app.kubernetes.io/part-of"}
    assert written() == [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web-blue", "namespace": "prod", "labels": labels},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": SELECTOR},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
                "progressDeadlineSeconds": 600,
                "revisionHistoryLimit": 2,
                "template": {
                    "metadata": {"labels": pod_labels},
                    "spec": {
                        "automountServiceAccountToken": False,
                        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                        "terminationGracePeriodSeconds": 35,
                        "containers": [
                            {
                                "name": "app",
                                "image": "web:1.4",
                                "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
                                "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
                                "readinessProbe": {"tcpSocket": {"port": "http"}},
                                "securityContext": {
                                    "allowPrivilegeEscalation": False,
                                    "capabilities": {"drop": ["ALL"]},
                                },
                            }
                        ],
                    },
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web-blue", "namespace": "prod", "labels": labels},
            "spec": {
                "selector": SELECTOR,
                "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
            },
        },
    ]


def test_nothing_is_written_for_a_version_that_somebody_else_writes() -> None:
    assert written(image=None, existing={"deployment": "web-old"}) == []


@pytest.mark.parametrize("protocol", ["http", "tcp", "tls"])
def test_a_mesh_reads_the_protocol_from_the_name_of_the_port(protocol: str) -> None:
    bluegreen = web_service(protocol=protocol, port=8443, hosts=["web.example.com"])
    bluegreen["services"]["web"]["versions"]["blue"]["port"] = 9000
    release = read_release(bluegreen)
    service = release.services["web"]
    deployment, of_version = version_resources(service, service.versions["blue"], release.name)
    (inside,) = deployment["spec"]["template"]["spec"]["containers"]
    assert of_version["spec"]["ports"] == [{"name": protocol, "port": 8443, "targetPort": protocol, "protocol": "TCP"}]
    assert inside["ports"] == [{"name": protocol, "containerPort": 9000, "protocol": "TCP"}]
    assert inside["readinessProbe"] == {"tcpSocket": {"port": protocol}}


def test_the_same_release_under_another_name_restarts_no_pod() -> None:
    _release, service, version = read_version()
    first, second = (version_resources(service, version, name)[0]["spec"] for name in ("web", "web-again"))
    assert first == second


def test_labels_of_the_user_stand_beside_ours_and_select_nothing() -> None:
    manifests = written(
        labels={"tier": "front"}, autoscaling={"max_replicas": 2}, disruption_budget={"min_available": 1}
    )
    assert all(manifest["metadata"]["labels"]["tier"] == "front" for manifest in manifests)
    deployment, service = manifests[:2]
    assert deployment["spec"]["template"]["metadata"]["labels"]["tier"] == "front"
    assert deployment["spec"]["selector"]["matchLabels"] == SELECTOR
    assert service["spec"]["selector"] == SELECTOR


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("app.kubernetes.io/name", "web"),
        ("app.kubernetes.io/instance", "web-blue"),
        ("app.kubernetes.io/part-of", "web"),
        ("app.kubernetes.io/managed-by", "bluegreen.kubernetes"),
    ],
)
def test_labels_of_ours_cannot_be_replaced(label: str, value: str) -> None:
    with pytest.raises(SpecError) as refused:
        written(labels={label: "mine"})
    assert refused.value.message == (
        f"bluegreen.services.web.versions.blue.labels.{label}: is written by the collection ({value}); "
        "leave it out, or use a label of your own"
    )


def test_a_label_of_the_version_is_its_users_and_selects_nothing() -> None:
    """It may change, and a Deployment's selector cannot."""
    deployment, service = written(labels={"app.kubernetes.io/version": "v0"})
    selector = {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "web-blue"}
    for labels in (deployment["metadata"]["labels"], deployment["spec"]["template"]["metadata"]["labels"]):
        assert labels["app.kubernetes.io/version"] == "v0"
        assert selector.items() <= labels.items()
    assert deployment["spec"]["selector"]["matchLabels"] == selector
    assert service["spec"]["selector"] == selector


def test_where_a_subset_finds_its_pods_by_it_the_label_holds_the_versions_name() -> None:
    with pytest.raises(SpecError) as refused:
        written(labels={"app.kubernetes.io/version": "v0"}, subset="blue")
    assert "labels.app.kubernetes.io/version: is written by the collection (blue)" in refused.value.message


def test_annotations_are_the_pods() -> None:
    deployment = one("Deployment", annotations={"sidecar.istio.io/inject": "true"})
    assert deployment["spec"]["template"]["metadata"]["annotations"] == {"sidecar.istio.io/inject": "true"}
    assert "annotations" not in deployment["metadata"]


def test_environment_variables_keep_their_order_and_become_strings() -> None:
    secret = {"secretKeyRef": {"name": "web", "key": "token"}}
    env = {"Z": "z", "PORT": 8080, "RATIO": 0.5, "DEBUG": True, "QUIET": False, "EMPTY": "", "TOKEN": secret}
    assert container(env={**env, "POD": {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}})["env"] == [
        {"name": "Z", "value": "z"},
        {"name": "PORT", "value": "8080"},
        {"name": "RATIO", "value": "0.5"},
        {"name": "DEBUG", "value": "true"},
        {"name": "QUIET", "value": "false"},
        {"name": "EMPTY", "value": ""},
        {"name": "TOKEN", "valueFrom": secret},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]


@pytest.mark.parametrize("value", [None, ["hunter2"], {}])
def test_a_variable_that_has_no_value_is_refused_without_showing_it(value: object) -> None:
    with pytest.raises(SpecError) as refused:
        written(env={"TOKEN": value})
    assert refused.value.message == (
        "bluegreen.services.web.versions.blue.env.TOKEN: expected a string, a number, true or false, "
        "or where it comes from: {secretKeyRef: {name: …, key: …}}"
    )


def test_security_can_be_changed_key_by_key() -> None:
    spec = pod(
        pod_security_context={"fsGroup": 1000, "runAsNonRoot": False},
        security_context={"capabilities": {"add": ["NET_BIND_SERVICE"]}, "readOnlyRootFilesystem": True},
    )
    assert spec["securityContext"] == {
        "runAsNonRoot": False,
        "seccompProfile": {"type": "RuntimeDefault"},
        "fsGroup": 1000,
    }
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        "readOnlyRootFilesystem": True,
    }


def test_null_takes_a_default_away() -> None:
    spec = pod(pod_security_context={"seccompProfile": None}, security_context={"capabilities": None})
    assert spec["securityContext"] == {"runAsNonRoot": True}
    assert spec["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": False}


def test_a_token_is_mounted_only_for_an_account_that_is_named() -> None:
    assert pod()["automountServiceAccountToken"] is False
    named = pod(service_account="web")
    assert named["serviceAccountName"] == "web"
    assert "automountServiceAccountToken" not in named


def test_without_pre_stop_nothing_sleeps() -> None:
    assert "lifecycle" not in container(pre_stop=0)
    assert pod(pre_stop=0)["terminationGracePeriodSeconds"] == 30
    assert pod(pre_stop=20, grace_period=20)["terminationGracePeriodSeconds"] == 20


def test_probes_of_the_user_come_beside_the_default_or_in_its_place() -> None:
    path = {"httpGet": {"path": "/health", "port": "http"}}
    with_liveness = container(probes={"liveness": path, "startup": path})
    assert with_liveness["livenessProbe"] == with_liveness["startupProbe"] == path
    assert with_liveness["readinessProbe"] == {"tcpSocket": {"port": "http"}}
    assert container(probes={"readiness": path})["readinessProbe"] == path
    assert "readinessProbe" not in container(probes={"readiness": {}})


def test_what_the_container_is_given_is_passed_on() -> None:
    resources = {"requests": {"cpu": "100m"}, "limits": {"memory": "64Mi"}}
    inside = container(command=["serve"], args=["--fast"], resources=resources)
    assert (inside["command"], inside["args"], inside["resources"]) == (["serve"], ["--fast"], resources)


def test_who_scales_is_the_only_one_to_write_replicas() -> None:
    keys = {"replicas": 3, "autoscaling": {"max_replicas": 9, "cpu": 70}}
    assert "replicas" not in one("Deployment", **keys)["spec"]
    assert one("HorizontalPodAutoscaler", **keys)["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-blue"},
        "minReplicas": 3,
        "maxReplicas": 9,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
            }
        ],
    }


def replicas(scale: Scale | None, **keys: Any) -> int | None:
    """How many replicas the Deployment of a version asks for, beside what stands there."""
    release, service, version = read_version(**keys)
    (deployment, *_others) = version_resources(service, version, release.name, scale)
    found: int | None = deployment["spec"].get("replicas")
    return found


@pytest.mark.parametrize("scale", [None, Scale(), Scale(2), Scale(2, ours=True), Scale(0)])
def test_without_an_autoscaler_the_replicas_are_what_the_user_wants(scale: Scale | None) -> None:
    assert replicas(scale, replicas=3) == 3


@pytest.mark.parametrize(
    ("wanted", "scale", "written"),
    [
        pytest.param(4, Scale(), 4, id="a new one starts with what the user wants"),
        pytest.param(1, Scale(), 3, id="a new one starts with the autoscaler's least"),
        pytest.param(9, Scale(), 6, id="a new one starts within the autoscaler's limit"),
        pytest.param(4, Scale(0), 4, id="one at 0 has switched its autoscaler off"),
        pytest.param(4, Scale(0, ours=True), 4, id="one that we scaled to 0 too"),
        pytest.param(4, Scale(5, ours=True), 5, id="what we applied is repeated as it stands"),
        pytest.param(4, Scale(2, ours=True), 3, id="what we applied is raised to the autoscaler's least"),
        pytest.param(4, Scale(5), None, id="what somebody else has scaled is theirs"),
        pytest.param(4, Scale(1), None, id="however few they are"),
    ],
)
def test_an_autoscaler_takes_over_without_losing_a_pod(wanted: int, scale: Scale, written: int | None) -> None:
    keys = {"replicas": wanted, "autoscaling": {"min_replicas": 3, "max_replicas": 6}}
    assert replicas(scale, **keys) == written


def test_metrics_of_the_user_scale_in_place_of_cpu() -> None:
    metrics = [{"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue"}}}]
    scaler = one("HorizontalPodAutoscaler", autoscaling={"max_replicas": 9, "metrics": metrics})
    assert scaler["spec"]["metrics"] == metrics


@pytest.mark.parametrize(
    ("budget", "expected"),
    [({"min_available": 2}, {"minAvailable": 2}), ({"max_unavailable": "25%"}, {"maxUnavailable": "25%"})],
)
def test_a_disruption_budget_lets_broken_pods_go(budget: dict[str, Any], expected: dict[str, Any]) -> None:
    assert one("PodDisruptionBudget", disruption_budget=budget)["spec"] == {
        "selector": {"matchLabels": SELECTOR},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        **expected,
    }


def test_objects_come_in_the_order_to_apply_them() -> None:
    manifests = written(autoscaling={"max_replicas": 2}, disruption_budget={"min_available": 1})
    assert [(manifest["apiVersion"], manifest["kind"]) for manifest in manifests] == [
        ("apps/v1", "Deployment"),
        ("v1", "Service"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("policy/v1", "PodDisruptionBudget"),
    ]


LABELS = st.from_regex(r"[a-z][-a-z0-9]{0,25}[a-z0-9]", fullmatch=True)
PASSED_ON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
).flatmap(lambda value: st.dictionaries(st.text(max_size=5), st.just(value), max_size=3))
VERSIONS = st.fixed_dictionaries(
    {"image": st.text(min_size=1, max_size=20)},
    optional={
        "replicas": st.integers(0, 5),
        "port": st.integers(1, 65535),
        "labels": st.dictionaries(st.text("abc/.", min_size=1, max_size=8), st.text(max_size=8), max_size=3),
        "annotations": st.dictionaries(st.text("abc/.", min_size=1, max_size=8), st.text(max_size=8), max_size=3),
        "env": st.dictionaries(
            st.text("ABC", min_size=1), st.one_of(st.booleans(), st.integers(), st.floats(), st.text()), max_size=3
        ),
        "resources": PASSED_ON,
        "probes": st.fixed_dictionaries({}, optional={"readiness": PASSED_ON, "liveness": PASSED_ON}),
        "pod_security_context": PASSED_ON,
        "security_context": PASSED_ON,
        "service_account": st.none() | LABELS,
        "pre_stop": st.integers(0, 30),
        "autoscaling": st.fixed_dictionaries({"max_replicas": st.integers(5, 9)}),
        "disruption_budget": st.fixed_dictionaries({"min_available": st.integers(0, 3)}),
    },
)


def values_in(value: Any) -> Iterator[Any]:
    """The value and everything inside it."""
    yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inside:
        yield from values_in(item)


@given(service=LABELS, version=LABELS, keys=VERSIONS)
def test_whatever_is_asked_for_the_manifests_hold_together(service: str, version: str, keys: dict[str, Any]) -> None:
    release = read_release(web(services={service: {"versions": {version: keys}}}))
    found = release.services[service]
    manifests = version_resources(found, found.versions[version], release.name)
    pod_labels = manifests[0]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        manifests[0]["spec"]["selector"]["matchLabels"],
        manifests[1]["spec"]["selector"],
        *(manifest["spec"]["selector"]["matchLabels"] for manifest in manifests if "Budget" in manifest["kind"]),
    ]
    assert all(selector.items() <= pod_labels.items() for selector in selectors)
    assert None not in list(values_in(manifests))
    for manifest in manifests:
        name = manifest["metadata"]["name"]
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
        assert len(name) <= 63
