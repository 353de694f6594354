# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that run pods."""

from __future__ import annotations

from dataclasses import dataclass

# Those whose pods can be counted and scaled.
WORKLOAD_KINDS = ("Deployment", "StatefulSet")


@dataclass(frozen=True)
class WorkloadRef:
    """Which object runs the pods of a version: a Deployment or a StatefulSet."""

    kind: str
    name: str
    namespace: str
