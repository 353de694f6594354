# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the backends of a route can take traffic: one to three reads, only for versions that gain weight."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._cluster.client import Cluster, Ref
from .._core.errors import RouteError
from .._core.readiness import judge_endpoints, judge_pods
from .._routers.router import Router
from .._routers.rules import Destination


def refuse_unready(
    cluster: Cluster, router: Router, version: str, backends: Iterable[Destination], minimum: int = 1
) -> None:
    """Raise RouteError unless a version has enough ready endpoints behind each of its destinations."""
    for host, subset in sorted({(backend.host, backend.subset or "") for backend in backends}):
        service = router.service_of(host) or _service_behind(cluster, router, host)
        if service is None:
            raise RouteError(
                f"{version} may not get traffic yet: {host} is no Service of this cluster, so its endpoints cannot be "
                "seen; prove it in another way and set require_ready: false"
            )
        name, namespace = service
        if router.switches:
            # Before the switch these pods are no endpoints of the Service.
            found = cluster.items(Ref("v1", "pods", namespace), subset).get("items") or []
            readiness = judge_pods(subset, found, minimum)
        else:
            slices = endpoint_slices(cluster, namespace, name)
            if subset:
                pods = _subset_pods(cluster, router, namespace, host, subset)
                slices = [_only(item, pods) for item in slices]
            readiness = judge_endpoints(f"{namespace}/{name}", slices, minimum)
        if not readiness.ready:
            where = readiness.reason + (f" in subset {subset}" if subset and not router.switches else "")
            raise RouteError(
                f"{version} may not get traffic yet: {where}; deploy it and wait until it is ready (version_ready), or "
                "set require_ready: false"
            )


def _service_behind(cluster: Cluster, router: Router, host: str) -> tuple[str, str] | None:
    """The Service to which the object that a route names leads in its turn."""
    node = router.node_of(host)
    if router.nodes is None or node is None:
        return None
    api_version, plural = router.nodes
    name, namespace = node
    found = cluster.find(Ref(api_version, plural, namespace, name))
    if found is None:
        raise RouteError(f"{host}: there is no such object among the {plural} of {namespace}: create it first")
    return router.service_behind(found)


def endpoint_slices(cluster: Cluster, namespace: str, service: str) -> list[dict[str, Any]]:
    """The EndpointSlices of a Service."""
    ref = Ref("discovery.k8s.io/v1", "endpointslices", namespace)
    items: list[dict[str, Any]] = cluster.items(ref, f"kubernetes.io/service-name={service}").get("items") or []
    return items


def _subset_pods(cluster: Cluster, router: Router, namespace: str, host: str, subset: str) -> set[str]:
    """The names of the pods that a subset selects."""
    if router.subsets is None:
        raise RouteError(f"{host}: the router {router.name} knows no subsets; leave {subset} out")
    api_version, plural = router.subsets
    rules = cluster.items(Ref(api_version, plural, namespace)).get("items") or []
    labels = router.subset_labels(rules, host, subset)
    if labels is None:
        raise RouteError(
            f"no {plural} in the namespace {namespace} give the host {host} a subset {subset}: add "
            f"{{name: {subset}, labels: {{…}}}} to its subsets"
        )
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = cluster.items(Ref("v1", "pods", namespace), selector).get("items") or []
    return {pod["metadata"]["name"] for pod in pods}


def _only(item: dict[str, Any], pods: set[str]) -> dict[str, Any]:
    endpoints = [
        endpoint for endpoint in item.get("endpoints") or [] if (endpoint.get("targetRef") or {}).get("name") in pods
    ]
    return {**item, "endpoints": endpoints}
