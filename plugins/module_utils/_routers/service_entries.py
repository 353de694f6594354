# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that are no Services: what a ServiceEntry says of where their requests go.

Facts are from U(https://istio.io/latest/docs/reference/config/networking/service-entry/): endpoints are addresses
(STATIC), pods and WorkloadEntries of its own namespace (workloadSelector), or are left to DNS or to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._core.errors import RouteError
from .rules import Manifest


def entry_of(entries: Sequence[Manifest], host: str) -> Manifest | None:
    """The ServiceEntry of a host: by its name before any wildcard."""
    exact = [item for item in entries if host in (item["spec"].get("hosts") or [])]
    wild = [item for item in entries if any(_covers(name, host) for name in item["spec"].get("hosts") or [])]
    return next(iter([*exact, *wild]), None)


def _covers(name: str, host: str) -> bool:
    return name.startswith("*") and host.endswith(name[1:])


def pod_labels(entry: Manifest) -> Mapping[str, str] | None:
    """The labels of its pods and WorkloadEntries, when it is these that answer."""
    selector = entry["spec"].get("workloadSelector")
    labels: Mapping[str, str] | None = (selector.get("labels") or {}) if selector else None
    return labels


def addresses(entry: Manifest) -> list[str]:
    """The addresses that it names itself; raises RouteError where they are only found by who sends."""
    spec = entry["spec"]
    resolution = spec.get("resolution") or "NONE"
    if resolution != "STATIC":
        raise RouteError(
            f"{label(entry)} leaves its endpoints to resolution: {resolution}, and whether any is ready cannot be "
            "seen; write them as endpoints with resolution: STATIC, or as a workloadSelector, or move its weights by "
            "the module traffic with require_ready: false"
        )
    return [str(item.get("address") or item.get("network")) for item in spec.get("endpoints") or []]


def label(entry: Manifest) -> str:
    """A ServiceEntry for a person."""
    return f"ServiceEntry {entry['metadata']['namespace']}/{entry['metadata']['name']}"
