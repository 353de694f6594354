# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller writes back: status, events, and what an injected pod carries: pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.lab.app_mesh.accepted import Thing, own_name
from tests.lab.app_mesh.objects import Json

CONDITIONS = {
    "Mesh": "MeshActive",
    "VirtualNode": "VirtualNodeActive",
    "VirtualRouter": "VirtualRouterActive",
    "VirtualService": "VirtualServiceActive",
}
# No account of Amazon's, and no region.
_ARN = "arn:aws:appmesh:lab:000000000000:mesh"


def of(kind: str, manifest: Json, thing: Thing | None, now: datetime) -> Json | None:
    """The status of an accepted object; nothing when it stands there already. A mesh belongs to nothing."""
    mesh = thing.mesh if thing is not None else own_name("Mesh", manifest)
    found = manifest.get("status") or {}
    word = f"{kind[0].lower()}{kind[1:]}"
    arn = f"{_ARN}/{mesh}" if thing is None else f"{_ARN}/{mesh}/{word}/{thing.name}"
    wanted: dict[str, Any] = {
        f"{word}ARN": arn,
        "observedGeneration": manifest["metadata"]["generation"],
        "conditions": [_active(kind, found.get("conditions") or [], now)],
    }
    if kind == "VirtualRouter":
        routes = [route["name"] for route in manifest["spec"].get("routes") or []]
        # A merge patch takes away only what it names.
        gone = dict.fromkeys(found.get("routeARNs") or {})
        arns = {**gone, **{name: f"{arn}/route/{name}" for name in routes}}
        if found.get("routeARNs", {}) != {name: value for name, value in arns.items() if value}:
            wanted["routeARNs"] = arns
    return wanted if any(found.get(name) != value for name, value in wanted.items()) else None


def _active(kind: str, found: list[Json], now: datetime) -> Json:
    wanted = {"type": CONDITIONS[kind], "status": "True"}
    for condition in found:
        if wanted.items() <= condition.items():
            return condition
    return {**wanted, "lastTransitionTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"}


def event(kind: str, manifest: Json, message: str, now: datetime) -> Json:
    """As the controller reports that it could not do what an object says."""
    metadata = manifest["metadata"]
    moment = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
        "type": "Warning",
        "reason": "ReconcileError",
        "message": message,
        "involvedObject": {
            "apiVersion": manifest["apiVersion"],
            "kind": kind,
            **{name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion")},
        },
        "source": {"component": "app-mesh-stand-in"},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
