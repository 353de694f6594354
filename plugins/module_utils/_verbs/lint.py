# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what stands around routes: a list for each kind and namespace, and what cannot be read is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._cluster.client import Cluster, Forbidden, NotFound, Ref
from .._core.autoscalers import API_VERSION as AUTOSCALING
from .._core.problems import Problem, with_remedies
from .._core.workloads import PLURALS, WORKLOAD_KINDS, WorkloadRef
from .._routers.istio import ROOT_NAMESPACE
from .._routers.lint import lint
from .._routers.lint_hosts import gateway_namespaces, parent_namespaces
from .._routers.lint_release import Intent
from .._routers.lint_subject import GATEWAY_API, ISTIO, LintedVersion, Subject, Surroundings
from .._routers.lint_subsets import subset_selectors
from .._routers.rules import Manifest
from .verb import kind_of, ref_of, router_of, spellings_of

ISTIO_NETWORKING = "networking.istio.io/v1"
ISTIO_SECURITY = "security.istio.io/v1"
# Where the versions are.
AROUND_VERSIONS = {
    "Service": Ref("v1", "services"),
    "HorizontalPodAutoscaler": Ref(AUTOSCALING, "horizontalpodautoscalers"),
    "PodDisruptionBudget": Ref("policy/v1", "poddisruptionbudgets"),
    "NetworkPolicy": Ref("networking.k8s.io/v1", "networkpolicies"),
    "AuthorizationPolicy": Ref(ISTIO_SECURITY, "authorizationpolicies"),
    "PeerAuthentication": Ref(ISTIO_SECURITY, "peerauthentications"),
    "Sidecar": Ref(ISTIO_NETWORKING, "sidecars"),
    "DestinationRule": Ref(ISTIO_NETWORKING, "destinationrules"),
}
# Where requests come in as well.
AROUND_GATEWAYS = {
    "VirtualService": Ref(ISTIO_NETWORKING, "virtualservices"),
    "DestinationRule": AROUND_VERSIONS["DestinationRule"],
}


class Surveyor:
    """Reads each kind in each namespace at most once."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lists: dict[tuple[str, str], list[Manifest]] = {}
        self._pods: dict[tuple[str, str], int] = {}
        self.unread: dict[tuple[str, str], str] = {}

    def lint(self, intent: Intent) -> list[Problem]:
        """The problems of a route and of what stands around it; none of a route that is not there."""
        router, ref = router_of(intent.route), ref_of(intent.route)
        kind = kind_of(intent.route)
        listed = self._items(kind, Ref(ref.api_version, ref.plural), ref.namespace or "")
        route = next((item for item in listed if item["metadata"]["name"] == ref.name), None)
        if route is None:
            return []
        spellings = tuple(spellings_of(intent.route, {}) or router.spellings(route))
        subject = Subject(
            router=router,
            route=route,
            spellings=spellings,
            rules=tuple(intent.route.get("rules") or ()),
            candidate=intent.candidate,
            live=intent.live,
            first=intent.first,
            last=intent.last,
            retires=intent.retires,
            writes_subsets=intent.writes_subsets,
        )
        services = [router.service_of(host) for host in subject.backends()]
        namespaces = {subject.namespace, *(service[1] for service in services if service)}
        namespaces |= {ref.namespace for ref in intent.standing.values()}
        self._read(AROUND_VERSIONS, namespaces)
        if router.name == ISTIO:
            self._read(AROUND_GATEWAYS, {*namespaces, *gateway_namespaces(route)})
            if any(destination.subset for rule in subject.carrying() for destination in rule.destinations):
                self._items("DestinationRule", AROUND_GATEWAYS["DestinationRule"], ROOT_NAMESPACE)
        if router.name == GATEWAY_API:
            for namespace in sorted({*namespaces, *parent_namespaces(route)}):
                self._items(kind, Ref(ref.api_version, ref.plural), namespace)
        around = self._surroundings()
        self._count_pods(subset_selectors(subject, around), router.service_of)
        around = self._surroundings()
        subject = Subject(**{**vars(subject), "versions": self._versions(intent, subject, around)})
        return [*with_remedies(router.problems(route)), *lint(subject, around)]

    def notes(self) -> list[str]:
        """What could not be read, for a person."""
        return [f"{kind} in {namespace}: {reason}" for (kind, namespace), reason in sorted(self.unread.items())]

    def _surroundings(self) -> Surroundings:
        objects: dict[str, list[Manifest]] = {}
        for (kind, _namespace), items in self._lists.items():
            objects.setdefault(kind, []).extend(items)
        return Surroundings(objects, frozenset(self.unread), self._pods)

    def _read(self, kinds: Mapping[str, Ref], namespaces: Iterable[str]) -> None:
        for namespace in sorted(namespaces):
            for kind, ref in kinds.items():
                self._items(kind, ref, namespace)

    def _items(self, kind: str, ref: Ref, namespace: str) -> list[Manifest]:
        key = (kind, namespace)
        if key not in self._lists:
            self._lists[key] = []
            try:
                found = self._cluster.items(Ref(ref.api_version, ref.plural, namespace)).get("items") or []
                self._lists[key] = [{"kind": kind, "apiVersion": ref.api_version, **item} for item in found]
            except NotFound:
                self.unread[key] = f"the cluster has no such kind in {ref.api_version}"
            except Forbidden as error:
                self.unread[key] = error.message
        return self._lists[key]

    def _count_pods(self, selectors: Mapping[tuple[str, str], Mapping[str, str]], service_of: Any) -> None:
        for (host, subset), labels in selectors.items():
            namespace = service_of(host)[1]
            selector = ",".join(f"{key}={value}" for key, value in labels.items())
            try:
                pods = self._cluster.items(Ref("v1", "pods", namespace), selector).get("items") or []
                self._pods[host, subset] = len(pods)
            except Forbidden as error:
                self.unread["Pod", namespace] = error.message

    def _versions(self, intent: Intent, subject: Subject, around: Surroundings) -> dict[str, LintedVersion]:
        if not (intent.planned or intent.standing):
            return _by_their_services(subject, around)
        found: dict[str, LintedVersion] = {}
        for name, ref in intent.standing.items():
            scalers = [item for item in around.of("HorizontalPodAutoscaler", ref.namespace) if _scales(item, ref)]
            found[name] = LintedVersion(ref.namespace, self._workload(ref), next(iter(scalers), None))
        for name, manifests in intent.planned.items():
            workload = next((item for item in manifests if item["kind"] in WORKLOAD_KINDS), None)
            scaler = next((item for item in manifests if item["kind"] == "HorizontalPodAutoscaler"), None)
            namespace = (workload or manifests[0])["metadata"].get("namespace") or subject.namespace
            found[name] = LintedVersion(namespace, workload, scaler, planned=True)
        return found

    def _workload(self, ref: WorkloadRef) -> Manifest | None:
        try:
            return self._cluster.find(Ref("apps/v1", PLURALS[ref.kind], ref.namespace, ref.name))
        except Forbidden as error:
            self.unread[ref.kind, ref.namespace] = error.message
            return None


def _by_their_services(subject: Subject, around: Surroundings) -> dict[str, LintedVersion]:
    """Versions of which nothing is known but where they are reached: the labels that their Services select."""
    selectors = subset_selectors(subject, around)
    found = {}
    for spelling in subject.spellings:
        backends = subject.router.backends(subject.route, subject.spellings, spelling.name)
        service = subject.router.service_of(backends[0][0]) if backends else None
        if service is None:
            continue
        host, subset = backends[0]
        labels: Mapping[str, str] | None = selectors.get((host, subset or ""))
        for item in around.of("Service", service[1]):
            if labels is None and item["metadata"]["name"] == service[0] and subset is None:
                labels = (item.get("spec") or {}).get("selector")
        workload: Manifest | None = {"spec": {"template": {"metadata": {"labels": dict(labels)}}}} if labels else None
        found[spelling.name] = LintedVersion(service[1], workload)
    return found


def _scales(autoscaler: Manifest, ref: WorkloadRef) -> bool:
    target = autoscaler["spec"]["scaleTargetRef"]
    return (target["kind"], target["name"]) == (ref.kind, ref.name)


def lint_routes(cluster: Cluster, intents: Sequence[Intent]) -> tuple[list[list[Problem]], list[str]]:
    """The problems of each route, and what could not be read."""
    surveyor = Surveyor(cluster)
    return [surveyor.lint(intent) for intent in intents], surveyor.notes()
