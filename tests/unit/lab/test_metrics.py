# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest

from tests.lab import metrics
from tests.lab.layout import ClusterPlan

WEST = ClusterPlan("west", 1)


def kept(name: str, **labels: str) -> dict[str, str]:
    """The labels after relabelling, as Prometheus documents it; nothing when the series is dropped."""
    found = {"__name__": name, **labels}
    (scrape,) = metrics.configuration(WEST, with_sidecar=False)["scrape_configs"]
    for rule in scrape["metric_relabel_configs"]:
        text = ";".join(found.get(label, "") for label in rule["source_labels"])
        match = re.fullmatch(rule["regex"], text)
        if rule.get("action") == "keep":
            if match is None:
                return {}
        elif match is not None:
            value = match.expand(re.sub(r"\$\{?(\d)\}?", r"\\\1", rule["replacement"]))
            found[rule["target_label"]] = value
    return {label: value for label, value in found.items() if value}


@pytest.mark.parametrize(
    ("cluster", "labels"),
    [
        ("outbound|80||web-green.prod.svc.cluster.local", {"service": "web-green", "version": "green"}),
        ("outbound|80|green|web.prod.svc.cluster.local", {"service": "web", "subset": "green", "version": "green"}),
        ("outbound|80||web.prod.svc.cluster.local", {"service": "web"}),
    ],
)
def test_labels_say_which_version_was_asked(cluster: str, labels: dict[str, str]) -> None:
    found = kept("envoy_cluster_upstream_rq_total", cluster_name=cluster)
    name = {"__name__": "envoy_cluster_upstream_rq_total"}
    assert found == {**name, "cluster_name": cluster, "namespace": "prod", **labels}


def test_codes_and_classes_of_codes_are_two_metrics() -> None:
    assert kept("envoy_cluster_upstream_rq", response_code="503")["__name__"] == "envoy_cluster_upstream_rq"
    assert kept("envoy_cluster_upstream_rq", response_code_class="5xx")["__name__"] == "envoy_cluster_upstream_rq_xx"


@pytest.mark.parametrize("name", ["envoy_cluster_upstream_rq_time_bucket", "envoy_cluster_upstream_cx_active"])
def test_what_a_release_is_judged_by_is_kept(name: str) -> None:
    assert kept(name)


@pytest.mark.parametrize("name", ["envoy_cluster_upstream_rq_timeout_budget", "envoy_cluster_lb_healthy_panic"])
def test_what_nobody_asks_for_is_dropped(name: str) -> None:
    assert kept(name) == {}


@pytest.mark.parametrize(
    ("statistic", "asked"),
    [
        ("cluster.outbound|80||web.prod.svc.cluster.local;.upstream_rq_503", True),
        ("cluster.outbound|80|green|web.prod.svc.cluster.local;.upstream_rq_time", True),
        ("cluster.outbound|80||web.prod.svc.cluster.local;.upstream_cx_active", True),
        ("cluster.outbound|80||web.prod.svc.cluster.local;.upstream_cx_rx_bytes_total", False),
        ("cluster.istiod.upstream_rq_total", False),
    ],
)
def test_envoy_is_asked_for_little(statistic: str, asked: bool) -> None:
    assert (re.search(metrics.STATISTICS, statistic) is not None) is asked


@pytest.mark.parametrize(("with_sidecar", "proxies"), [(False, ["gateway"]), (True, ["gateway", "sidecar"])])
def test_every_envoy_of_the_cluster_is_looked_at(with_sidecar: bool, proxies: list[str]) -> None:
    (scrape,) = metrics.configuration(WEST, with_sidecar)["scrape_configs"]
    assert [target["labels"]["proxy"] for target in scrape["static_configs"]] == proxies
    assert {target["labels"]["cluster"] for target in scrape["static_configs"]} == {"west"}
