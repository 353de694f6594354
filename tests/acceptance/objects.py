# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may have in the cluster already: two versions of a service and a route in front of them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

LABEL = "app.kubernetes.io/version"


def workload(namespace: str, service: str, version: str, image: str = "", replicas: int = 1) -> list[Json]:
    """A Deployment of somebody else's, and a Service in front of it."""
    name, labels = f"{service}-{version}", {"app": service, LABEL: version}
    image = image or f"registry.example.com/{service}:{version}"
    container: Json = {"name": service, "image": image, "ports": [{"containerPort": 8080}]}
    container["lifecycle"] = {"preStop": {"sleep": {"seconds": 3}}}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
        service_of(namespace, name, labels),
    ]


def service_of(namespace: str, name: str, selector: Json) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    }


def route(namespace: str, service: str, weights: dict[str, int | None], host: str = "", **spec: Any) -> Json:
    """A VirtualService at the public gateway with one rule over `<service>-<version>`."""
    destinations = []
    for version, weight in weights.items():
        entry: Json = {"destination": {"host": f"{service}-{version}", "port": {"number": 80}}}
        destinations.append(entry if weight is None else {**entry, "weight": weight})
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": service, "namespace": namespace},
        "spec": {
            "hosts": [host or f"{namespace}.example.com"],
            "gateways": ["istio-system/public"],
            "http": [{"name": "main", "route": destinations}],
            **spec,
        },
    }


def release(namespace: str, host: str = "", **more: Any) -> Json:
    """A release with everything of ours, quick: the service web, blue and green."""
    return {
        "release": "web",
        "namespace": namespace,
        "observe": "none",
        "services": {
            "web": {
                "hosts": [host or f"{namespace}.example.com"],
                "gateways": ["istio-system/public"],
                "versions": {
                    "blue": {"image": "registry.example.com/web:1.4", "replicas": 2, "port": 8080},
                    "green": {"image": "registry.example.com/web:1.5", "replicas": 2, "port": 8080},
                },
            }
        },
        "steps": [50, 100],
        "pause": "1s",
        "drain": "1s",
        "retire": "delete",
        **more,
    }


def existing(namespace: str, **more: Any) -> Json:
    """A release of two Deployments that exist, behind a route that exists."""
    versions = {name: {"existing": {"deployment": f"web-{name}"}} for name in ("blue", "green")}
    spec = {**release(namespace), "services": {"web": {"versions": versions}}, **more}
    # What is not ours stays, unless somebody writes that it is to go.
    return spec if "retire" in more else {key: value for key, value in spec.items() if key != "retire"}


def subsets(namespace: str, service: str, *versions: str) -> list[Json]:
    """One Service over all versions, and the DestinationRule that tells them apart."""
    rule = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": service, "namespace": namespace},
        "spec": {"host": service, "subsets": [{"name": name, "labels": {LABEL: name}} for name in versions]},
    }
    return [service_of(namespace, service, {"app": service}), rule]


def subset_destinations(service: str, weights: dict[str, int]) -> list[Json]:
    return [{"destination": {"host": service, "subset": name}, "weight": weight} for name, weight in weights.items()]
