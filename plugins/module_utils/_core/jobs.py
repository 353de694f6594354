# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of a gate's Job."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from .manifests import CONTAINER_SECURITY, POD_SECURITY
from .model import MANAGED_BY
from .sources import Job

CONTAINER = "gate"
# What is left behind by a run that was killed goes by itself.
KEPT_SECONDS = 3600
# Later than the gate stops waiting: for the one whose run was killed.
ENDS_LATER = 60
_LONGEST = 63
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


def job_name(release: str, service: str, candidate: str, gate: str) -> str:
    """The same for the same gate of a release, so that the next run finds what the last one left."""
    identity = hashlib.sha256("/".join((release, service, candidate, gate)).encode()).hexdigest()[:8]
    words = _NOT_IN_NAMES.sub("-", f"{release}-{gate}".lower()).strip("-")[: _LONGEST - 9].rstrip("-")
    return f"{words or 'gate'}-{identity}"


def job_manifest(job: Job, name: str, namespace: str, labels: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """The Job to create: the user's with what has to be ours in it, or one of a single hardened container."""
    manifest: dict[str, Any] = copy.deepcopy(dict(job.manifest)) if job.manifest is not None else {"spec": _spec(job)}
    manifest.update(apiVersion="batch/v1", kind="Job")
    metadata = manifest["metadata"] = {**(manifest.get("metadata") or {}), "name": name, "namespace": namespace}
    metadata.pop("generateName", None)
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels, "app.kubernetes.io/managed-by": MANAGED_BY}
    spec = manifest["spec"]
    spec.setdefault("backoffLimit", 0)
    spec.setdefault("activeDeadlineSeconds", round(seconds) + ENDS_LATER)
    if not job.keep:
        spec.setdefault("ttlSecondsAfterFinished", KEPT_SECONDS)
    pod = spec["template"].setdefault("spec", {})
    pod.setdefault("restartPolicy", "Never")
    template = spec["template"].setdefault("metadata", {})
    # By the service's name its own Service might select the pod, and send it requests.
    not_selected = {key: value for key, value in labels.items() if key != "app.kubernetes.io/name"}
    template["labels"] = {**_OUTSIDE_THE_MESH, **(template.get("labels") or {}), **not_selected}
    return manifest


# A sidecar that goes on running would keep the Job from ever ending.
_OUTSIDE_THE_MESH = {"sidecar.istio.io/inject": "false"}


def _spec(job: Job) -> dict[str, Any]:
    container: dict[str, Any] = {"name": CONTAINER, "image": job.image, "securityContext": dict(CONTAINER_SECURITY)}
    if job.command:
        container["command"] = list(job.command)
    if job.args:
        container["args"] = list(job.args)
    if job.env:
        container["env"] = [{"name": name, "value": value} for name, value in job.env.items()]
    pod: dict[str, Any] = {"securityContext": dict(POD_SECURITY), "containers": [container], "restartPolicy": "Never"}
    if job.service_account:
        pod["serviceAccountName"] = job.service_account
    else:
        pod["automountServiceAccountToken"] = False
    return {"backoffLimit": job.backoff_limit, "template": {"spec": pod}}
