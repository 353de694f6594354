# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would make a release go wrong, found in objects before anything is written: each check in a file of its own."""

from __future__ import annotations

from collections.abc import Callable

from .._core.problems import Problem
from .lint_hosts import duplicate_hosts, twin_services
from .lint_owners import owners
from .lint_policies import policies
from .lint_rules import shadowed, sums
from .lint_subject import Subject, Surroundings
from .lint_subsets import pinned, subsets
from .lint_workloads import autoscalers, budgets

CHECKS: tuple[Callable[[Subject, Surroundings], list[Problem]], ...] = (
    duplicate_hosts,
    shadowed,
    subsets,
    owners,
    sums,
    twin_services,
    pinned,
    autoscalers,
    budgets,
    policies,
)


def lint(subject: Subject, surroundings: Surroundings) -> list[Problem]:
    """The problems of one route, those that can refuse a release first."""
    return [problem for check in CHECKS for problem in check(subject, surroundings)]
