# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything of one lab lies, and which addresses each cluster has: pure arithmetic."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError

# All pod addresses of all clusters. The lab's network namespace treats the whole range as its own addresses.
POD_RANGE = ipaddress.IPv4Network("10.244.0.0/17")
CLUSTER_PREFIX = 21
NODE_PREFIX = 24
NODES = 3
MAXIMUM_CLUSTERS = 2 ** (CLUSTER_PREFIX - POD_RANGE.prefixlen)

# Below the range from which the kernel takes ports of outgoing connections.
FIRST_PORT = 20000
PORTS_PER_CLUSTER = 100

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")


@dataclass(frozen=True)
class Layout:
    """The files of the lab of one checkout; two checkouts never share one."""

    state: Path

    @property
    def control_socket(self) -> Path:
        return self.state / "control.sock"

    @property
    def status(self) -> Path:
        return self.state / "status.json"

    @property
    def supervisor_log(self) -> Path:
        return self.state / "supervisor.log"

    @property
    def home(self) -> Path:
        """HOME of kwokctl, which keeps all of its files there."""
        return self.state / "home"

    @property
    def tools(self) -> Path:
        """A folder for PATH, with kubectl under its plain name."""
        return self.state / "bin"

    @property
    def clusters(self) -> Path:
        return self.state / "clusters"


@dataclass(frozen=True)
class ClusterPlan:
    """The addresses of one cluster; `index` is its place in the lab."""

    name: str
    index: int

    def _port(self, offset: int) -> int:
        return FIRST_PORT + PORTS_PER_CLUSTER * self.index + offset

    @property
    def api_server_port(self) -> int:
        return self._port(0)

    @property
    def etcd_port(self) -> int:
        return self._port(1)

    @property
    def controller_manager_port(self) -> int:
        return self._port(3)

    @property
    def scheduler_port(self) -> int:
        return self._port(4)

    @property
    def kwok_port(self) -> int:
        return self._port(5)

    @property
    def kubelet_port(self) -> int:
        return self._port(6)

    @property
    def istiod_http_port(self) -> int:
        return self._port(10)

    @property
    def istiod_grpc_port(self) -> int:
        return self._port(11)

    @property
    def istiod_monitoring_port(self) -> int:
        return self._port(12)

    @property
    def istiod_introspection_port(self) -> int:
        return self._port(13)

    @property
    def application_host_port(self) -> int:
        return self._port(15)

    @property
    def app_mesh_port(self) -> int:
        return self._port(16)

    @property
    def entrance_address(self) -> str:
        """Where commands in pods find the ingress gateway's Service, on its own port."""
        return f"127.0.1.{self.index + 1}"

    @property
    def gateway_admin_port(self) -> int:
        return self._port(20)

    @property
    def sidecar_admin_port(self) -> int:
        return self._port(21)

    @property
    def sidecar_proxy_port(self) -> int:
        return self._port(22)

    @property
    def gateway_relay_port(self) -> int:
        return self._port(23)

    @property
    def sidecar_relay_port(self) -> int:
        return self._port(24)

    @property
    def app_mesh_admin_port(self) -> int:
        return self._port(25)

    @property
    def app_mesh_proxy_port(self) -> int:
        return self._port(26)

    @property
    def prometheus_port(self) -> int:
        return self._port(30)

    @property
    def gateway_port(self) -> int:
        return self._port(80)

    @property
    def gateway_tcp_port(self) -> int:
        return self._port(81)

    @property
    def gateway_tls_port(self) -> int:
        return self._port(82)

    @property
    def gateway_api_tcp_port(self) -> int:
        return self._port(83)

    @property
    def gateway_api_tls_port(self) -> int:
        return self._port(84)

    @property
    def pod_network(self) -> ipaddress.IPv4Network:
        size = 2 ** (32 - CLUSTER_PREFIX)
        return ipaddress.IPv4Network((int(POD_RANGE.network_address) + self.index * size, CLUSTER_PREFIX))

    @property
    def node_networks(self) -> dict[str, ipaddress.IPv4Network]:
        networks = self.pod_network.subnets(new_prefix=NODE_PREFIX)
        return {f"{self.name}-node-{number}": next(networks) for number in range(1, NODES + 1)}


def plan_clusters(existing: dict[str, int], wanted: list[str]) -> list[ClusterPlan]:
    """A plan for every wanted name: a cluster that exists keeps its place, a new one takes the first free."""
    places = dict(existing)
    for name in wanted:
        if not _NAME.fullmatch(name):
            raise LabError(
                f"cluster name {name!r}: at most 20 lower case letters, digits and dashes, starting with a letter"
            )
        if name not in places:
            places[name] = next(
                (place for place in range(MAXIMUM_CLUSTERS) if place not in places.values()), MAXIMUM_CLUSTERS
            )
        if places[name] >= MAXIMUM_CLUSTERS:
            raise LabError(f"cluster {name}: a lab holds at most {MAXIMUM_CLUSTERS} clusters; end some with `down`")
    return [ClusterPlan(name, places[name]) for name in dict.fromkeys(wanted)]
