# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's status as a person reads it: pure."""

from __future__ import annotations

from typing import Any

_SHOWN = {
    "gateway_url": "gateway",
    "gateway_tcp_url": "TCP",
    "gateway_tls_url": "TLS",
    "gateway_api_tcp_url": "TCPRoutes",
    "gateway_api_tls_url": "TLSRoutes",
    "sidecar_proxy_url": "sidecar proxy",
    "app_mesh_proxy_url": "App Mesh",
    "app_mesh_admin_url": "its admin",
    "gateway_admin_url": "Envoy admin",
    "sidecar_admin_url": "sidecar admin",
    "istiod_debug_url": "istiod debug",
    "prometheus_url": "Prometheus",
    "kubeconfig": "kubeconfig",
    "audit_log": "audit log",
    "logs": "logs",
}


def is_up(status: dict[str, Any]) -> bool:
    clusters = status["clusters"]
    return bool(clusters) and all(state == "up" for cluster in clusters.values() for state in cluster["parts"].values())


def text(status: dict[str, Any]) -> str:
    if not status["clusters"]:
        return "the lab runs without a cluster: `up` adds one"
    return "\n".join(line for name, cluster in status["clusters"].items() for line in _cluster_lines(name, cluster))


def _cluster_lines(name: str, cluster: dict[str, Any]) -> list[str]:
    wrong = {part: state for part, state in cluster["parts"].items() if state != "up"}
    head = f"{name}: up" if not wrong else f"{name}: " + ", ".join(f"{part} {state}" for part, state in wrong.items())
    return [head, *(f"  {label:<14}{cluster[key]}" for key, label in _SHOWN.items() if key in cluster)]
