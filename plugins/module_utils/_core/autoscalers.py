# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workloads and their HorizontalPodAutoscalers as the API server tells them, read into what a release needs to know.

Who owns a number says who will write it again, see
U(https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .model import MANAGED_BY

Plain = dict[str, Any]
Object = Mapping[str, Any]

API_VERSION = "autoscaling/v2"
KIND = "HorizontalPodAutoscaler"

# Where tools that apply manifests again and again leave their mark: on labels, or on annotations.
_KEEPERS = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
}
_KEDA_LABEL = "scaledobject.keda.sh/name"


def seen_capacity(workload: Object, found: Object | None, autoscalers: Iterable[Object]) -> Plain:
    """A workload and what scales it: ``workload`` names it, ``found`` is the object or None when there is none.

    ``ours`` says whether its replicas are a number that we applied and that nobody has changed since.
    """
    spec, status = (found or {}).get("spec") or {}, (found or {}).get("status") or {}
    return {
        **workload,
        "exists": found is not None,
        "replicas": status.get("desiredNumberScheduled", spec.get("replicas", 1)) if found is not None else 0,
        "ready": status.get("numberReady", status.get("readyReplicas")) or 0,
        "ours": any(
            entry.get("manager") == MANAGED_BY and entry.get("operation") == "Apply" and _owns(entry, "replicas")
            for entry in _managed_fields(found or {})
        ),
        "autoscalers": sorted(
            (_seen_autoscaler(item) for item in autoscalers if _scales(item, workload)), key=lambda item: item["name"]
        ),
    }


def _seen_autoscaler(autoscaler: Object) -> Plain:
    fields = _managed_fields(autoscaler)
    return {
        "name": autoscaler["metadata"]["name"],
        "min_replicas": autoscaler["spec"].get("minReplicas"),
        "max_replicas": autoscaler["spec"]["maxReplicas"],
        "controller": _controller(autoscaler["metadata"]),
        "keeper": _keeper(autoscaler["metadata"]),
        "owners": [_identity(entry) for entry in fields if _owns(entry, "minReplicas")],
        "managed_fields": fields,
    }


def with_minimum_owned_by(managed_fields: Sequence[Object], owners: Sequence[Object]) -> list[Plain]:
    """Who owns what, with ``minReplicas`` taken from all who own it now and given to those who were its owners."""
    entries = [_without(entry) for entry in managed_fields]
    for owner in owners:
        mine = next((entry for entry in entries if _identity(entry) == owner), None)
        if mine is None:
            mine = {**owner, "fieldsType": "FieldsV1", "fieldsV1": {}}
            entries.append(mine)
        mine["fieldsV1"].setdefault("f:spec", {})["f:minReplicas"] = {}
    return [entry for entry in entries if entry["fieldsV1"]]


def _scales(autoscaler: Object, workload: Object) -> bool:
    target = autoscaler["spec"]["scaleTargetRef"]
    group = (target.get("apiVersion") or "apps/v1").split("/")[0]
    return (group, target["kind"], target["name"]) == ("apps", workload["kind"], workload["name"])


def _controller(metadata: Object) -> str | None:
    """What writes an autoscaler, and would undo any change to it."""
    for owner in metadata.get("ownerReferences") or []:
        if owner.get("controller") or str(owner.get("apiVersion")).startswith("keda.sh/"):
            return f"{owner['kind']} {owner['name']}"
    scaled_object = (metadata.get("labels") or {}).get(_KEDA_LABEL)
    return f"ScaledObject {scaled_object}" if scaled_object else None


def _keeper(metadata: Object) -> str | None:
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    return next((tool for mark, tool in _KEEPERS.items() if mark in marks), None)


def _managed_fields(found: Object) -> list[Plain]:
    return (found.get("metadata") or {}).get("managedFields") or []


def _owns(entry: Object, field: str) -> bool:
    return f"f:{field}" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})


def _without(entry: Object) -> Plain:
    """An entry that does not own ``minReplicas``; of one that owned nothing else, no fields are left."""
    mine: Plain = copy.deepcopy(dict(entry))
    fields: Plain = mine.setdefault("fieldsV1", {})
    spec = fields.get("f:spec") or {}
    spec.pop("f:minReplicas", None)
    if not set(spec) - {"."}:
        fields.pop("f:spec", None)
    return mine


def _identity(entry: Object) -> Plain:
    return {key: entry[key] for key in ("manager", "operation", "apiVersion", "subresource") if key in entry}
