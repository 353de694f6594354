# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a version as its user writes them: read, checked, and made into what is applied."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import SpecError
from .section import Section
from .workloads import WORKLOAD_KINDS, WorkloadRef

Manifest = dict[str, Any]

# They are not of one version alone, and a release has rights in its namespaces only.
CLUSTER_WIDE = (
    "Namespace",
    "Node",
    "PersistentVolume",
    "StorageClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "PriorityClass",
    "IngressClass",
    "GatewayClass",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
)
CONFIGURATION = ("ConfigMap", "Secret")
# A pod does not see that its configuration has changed; its template does, by this annotation.
CONFIGURATION_HASH = "bluegreen.kubernetes/configuration"


@dataclass(frozen=True)
class GivenObjects:
    """The objects of one version, with what a release has to know of them.

    ``service`` is the name of the Service through which routes reach this version alone; None without one.
    """

    objects: tuple[Mapping[str, Any], ...]
    workloads: tuple[WorkloadRef, ...]
    service: str | None
    replicas: int

    def applied(self, labels: Mapping[str, str]) -> list[Manifest]:
        """What to apply: labelled as the release's own, and with pods that are replaced with their configuration."""
        configuration = [item for item in self.objects if item["kind"] in CONFIGURATION]
        digest = hashlib.sha256(json.dumps(configuration, sort_keys=True, default=str).encode()).hexdigest()[:16]
        found = []
        for item in self.objects:
            manifest: Manifest = copy.deepcopy(dict(item))
            metadata = manifest["metadata"]
            metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
            if configuration and manifest["kind"] in WORKLOAD_KINDS:
                template = manifest["spec"]["template"].setdefault("metadata", {})
                template["annotations"] = {**(template.get("annotations") or {}), CONFIGURATION_HASH: digest}
            found.append(manifest)
        return found


def read_objects(section: Section, key: str, namespace: str, backend: str) -> GivenObjects:
    """Read a version's objects; those without a namespace are in the version's.

    ``backend`` is the name of the Service that is meant when there are several. Raises SpecError with the place of
    what is wrong.
    """
    objects = [
        _read_object(item, f"{section.at(key)}[{place}]", namespace) for place, item in enumerate(section.items(key))
    ]
    return _given(objects, section, key, backend)


def read_built_objects(
    section: Section, key: str, namespace: str, backend: str, built: Sequence[Mapping[str, Any]]
) -> GivenObjects:
    """Read the objects that were built from what stands at the key, in the same way as those of a list."""
    objects = []
    for item in built:
        name = (item.get("metadata") or {}).get("name")
        objects.append(_read_object(item, f"{section.at(key)} ({item.get('kind')} {name})", namespace))
    return _given(objects, section, key, backend)


def _given(objects: Sequence[Manifest], section: Section, key: str, backend: str) -> GivenObjects:
    _refuse_twice(objects, section.at(key))
    running = [item for item in objects if item["kind"] in WORKLOAD_KINDS]
    if not running:
        raise section.error(key, f"holds nothing that runs pods: expected one of {', '.join(WORKLOAD_KINDS)}")
    workloads = tuple(
        WorkloadRef(item["kind"], item["metadata"]["name"], item["metadata"]["namespace"]) for item in running
    )
    return GivenObjects(
        objects=tuple(objects),
        workloads=workloads,
        service=_own_service(objects, section, key, backend),
        replicas=int(running[0]["spec"].get("replicas", 1)),
    )


def _read_object(value: object, path: str, namespace: str) -> Manifest:
    if not isinstance(value, Mapping):
        raise SpecError(
            path, "expected a Kubernetes object; a file of several documents is read by from_yaml_all | list"
        )
    manifest: Manifest = copy.deepcopy(dict(value))
    for key in ("apiVersion", "kind"):
        if not isinstance(manifest.get(key), str) or not manifest[key]:
            raise SpecError(f"{path}.{key}", "is required: which object is it?")
    metadata = manifest.get("metadata")
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise SpecError(f"{path}.metadata.name", f"is required: the name of the {manifest['kind']}")
    if manifest["kind"] in CLUSTER_WIDE:
        raise SpecError(
            f"{path}.kind", f"a {manifest['kind']} belongs to the whole cluster and to no version: apply it before"
        )
    manifest["metadata"] = {"namespace": namespace, **metadata}
    if manifest["kind"] in WORKLOAD_KINDS and not isinstance((manifest.get("spec") or {}).get("template"), Mapping):
        raise SpecError(f"{path}.spec.template", f"is required: the pods of the {manifest['kind']}")
    return manifest


def identity_of(item: Mapping[str, Any]) -> tuple[str, str, str]:
    """What tells an object from all others: kind, namespace and name."""
    return str(item["kind"]), str(item["metadata"]["namespace"]), str(item["metadata"]["name"])


def _refuse_twice(objects: Sequence[Manifest], path: str) -> None:
    seen = set()
    for item in objects:
        identity = identity_of(item)
        if identity in seen:
            raise SpecError(path, f"{identity[0]} {identity[1]}/{identity[2]} is there twice")
        seen.add(identity)


def _own_service(objects: Sequence[Manifest], section: Section, key: str, backend: str) -> str | None:
    names = [item["metadata"]["name"] for item in objects if item["kind"] == "Service"]
    if len(names) <= 1 or backend in names:
        return backend if backend in names else next(iter(names), None)
    if section.has("host"):
        return None
    raise section.error(
        key,
        f"holds the Services {' and '.join(names)}: name the one that routes are to use {backend}, or say it with host",
    )
