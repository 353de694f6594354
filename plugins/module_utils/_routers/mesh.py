# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services whose callers are in the mesh, and reach them by name instead of through a gateway."""

from __future__ import annotations

from collections.abc import Mapping

from .._core.model import Service
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
