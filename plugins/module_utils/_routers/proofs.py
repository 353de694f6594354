# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What proves a stage: the gates that the module analysis judges, worked out for this release, as plain JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from .._core.gates import SHARE_KINDS, Gate
from .._core.model import Service
from .._core.observe import gates_of_step, share_gates
from .._core.placeholders import names_in
from .._core.plan import Decision, PlannedStep
from .._core.weights import Weights
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
) -> Plain:
    """Gates in the form in which the module analysis takes them, with the user's own tasks beside them.

    ``weights`` is what each service's traffic is to show; ``watched`` are versions whose pods are watched all the time.
    """
    release = routes.release
    metrics = [{"name": f"pods of {item['version']}", "pods": item} for item in watched]
    services = [service for service in release.services.values() if service.name in weights]
    for gate in gates:
        if gate.kind == "tasks":
            continue
        metrics += _for_services(routes, gate, services, weights)
    return {
        "metrics": metrics,
        "tasks": [gate.plain() for gate in gates if gate.kind == "tasks"],
        "window": window,
        "interval": release.interval,
        "candidate": decision.to,
        "live": decision.live,
        "release": release.name,
        "namespace": release.namespace,
        "verified": "verified" if share_gates(gates) else "unverified",
    }


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
    gates = [*release.gates, *release.verify.gates, *release.promotion_gates]
    for step in release.steps:
        gates += step.gates
    named: dict[str, Gate] = {}
    for gate in gates:
        if gate.is_share or gate in named.values():
            continue
        # Two stages may have different gates of one name.
        name = gate.name if gate.name not in named else f"{gate.name}-{len(named) + 1}"
        named[name] = replace(gate, name=name)
    found = proof(routes, decision, decision.before, list(named.values()))
    for planned in steps:
        # How many requests it takes to see a share depends on the share.
        seen = [replace(gate, name=f"{gate.name} at {planned.percent} %") for gate in share_gates(planned.gates)]
        found["metrics"] += proof(routes, decision, planned.weights, seen)["metrics"]
    return found


def header_proof(routes: ReleaseRoutes, decision: Decision, header: Mapping[str, str]) -> Plain:
    """What the candidate shows at 0 % to requests with the test header; without a probe, only the user's own gates."""
    release = routes.release
    probes = [gate for gate in release.observe or () if gate.kind == "probe"]
    weights = {
        service.name: {**dict.fromkeys(service.versions, 0), decision.to: 100}
        for service in release.services.values()
        if service.protocol == "http"
    }
    asked = proof(routes, decision, weights, [*probes, *release.verify.gates])
    for metric in asked["metrics"]:
        for kind in ("probe", "http"):
            if kind in metric:
                metric[kind] = {**metric[kind], "headers": {**header, **metric[kind].get("headers", {})}}
    return asked


def _for_services(
    routes: ReleaseRoutes, gate: Gate, services: Sequence[Service], weights: Mapping[str, Weights]
) -> list[Plain]:
    """A gate once, or once for each service when it is about one: a share, or anything that names $service."""
    plain = gate.plain()
    is_share = gate.kind in SHARE_KINDS
    if not is_share and "service" not in names_in(plain):
        return [{**plain, "service": services[0].name}] if services else []
    found = []
    for service in services:
        metric = {**plain, "service": service.name}
        if len(services) > 1:
            metric["name"] = f"{gate.name} of {service.name}"
        if is_share:
            metric |= _expectation(routes, gate.kind, metric, service, weights[service.name])
        found.append(metric)
    return found


def _expectation(
    routes: ReleaseRoutes, kind: str, metric: Plain, service: Service, weights: Mapping[str, int]
) -> Plain:
    """What a share gate of a service is to see, and for a proxy's configuration, where in it."""
    if kind == "proxies":
        return {
            "expect": {"weights": dict(weights)},
            "proxies": {**ISTIO_GATEWAY, **metric["proxies"]},
            "hosts": list(service.hosts),
            "backends": _backends(routes, service, weights),
            "routes": [f"{route.namespace}/{route.name}" for route in service.routes],
            "rules": [rule for route in service.routes for rule in route.rules if "[" not in rule],
        }
    # An answer of a version that is in no route is as wrong as one of a version that is to get nothing.
    expected: Plain = {"expect": {"weights": {**dict.fromkeys(service.versions, 0), **weights}}}
    if kind == "probe" and service.hosts and "url" in metric["probe"]:
        expected["probe"] = {"host": service.hosts[0], **metric["probe"]}
    return expected


def _backends(routes: ReleaseRoutes, service: Service, versions: Collection[str]) -> Plain:
    """The full host and the subset of each version, as the proxies know them."""
    found: Plain = {}
    for name in versions:
        version = service.versions[name]
        spelling = routes.router.spelling(service, version)
        host = spelling.host or (service.name if spelling.subset else version.backend)
        found[name] = [{"host": routes.router.full_host(host, version.namespace), "subset": spelling.subset}]
    return found
