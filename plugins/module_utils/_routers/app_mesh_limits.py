# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release may not ask of App Mesh."""

from __future__ import annotations

from .._core.errors import SpecError
from .._core.gates import Gate
from .._core.model import ROOT, Release, Service


def refuse_shape(service: Service) -> None:
    """Raise SpecError for a service that a VirtualRouter cannot route, or of which we could not write the objects."""
    where = f"{ROOT}.services.{service.name}"
    for key in ("gateways", "create_gateway"):
        if getattr(service, key):
            raise SpecError(
                f"{where}.{key}",
                "the gateway of a mesh is its operator's: leave this out, and lead a GatewayRoute to the "
                f"VirtualService {service.name}",
            )
    if service.protocol == "tls":
        raise SpecError(f"{where}.protocol", "App Mesh passes TLS through as tcp: write protocol: tcp")
    for version in service.versions.values():
        at = f"{where}.versions.{version.name}"
        if version.subset is not None:
            raise SpecError(
                f"{at}.subset", "App Mesh knows no subsets: leave it out, and each version has a VirtualNode of its own"
            )
        if version.workload is not None and version.workload.port != service.port:
            raise SpecError(
                f"{at}.port",
                f"is {version.workload.port}, and the service's is {service.port}: the proxies of App Mesh call a "
                "VirtualNode on the port on which its pods listen, so write the same",
            )


def refuse_course(release: Release) -> None:
    """Raise SpecError for ways to try and to see a candidate that App Mesh does not have."""
    if release.mirror is not None:
        raise SpecError(f"{ROOT}.mirror", "App Mesh copies no requests: leave it out")
    if release.verify.header is not None and release.test_header is None:
        raise SpecError(
            f"{ROOT}.verify.header",
            "routes of App Mesh for tcp know no headers: leave it out; at 0 % the candidate is tested through its own "
            "Service, with verify.gates",
        )
    gates: list[Gate] = [*(release.observe or ()), *release.gates, *release.verify.gates, *release.promotion.gates]
    gates += [gate for step in release.steps for gate in step.gates]
    if any(gate.kind == "proxies" for gate in gates):
        raise SpecError(
            f"{ROOT}.observe.proxies",
            "this reads the Envoys that Istio drives: use a probe, with exec in a pod of the mesh",
        )
