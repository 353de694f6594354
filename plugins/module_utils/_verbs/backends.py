# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the backends of a route can take traffic: a few reads, only for versions that gain weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .._cluster.client import Cluster, Forbidden, NotFound, Ref
from .._core.errors import RouteError
from .._core.readiness import Readiness, judge_endpoints, judge_pods
from .._routers.router import Router
from .._routers.rules import Destination, Manifest
from .._routers.service_entries import addresses, entry_of, label, pod_labels


def refuse_unready(
    cluster: Cluster,
    router: Router,
    version: str,
    backends: Iterable[Destination],
    minimum: int = 1,
    share: int = 0,
    *,
    namespaces: Sequence[str] = (),
) -> None:
    """Raise RouteError unless a version has enough ready endpoints behind each of its destinations.

    ``share`` is what it is to get, in percent; 0 for requests of other kinds. ``namespaces`` are those of the route and
    of the version, where hosts and subsets may be defined.
    """
    for host, subset in sorted({(backend.host, backend.subset or "") for backend in backends}):
        service = router.service_of(host) or _service_behind(cluster, router, host)
        if service is None:
            readiness = _entry_readiness(cluster, router, version, host, namespaces, minimum)
        elif router.switches:
            # Before the switch these pods are no endpoints of the Service.
            found = cluster.items(Ref("v1", "pods", service[1]), subset).get("items") or []
            readiness = judge_pods(subset, found, minimum)
        else:
            name, namespace = service
            slices = endpoint_slices(cluster, namespace, name)
            if subset:
                pods = _subset_pods(cluster, router, namespace, host, subset, namespaces)
                slices = [_only(item, pods) for item in slices]
            readiness = judge_endpoints(f"{namespace}/{name}", slices, minimum)
        if not readiness.ready:
            where = readiness.reason + (f" in subset {subset}" if subset and not router.switches else "")
            if minimum > 1 and share:
                where += f" for {share} %"
            remedy = "deploy it and wait until it is ready (version_ready)"
            if minimum > 1:
                remedy = "scale it up, or ask for less (min_endpoints; in a release capacity.min_ready)"
            raise RouteError(f"{version} may not get traffic yet: {where}; {remedy}, or set require_ready: false")


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


def _subset_pods(
    cluster: Cluster, router: Router, namespace: str, host: str, subset: str, namespaces: Sequence[str]
) -> set[str]:
    """The names of the pods that a subset selects."""
    if router.subsets is None:
        raise RouteError(f"{host}: the router {router.name} knows no subsets; leave {subset} out")
    looked: list[str] = []
    for place, rules in _defined(cluster, router, router.subsets, namespace, namespaces):
        looked.append(place)
        labels = router.subset_labels(rules, host, subset)
        if labels is not None:
            selector = ",".join(f"{key}={value}" for key, value in labels.items())
            pods = cluster.items(Ref("v1", "pods", namespace), selector).get("items") or []
            return {pod["metadata"]["name"] for pod in pods}
    raise RouteError(
        f"no {router.subsets[1]} in the namespaces {', '.join(looked)} give the host {host} a subset {subset}: add "
        f"{{name: {subset}, labels: {{…}}}} to its subsets"
    )


def _entry_readiness(
    cluster: Cluster, router: Router, version: str, host: str, namespaces: Sequence[str], minimum: int
) -> Readiness:
    """Whether a host that is no Service has enough endpoints: its own addresses, or pods that are ready."""
    looked: list[str] = []
    for place, entries in _defined(cluster, router, router.entries, None, namespaces) if router.entries else ():
        looked.append(place)
        entry = entry_of(entries, host)
        if entry is None:
            continue
        labels = pod_labels(entry)
        if labels is None:
            return _enough(label(entry), len(addresses(entry)), "endpoints", minimum)
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        pods = cluster.items(Ref("v1", "pods", place), selector).get("items") or []
        outside = cluster.items(Ref(entry["apiVersion"], "workloadentries", place)).get("items") or []
        chosen = [item for item in outside if labels.items() <= (item["spec"].get("labels") or {}).items()]
        ready = [pod for pod in pods if judge_pods("", [pod], 1).ready]
        return _enough(label(entry), len(ready) + len(chosen), f"ready pods and WorkloadEntries ({selector})", minimum)
    searched = f" and of no ServiceEntry in {', '.join(looked)}" if looked else ""
    raise RouteError(
        f"{version} may not get traffic yet: {host} is the host of no Service of this cluster{searched}, so its "
        "endpoints cannot be seen; correct the host, or set its weights by the module traffic with require_ready: false"
    )


def _enough(name: str, count: int, what: str, minimum: int) -> Readiness:
    return Readiness(count >= minimum, "" if count >= minimum else f"{name}: {count} {what}, wanted {minimum}")


def _defined(
    cluster: Cluster, router: Router, kind: tuple[str, str], service: str | None, namespaces: Sequence[str]
) -> Iterator[tuple[str, list[Manifest]]]:
    """The objects that define hosts or subsets, namespace by namespace; what may not be read is passed over."""
    api_version, plural = kind
    places = [
        place
        for namespace in namespaces or [service or ""]
        for place in router.definition_namespaces(namespace, service)
        if place
    ]
    for place in dict.fromkeys(places):
        try:
            found = cluster.items(Ref(api_version, plural, place)).get("items") or []
        except (Forbidden, NotFound):
            # What is defined elsewhere may be ours to read all the same; what is not found says where it was sought.
            continue
        yield place, [{"apiVersion": api_version, **item} for item in found]


def _only(item: dict[str, Any], pods: set[str]) -> dict[str, Any]:
    endpoints = [
        endpoint for endpoint in item.get("endpoints") or [] if (endpoint.get("targetRef") or {}).get("name") in pods
    ]
    return {**item, "endpoints": endpoints}
