# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Autoscalers as the API server tells them: which workload is theirs, and who writes their numbers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.autoscalers import (
    seen_capacity,
    with_minimum_owned_by,
)

WORKLOAD = {"key": "web/blue", "kind": "Deployment", "name": "web-blue", "namespace": "prod"}


def entry(manager: str, *fields: str, operation: str = "Update", **keys: Any) -> dict[str, Any]:
    """One entry of managedFields, for fields of the specification."""
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "autoscaling/v2",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {f"f:{name}": {} for name in fields}},
        **keys,
    }


def deployment(*fields: dict[str, Any], spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web-blue", "managedFields": list(fields)},
        "spec": {"replicas": 4} if spec is None else spec,
        "status": status,
    }


def autoscaler(name: str = "web-blue", target: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    own = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-blue"}
    return {
        "metadata": {"name": name, **metadata},
        "spec": {"minReplicas": 2, "maxReplicas": 9, "scaleTargetRef": {**own, **(target or {})}},
    }


def test_a_workload_is_told_with_the_pods_it_wants_and_has() -> None:
    seen = seen_capacity(WORKLOAD, deployment(readyReplicas=3), [])
    assert seen == {**WORKLOAD, "exists": True, "replicas": 4, "ready": 3, "ours": False, "autoscalers": []}


def test_one_that_says_nothing_wants_one_pod_and_has_none() -> None:
    seen = seen_capacity(WORKLOAD, {"metadata": {}, "spec": {}}, [])
    assert (seen["exists"], seen["replicas"], seen["ready"]) == (True, 1, 0)


def test_one_that_is_gone_wants_nothing() -> None:
    seen = seen_capacity(WORKLOAD, None, [autoscaler()])
    assert (seen["exists"], seen["replicas"], seen["ready"], seen["ours"]) == (False, 0, 0, False)
    assert [item["name"] for item in seen["autoscalers"]] == ["web-blue"]


@pytest.mark.parametrize(
    ("fields", "ours"),
    [
        (entry("bluegreen.kubernetes", "replicas", operation="Apply"), True),
        (entry("bluegreen.kubernetes", "template", operation="Apply"), False),
        (entry("bluegreen.kubernetes", "replicas"), False),
        (entry("owner", "replicas", operation="Apply"), False),
    ],
)
def test_replicas_are_ours_only_while_what_we_applied_stands(fields: dict[str, Any], ours: bool) -> None:
    assert seen_capacity(WORKLOAD, deployment(fields), [])["ours"] is ours


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ({}, True),
        ({"apiVersion": "apps/v1beta2"}, True),
        ({"apiVersion": None}, True),
        ({"name": "web-green"}, False),
        ({"kind": "StatefulSet"}, False),
        ({"apiVersion": "argoproj.io/v1alpha1"}, False),
    ],
)
def test_only_autoscalers_of_this_workload_are_its_own(target: dict[str, Any], found: bool) -> None:
    assert bool(seen_capacity(WORKLOAD, deployment(), [autoscaler(target=target)])["autoscalers"]) is found


def test_an_autoscaler_is_told_with_its_numbers_and_their_owners() -> None:
    fields = [
        entry("helm", "minReplicas", "maxReplicas", operation="Apply", time="2026-01-01T00:00:00Z"),
        entry("kube-controller-manager", subresource="status"),
    ]
    (item,) = seen_capacity(WORKLOAD, deployment(), [autoscaler(managedFields=fields)])["autoscalers"]
    assert item == {
        "name": "web-blue",
        "min_replicas": 2,
        "max_replicas": 9,
        "controller": None,
        "keeper": None,
        "owners": [{"manager": "helm", "operation": "Apply", "apiVersion": "autoscaling/v2"}],
        "managed_fields": fields,
    }


def test_autoscalers_come_by_name() -> None:
    seen = seen_capacity(WORKLOAD, deployment(), [autoscaler("b"), autoscaler("a")])
    assert [item["name"] for item in seen["autoscalers"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("metadata", "controller"),
    [
        (
            {"ownerReferences": [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "w"}]},
            "ScaledObject w",
        ),
        ({"ownerReferences": [{"apiVersion": "x/v1", "kind": "App", "name": "w", "controller": True}]}, "App w"),
        ({"ownerReferences": [{"apiVersion": "x/v1", "kind": "App", "name": "w"}]}, None),
        ({"labels": {"scaledobject.keda.sh/name": "w"}}, "ScaledObject w"),
        ({"labels": {"app": "w"}}, None),
    ],
)
def test_what_writes_an_autoscaler_is_named(metadata: dict[str, Any], controller: str | None) -> None:
    (item,) = seen_capacity(WORKLOAD, deployment(), [autoscaler(**metadata)])["autoscalers"]
    assert item["controller"] == controller


@pytest.mark.parametrize(
    ("metadata", "keeper"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "w"}}, "Argo CD"),
        ({"labels": {"argocd.argoproj.io/instance": "w"}}, "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "w"}}, "Flux"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "w"}}, "Flux"),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {}}, None),
    ],
)
def test_what_applies_an_autoscaler_again_is_named(metadata: dict[str, Any], keeper: str | None) -> None:
    (item,) = seen_capacity(WORKLOAD, deployment(), [autoscaler(**metadata)])["autoscalers"]
    assert item["keeper"] == keeper


def test_a_field_goes_back_to_its_owner_and_leaves_everybody_else() -> None:
    owner = {"manager": "helm", "operation": "Apply", "apiVersion": "autoscaling/v2"}
    before = [entry("helm", "maxReplicas", operation="Apply"), entry("patcher", "minReplicas"), entry("x", "metrics")]
    assert with_minimum_owned_by(before, [owner]) == [
        entry("helm", "maxReplicas", "minReplicas", operation="Apply"),
        entry("x", "metrics"),
    ]


def test_an_owner_who_has_nothing_left_comes_back() -> None:
    owner = {"manager": "kubectl", "operation": "Update", "apiVersion": "autoscaling/v2"}
    assert with_minimum_owned_by([entry("patcher", "minReplicas")], [owner]) == [entry("kubectl", "minReplicas")]


def test_a_field_that_nobody_owned_is_nobodys_again() -> None:
    labelled = entry("patcher", "minReplicas")
    labelled["fieldsV1"]["f:spec"]["."] = {}
    labelled["fieldsV1"]["f:metadata"] = {"f:labels": {}}
    status = {**entry("controller"), "fieldsV1": {"f:status": {}}}
    expected = [{**labelled, "fieldsV1": {"f:metadata": {"f:labels": {}}}}, status]
    assert with_minimum_owned_by([labelled, status], []) == expected


def test_handing_back_changes_nothing_that_it_was_given() -> None:
    before = [entry("patcher", "minReplicas")]
    with_minimum_owned_by(before, [])
    assert before == [entry("patcher", "minReplicas")]
