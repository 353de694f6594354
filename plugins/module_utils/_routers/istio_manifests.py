# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of Istio that are created for a service which has none yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.model import Release, Service, Version, owned_labels
from .hosts import full_host
from .mesh import is_in_mesh
from .rules import Manifest

API_VERSION = "networking.istio.io/v1"


def destination_rule(release: Release, service: Service, versions: Sequence[str]) -> Manifest:
    """The DestinationRule with one subset for each of the versions that are told apart by subset."""
    return {
        "apiVersion": API_VERSION,
        "kind": "DestinationRule",
        "metadata": {
            "name": service.name,
            "namespace": service.namespace,
            "labels": owned_labels(release.name, service.name),
        },
        "spec": {
            "host": full_host(service.name, service.namespace),
            "subsets": [
                {"name": service.versions[name].subset, "labels": {"app.kubernetes.io/version": name}}
                for name in versions
                # The subset of a workload that somebody else writes is theirs too.
                if service.versions[name].subset and service.versions[name].workload is not None
            ],
        },
    }


def weighted(service: Service, version: Version, weight: int) -> Manifest:
    if version.subset:
        destination: Manifest = {
            "host": full_host(service.name, service.namespace),
            "subset": version.subset,
        }
    else:
        host = version.host or version.own_service or version.backend
        destination = {"host": full_host(host, version.namespace)}
    destination["port"] = {"number": service.port}
    entry: Manifest = {"destination": destination, "weight": weight}
    if service.has_headers:
        entry["headers"] = version_header(version.backend)
    return entry


def hosts_of(service: Service) -> list[str]:
    own = [full_host(service.name, service.namespace)] if is_in_mesh(service) else []
    return [*service.hosts, *own] or ["*"]


def gateway(service: Service, labels: Mapping[str, str]) -> Manifest:
    protocol = service.protocol.upper()
    server: Manifest = {
        "port": {"number": service.port, "name": service.protocol, "protocol": protocol},
        "hosts": list(service.hosts),
    }
    if service.protocol == "tls":
        server["tls"] = {"mode": "PASSTHROUGH"}
    return {
        "apiVersion": API_VERSION,
        "kind": "Gateway",
        "metadata": {"name": service.name, "namespace": service.namespace, "labels": dict(labels)},
        "spec": {"selector": {"istio": "ingressgateway"}, "servers": [server]},
    }


def version_header(backend: str) -> Manifest:
    """Lets the data plane itself tell who answered."""
    return {"response": {"set": {"app-version": backend}}}


def has_version_header(entry: Mapping[str, Any]) -> bool:
    return "app-version" in entry.get("headers", {}).get("response", {}).get("set", {})


def label_of(own_backend: str | None, destination: Mapping[str, Any]) -> str:
    if own_backend is not None:
        return own_backend.split(".")[0]
    backend = str(destination["host"]).split(".", maxsplit=1)[0]
    return f"{backend}-{destination['subset']}" if destination.get("subset") else backend
