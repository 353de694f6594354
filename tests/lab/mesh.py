# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mesh's programs are started with, and the objects that stand for them in a cluster: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.lab.application_host import pod as pods
from tests.lab.layout import ClusterPlan

SYSTEM_NAMESPACE = "istio-system"
GATEWAY = "istio-ingressgateway"
GATEWAY_SERVICE_PORT = 80
SIDECAR_NAMESPACE = "lab"
SIDECAR = "sidecar"
MESH_ID = "Kubernetes"
# Of the gateway's Service. A port for connections belongs to one Gateway alone.
TCP_PORT, TLS_PORT, API_TCP_PORT, API_TLS_PORT = 9000, 443, 9001, 8443
# On a node: where its kubelet is played.
KUBELET_PORT = "lab.bluegreen.test/kubelet-port"

# Istio's own Envoy filters are not part of stock Envoy, and there are no certificates for mutual TLS.
MESH_CONFIG: dict[str, Any] = {"enableAutoMtls": False}
ISTIOD_ENVIRONMENT = {
    "POD_NAMESPACE": SYSTEM_NAMESPACE,
    "POD_NAME": "istiod-0",
    "CLUSTER_ID": MESH_ID,
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
}

# How Istio's own bootstrap has Envoy's metrics labelled; stock Envoy ends the cluster's name at its first dot.
STATISTICS_LABELS = {
    "cluster_name": r"^cluster(\.(.+);)",
    "response_code": r"_rq(_(\d{3}))$",
    "response_code_class": r"_rq(_(\dxx))$",
}

Object = dict[str, Any]


@dataclass(frozen=True)
class Proxy:
    """One Envoy and the pod that it is the proxy of."""

    kind: str
    pod: str
    namespace: str
    address: str
    labels: dict[str, str]
    admin_port: int
    listener_port: int
    metadata: dict[str, Any]

    @property
    def node(self) -> Object:
        return {
            "id": f"{self.kind}~{self.address}~{self.pod}.{self.namespace}~{self.namespace}.svc.cluster.local",
            "cluster": f"{self.labels['app']}.{self.namespace}",
            "metadata": {"NAMESPACE": self.namespace, "CLUSTER_ID": MESH_ID, "LABELS": self.labels, **self.metadata},
        }


def istiod_arguments(plan: ClusterPlan, kubeconfig: str, mesh_config: str) -> list[str]:
    return [
        "discovery",
        "--kubeconfig", kubeconfig,
        "--meshConfig", mesh_config,
        "--networksConfig", "/dev/null",
        "--httpAddr", f"127.0.0.1:{plan.istiod_http_port}",
        "--httpsAddr", "",
        "--grpcAddr", f"127.0.0.1:{plan.istiod_grpc_port}",
        "--secureGRPCAddr", "",
        "--monitoringAddr", f"127.0.0.1:{plan.istiod_monitoring_port}",
        "--ctrlz_port", str(plan.istiod_introspection_port),
        "--clusterID", MESH_ID,
    ]  # fmt: skip


def gateway_proxy(plan: ClusterPlan, pod: Object, version: str) -> Proxy:
    return Proxy(
        kind="router",
        pod=pod["metadata"]["name"],
        namespace=SYSTEM_NAMESPACE,
        address=pod["status"]["podIP"],
        labels={"app": GATEWAY, "istio": "ingressgateway"},
        admin_port=plan.gateway_admin_port,
        listener_port=plan.gateway_port,
        metadata={"ISTIO_VERSION": version, "UNPRIVILEGED_POD": "true"},
    )


def sidecar_proxy(plan: ClusterPlan, pod: Object, version: str) -> Proxy:
    return Proxy(
        kind="sidecar",
        pod=pod["metadata"]["name"],
        namespace=SIDECAR_NAMESPACE,
        address=pod["status"]["podIP"],
        labels={"app": SIDECAR},
        admin_port=plan.sidecar_admin_port,
        listener_port=plan.sidecar_proxy_port,
        metadata={
            "ISTIO_VERSION": version,
            "INTERCEPTION_MODE": "NONE",
            "HTTP_PROXY_PORT": str(plan.sidecar_proxy_port),
        },
    )


def bootstrap(proxy: Proxy, istiod_port: int) -> Object:
    """Envoy's own configuration: where istiod is, and what its metrics are called. Everything else comes from there."""
    # Envoy's own wait between two tries grows to half a minute.
    retry = {"retry_back_off": {"base_interval": "0.1s", "max_interval": "1s"}}
    from_istiod = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
    http2 = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    return {
        "node": proxy.node,
        "admin": {"address": _address(proxy.admin_port)},
        "dynamic_resources": {
            "lds_config": from_istiod,
            "cds_config": from_istiod,
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [{"envoy_grpc": {"cluster_name": "istiod", "retry_policy": retry}}],
            },
        },
        "stats_config": {
            "use_all_default_tags": False,
            "stats_tags": [{"tag_name": name, "regex": regex} for name, regex in STATISTICS_LABELS.items()],
        },
        # Latencies are put into their buckets this often, and Prometheus looks every second.
        "stats_flush_interval": "1s",
        "static_resources": {
            "clusters": [
                {
                    "name": "istiod",
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2
                    },
                    "load_assignment": {
                        "cluster_name": "istiod",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(istiod_port)}}]}],
                    },
                }
            ]
        },
    }


def _address(port: int) -> Object:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def node_objects(plan: ClusterPlan) -> list[Object]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "annotations": {"kwok.x-k8s.io/node": "fake", KUBELET_PORT: str(plan.kubelet_port)},
                "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
            },
            "spec": {"podCIDR": str(network), "podCIDRs": [str(network)]},
        }
        for name, network in plan.node_networks.items()
    ]


def namespace_object(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def proxy_deployment(name: str, namespace: str, labels: dict[str, str], admin_port: int) -> Object:
    """A workload whose only pod lends its address and name to an Envoy; it names no port, so nothing else listens."""
    annotations = {pods.ENVOY_ADMIN_PORT: str(admin_port)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [{"name": "istio-proxy", "image": "envoy"}]},
            },
        },
    }


def port_forwards(plan: ClusterPlan) -> list[Object]:
    """What kwok does for kubectl, which forwards a port over SPDY: it leads to an Envoy's administration."""
    ports = {SYSTEM_NAMESPACE: plan.gateway_admin_port, SIDECAR_NAMESPACE: plan.sidecar_admin_port}
    return [
        {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterPortForward",
            "metadata": {"name": namespace},
            "spec": {
                "selector": {"matchNamespaces": [namespace]},
                "forwards": [{"ports": [pods.ADMIN_PORT], "target": {"address": "127.0.0.1", "port": port}}],
            },
        }
        for namespace, port in ports.items()
    ]


def gateway_objects(plan: ClusterPlan) -> list[Object]:
    labels = {"app": GATEWAY, "istio": "ingressgateway"}
    targets = {
        "http": (GATEWAY_SERVICE_PORT, plan.gateway_port),
        "tcp": (TCP_PORT, plan.gateway_tcp_port),
        "tls": (TLS_PORT, plan.gateway_tls_port),
        "tcp-api": (API_TCP_PORT, plan.gateway_api_tcp_port),
        "tls-api": (API_TLS_PORT, plan.gateway_api_tls_port),
    }
    ports = [
        {"name": name, "port": port, "targetPort": target, "protocol": "TCP"}
        for name, (port, target) in targets.items()
    ]
    return [
        proxy_deployment(GATEWAY, SYSTEM_NAMESPACE, labels, plan.gateway_admin_port),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": GATEWAY, "namespace": SYSTEM_NAMESPACE, "labels": labels},
            "spec": {"selector": labels, "ports": ports},
        },
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "public", "namespace": SYSTEM_NAMESPACE},
            "spec": {
                "selector": {"istio": "ingressgateway"},
                "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
            },
        },
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "streams", "namespace": SYSTEM_NAMESPACE},
            "spec": {
                "selector": {"istio": "ingressgateway"},
                "servers": [
                    {"port": {"number": TCP_PORT, "name": "tcp", "protocol": "TCP"}, "hosts": ["*"]},
                    {
                        "port": {"number": TLS_PORT, "name": "tls", "protocol": "TLS"},
                        "hosts": ["*"],
                        "tls": {"mode": "PASSTHROUGH"},
                    },
                ],
            },
        },
        _api_gateway("public", {"name": "http", "port": 80, "protocol": "HTTP"}),
        _api_gateway(
            "streams",
            {"name": "tcp", "port": API_TCP_PORT, "protocol": "TCP"},
            {"name": "tls", "port": API_TLS_PORT, "protocol": "TLS", "tls": {"mode": "Passthrough"}},
        ),
    ]


def _api_gateway(name: str, *listeners: Object) -> Object:
    """A Gateway of the Gateway API, served by the gateway that stands, instead of one that istiod would deploy."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": SYSTEM_NAMESPACE},
        "spec": {
            "gatewayClassName": "istio",
            "addresses": [{"type": "Hostname", "value": f"{GATEWAY}.{SYSTEM_NAMESPACE}.svc.cluster.local"}],
            "listeners": [{**listener, "allowedRoutes": {"namespaces": {"from": "All"}}} for listener in listeners],
        },
    }


def sidecar_objects(plan: ClusterPlan) -> list[Object]:
    deployment = proxy_deployment(SIDECAR, SIDECAR_NAMESPACE, {"app": SIDECAR}, plan.sidecar_admin_port)
    return [namespace_object(SIDECAR_NAMESPACE), deployment]
