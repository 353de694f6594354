# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a route reaches Services through other objects, these say whose endpoints have to be ready."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Cluster, Ref
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import RouteError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Destination
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs.backends import refuse_unready

NODE = "web-v1.prod.virtualnode.appmesh.k8s.aws"


class Stand:
    """One VirtualNode, and the slices of the Services with ready endpoints."""

    def __init__(self, discovery: dict[str, Any] | None, *ready: str) -> None:
        self._discovery = discovery
        self._ready = ready

    def find(self, ref: Ref) -> dict[str, Any] | None:
        assert (ref.plural, ref.namespace, ref.name) == ("virtualnodes", "prod", "web-v1")
        if self._discovery is None:
            return None
        return {
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "spec": {"serviceDiscovery": self._discovery},
        }

    def items(self, ref: Ref, label_selector: str = "") -> dict[str, Any]:
        service = f"{ref.namespace}/{label_selector.partition('=')[2]}"
        endpoint = {"conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": "a"}, "addresses": ["10.0.0.1"]}
        return {"items": [{"endpoints": [endpoint], "ports": [{"port": 80}]}] if service in self._ready else []}


def judged(host: str, discovery: dict[str, Any] | None, *ready: str) -> None:
    cluster = cast(Cluster, Stand(discovery, *ready))
    refuse_unready(cluster, ROUTERS["app_mesh"], "v1", [Destination("", host, None, 0)])


def test_the_service_that_a_node_names_has_to_be_ready() -> None:
    discovery = {"dns": {"hostname": "other.elsewhere.svc.cluster.local"}}
    judged(NODE, discovery, "elsewhere/other")
    with pytest.raises(RouteError, match="elsewhere/other"):
        judged(NODE, discovery, "prod/web-v1")


@pytest.mark.parametrize(
    ("host", "discovery", "message"),
    [
        (NODE, None, "there is no such object among the virtualnodes of prod: create it first"),
        (NODE, {"awsCloudMap": {}}, "is the host of no Service of this cluster, so its endpoints cannot be seen"),
        ("arn:aws:appmesh:x:1:mesh/m/virtualNode/web-v1", {}, "is the host of no Service of this cluster"),
    ],
)
def test_what_cannot_be_seen_gets_no_traffic(host: str, discovery: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(RouteError, match=message):
        judged(host, discovery)
