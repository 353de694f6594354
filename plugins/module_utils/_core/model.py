# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release as its user writes it: the variable ``bluegreen``, read strictly into typed objects."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .built import Built, HelmChart, Kustomization, read_chart, read_kustomization
from .claims import refuse_clashing_claims
from .enough import Enough, read_enough
from .errors import SpecError
from .gates import Gate, read_gates
from .given_objects import GivenObjects, identity_of, read_built_objects, read_objects
from .identity import NONE, OTHER
from .observe import (
    Mirroring,
    Verification,
    read_mirroring,
    read_observe,
    read_verification,
)
from .problems import CODES
from .promotion import Promotion, read_promotion
from .section import Section
from .steps import Step, read_steps
from .workloads import SCALABLE_KINDS, WorkloadRef

MANAGED_BY = "bluegreen.kubernetes"
ROOT = "bluegreen"
DEFAULT_PAUSE = 60.0
DEFAULT_DRAIN = 5.0
DEFAULT_INTERVAL = 5.0
DEFAULT_KEEP = 24 * 3600.0
# What a version can be made of.
SOURCES = ("image", "manifests", "helm", "kustomize", "existing")
BuiltSources = Mapping[tuple[str, str], Built]
ROUTERS = ("istio", "gateway_api", "app_mesh", "service")
# What stays with a version when it takes the source of another.
PLACE = ("namespace", "host", "subset", "selector", "replicas", "autoscaling", "disruption_budget")
# What switches at once has nothing in between.
STEPS_OF: Mapping[str, tuple[int, ...]] = {"service": (100,)}

# Names of objects that carry a version's name must be DNS labels (RFC 1123), as the Kubernetes API demands of Services.
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Workload:
    """A Deployment that we write for a version, with what may stand beside it."""

    image: str
    replicas: int
    port: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    env: Mapping[str, Any]
    resources: Mapping[str, Any]
    probes: Mapping[str, Any]
    command: tuple[str, ...]
    args: tuple[str, ...]
    service_account: str | None
    pod_security_context: Mapping[str, Any]
    security_context: Mapping[str, Any]
    pre_stop: int
    grace_period: int
    autoscaling: Mapping[str, Any]
    disruption_budget: Mapping[str, Any]


@dataclass(frozen=True)
class Version:
    """One deployable of a service, and how it is spelled in the routes.

    Of an ``existing`` one somebody else writes the workload: we only look whether it is ready. ``selector`` are the
    labels by which a Service leads to it, where that is the route. One that has taken another's source has
    ``instead_of``, the hash of the source that is written for it. ``source`` is what its objects are built from; until
    they are, which ``given`` tells, nothing is known of them.
    """

    name: str
    service: str
    namespace: str
    host: str | None
    subset: str | None
    workload: Workload | None
    existing: WorkloadRef | None
    spec_hash: str
    given: GivenObjects | None = None
    selector: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, Any] = field(default_factory=dict, repr=False)
    instead_of: str | None = None
    source: HelmChart | Kustomization | None = None
    built: Built | None = None

    @property
    def written_source(self) -> dict[str, Any]:
        """What it is made of, as it is written: all but what belongs to its place."""
        return {key: value for key, value in self.written.items() if key not in PLACE}

    @property
    def written_place(self) -> dict[str, Any]:
        """Where it is, how it is spelled in the routes and how large it is, as it is written."""
        return {key: value for key, value in self.written.items() if key in PLACE}

    @property
    def source_hash(self) -> str:
        """A hash of what it is made of, which is the same in another place."""
        if self.built is None:
            return content_hash(self.written_source)
        key = "helm" if isinstance(self.source, HelmChart) else "kustomize"
        return content_hash({**self.written_source, key: self.built.source})

    @property
    def backend(self) -> str:
        """The name of the Deployment and the Service that we write: ``<service>-<version>``."""
        return f"{self.service}-{self.name}"

    @property
    def is_ours(self) -> bool:
        """Whether the release deploys it, and takes it down."""
        return self.existing is None

    @property
    def own_service(self) -> str | None:
        """The name of the Service that we deploy for it alone."""
        if self.given is not None:
            return self.given.service
        return self.backend if self.workload is not None else None

    @property
    def workloads(self) -> tuple[WorkloadRef, ...]:
        """The objects that run its pods."""
        if self.given is not None:
            return self.given.workloads
        return (self.existing or WorkloadRef("Deployment", self.backend, self.namespace),)

    @property
    def runs_as(self) -> WorkloadRef:
        """The object whose pods serve it: of several, the first."""
        return self.workloads[0]


@dataclass(frozen=True)
class Route:
    """One object that carries the weights of a service.

    ``chart`` is what its user makes it from, if we know it. ``write_back`` is the file from which somebody else applies
    it, where that is to hold the weights of the end too.
    """

    name: str
    namespace: str
    api_version: str | None = None
    rules: tuple[str, ...] = ()
    adopt: bool = False
    kind: str | None = None
    write_back: str | None = None
    chart: HelmChart | None = None
    built: Built | None = None


@dataclass(frozen=True)
class Service:
    """What users call: hosts and a port, the versions behind it and the routes in front of them.

    ``external_name`` is where callers in the cluster are led who use the service's name, such as the gateway.
    """

    name: str
    namespace: str
    port: int
    protocol: str
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    create_gateway: bool
    versions: Mapping[str, Version]
    routes: tuple[Route, ...]
    routes_are_named: bool
    external_name: str | None = None

    @property
    def has_headers(self) -> bool:
        """Whether its requests have headers by which they can be told apart."""
        return self.protocol in ("http", "grpc")

    @property
    def uses_subsets(self) -> bool:
        """Whether any version is told apart by a subset of one host."""
        return any(version.subset for version in self.versions.values())


@dataclass(frozen=True)
class Retirement:
    """What becomes of a version when it has no traffic any more, and after how many seconds."""

    mode: str
    after: float
    written: bool


@dataclass(frozen=True)
class Release:
    """One intent: these services, to this candidate, by these steps.

    ``taken_from`` names the version whose source the candidate has taken, where that is how it came to its own.
    """

    name: str
    namespace: str
    router: str
    to: str | None
    services: Mapping[str, Service]
    steps: tuple[Step, ...]
    on_failure: str
    retire: Retirement
    drain: float
    ready_timeout: float
    observe: tuple[Gate, ...] | None
    gates: tuple[Gate, ...]
    interval: float
    verify: Verification
    mirror: Mirroring | None
    promotion: Promotion
    versions: tuple[str, ...] = field(default=())
    accept: tuple[str, ...] = ()
    taken_from: str | None = None
    enough: Enough = field(default_factory=Enough)
    built: BuiltSources = field(default_factory=dict, repr=False)

    @property
    def test_header(self) -> str | None:
        """The request header that leads to the candidate at 0 %; none where no service has headers."""
        return self.verify.header if any(service.has_headers for service in self.services.values()) else None

    def candidate_hash(self, version: str) -> str:
        """One hash over a version's specification in all services."""
        return content_hash({name: service.versions[version].spec_hash for name, service in self.services.items()})


def owned_labels(release: str, service: str) -> dict[str, str]:
    """The labels by which everything that we create can be found, and told from what others created."""
    return {
        "app.kubernetes.io/name": service,
        "app.kubernetes.io/part-of": release,
        "app.kubernetes.io/managed-by": MANAGED_BY,
    }


def read_release(value: object, built: BuiltSources | None = None) -> Release:
    """Read the variable ``bluegreen``; raise SpecError with the path of the first key that is wrong.

    ``built`` is what was built for versions that are made of a chart or a kustomization, by service and version.
    """
    with Section(value, ROOT) as section:
        name = _label(section, "release")
        namespace = _label(section, "namespace")
        pause = section.duration("pause", DEFAULT_PAUSE)
        gates = read_gates(section.items("gates"), section.at("gates"))
        router = section.text("router", "istio", choices=ROUTERS)
        services = _read_services(section, namespace, built or {})
        versions = _common_versions(services, section.at("services"))
        written = section.raw("steps")
        steps = read_steps(STEPS_OF.get(router) if written is None else written, pause, section.at("steps"))
        for position, step in enumerate(steps):
            unknown = sorted(set(step.weights or {}) - set(versions))
            if unknown:
                raise SpecError(
                    f"{section.at('steps')}[{position}].weights.{unknown[0]}",
                    f"no such version; known: {', '.join(versions)}",
                )
        to = section.optional_text("to")
        if to is not None and to not in versions:
            raise section.error("to", f"no version {to} in every service; known: {', '.join(versions)}")
        promotion = read_promotion(section, pause)
        _refuse_no_place(promotion.into, to, services, versions)
        return Release(
            name=name,
            namespace=namespace,
            router=router,
            to=to,
            services=services,
            steps=steps,
            on_failure=section.text("on_failure", "rollback", choices=("rollback", "hold")),
            retire=_read_retirement(section, services, promotion),
            drain=section.duration("drain", DEFAULT_DRAIN),
            ready_timeout=section.duration("ready_timeout", 300.0),
            observe=read_observe(section, gates),
            gates=gates,
            interval=section.duration("interval", DEFAULT_INTERVAL, least=0.1),
            verify=read_verification(section),
            mirror=read_mirroring(section),
            promotion=promotion,
            versions=versions,
            accept=_read_accepted(section),
            enough=read_enough(section),
            built=built or {},
        )


def _refuse_no_place(
    into: str | None, to: str | None, services: Mapping[str, Service], versions: Sequence[str]
) -> None:
    """Raise SpecError unless ``into`` is a version that can take what the candidate is made of."""
    path = f"{ROOT}.promote.into"
    if into is None:
        return
    if into not in versions:
        raise SpecError(path, f"no version {into} in every service; known: {', '.join(versions)}")
    if into == to:
        raise SpecError(
            path,
            f"{into} is the candidate itself (to: {to}): name the version that is to take its place, or leave into out",
        )
    for service in services.values():
        if not service.versions[into].is_ours:
            raise SpecError(
                path,
                f"{into} of {service.name} is existing, and the release deploys nothing to it: say with image or "
                "manifests what it is made of, or leave into out",
            )


def _read_accepted(section: Section) -> tuple[str, ...]:
    """The problems that the user knows of and takes upon himself."""
    codes = section.texts("accept")
    for position, code in enumerate(codes):
        if code not in CODES:
            raise SpecError(
                f"{section.at('accept')}[{position}]", f'"{code}" is no problem; known: {", ".join(sorted(CODES))}'
            )
    return codes


def refuse_unbuilt(release: Release) -> None:
    """Raise SpecError for a version whose objects are not known here."""
    for service in release.services.values():
        for version in service.versions.values():
            if version.source is not None and version.given is None:
                raise SpecError(
                    version.source.path,
                    "its objects are not known here: only the module release_info builds them, and its plan has them",
                )


def _read_services(section: Section, namespace: str, built: BuiltSources) -> dict[str, Service]:
    services = section.section("services")
    found = {name: _read_service(services, name, namespace, built) for name in services.names()}
    if not found:
        raise section.error("services", "is required: at least one service with its versions")
    _refuse_shared_objects(found, section.at("services"))
    refuse_clashing_claims(
        (f"{services.at(service.name)}.versions.{version.name}", version.given.objects)
        for service in found.values()
        for version in service.versions.values()
        if version.given is not None
    )
    return found


def _refuse_shared_objects(services: Mapping[str, Service], path: str) -> None:
    """Two versions that write one object would undo each other."""
    writers: dict[tuple[str, str, str], str] = {}
    releases: dict[tuple[str, str], str] = {}
    for service in services.values():
        for version in service.versions.values():
            if isinstance(version.source, HelmChart):
                helm_release = version.source.namespace, version.source.release_name
                if releases.setdefault(helm_release, version.source.path) != version.source.path:
                    raise SpecError(
                        f"{version.source.path}.release_name",
                        f"{version.source.release_name} is the Helm release of {releases[helm_release]} too",
                    )
            for item in version.given.objects if version.given is not None else ():
                identity = identity_of(item)
                writer = f"{service.name}.versions.{version.name}"
                if writers.setdefault(identity, writer) != writer:
                    kind, namespace, name = identity
                    raise SpecError(
                        version.source.path if version.source is not None else f"{path}.{writer}.manifests",
                        f"{kind} {namespace}/{name} is an object of {writers[identity]} too: each version needs names "
                        "of its own",
                    )


def _common_versions(services: Mapping[str, Service], path: str) -> tuple[str, ...]:
    """The versions that every service has, in the order of the first: only these can be a candidate."""
    first, *others = services.values()
    common = tuple(name for name in first.versions if all(name in service.versions for service in others))
    if not common:
        raise SpecError(path, "the services have no version in common: a release moves all of them to one name")
    return common


def _read_service(services: Section, name: str, default_namespace: str, built: BuiltSources) -> Service:
    _require_label(name, services.at(name))
    if name[0].isdigit():
        raise services.error(name, "the name of a Service starts with a letter, as most clusters demand")
    with services.section(name) as section:
        namespace = _label(section, "namespace", default_namespace)
        port = section.integer("port", 80, 1, 65535)
        protocol = section.text("protocol", "http", choices=("http", "grpc", "tcp", "tls"))
        gateways = section.texts("gateways")
        create_gateway = section.flag("create_gateway", False)
        if create_gateway and gateways:
            raise section.error("create_gateway", "the gateways are named already; leave out one of the two")
        hosts = section.texts("hosts")
        if (create_gateway or protocol == "tls") and not hosts:
            raise section.error("hosts", "is required for a gateway that is created, and for tls: which names?")
        versions = section.section("versions")
        found = {
            version: read_version(versions, version, name, namespace, port, built.get((name, version)))
            for version in versions.names()
        }
        if not found:
            raise section.error("versions", "is required: at least one version, such as blue: {image: …}")
        return Service(
            name=name,
            namespace=namespace,
            port=port,
            protocol=protocol,
            hosts=hosts,
            gateways=gateways,
            create_gateway=create_gateway,
            versions=found,
            routes=_read_routes(section, name, namespace, tuple(found), built),
            routes_are_named=section.has("route") or section.has("routes"),
            external_name=section.optional_text("external_name"),
        )


def _read_routes(
    section: Section, name: str, namespace: str, versions: tuple[str, ...], built: BuiltSources
) -> tuple[Route, ...]:
    if section.has("route") and section.has("routes"):
        raise section.error("routes", "expected either route or routes")
    if section.has("routes"):
        entries = section.items("routes")
        if not entries:
            raise section.error("routes", "expected at least one route")
        return tuple(
            _read_route(Section(entry, f"{section.at('routes')}[{position}]"), name, namespace, versions, built)
            for position, entry in enumerate(entries)
        )
    return (_read_route(section.section("route"), name, namespace, versions, built),)


def _read_route(
    section: Section, service: str, default_namespace: str, versions: tuple[str, ...], built: BuiltSources
) -> Route:
    with section:
        name = section.text("name", service)
        namespace = _label(section, "namespace", default_namespace)
        has_chart = section.has("helm")
        return Route(
            name=name,
            namespace=namespace,
            api_version=section.optional_text("api_version"),
            rules=section.texts("rules"),
            adopt=section.flag("adopt", False),
            kind=section.optional_text("kind"),
            write_back=section.optional_text("write_back"),
            chart=read_chart(section.section("helm"), name, namespace, versions) if has_chart else None,
            built=built.get(route_key(service, namespace, name)) if has_chart else None,
        )


def route_key(service: str, namespace: str, name: str) -> tuple[str, str]:
    """Where a route stands among what was built: no version has such a name."""
    return service, f"{namespace}/{name}"


def read_version(versions: Section, name: str, service: str, namespace: str, port: int, built: Built | None) -> Version:
    """Read one version of a service; ``namespace`` and ``port`` are those of the service."""
    _require_label(name, versions.at(name))
    _require_label(f"{service}-{name}", versions.at(name))
    if name in (OTHER, NONE):
        raise versions.error(name, f'"{name}" stands for answers of no version; call it something else')
    with versions.section(name) as section:
        source = _source(section)
        namespace = _label(section, "namespace", namespace)
        version = Version(
            name=name,
            service=service,
            namespace=namespace,
            host=section.optional_text("host"),
            subset=section.optional_text("subset"),
            workload=_read_workload(section, port) if source == "image" else None,
            existing=_read_existing(section, namespace) if source == "existing" else None,
            # Of what is built, where it lies on this machine says nothing.
            spec_hash=content_hash(
                versions.raw(name) if built is None else {**versions.raw(name), source: built.content}
            ),
            selector=section.strings("selector"),
            given=_read_given(section, source, namespace, f"{service}-{name}", built),
            source=_read_source(section, source, namespace, f"{service}-{name}"),
            built=built,
            written=dict(versions.mapping(name)),
        )
        if version.subset is not None and version.is_ours and version.host is not None:
            raise section.error("host", f"with a subset, the host is the service {service} itself; leave it out")
        return version


def _read_given(section: Section, key: str, namespace: str, backend: str, built: Built | None) -> GivenObjects | None:
    if key == "manifests":
        return read_objects(section, key, namespace, backend)
    return read_built_objects(section, key, namespace, backend, built.objects) if built is not None else None


def _read_source(section: Section, key: str, namespace: str, backend: str) -> HelmChart | Kustomization | None:
    if key == "helm":
        return read_chart(section.section(key), backend, namespace)
    return read_kustomization(section, key) if key == "kustomize" else None


def _source(section: Section) -> str:
    found = [source for source in SOURCES if section.has(source)]
    if len(found) != 1:
        got = f"got {' and '.join(found)}" if found else "there is none"
        raise SpecError(section.path, f"expected just one of {', '.join(SOURCES)} to say what it is made of; {got}")
    return found[0]


def _read_existing(section: Section, namespace: str) -> WorkloadRef:
    with section.section("existing") as existing:
        kinds = {"deployment": "Deployment", "stateful_set": "StatefulSet", "daemon_set": "DaemonSet"}
        given = [key for key in kinds if existing.has(key)]
        if len(given) != 1:
            raise SpecError(existing.path, f"expected exactly one of {', '.join(kinds)}, with the name of the object")
        return WorkloadRef(kinds[given[0]], existing.text(given[0]), namespace)


def _read_workload(section: Section, port: int) -> Workload:
    pre_stop = section.integer("pre_stop", 5)
    grace_period = section.integer("grace_period", pre_stop + 30)
    if grace_period < pre_stop:
        raise section.error("grace_period", f"is below pre_stop ({pre_stop}): the pod would be killed while it drains")
    autoscaling = section.section("autoscaling")
    with autoscaling:
        scaling: dict[str, Any] = {}
        if section.has("autoscaling"):
            replicas = section.integer("replicas", 1)
            scaling = {
                "min_replicas": autoscaling.integer("min_replicas", max(replicas, 1), 1),
                "max_replicas": autoscaling.integer("max_replicas", minimum=1),
                "cpu": autoscaling.integer("cpu", 80, 1),
                "metrics": list(autoscaling.items("metrics")),
            }
            if scaling["max_replicas"] < scaling["min_replicas"]:
                raise autoscaling.error("max_replicas", f"is below min_replicas ({scaling['min_replicas']})")
    with section.section("disruption_budget") as budget:
        if budget.has("min_available") and budget.has("max_unavailable"):
            raise budget.error("max_unavailable", "expected either min_available or max_unavailable")
        bounds = {key: budget.amount(key) for key in ("min_available", "max_unavailable") if budget.has(key)}
        if section.has("disruption_budget") and not bounds:
            raise SpecError(budget.path, "expected min_available or max_unavailable")
    with section.section("probes") as probes:
        probe_kinds = ("readiness", "liveness", "startup")
        found_probes = {kind: probes.mapping(kind) for kind in probe_kinds if probes.has(kind)}
    return Workload(
        image=section.text("image"),
        replicas=section.integer("replicas", 1),
        port=section.integer("port", port, 1, 65535),
        labels=section.strings("labels"),
        annotations=section.strings("annotations"),
        env=section.mapping("env"),
        resources=section.mapping("resources"),
        probes=found_probes,
        command=section.texts("command"),
        args=section.texts("args"),
        service_account=section.optional_text("service_account"),
        pod_security_context=section.mapping("pod_security_context"),
        security_context=section.mapping("security_context"),
        pre_stop=pre_stop,
        grace_period=grace_period,
        autoscaling=scaling,
        disruption_budget=bounds,
    )


def _read_retirement(section: Section, services: Mapping[str, Service], promotion: Promotion) -> Retirement:
    value = section.raw("retire")
    if value is None and promotion.into is not None:
        # What it would be kept for stands in another place.
        return Retirement("delete", 0.0, written=False)
    if value is None:
        return Retirement("delete", DEFAULT_KEEP, written=False)
    scaled = [
        f"{service.name}/{version.name}"
        for service in services.values()
        for version in service.versions.values()
        if version.workload is not None and version.workload.autoscaling
    ]
    if value == "scale_to_zero" and scaled:
        # At 0 replicas Kubernetes switches a HorizontalPodAutoscaler off, and nothing would switch it on again.
        raise section.error("retire", f"scale_to_zero ends the autoscaling of {scaled[0]} for good; use delete or keep")
    daemons = [
        workload.name
        for service in services.values()
        for version in service.versions.values()
        for workload in version.workloads
        if workload.kind not in SCALABLE_KINDS
    ]
    if value == "scale_to_zero" and daemons:
        raise section.error(
            "retire", f"scale_to_zero: the DaemonSet {daemons[0]} has a pod on every node; use delete or keep"
        )
    if value in ("delete", "scale_to_zero"):
        return Retirement(str(value), 0.0, written=True)
    if not isinstance(value, Mapping):
        raise section.error("retire", f"expected delete, scale_to_zero or {{keep: 24h}}, got {value!r}")
    with section.section("retire") as retire:
        given = retire.has("keep")
        retire.refuse_unknown()
        if not given:
            raise SpecError(retire.path, "expected keep, such as {keep: 24h}")
        return Retirement("delete", retire.duration("keep", DEFAULT_KEEP), written=False)


def _label(section: Section, key: str, default: str | None = None) -> str:
    value = section.text(key, default)
    _require_label(value, section.at(key))
    return value


def _require_label(value: str, path: str) -> None:
    if len(value) > 63 or not _DNS_LABEL.fullmatch(value):
        raise SpecError(
            path,
            f'"{value}" is no DNS label: at most 63 lower-case letters, digits and "-", a letter or digit at both ends',
        )


def content_hash(value: object) -> str:
    """A hash that is the same for the same content, whatever the order of keys."""
    # The first pass makes every key a string: numbers and strings side by side cannot be sorted.
    plain = json.loads(json.dumps(value, default=str))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
