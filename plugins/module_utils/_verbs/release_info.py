# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``release_info``: where a release is, and with its specification, what is left to do."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import Any

from .._core.capacity import noted_workloads
from .._core.model import read_release
from .._core.observation import observed_release
from .._core.section import integer
from .._routers.release import refuse_unwritable, release_plan, rollback_plan, routes_to_read, workloads_to_read
from .capacities import read_capacity
from .journals import load
from .traffic_info import observe
from .verb import Module, Result, connect, finish, with_auth


def argument_spec() -> dict[str, Any]:
    """The module's options and rules."""
    return {
        "argument_spec": with_auth(
            {
                "release": {"type": "str"},
                "namespace": {"type": "str"},
                "spec": {"type": "dict"},
                "percent": {"type": "raw"},
                "rollback": {"type": "bool", "default": False},
                "capacity": {"type": "bool", "default": False},
            }
        ),
        "required_one_of": [["release", "spec"]],
        "required_together": [["release", "namespace"]],
        "mutually_exclusive": [["release", "spec"]],
        "required_by": {"percent": ["spec"]},
        "supports_check_mode": True,
    }


def run(module: Module) -> None:
    """Read the release and leave."""
    finish(module, _release_info)


def _release_info(module: Module) -> Result:
    params = module.params
    # Before anything is touched, even read: the specification has to be right.
    spec = read_release(params["spec"]) if params["spec"] is not None else None
    if spec is not None:
        refuse_unwritable(spec)
    limit = integer(params["percent"], "bluegreen_percent", 0, 100) if params["percent"] is not None else None
    cluster = connect(module)
    name, namespace = (spec.name, spec.namespace) if spec else (params["release"], params["namespace"])
    journal = load(cluster, name, namespace)
    state = journal.state
    result: Result = {
        "changed": False,
        "release": name,
        "namespace": namespace,
        "entries": list(journal.entries),
        "state": state.state,
        "live": state.live,
        "step": state.step,
        "percent": state.percent,
        "journal": state.plain(),
    }
    if spec is not None:
        routes = [{"service": route["service"], **observe(cluster, route)} for route in routes_to_read(spec)]
        result["problems"] = [problem for route in routes for problem in route["problems"]]
        observed = observed_release(spec, state, routes, time.time())
        if params["capacity"]:
            workloads = noted_workloads(state.capacity) if params["rollback"] else workloads_to_read(spec, observed)
            observed = replace(observed, capacity=tuple(read_capacity(cluster, workloads)))
        if params["rollback"]:
            result["plan"] = rollback_plan(spec, observed)
        else:
            # In check mode nothing before a stage has been written, and each is still to say what it would do.
            token = secrets.token_hex(8)
            result["plan"] = release_plan(spec, observed, limit, predict=module.check_mode, token=token)
        result["live"] = result["plan"]["live"]
    return result
