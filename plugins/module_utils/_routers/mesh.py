# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that callers in the cluster reach by name: in the mesh, or led to a gateway by that name."""

from __future__ import annotations

from collections.abc import Mapping

from .._core.errors import SpecError
from .._core.model import ROOT, Service
from .rules import Manifest

MESH = "mesh"


def is_in_mesh(service: Service) -> bool:
    """Whether a route serves callers in the mesh; without a gateway there are no others."""
    return MESH in service.gateways or not (service.gateways or service.create_gateway)


def host_service(service: Service, labels: Mapping[str, str]) -> Manifest:
    """The Service whose name callers in the mesh use.

    It selects pods only where subsets need them: without a selector nobody can reach a version past its weight.
    """
    spec: Manifest = {
        "ports": [{"name": service.protocol, "port": service.port, "targetPort": service.protocol, "protocol": "TCP"}]
    }
    if service.uses_subsets:
        spec["selector"] = {"app.kubernetes.io/name": service.name}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service.name, "namespace": service.namespace, "labels": dict(labels)},
        "spec": spec,
    }


def refuse_external_name(service: Service) -> None:
    """Raise SpecError where the name is that of another Service already."""
    if service.external_name is None:
        return
    where = f"{ROOT}.services.{service.name}.external_name"
    if is_in_mesh(service):
        raise SpecError(
            where, "leads callers to a gateway, and the route is bound to none: name it in gateways, or leave this out"
        )
    if service.uses_subsets:
        raise SpecError(where, f"the Service {service.name} is what the subsets are of: leave one of the two out")


def external_services(service: Service, labels: Mapping[str, str]) -> list[Manifest]:
    """The Service that leads callers in the cluster to a gateway by the service's own name; none where nobody asks."""
    if service.external_name is None:
        return []
    port = {"name": service.protocol, "port": service.port, "targetPort": service.port, "protocol": "TCP"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service.name, "namespace": service.namespace, "labels": dict(labels)},
            "spec": {"type": "ExternalName", "externalName": service.external_name, "ports": [port]},
        }
    ]
