# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules that carry the versions: what their weights add up to, and whether requests reach them at all."""

from __future__ import annotations

from .._core.problems import Problem, problem
from .lint_matches import takes_all
from .lint_subject import GATEWAY_API, ISTIO, Subject, Surroundings


def sums(subject: Subject, _surroundings: Surroundings) -> list[Problem]:
    """Rules whose weights do not mean percentages.

    Istio takes any numbers as parts of their sum. Whole hundreds are what this collection writes where a rule has to
    be told more exactly.
    """
    if subject.router.name != ISTIO:
        return []
    found = []
    for rule in subject.carrying():
        total = sum(rule.effective())
        if total and total % 100 and len(rule.destinations) > 1:
            written = ", ".join(f"{item} {weight}" for item, weight, _version in subject.versions_of(rule))
            message = (
                f"{subject.name}, rule {rule.name}: its weights add up to {total} ({written}), and are parts of that"
            )
            found.append(problem("weights_do_not_sum", rule.path, message))
    return found


def shadowed(subject: Subject, _surroundings: Surroundings) -> list[Problem]:
    """Rules with the versions that no request reaches, as one in front of them takes all of theirs."""
    if subject.router.name not in (ISTIO, GATEWAY_API):
        return []
    carrying = subject.carrying()
    paths = {rule.path for rule in carrying}
    found = []
    for rule in carrying:
        for other in subject.router.rules(subject.route):
            if other.path == rule.path:
                break
            same_list = other.path.rpartition("/")[0] == rule.path.rpartition("/")[0]
            if same_list and takes_all(subject.router.name, subject.entry(other), subject.entry(rule)):
                message = (
                    f"{subject.name}: rule {other.name} stands in front of {rule.name} and takes all of its requests, "
                    f"so the weights of {rule.name} move none"
                )
                remedy = f"put {rule.name} in front of {other.name}, or narrow the match of {other.name}"
                # What the rule in front sends is divided by the same weights.
                refuses = other.path not in paths
                found.append(problem("rule_shadowed", rule.path, message, remedy, refuses))
                break
    return found
