# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What istiod says about proxies that are late: an explanation, never a proof.

Its /debug/syncz compares what was sent to a proxy with what that acknowledged; both are older than a change that istiod
has not sent yet, and they are equal until it has. It answers without credentials to its own localhost, where a
port-forward ends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .._cluster.client import Cluster, ClusterError, Ref
from .._cluster.exec import forwarded_get
from .._core.proxies import Proxies

SELECTOR = "app=istiod"
PATIENCE = 2.0


def explanation(cluster: Cluster, options: Proxies, pods: Sequence[str]) -> tuple[str, list[str]]:
    """Why these proxies do not have a change, in a sentence, or nothing; and what was tried."""
    try:
        found = cluster.items(Ref("v1", "pods", options.istiod_namespace), SELECTOR).get("items") or []
    except ClusterError as error:
        return "", [f"istiod was not asked: {error.message}"]
    names = [pod["metadata"]["name"] for pod in found if (pod.get("status") or {}).get("phase") == "Running"]
    if not names:
        return "", [f"istiod was not asked: no running pod {SELECTOR} in namespace {options.istiod_namespace}"]
    known: dict[str, Mapping[str, Any]] = {}
    notes = []
    for name in names:
        try:
            known.update(_synchronised(cluster, options, name))
            notes.append(f"istiod {name} was asked")
        except ClusterError as error:
            notes.append(f"istiod {name} did not say: {error.message}")
    if not any(note.endswith("was asked") for note in notes):
        return f"istiod ({', '.join(names)}) does not answer", notes
    return _explained(known, [f"{pod}.{options.namespace}" for pod in pods]), notes


def _synchronised(cluster: Cluster, options: Proxies, pod: str) -> dict[str, Mapping[str, Any]]:
    status, body = forwarded_get(cluster, options.istiod_namespace, pod, options.istiod_port, "/debug/syncz", PATIENCE)
    try:
        answer = json.loads(body) if status == 200 else None
    except ValueError:
        answer = None
    if not isinstance(answer, list):
        raise ClusterError(f"port {options.istiod_port} answered {status} to /debug/syncz; see proxies.istiod_port")
    return {str(item.get("proxy", "")): item for item in answer if isinstance(item, dict)}


def _explained(known: Mapping[str, Mapping[str, Any]], proxies: Sequence[str]) -> str:
    unknown = [proxy for proxy in proxies if proxy not in known]
    if unknown:
        return f"istiod has no connection from {', '.join(unknown)}"
    waiting = [proxy for proxy in proxies if known[proxy].get("route_sent") != known[proxy].get("route_acked")]
    if waiting:
        return f"istiod has sent routes that {', '.join(waiting)} has not accepted"
    return "istiod has sent nothing that they have not acknowledged"
