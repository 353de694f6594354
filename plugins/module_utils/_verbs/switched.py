# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the endpoints of a Service have followed its selector: no status tells, so they are watched themselves."""

from __future__ import annotations

import time

from .._cluster.client import Cluster, Ref
from .._cluster.mirror import Mirror, Selection
from .._core.errors import RouteError
from .._core.readiness import judge_switched
from .._gates.version import SERVICE_LABEL
from .._routers.rules import Manifest


def wait_for_endpoints(cluster: Cluster, service: Manifest, minimum: int, within: float) -> None:
    """Wait until a Service has endpoints of its selector alone, and so many ready ones; RouteError when it is late."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    selector = ",".join(f"{key}={value}" for key, value in service["spec"]["selector"].items())
    selections = {
        "slices": Selection(Ref("discovery.k8s.io/v1", "endpointslices", namespace), f"{SERVICE_LABEL}={name}"),
        "pods": Selection(Ref("v1", "pods", namespace), selector),
    }
    late = time.monotonic() + within
    with Mirror(cluster, selections, late) as mirror:
        while True:
            seen = mirror.changes
            readiness = judge_switched(f"{namespace}/{name}", mirror.objects("slices"), mirror.objects("pods"), minimum)
            if readiness.ready:
                return
            if time.monotonic() >= late:
                raise RouteError(
                    f"Service {namespace}/{name}: {within:g} s after its selector was led to {selector}, "
                    f"{readiness.reason}; see whether the cluster's controllers run, and who else writes its endpoints"
                )
            mirror.wait(seen, late)
