# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to write one traffic step that are measured: pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NAMESPACE = "bench"
ROUTE = "web"
API_VERSION = "networking.istio.io/v1"

Task = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """One way to write a step, as tasks that give green a percentage."""

    name: str
    tasks: Callable[[int], list[Task]]
    steps: int
    """How many steps a play repeats: fewer for what is slow."""
    writes: bool = True


def set_fact(green: int) -> list[Task]:
    """The least that any task costs."""
    return [{"name": "Floor", "ansible.builtin.set_fact": {"green": green}}]


def traffic(green: int) -> list[Task]:
    return [_traffic(green, require_ready=False)]


def traffic_ready(green: int) -> list[Task]:
    return [_traffic(green, require_ready=True)]


def traffic_module(green: int) -> list[Task]:
    """With another environment the step runs as an ordinary module."""
    return [{**_traffic(green, require_ready=False), "environment": {"BENCH": "module"}}]


def kubernetes_core(green: int) -> list[Task]:
    """The same without this collection: read the object, write the new weights with its resourceVersion."""
    address = {"api_version": API_VERSION, "kind": "VirtualService", "name": ROUTE, "namespace": NAMESPACE}
    # The merge patch replaces lists, so that the whole route has to be repeated.
    weights = {"blue": 100 - green, "green": green}
    destinations = [
        {"destination": {"host": ROUTE, "subset": version}, "weight": weight} for version, weight in weights.items()
    ]
    definition = {
        "metadata": {"resourceVersion": "{{ found.resources[0].metadata.resourceVersion }}"},
        "spec": {"http": [{"route": destinations}]},
    }
    write = {**address, "state": "patched", "merge_type": ["merge"], "definition": definition}
    return [
        {"name": "Read", "kubernetes.core.k8s_info": address, "register": "found"},
        {"name": "Write", "kubernetes.core.k8s": write},
    ]


def _traffic(green: int, require_ready: bool) -> Task:
    arguments = {
        "routes": [{"router": "istio", "name": ROUTE, "namespace": NAMESPACE}],
        "weights": {"blue": 100 - green, "green": green},
        "require_ready": require_ready,
    }
    return {"name": "Step", "bluegreen.kubernetes.traffic": arguments}


FLOOR = Way("set_fact, the floor of any task", set_fact, steps=20, writes=False)
TRAFFIC = Way("traffic", traffic, steps=20)
TRAFFIC_READY = Way("traffic, require_ready", traffic_ready, steps=20)
TRAFFIC_MODULE = Way("traffic, as a module", traffic_module, steps=4)
KUBERNETES_CORE = Way("k8s_info + k8s", kubernetes_core, steps=4)
WAYS = (FLOOR, TRAFFIC, TRAFFIC_READY, TRAFFIC_MODULE, KUBERNETES_CORE)


def play(tasks: list[Task]) -> list[dict[str, Any]]:
    return [
        {
            "name": "Steps",
            "hosts": "localhost",
            "gather_facts": False,
            "connection": "local",
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": tasks,
        }
    ]
