# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a destination may get traffic, where its host or its subset is defined elsewhere than beside it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Ref
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import RouteError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.istio import IstioRouter
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Destination
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs.backends import refuse_unready

from tests.unit.plugins.module_utils._gates.api_server import ApiServer

ISTIO = "networking.istio.io/v1"
OUTSIDE = "v2.example.internal"
INSIDE = "web.prod.svc.cluster.local"


def pod(cluster: ApiServer, name: str, namespace: str = "prod", ready: bool = True, **labels: str) -> None:
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    cluster.put(Ref("v1", "pods", namespace, name), {"metadata": {"labels": labels}, "status": status})


def ask(cluster: ApiServer, host: str, subset: str | None = None, minimum: int = 1) -> None:
    where = [Destination("/spec/http/0/route/0", host, subset, 0)]
    refuse_unready(cluster, IstioRouter(), "green", where, minimum, namespaces=["edge", "prod"])  # type: ignore[arg-type]


def entry(cluster: ApiServer, namespace: str, **spec: Any) -> None:
    cluster.put(Ref(ISTIO, "serviceentries", namespace, "v2"), {"spec": {"hosts": [OUTSIDE], **spec}})


def test_a_host_outside_of_the_cluster_has_the_endpoints_of_its_service_entry() -> None:
    cluster = ApiServer()
    with pytest.raises(
        RouteError, match=r"v2\.example\.internal is the host of no Service .* ServiceEntry in edge, istio-system, prod"
    ):
        ask(cluster, OUTSIDE)
    entry(cluster, "prod", resolution="STATIC", endpoints=[])
    with pytest.raises(RouteError, match="may not get traffic yet: ServiceEntry prod/v2: 0 endpoints, wanted 1"):
        ask(cluster, OUTSIDE)
    entry(cluster, "prod", resolution="STATIC", endpoints=[{"address": "192.0.2.1"}])
    ask(cluster, OUTSIDE)
    with pytest.raises(RouteError, match="1 endpoints, wanted 2"):
        ask(cluster, OUTSIDE, minimum=2)
    entry(cluster, "prod", resolution="DNS")
    with pytest.raises(RouteError, match="resolution: STATIC"):
        ask(cluster, OUTSIDE)


def test_pods_and_machines_behind_a_service_entry_are_counted() -> None:
    cluster = ApiServer()
    entry(cluster, "prod", resolution="STATIC", workloadSelector={"labels": {"app": "web"}})
    pod(cluster, "web-1", ready=False, app="web")
    pod(cluster, "api-1", app="api")
    with pytest.raises(RouteError, match=r"0 ready pods and WorkloadEntries \(app=web\), wanted 1"):
        ask(cluster, OUTSIDE)
    cluster.put(Ref(ISTIO, "workloadentries", "prod", "vm"), {"spec": {"labels": {"app": "web", "zone": "a"}}})
    ask(cluster, OUTSIDE)
    pod(cluster, "web-2", app="web")
    ask(cluster, OUTSIDE, minimum=2)


@pytest.mark.parametrize("namespace", ["prod", "edge", "istio-system"])
def test_a_subset_may_be_defined_by_its_service_by_callers_or_for_the_whole_mesh(namespace: str) -> None:
    cluster = ApiServer()
    labels = {"kubernetes.io/service-name": "web"}
    endpoints = [{"targetRef": {"name": f"web-{number}"}, "conditions": {"ready": True}} for number in (1, 2)]
    slices = Ref("discovery.k8s.io/v1", "endpointslices", "prod", "web-x")
    cluster.put(slices, {"metadata": {"labels": labels}, "endpoints": endpoints})
    pod(cluster, "web-1", version="green")
    pod(cluster, "web-2", version="blue")
    with pytest.raises(RouteError, match="no destinationrules in the namespaces prod, edge, istio-system give"):
        ask(cluster, INSIDE, "green")
    subsets = [{"name": "green", "labels": {"version": "green"}}]
    rule = {"spec": {"host": INSIDE, "subsets": subsets}}
    cluster.put(Ref(ISTIO, "destinationrules", namespace, "web"), rule)
    ask(cluster, INSIDE, "green")
    with pytest.raises(RouteError, match="1 ready endpoints, 2 wanted in subset green"):
        ask(cluster, INSIDE, "green", minimum=2)
