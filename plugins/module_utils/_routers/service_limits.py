# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release may not ask of a plain Service, and what the selector of one that we create is."""

from __future__ import annotations

from .._core.errors import SpecError
from .._core.gates import Gate
from .._core.manifests import VERSION_LABEL, selector_labels
from .._core.model import ROOT, Release, Service, Version

WHOLE = 100
POSSIBLE = "a Service leads everything to one version, so the steps that are possible are 0 and 100"


def is_created(service: Service) -> bool:
    """Whether we know the pods well enough to write the Service itself."""
    return not service.routes_are_named and all(version.workload for version in service.versions.values())


def created_selector(service: Service, version: Version) -> dict[str, str]:
    """What selects the pods that we deploy for a version."""
    own = selector_labels(service.name, version.name)
    if version.selector:
        own.pop(VERSION_LABEL)
    return {**own, **version.selector}


def refuse_weight(path: str, weight: int) -> None:
    """Raise SpecError for anything between nothing and all."""
    if weight not in (0, WHOLE):
        raise SpecError(path, f"{POSSIBLE}, got {weight}")


def refuse_shape(service: Service) -> None:
    """Raise SpecError for a service that labels within one namespace cannot tell the versions of."""
    where = f"{ROOT}.services.{service.name}"
    for key in ("gateways", "create_gateway"):
        if getattr(service, key):
            raise SpecError(f"{where}.{key}", "a plain Service has no gateway: leave it out, or choose another router")
    versions = service.versions.values()
    if not service.routes_are_named and all(version.is_ours for version in versions) and not is_created(service):
        raise SpecError(
            f"{where}.route",
            "is required: only where all versions are from image is a Service created; name yours with "
            f"route: {{name: {service.name}}}",
        )
    for version in versions:
        _refuse_version(service, version)


def refuse_course(release: Release) -> None:
    """Raise SpecError for what only something that looks at requests can do."""
    for position, step in enumerate(release.steps):
        weights = step.weights if step.weights is not None else {"": step.percent or 0}
        for weight in weights.values():
            refuse_weight(f"{ROOT}.steps[{position}]", weight)
    if release.mirror is not None:
        raise SpecError(f"{ROOT}.mirror", "a plain Service copies no requests: leave it out")
    if release.verify.header is not None:
        raise SpecError(
            f"{ROOT}.verify.header",
            "a plain Service knows no headers: leave it out; at 0 % the candidate is tested through its own Service, "
            "with verify.path and verify.gates",
        )
    gates: list[Gate] = [*(release.observe or ()), *release.gates, *release.verify.gates, *release.promotion.gates]
    gates += [gate for step in release.steps for gate in step.gates]
    for gate in gates:
        if gate.kind == "proxies":
            raise SpecError(
                f"{ROOT}.observe.proxies", "no proxy holds the weights of a plain Service: leave it out, use a probe"
            )


def _refuse_version(service: Service, version: Version) -> None:
    where = f"{ROOT}.services.{service.name}.versions.{version.name}"
    if version.subset is not None:
        raise SpecError(
            f"{where}.subset", "a plain Service knows no subsets: leave it out, or use selector: {LABEL: VALUE}"
        )
    if version.host is not None and version.own_service is not None:
        raise SpecError(f"{where}.host", f"the Service {version.own_service} is its own: leave this out")
    for route in service.routes:
        if route.namespace != version.namespace:
            raise SpecError(
                f"{where}.namespace",
                f"is {version.namespace}, and the Service {route.namespace}/{route.name} selects only pods of its own "
                "namespace: put both in one",
            )
    if version.workload is None:
        return
    if VERSION_LABEL in version.workload.labels:
        raise SpecError(
            f"{where}.labels.{VERSION_LABEL}",
            "holds the version's name, by which a plain Service finds its pods: leave it out, or use another router",
        )
    pods = {**version.workload.labels, **selector_labels(service.name, version.name)}
    for key, value in version.selector.items():
        if pods.get(key) != value:
            raise SpecError(
                f"{where}.selector.{key}",
                f"its pods will not have the label {key}: {value}; add it to the version's labels, or leave it out",
            )
