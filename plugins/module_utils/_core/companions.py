# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions that get traffic beside the candidate, because a step names its weights one by one."""

from __future__ import annotations

from collections.abc import Mapping

from .model import Release, Service, Version
from .weights import Weights


def named_versions(release: Release) -> dict[str, None]:
    """Every version to which a step gives weight by name, in the order in which they are named."""
    return {name: None for step in release.steps for name, weight in (step.weights or {}).items() if weight}


def companions(release: Release, to: str, before: Mapping[str, Weights]) -> list[tuple[Service, Version]]:
    """Of each service the versions that had nothing before, and are to get some without being the candidate."""
    return [
        (service, service.versions[name])
        for service in release.services.values()
        for name in named_versions(release)
        if name != to and name in service.versions and not before.get(service.name, {}).get(name, 0)
    ]
