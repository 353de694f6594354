# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other controllers that write a route or the DestinationRules of its hosts: by the marks that each leaves on objects.

Tools that apply manifests again (Argo CD, Flux) can be told to leave weights alone. Controllers that move weights
themselves (Flagger, Argo Rollouts) cannot: two of them at one route undo each other's writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.problems import Problem, problem
from .lint_subject import APP_MESH, GATEWAY_API, ISTIO, SERVICE, Subject, Surroundings, destination_rules, label_of
from .rules import Manifest

_ARGO_CD = ("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance")
_FLUX = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
_FLUX_IS_OFF = {
    "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
    "kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent",
    "helm.toolkit.fluxcd.io/driftDetection": "disabled",
}
_ROLLOUTS = ("argo-rollouts.argoproj.io/managed-by-rollouts", "rollouts.argoproj.io/gatewayapi-canary")
WEIGHTS = {
    ISTIO: ".spec.http[].route[].weight",
    GATEWAY_API: ".spec.rules[].backendRefs[].weight",
    APP_MESH: ".spec.routes[][].action?.weightedTargets[]?.weight",
    SERVICE: ".spec.selector",
}


def owners(subject: Subject, surroundings: Surroundings) -> list[Problem]:
    """What else writes the route, or the DestinationRules of its hosts."""
    kind = str(subject.route.get("kind") or subject.router.kind)
    objects = {label_of(kind, subject.route): (kind, subject.route)}
    for host in subject.backends():
        for rule in destination_rules(subject, surroundings, host):
            objects[label_of("DestinationRule", rule)] = ("DestinationRule", rule)
    found = []
    for name, (kind, item) in objects.items():
        is_route = item is subject.route
        path = "/metadata" if is_route else f"{name}: /metadata"
        mover = _mover(item)
        keeper = _keeper(item["metadata"])
        if mover:
            message = f"{name} is written by {mover}, which moves weights by itself and would write these back"
            remedy = "take the object out of its hands first (pause is not enough), or release with that controller"
            found.append(problem("owned_by_controller", path, message, remedy))
        elif keeper and is_route:
            message = f"{name} is applied by {keeper}, which may write the weights back in the middle of the release"
            remedy = _ignoring(keeper, subject, kind)
            found.append(problem("owned_by_controller", path, message, remedy, refuses=False))
    return found


def _mover(item: Manifest) -> str:
    """The controller that moves weights in an object."""
    metadata = item["metadata"]
    for owner in metadata.get("ownerReferences") or []:
        if str(owner.get("apiVersion", "")).startswith("flagger.app/"):
            return f"Flagger ({owner.get('kind')} {owner.get('name')})"
    marks = _marks(metadata)
    rollout = next((marks[mark] for mark in _ROLLOUTS if mark in marks), None)
    return f"Argo Rollouts (Rollout {rollout})" if rollout is not None else ""


def _keeper(metadata: Mapping[str, Any]) -> str:
    """The tool that applies an object again and again, unless it was told to leave this one alone."""
    marks = _marks(metadata)
    if any(mark in marks for mark in _ARGO_CD):
        return "Argo CD"
    off = any(str(marks.get(mark, "")).lower() == value.lower() for mark, value in _FLUX_IS_OFF.items())
    return "Flux" if any(mark in marks for mark in _FLUX) and not off else ""


def _ignoring(keeper: str, subject: Subject, kind: str) -> str:
    version = str(subject.route.get("apiVersion") or subject.router.kinds[kind].api_versions[0])
    # Kinds of the core have a version and no group.
    group = version.rpartition("/")[0] or '""'
    if keeper == "Argo CD":
        weights = WEIGHTS.get(subject.router.name, ".spec")
        return (
            f"add {{group: {group}, kind: {kind}, name: {subject.route['metadata']['name']}, jqPathExpressions: "
            f'["{weights}"]}} to ignoreDifferences of its Application, and RespectIgnoreDifferences=true to its '
            "syncOptions; see docs/gitops.md"
        )
    return (
        "annotate it with kustomize.toolkit.fluxcd.io/reconcile: disabled for the time of the release, or suspend what "
        "applies it; of a HelmRelease, set driftDetection to ignore the weights; see docs/gitops.md"
    )


def _marks(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
