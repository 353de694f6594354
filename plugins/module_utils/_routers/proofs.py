# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What proves a stage: the gates that the module analysis judges, worked out for this release, as plain JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from .._core.errors import SpecError
from .._core.gates import SEEING_KINDS, Gate, distinct, share_gates
from .._core.model import ROOT, Release, Service, Version
from .._core.observe import DEFAULT_HEADER, gates_of_step
from .._core.placeholders import TEST_HEADER, filled, names_in
from .._core.plan import Decision, PlannedStep
from .._core.sources import Pods
from .._core.weights import Weights
from .candidates import watched_pods
from .routes import Plain, ReleaseRoutes

# As Istio installs it; another entry is named with its namespace and the labels of its pods.
ISTIO_GATEWAY = {"namespace": "istio-system", "selector": "istio=ingressgateway"}

NO_PROOF: Plain = {"metrics": [], "tasks": [], "window": 0.0, "verified": "unverified"}


def proof(
    routes: ReleaseRoutes,
    decision: Decision,
    weights: Mapping[str, Weights],
    gates: Sequence[Gate],
    window: float = 0.0,
    watched: Sequence[Plain] = (),
    asking: Mapping[str, str] | None = None,
) -> Plain:
    """Gates in the form in which the module analysis takes them, with the user's own tasks beside them.

    ``weights`` is what each service's traffic is to show; ``watched`` are versions whose pods are watched all the time.
    A gate that says how the candidate's pods are watched, and not whose, is about these, or has them watched.
    ``asking`` is the header by which the candidate is asked for; a command says itself where it is to stand.
    """
    release = routes.release
    how = [gate for gate in gates if _says_how(gate)]
    always = [gate for gate in release.gates if _says_how(gate)]
    metrics = _watching(watched or (watched_pods(routes, decision) if how else ()), [*always, *how])
    services = [service for service in release.services.values() if service.name in weights]
    for gate in gates:
        if gate.kind == "tasks" or gate in how:
            continue
        metrics += _for_services(routes, gate, services, weights)
    return {
        "metrics": filled(metrics, {TEST_HEADER: _spelled(asking or {release.test_header or DEFAULT_HEADER: ""})}),
        "tasks": [gate.plain() for gate in gates if gate.kind == "tasks"],
        "window": window,
        "interval": release.interval,
        "candidate": decision.to,
        "live": decision.live,
        "release": release.name,
        "namespace": release.namespace,
        "verified": _verified(gates),
    }


def _spelled(header: Mapping[str, str]) -> str:
    """As curl takes a header: one without a value is not sent."""
    return "; ".join(f"{name}: {value}".rstrip() for name, value in header.items())


def _verified(gates: Sequence[Gate]) -> str:
    """What the journal says of a step: only who looks at requests sees where they go."""
    return "verified" if any(gate.kind in SEEING_KINDS for gate in gates) else "unverified"


def _says_how(gate: Gate) -> bool:
    """Whether a gate only says how the candidate's pods are watched."""
    return isinstance(gate.options, Pods) and not (gate.options.workloads or gate.options.service)


def _watching(watched: Sequence[Plain], how: Sequence[Gate]) -> list[Plain]:
    """The gates that watch pods, as the user says how; a later word, such as a step's own, wins."""
    name = "pods"
    deadline: Plain = {}
    options: Plain = {}
    for gate in how:
        name = gate.name if gate.named else name
        deadline = {"deadline": gate.given["deadline"]} if "deadline" in gate.given else deadline
        options |= {key: value for key, value in gate.given["pods"].items() if key != "version"}
    return [{"name": f"{name} of {item['version']}", "pods": {**item, **options}, **deadline} for item in watched]


def share_proof(routes: ReleaseRoutes, decision: Decision, weights: Mapping[str, Weights]) -> Plain:
    """Only that the traffic goes where it should, as every step sees it; empty when the release is not to see it."""
    seen = share_gates(gates_of_step(routes.release.observe or (), routes.release.gates, ()))
    return proof(routes, decision, weights, seen)


def drained_proof(routes: ReleaseRoutes, decision: Decision, going: Mapping[str, Collection[str]]) -> Plain:
    """That no request to the versions that go is open, for a release that looks into its proxies; empty for others."""
    release = routes.release
    entries = [gate.plain()["proxies"] for gate in release.observe or () if gate.kind == "proxies"]
    empty = proof(routes, decision, {}, ())
    metrics = [
        {
            "name": f"open requests to {name}",
            "proxies": {**ISTIO_GATEWAY, **entry},
            "drained": True,
            "backends": _backends(routes, release.services[name], versions),
            "deadline": release.drain,
        }
        for name, versions in going.items()
        for entry in entries
    ]
    return {**empty, "metrics": metrics}


def all_gates(routes: ReleaseRoutes, decision: Decision, steps: Sequence[PlannedStep]) -> Plain:
    """Every gate of any stage, to be asked once before anything is written."""
    release = routes.release
    gates = [*release.gates, *release.verify.gates, *release.promotion.gates]
    for step in release.steps:
        gates += step.gates
    different: list[Gate] = []
    for gate in gates:
        # That pods can be watched needs no question.
        if not (gate.is_share or _says_how(gate) or gate in different):
            different.append(gate)
    # Two stages may have different gates of one name.
    found = proof(routes, decision, decision.before, distinct(different))
    for planned in steps:
        # How many requests it takes to see a share depends on the share.
        seen = [replace(gate, name=f"{gate.name} at {planned.percent} %") for gate in share_gates(planned.gates)]
        found["metrics"] += proof(routes, decision, planned.weights, seen)["metrics"]
    return found


def header_proof(
    routes: ReleaseRoutes, decision: Decision, standing: Mapping[str, Weights], header: Mapping[str, str]
) -> Plain:
    """What the candidate shows to requests with the test header, beside what all others see: the standing weights."""
    release = routes.release
    probes = [gate for gate in release.observe or () if gate.kind == "probe" and _sends_header(gate)]
    own = len(release.verify.gates)
    named_apart = distinct([*release.verify.gates, *probes])
    gates = [*named_apart[own:], *named_apart[:own]]
    led = {
        service.name: {**dict.fromkeys(service.versions, 0), decision.to: 100}
        for service in release.services.values()
        if service.has_headers
    }
    senders = [gate for gate in gates if _sends_header(gate)]
    asked = proof(routes, decision, led, senders, asking=header)
    for metric in asked["metrics"]:
        for kind in _SENDERS:
            if "url" in metric.get(kind, {}):
                metric[kind] = {**metric[kind], "headers": {**header, **metric[kind].get("headers", {})}}
    others = proof(routes, decision, standing, [gate for gate in gates if not _sends_header(gate)])
    both = {name: [*others[name], *asked[name]] for name in ("metrics", "tasks")}
    return {**asked, **both, "verified": _verified(gates)}


_SENDERS = ("probe", "http")


def _sends_header(gate: Gate) -> bool:
    """Whether a gate sends requests of our own, or runs a command that says where the header is to stand."""
    return (gate.kind in _SENDERS and "url" in gate.given[gate.kind]) or TEST_HEADER in names_in(gate.plain())


def refuse_unused_header(release: Release) -> None:
    """Raise SpecError when nothing would ask for the candidate by the test header; a user's own tasks may."""
    if release.test_header is None:
        return
    gates = [*release.verify.gates, *(gate for gate in release.observe or () if gate.kind == "probe")]
    if not any(_sends_header(gate) or gate.kind == "tasks" for gate in gates):
        raise SpecError(
            f"{ROOT}.verify.header",
            "leads requests to the candidate, and nothing here sends any: add an http gate or a probe with url to "
            "verify.gates, observe by a probe with url, write $test_header where a command of exec sends headers, or "
            "leave the header out",
        )


def _for_services(
    routes: ReleaseRoutes, gate: Gate, services: Sequence[Service], weights: Mapping[str, Weights]
) -> list[Plain]:
    """A gate once, or once for each service when it is about one: a share, or anything that names $service."""
    plain = gate.plain()
    if not gate.is_share and "service" not in names_in(plain):
        return [{**plain, "service": services[0].name}] if services else []
    found = []
    for service in services:
        metric = {**plain, "service": service.name}
        if len(services) > 1:
            metric["name"] = f"{gate.name} of {service.name}"
        if gate.is_share:
            metric |= _expectation(routes, gate.kind, metric, service, weights[service.name])
        found.append(metric)
    return found


def _expectation(
    routes: ReleaseRoutes, kind: str, metric: Plain, service: Service, weights: Mapping[str, int]
) -> Plain:
    """What a share gate of a service is to see, and for a proxy's configuration, where in it."""
    if kind == "proxies":
        # What is made of a delegate bears the name of the root, which nobody here knows.
        made_from = [] if routes.is_delegated(service) else [f"{it.namespace}/{it.name}" for it in service.routes]
        return {
            "expect": {"weights": dict(weights)},
            "proxies": {**ISTIO_GATEWAY, **metric["proxies"]},
            "hosts": list(service.hosts),
            "backends": _backends(routes, service, weights),
            "routes": made_from,
            "rules": [rule for route in service.routes for rule in route.rules if "[" not in rule],
        }
    # An answer of a version that is in no route is as wrong as one of a version that is to get nothing.
    expected: Plain = {"expect": {"weights": {**dict.fromkeys(service.versions, 0), **weights}}}
    if kind == "probe" and "url" in metric["probe"]:
        host = {"host": service.hosts[0]} if service.hosts else {}
        # Such a route divides connections: a kept one shows the same version again and again.
        connections = {} if service.has_headers else {"keep_alive": False}
        if host or connections:
            expected["probe"] = {**host, **connections, **metric["probe"]}
    return expected


def _backends(routes: ReleaseRoutes, service: Service, versions: Collection[str]) -> Plain:
    """The full host and the subset of each version, as the proxies know them: where it stands, or will stand."""
    return {
        name: [
            {"host": host, "subset": subset}
            for host, subset in routes.standing(service, name) or [foreseen(routes, service, service.versions[name])]
        ]
        for name in versions
    }


def foreseen(routes: ReleaseRoutes, service: Service, version: Version) -> tuple[str, str | None]:
    """The backend of a version that is in no route yet, or not any more."""
    spelling = routes.router.spelling(service, version)
    if spelling.host is None and spelling.subset is not None:
        # Subsets are of the service's own host.
        return routes.router.full_host(service.name, service.namespace), spelling.subset
    return routes.router.full_host(spelling.host or version.backend, version.namespace), spelling.subset
