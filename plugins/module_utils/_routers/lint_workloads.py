# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What scales the candidate, and what guards pods of live: autoscalers and disruption budgets."""

from __future__ import annotations

import math
from typing import Any

from .._core.problems import Problem, problem
from .lint_subject import LintedVersion, Subject, Surroundings, label_of, selects


def autoscalers(subject: Subject, _surroundings: Surroundings) -> list[Problem]:
    """Bounds of the candidate's autoscaler that leave it with fewer pods than its share of live's."""
    candidate, live = subject.versions.get(subject.candidate or ""), subject.versions.get(subject.live or "")
    if candidate is None or live is None or candidate.autoscaler is None or live.workload is None:
        return []
    spec = candidate.autoscaler["spec"]
    name = label_of("HorizontalPodAutoscaler", candidate.autoscaler)
    wanted = {share: math.ceil(live.replicas * share / 100) for share in (subject.first, subject.last)}
    has = f"{subject.live} has {live.replicas} pods"
    if spec["maxReplicas"] < wanted[subject.last]:
        message = (
            f"{name} lets {subject.candidate} have at most {spec['maxReplicas']} pods, and {has}: {subject.last} % of "
            f"the traffic take {wanted[subject.last]}"
        )
        remedy = f"raise maxReplicas to {wanted[subject.last]} or more"
        return [problem("hpa_below_share", f"{name}: /spec/maxReplicas", message, remedy)]
    # An autoscaler that stands keeps its pods; one that is new begins at its minimum.
    least = max(int(spec.get("minReplicas") or 1), 0 if candidate.planned else candidate.replicas)
    if least < wanted[subject.first]:
        message = (
            f"{name} begins {subject.candidate} with {least} pods, and {has}: the first step of {subject.first} % "
            f"takes {wanted[subject.first]} before anything can scale up"
        )
        remedy = f"raise minReplicas to {wanted[subject.first]}, or begin with a smaller step"
        return [problem("hpa_below_share", f"{name}: /spec/minReplicas", message, remedy)]
    return []


def budgets(subject: Subject, surroundings: Surroundings) -> list[Problem]:
    """Budgets over both versions that no pod may leave any more once live has been retired."""
    candidate, live = subject.versions.get(subject.candidate or ""), subject.versions.get(subject.live or "")
    if not subject.retires or candidate is None or live is None or candidate.namespace != live.namespace:
        return []
    if candidate.labels is None or live.labels is None:
        return []
    found = []
    remaining = _fewest(candidate)
    for item in surroundings.of("PodDisruptionBudget", live.namespace):
        spec = item.get("spec") or {}
        selector, least = spec.get("selector") or {}, spec.get("minAvailable")
        both = selects(selector, live.labels) and selects(selector, candidate.labels)
        if both and isinstance(least, int) and least >= remaining:
            name = label_of("PodDisruptionBudget", item)
            message = (
                f"{name} counts the pods of {subject.live} and {subject.candidate}, and {least} have to be available. "
                f"When {subject.live} is retired {remaining} remain, so no node that runs one of them can be drained"
            )
            remedy = f"let minAvailable be below {remaining} or a percentage before {subject.live} is retired"
            found.append(problem("pdb_blocks_retire", f"{name}: /spec/minAvailable", message, remedy))
    return found


def _fewest(version: LintedVersion) -> int:
    """How many pods a version may be down to."""
    spec: dict[str, Any] = version.autoscaler["spec"] if version.autoscaler else {}
    return int(spec.get("minReplicas") or 1) if version.autoscaler else version.replicas
