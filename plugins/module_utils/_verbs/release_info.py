# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``release_info``: where a release is, and with its specification, what is left to do."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .._cluster.client import Cluster
from .._core.capacity import noted_workloads
from .._core.errors import ReleaseError, SpecError
from .._core.model import BuiltSources, Release, read_release
from .._core.observation import observed_release
from .._core.problems import Problem, accepted, refusal, with_remedies
from .._core.section import integer
from .._programs.sources import build, build_routes
from .._routers.helm_releases import route_weights
from .._routers.lint_release import Intent, intents
from .._routers.migration import refuse_same
from .._routers.release import STAGES, refuse_unwritable, release_plan, rollback_plan, routes_to_read, workloads_to_read
from .capacities import read_capacity
from .entries import find_entries, shown
from .journals import load
from .lint import lint_routes
from .migration import migration_plan
from .removals import read_removal
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
                "remove": {"type": "bool", "default": False},
                "force": {"type": "bool", "default": False},
                "directory": {"type": "path", "default": "."},
                "capacity": {"type": "bool", "default": False},
                "entry": {"type": "bool", "default": False},
                "entry_url": {"type": "str"},
                "predict": {"type": "bool", "default": True},
                "lint": {"type": "bool", "default": True},
                "stage": {"type": "str", "choices": list(STAGES)},
                "migrate_from": {"type": "dict"},
            }
        ),
        "required_one_of": [["release", "spec"]],
        "required_together": [["release", "namespace"]],
        "mutually_exclusive": [["release", "spec"]],
        "required_by": {"percent": ["spec"], "stage": ["spec"], "migrate_from": ["spec"]},
        "supports_check_mode": True,
    }


def run(module: Module) -> None:
    """Read the release and leave."""
    finish(module, _release_info)


def _specifications(module: Module) -> tuple[Release | None, Release | None, BuiltSources]:
    """The release, and what it was before a migration: before anything is touched, even read, they have to be right.

    With them, what the charts and kustomizations of the release's versions are made into.
    """
    if module.params["spec"] is None:
        return None, None, {}
    spec, built = _read_spec(module, "spec")
    refuse_unwritable(spec)
    if module.params["migrate_from"] is None:
        return spec, None, built
    former, _built = _read_spec(module, "migrate_from")
    refuse_same(former, spec)
    return spec, former, built


def _release_info(module: Module) -> Result:
    params = module.params
    spec, former, built = _specifications(module)
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
    if spec is not None and former is not None:
        before, after = ((release, _routes(cluster, release)) for release in (former, spec))
        result["migration"] = migration_plan(cluster, before, after, state, time.time())
        for note in result["migration"]["notes"]:
            module.warn(note)
    elif spec is not None and params["remove"]:
        result["plan"] = read_removal(cluster, spec, state, params["force"])
    elif spec is not None:
        routes = _routes(cluster, spec)
        result["problems"] = with_remedies(problem for route in routes for problem in route["problems"])
        observed = observed_release(spec, state, routes, time.time())
        if params["capacity"]:
            workloads = noted_workloads(state.capacity) if params["rollback"] else workloads_to_read(spec, observed)
            observed = replace(observed, capacity=tuple(read_capacity(cluster, workloads)))
        if params["rollback"]:
            result["plan"] = rollback_plan(spec, observed)
        else:
            built_routes = build_routes(spec, route_weights(spec, observed), params["directory"])
            spec = read_release(params["spec"], {**built, **built_routes}) if built_routes else spec
            # In check mode nothing before a stage has been written, and each is still to say what it would do.
            token = secrets.token_hex(8)
            predict = module.check_mode and params["predict"]
            result["plan"] = release_plan(spec, observed, limit, predict=predict, token=token)
            _refuse_blocked(module, result["plan"]["blocked"].get(params["stage"], ""))
            if params["lint"]:
                found, result["unread"] = _lint(module, cluster, intents(spec, observed, limit), spec.accept)
                result["problems"] += found
            if params["entry"]:
                result["entry"] = find_entries(cluster, routes_to_read(spec), params["entry_url"])
                result["plan"]["status"]["entry"] = {name: shown(entry) for name, entry in result["entry"].items()}
        for problem in result["plan"]["problems"]:
            module.warn(problem["message"])
        result["live"] = result["plan"]["live"]
    return result


def _routes(cluster: Cluster, release: Release) -> list[Result]:
    return [{"service": route["service"], **observe(cluster, route)} for route in routes_to_read(release)]


def _read_spec(module: Module, name: str) -> tuple[Release, BuiltSources]:
    """A specification, and what the charts and kustomizations of its versions are made into."""
    params = module.params
    spec = read_release(params[name])
    built: BuiltSources = {}
    try:
        built = build(spec, params["directory"])
        spec = read_release(params[name], built) if built else spec
    except SpecError as error:
        if not params["rollback"]:
            raise
        # The way back needs nothing of what is to be deployed, and is open while a chart is broken.
        module.warn(f"going back without what would be deployed: {error.message}")
    return spec, built


def _lint(
    module: Module, cluster: Cluster, wanted: Sequence[Intent], accept: Sequence[str]
) -> tuple[list[Problem], list[str]]:
    """What would make a release that is about to begin go wrong, and what could not be read.

    Raises ReleaseError for what it has to refuse.
    """
    problems, unread = lint_routes(cluster, wanted)
    found = accepted([problem for of_route in problems for problem in of_route], accept)
    reason = refusal(found)
    for problem in found:
        if problem["code"] not in accept and not problem["refuses"]:
            module.warn(f"{problem['code']}: {problem['message']}; {problem['remedy']}")
    if reason:
        raise ReleaseError(reason, problems=found)
    return found, unread


def _refuse_blocked(module: Module, reason: str) -> None:
    """In check mode the stages before have written nothing, and all of them may be asked together."""
    if not reason:
        return
    if not module.check_mode:
        raise ReleaseError(reason)
    module.warn(reason)
