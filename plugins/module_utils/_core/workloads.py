# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that run pods."""

from __future__ import annotations

from dataclasses import dataclass

# Those whose pods can be counted.
WORKLOAD_KINDS = ("Deployment", "StatefulSet", "DaemonSet")
# A DaemonSet has as many pods as there are nodes for it.
SCALABLE_KINDS = ("Deployment", "StatefulSet")
PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}


@dataclass(frozen=True)
class WorkloadRef:
    """Which object runs the pods of a version: a Deployment, a StatefulSet or a DaemonSet."""

    kind: str
    name: str
    namespace: str
