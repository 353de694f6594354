# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a version: a hardened Deployment, its Service and, when asked for, what scales and protects it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .built import HelmChart
from .errors import SpecError
from .model import ROOT, Service, Version, Workload, owned_labels

Manifest = dict[str, Any]

CONTAINER = "app"
VERSION_LABEL = "app.kubernetes.io/version"

# What the Pod Security Standard "restricted" demands of a pod and of its containers.
POD_SECURITY: Mapping[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_SECURITY: Mapping[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True)
class Scale:
    """How far a version's Deployment is scaled; ``replicas`` is None when there is no Deployment.

    ``ours`` says whether the number is one that we applied and that nobody has changed since.
    """

    replicas: int | None = None
    ours: bool = False


def version_resources(service: Service, version: Version, release: str, scale: Scale | None = None) -> list[Manifest]:
    """The manifests of a version in the order to apply them; none for one that somebody else or Helm applies.

    With ``scale``, they may be applied to what stands there without taking pods away from it; without, as nobody has
    looked, a Deployment that is scaled by an autoscaler says nothing of its replicas.
    """
    if isinstance(version.source, HelmChart):
        return []
    if version.given is not None:
        return version.given.applied(owned_labels(release, service.name))
    workload = version.workload
    if workload is None:
        return []
    writer = _Writer(service, version, workload, release, scale)
    manifests = [writer.deployment(), writer.service_of_version()]
    if workload.autoscaling:
        manifests.append(writer.autoscaler())
    if workload.disruption_budget:
        manifests.append(writer.disruption_budget())
    return [_without_nulls(manifest) for manifest in manifests]


def standing_resources(service: Service, version: Version, release: str) -> list[Manifest]:
    """The objects of a version as they will stand, whoever applies them; none for one that somebody else writes."""
    if isinstance(version.source, HelmChart) and version.given is not None:
        return [dict(item) for item in version.given.objects]
    return version_resources(service, version, release)


def selector_labels(service: str, version: str) -> dict[str, str]:
    """What selects the pods of a version. A Deployment's selector can never be changed, so nothing else goes in."""
    return {"app.kubernetes.io/name": service, VERSION_LABEL: version}


def _selector(version: Version, workload: Workload) -> dict[str, str]:
    """The labels that select the pods of a version; what its user says of the version's label may change."""
    if VERSION_LABEL in workload.labels:
        return {"app.kubernetes.io/name": version.service, "app.kubernetes.io/instance": version.backend}
    return selector_labels(version.service, version.name)


class _Writer:
    """Writes the manifests of one version."""

    def __init__(
        self, service: Service, version: Version, workload: Workload, release: str, scale: Scale | None
    ) -> None:
        self._service = service
        self._version = version
        self._workload = workload
        self._scale = scale
        self._path = f"{ROOT}.services.{service.name}.versions.{version.name}"
        self._selector = _selector(version, workload)
        own = {
            **owned_labels(release, service.name),
            **self._selector,
            "app.kubernetes.io/instance": version.backend,
            # By it a subset finds its pods.
            **({VERSION_LABEL: version.name} if version.subset else {}),
        }
        taken = sorted(set(workload.labels) & set(own))
        if taken:
            raise SpecError(
                f"{self._path}.labels.{taken[0]}",
                f"is written by the collection ({own[taken[0]]}); leave it out, or use a label of your own",
            )
        self._labels = {**workload.labels, **own}
        # The release's name is no label of pods: under another name, the same release would restart all of them.
        self._pod_labels = {key: value for key, value in self._labels.items() if key != "app.kubernetes.io/part-of"}

    def deployment(self) -> Manifest:
        """The Deployment, hardened and replaced pod by pod."""
        return self._manifest(
            "apps/v1",
            "Deployment",
            {
                "replicas": self._replicas(),
                "selector": {"matchLabels": self._selector},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
                "progressDeadlineSeconds": 600,
                "revisionHistoryLimit": 2,
                "template": {
                    "metadata": {"labels": self._pod_labels, "annotations": dict(self._workload.annotations) or None},
                    "spec": self._pod(),
                },
            },
        )

    def _replicas(self) -> int | None:
        """How many pods the Deployment asks for, or None where that is for the autoscaler alone to say.

        A number that we applied is taken away by an apply without it, and what is then left is one pod. So it is
        repeated as it stands for as long as it is ours, which ends when the autoscaler first changes it.
        """
        scaling, scale = self._workload.autoscaling, self._scale
        if not scaling:
            return self._workload.replicas
        if scale is None:
            return None
        least: int = scaling["min_replicas"]
        if not scale.replicas:
            # An autoscaler takes up to its interval to raise a new Deployment, and leaves one at 0 alone.
            return min(max(self._workload.replicas, least), int(scaling["max_replicas"]))
        return max(scale.replicas, least) if scale.ours else None

    def service_of_version(self) -> Manifest:
        """The Service through which routes reach this version alone."""
        port = {
            "name": self._service.protocol,
            "port": self._service.port,
            "targetPort": self._service.protocol,
            "protocol": "TCP",
        }
        return self._manifest("v1", "Service", {"selector": self._selector, "ports": [port]})

    def autoscaler(self) -> Manifest:
        """The HorizontalPodAutoscaler: by the metrics given, else by the use of CPU."""
        scaling = self._workload.autoscaling
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": scaling["cpu"]}}
        return self._manifest(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": self._version.backend},
                "minReplicas": scaling["min_replicas"],
                "maxReplicas": scaling["max_replicas"],
                "metrics": scaling["metrics"] or [{"type": "Resource", "resource": cpu}],
            },
        )

    def disruption_budget(self) -> Manifest:
        """The PodDisruptionBudget; pods that are broken anyway never block the drain of a node."""
        budget = self._workload.disruption_budget
        return self._manifest(
            "policy/v1",
            "PodDisruptionBudget",
            {
                "selector": {"matchLabels": self._selector},
                "minAvailable": budget.get("min_available"),
                "maxUnavailable": budget.get("max_unavailable"),
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        )

    def _manifest(self, api_version: str, kind: str, spec: Manifest) -> Manifest:
        metadata = {"name": self._version.backend, "namespace": self._version.namespace, "labels": self._labels}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}

    def _pod(self) -> Manifest:
        # No spread constraints: any of our own would switch off the scheduler's defaults, by host and by zone.
        account = self._workload.service_account
        return {
            "serviceAccountName": account,
            "automountServiceAccountToken": None if account else False,
            "securityContext": _merged(POD_SECURITY, self._workload.pod_security_context),
            "terminationGracePeriodSeconds": self._workload.grace_period,
            "containers": [self._container()],
        }

    def _container(self) -> Manifest:
        workload = self._workload
        port = {"name": self._service.protocol, "containerPort": workload.port, "protocol": "TCP"}
        default_probes = {"readiness": {"tcpSocket": {"port": self._service.protocol}}}
        probes = {f"{kind}Probe": probe for kind, probe in {**default_probes, **workload.probes}.items() if probe}
        # Endpoints are taken out of the data plane while the pod still answers, so that no request meets a closed port.
        drain = {"preStop": {"sleep": {"seconds": workload.pre_stop}}} if workload.pre_stop else None
        return {
            "name": CONTAINER,
            "image": workload.image,
            "command": list(workload.command) or None,
            "args": list(workload.args) or None,
            "ports": [port],
            "env": [self._variable(name, value) for name, value in workload.env.items()] or None,
            "resources": dict(workload.resources) or None,
            "lifecycle": drain,
            "securityContext": _merged(CONTAINER_SECURITY, workload.security_context),
            **probes,
        }

    def _variable(self, name: str, value: object) -> Manifest:
        """One environment variable. Its value may be a secret, and is in no message."""
        if isinstance(value, bool):
            return {"name": name, "value": "true" if value else "false"}
        if isinstance(value, (str, int, float)):
            return {"name": name, "value": str(value)}
        if not isinstance(value, Mapping) or not value:
            raise SpecError(
                f"{self._path}.env.{name}",
                "expected a string, a number, true or false, or where it comes from: {secretKeyRef: {name: …, key: …}}",
            )
        return {"name": name, "valueFrom": value["valueFrom"] if set(value) == {"valueFrom"} else dict(value)}


def _merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> Manifest:
    """The defaults with the user's keys in their place, mapping by mapping; null takes a default away."""
    merged = dict(defaults)
    for key, value in own.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            value = _merged(before, value)
        merged[key] = value
    return merged


def _without_nulls(value: Any) -> Any:
    """The value without keys that hold null: for the API server, not to say and to say nothing differ."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
