# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.lab import mesh
from tests.lab.application_host import pod as pods
from tests.lab.layout import ClusterPlan

WEST = ClusterPlan("west", 1)
POD = {"metadata": {"name": "gateway-1"}, "status": {"podIP": "10.244.8.2"}}


def test_the_gateway_says_who_it_is_to_istiod() -> None:
    node = mesh.gateway_proxy(WEST, POD, "1.31.0").node
    assert node["id"] == "router~10.244.8.2~gateway-1.istio-system~istio-system.svc.cluster.local"
    assert node["metadata"]["LABELS"]["istio"] == "ingressgateway"
    assert node["metadata"]["ISTIO_VERSION"] == "1.31.0"


def test_the_sidecar_takes_requests_by_its_proxy_port() -> None:
    proxy = mesh.sidecar_proxy(WEST, POD, "1.31.0")
    assert proxy.node["id"].startswith("sidecar~10.244.8.2~gateway-1.lab~")
    assert proxy.node["metadata"]["HTTP_PROXY_PORT"] == str(proxy.listener_port) == str(WEST.sidecar_proxy_port)


def test_envoy_asks_the_istiod_of_its_own_cluster() -> None:
    bootstrap = mesh.bootstrap(mesh.gateway_proxy(WEST, POD, "1.31.0"), WEST.istiod_grpc_port)
    (cluster,) = bootstrap["static_resources"]["clusters"]
    (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"]["port_value"] == WEST.istiod_grpc_port
    assert bootstrap["admin"]["address"]["socket_address"]["port_value"] == WEST.gateway_admin_port


def test_the_gateways_service_leads_to_the_clusters_own_port() -> None:
    (service,) = [found for found in mesh.gateway_objects(WEST) if found["kind"] == "Service"]
    assert service["spec"]["ports"][0] == {
        "name": "http",
        "port": 80,
        "targetPort": WEST.gateway_port,
        "protocol": "TCP",
    }
    assert len({port["targetPort"] for port in service["spec"]["ports"]}) == len(service["spec"]["ports"])


def test_every_port_of_a_gateway_is_one_of_its_service() -> None:
    objects = mesh.gateway_objects(WEST)
    (service,) = [found for found in objects if found["kind"] == "Service"]
    wanted = [
        entry["port"]["number"] if "servers" in found["spec"] else entry["port"]
        for found in objects
        if found["kind"] == "Gateway"
        for entry in found["spec"].get("servers") or found["spec"]["listeners"]
    ]
    assert set(wanted) == {port["port"] for port in service["spec"]["ports"]}


@pytest.mark.parametrize("objects", [mesh.gateway_objects(WEST), mesh.sidecar_objects(WEST)])
def test_pods_of_proxies_name_no_port(objects: list[dict[str, Any]]) -> None:
    (deployment,) = [found for found in objects if found["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert "ports" not in container


@pytest.mark.parametrize(
    ("objects", "port"),
    [(mesh.gateway_objects(WEST), WEST.gateway_admin_port), (mesh.sidecar_objects(WEST), WEST.sidecar_admin_port)],
)
def test_pods_of_proxies_know_where_their_envoy_is_administrated(objects: list[dict[str, Any]], port: int) -> None:
    (deployment,) = [found for found in objects if found["kind"] == "Deployment"]
    assert pods.reachable(deployment["spec"]["template"], 15000) == ("127.0.0.1", port)


def test_every_node_says_where_its_kubelet_is_played() -> None:
    annotations = [node["metadata"]["annotations"] for node in mesh.node_objects(WEST)]
    assert [found[mesh.KUBELET_PORT] for found in annotations] == [str(WEST.kubelet_port)] * 3


@pytest.mark.parametrize(
    ("statistic", "tags"),
    [
        (
            "cluster.outbound|80|green|web.prod.svc.cluster.local;.upstream_rq_503",
            {"cluster_name": "outbound|80|green|web.prod.svc.cluster.local", "response_code": "503"},
        ),
        (
            "cluster.outbound|80||web-green.prod.svc.cluster.local;.upstream_rq_5xx",
            {"cluster_name": "outbound|80||web-green.prod.svc.cluster.local", "response_code_class": "5xx"},
        ),
        ("cluster.istiod.upstream_rq_total", {}),
    ],
)
def test_statistics_carry_the_labels_of_istios_bootstrap(statistic: str, tags: dict[str, str]) -> None:
    found = {name: match[2] for name, regex in mesh.STATISTICS_LABELS.items() if (match := re.search(regex, statistic))}
    assert found == tags


def test_istiods_of_two_clusters_share_no_address() -> None:
    def addresses(plan: ClusterPlan) -> set[str]:
        return {text for text in mesh.istiod_arguments(plan, "k", "m") if ":2" in text or text.isdigit()}

    assert len(addresses(WEST)) == 4
    assert not addresses(WEST) & addresses(ClusterPlan("east", 0))
