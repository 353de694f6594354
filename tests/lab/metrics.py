# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus is started with, and which of Envoy's metrics it keeps under which labels: pure."""

from __future__ import annotations

from typing import Any

from tests.lab.layout import ClusterPlan

RETENTION = "3h"
# Envoy is asked for these alone: it would print two thousand lines otherwise, every second.
STATISTICS = r"^cluster\.outbound.*;\.(upstream_rq_?|upstream_cx_(active|connect_fail)|membership_(healthy|total))"
KEPT = (
    "envoy_cluster_upstream_rq",
    "envoy_cluster_upstream_rq_total",
    "envoy_cluster_upstream_rq_time_(bucket|sum|count)",
    "envoy_cluster_upstream_rq_(active|timeout)",
    "envoy_cluster_upstream_cx_(active|connect_fail)",
    "envoy_cluster_membership_(healthy|total)",
)
# outbound|PORT|SUBSET|SERVICE.NAMESPACE.svc.cluster.local
_OUTBOUND = r"outbound\|\d+\|([^|]*)\|([^.]+)\.([^.]+)\..+"


def arguments(plan: ClusterPlan, configuration: str, folder: str) -> list[str]:
    return [
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder}",
        f"--storage.tsdb.retention.time={RETENTION}",
        f"--web.listen-address=127.0.0.1:{plan.prometheus_port}",
        "--log.level=warn",
    ]


def configuration(plan: ClusterPlan, with_sidecar: bool) -> dict[str, Any]:
    proxies = {"gateway": plan.gateway_admin_port, **({"sidecar": plan.sidecar_admin_port} if with_sidecar else {})}
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1m"},
        "scrape_configs": [
            {
                "job_name": "envoy",
                "metrics_path": "/stats/prometheus",
                "params": {"filter": [STATISTICS]},
                "static_configs": [
                    {"targets": [f"127.0.0.1:{port}"], "labels": {"cluster": plan.name, "proxy": proxy}}
                    for proxy, port in proxies.items()
                ],
                "metric_relabel_configs": _relabelling(),
            }
        ],
    }


def _relabelling() -> list[dict[str, Any]]:
    parts = {"subset": "$1", "service": "$2", "namespace": "$3"}
    return [
        {"source_labels": ["__name__"], "regex": "|".join(KEPT), "action": "keep"},
        *(
            {"source_labels": ["cluster_name"], "regex": _OUTBOUND, "target_label": label, "replacement": part}
            for label, part in parts.items()
        ),
        # Istio's labels make one metric of codes and classes of codes: a sum would count every request twice.
        {
            "source_labels": ["__name__", "response_code_class"],
            "regex": "(envoy_cluster_upstream_rq);.+",
            "target_label": "__name__",
            "replacement": "${1}_xx",
        },
        # The version is the subset; without one it is the end of the Service's name: green of web-green.
        {"source_labels": ["service"], "regex": ".+-([^-]+)", "target_label": "version", "replacement": "$1"},
        {"source_labels": ["subset"], "regex": "(.+)", "target_label": "version", "replacement": "$1"},
    ]
