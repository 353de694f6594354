# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``analysis``: judge the candidate by gates, all at once, and say what they found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._cluster.client import Cluster
from .._core.errors import BlueGreenError, SpecError
from .._core.gates import Gate, Place, read_expect, read_gates
from .._core.placeholders import filled
from .._core.probing import Probe
from .._core.section import Section
from .._core.share import Wanted
from .._core.sources import Pods, read_pods
from .._core.verdict import FAIL, INCONCLUSIVE, PASS, Finding, worst
from .._gates.course import Course, Scene
from .._gates.preflight import preflight
from .._gates.runner import analyse
from .traffic import WayBack
from .verb import (
    NAMED,
    SHORTEST_SECRET,
    WORKLOADS,
    Module,
    Result,
    connect,
    credentials,
    duration,
    finish,
    given,
    with_auth,
)


def argument_spec() -> dict[str, Any]:
    """The module's options and rules."""
    return {
        "argument_spec": with_auth(
            {
                "metrics": {"type": "list", "elements": "dict", "default": []},
                "candidate": {"type": "str"},
                "live": {"type": "str"},
                "service": {"type": "str"},
                "namespace": {"type": "str"},
                "release": {"type": "str"},
                "expect": {
                    "type": "dict",
                    "options": {
                        "weights": {"type": "dict"},
                        "tolerance": {"type": "float"},
                        "confidence": {"type": "float"},
                    },
                },
                "watch": {
                    "type": "list",
                    "elements": "dict",
                    "default": [],
                    "options": {
                        "version": {"type": "str"},
                        "workloads": WORKLOADS,
                        "service": {"type": "dict", "options": NAMED},
                        "min_endpoints": {"type": "int", "default": 1},
                        "max_restarts": {"type": "int", "default": 0},
                    },
                },
                "window": {"type": "raw", "default": 0},
                "interval": {"type": "raw", "default": "5s"},
                "deadline": {"type": "raw", "default": "30s"},
                "preflight": {"type": "bool", "default": False},
                "on_fail": {"type": "list", "elements": "dict", "default": []},
            }
        ),
        "supports_check_mode": True,
    }


def run(module: Module) -> None:
    """Judge and leave."""
    finish(module, _analysis)


def _analysis(module: Module) -> Result:
    begun = time.monotonic()
    module.no_log_values.update(_secrets(module.params["metrics"]))
    course = Course(duration(module.params, "window"), _interval(module))
    connection = _Connection(module)
    gates = _gates_of(module, course, connection)
    on_fail = _OnFail(module, connection)
    if not gates:
        raise BlueGreenError("metrics: there is nothing to judge by; name at least one gate, or what to watch")
    if module.check_mode:
        return {"changed": False, "metrics": [], "reason": f"check mode: {len(gates)} gates are not judged"}
    if module.params["preflight"]:
        problems = preflight(gates)
        if problems:
            raise BlueGreenError("; ".join(problems), metrics=[], problems=problems)
        return {"changed": False, "metrics": [], "problems": [], "reason": f"{len(gates)} gates can be asked"}
    findings = analyse(gates, course, on_fail)
    verdict = worst(finding.verdict for finding in findings)
    result = {
        "changed": bool(on_fail.written.get("changed")),
        "verdict": verdict,
        "reason": _reason(findings),
        "metrics": [finding.plain() for finding in findings],
        "waited": round(time.monotonic() - begun, 3),
    }
    if verdict != PASS:
        raise BlueGreenError(str(result["reason"]), put_back=on_fail.written, **result)
    return result


class _OnFail:
    """Writes what is to be written on a failure: until then a version that is known to fail gets requests.

    ``written`` is what came of it.
    """

    def __init__(self, module: Module, cluster: Callable[[], Cluster]) -> None:
        self._module = module
        self._cluster = cluster
        self.written: Result = {}
        try:
            self._way_back = WayBack(module.params["on_fail"])
        except BlueGreenError as error:
            raise SpecError("on_fail", error.message) from error

    def __call__(self) -> None:
        if not self._module.params["on_fail"]:
            return
        try:
            self.written = self._way_back.take(self._cluster(), self._module)
        except BlueGreenError as error:
            # The verdict is what the task is about, and whoever asked for this has another way back.
            self._module.warn(f"on_fail: {error.message}")


def _reason(findings: Sequence[Finding]) -> str:
    """Why it is no pass, the worst first; of what had not ended only where nothing else is known."""
    unmet = [finding for finding in findings if finding.verdict != PASS]
    if not unmet:
        return "; ".join(f"{finding.name}: {finding.reason}" for finding in findings)
    ended = [finding for finding in unmet if finding.details.get("finished")] or unmet
    ordered = sorted(ended, key=lambda finding: (FAIL, INCONCLUSIVE).index(finding.verdict))
    return "; ".join(
        f"{finding.name}: {finding.reason}" + (f"; {finding.remedy}" if finding.remedy else "") for finding in ordered
    )


def _gates_of(module: Module, course: Course, connection: Callable[[], Cluster]) -> list[tuple[Gate, Scene]]:
    """Every gate with what it is about."""
    params = module.params
    watched = [_watched(entry, position) for position, entry in enumerate(params["watch"])]
    asked = read_gates([_filled(entry, params) for entry in params["metrics"]], "metrics", samples=True)
    gates = _with_watched(asked, watched)
    scenes = _Scenes(params, gates, course, connection)
    return [(gate, scenes.of(gate)) for gate in gates]


class _Scenes:
    """What each gate is about, by its own words and else by the module's options."""

    def __init__(
        self, params: Mapping[str, Any], gates: Sequence[Gate], course: Course, cluster: Callable[[], Cluster]
    ) -> None:
        self._params = params
        self._course = course
        self._cluster = cluster
        self._expect = read_expect(Section(given(params["expect"] or {}), "expect"))
        self._deadline = duration(params, "deadline")
        self._watched = tuple(gate.options for gate in gates if isinstance(gate.options, Pods))
        # What a share gate of a service is to see is what any other gate of it goes by.
        self._weights = {self._service(gate): gate.place.expect.weights for gate in gates if gate.place.expect.weights}

    def of(self, gate: Gate) -> Scene:
        """Raises SpecError when something is missing that the gate needs."""
        if gate.kind == "tasks":
            raise SpecError(f"metrics.{gate.name}", "a gate of tasks is run by the roles, not by this module")
        if gate.kind == "proxies" and not gate.place.backends:
            raise SpecError(
                f"metrics.{gate.name}.backends",
                "is required: what the proxies call each version, such as "
                "{green: [{host: web.prod.svc.cluster.local, subset: green}]}",
            )
        wanted = self._wanted(gate)
        if gate.judge is not None and gate.judge.compares and not wanted.live and gate.kind != "samples":
            raise SpecError("live", f"is required: {gate.name} compares the candidate with it")
        if gate.kind == "prometheus" and not wanted.candidate:
            raise SpecError("candidate", f"is required: {gate.name} asks about a version")
        namespace = gate.place.namespace or self._params["namespace"] or ""
        words = {"service": wanted.service, "namespace": namespace, "release": self._params["release"] or ""}
        known = {name: word for name, word in words.items() if word}
        return Scene(self._course, self._cluster, wanted, known, namespace, self._watched)

    def _service(self, gate: Gate) -> str:
        return gate.place.service or self._params["service"] or ""

    def _wanted(self, gate: Gate) -> Wanted:
        place, expect, params, default = gate.place, self._expect, self._params, Wanted({})
        service = self._service(gate)
        wanted = Wanted(
            weights=place.expect.weights or expect.weights or self._weights.get(service) or {},
            service=service,
            candidate=place.candidate or params["candidate"],
            live=place.live or params["live"],
            tolerance=place.expect.tolerance or expect.tolerance or default.tolerance,
            confidence=place.expect.confidence or expect.confidence or default.confidence,
            deadline=gate.deadline_or(self._deadline),
        )
        return gate.options.overriding(wanted) if isinstance(gate.options, Probe) else wanted


class _Connection:
    """Connects when the first gate asks for the cluster, once for all of them."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._cluster: Cluster | None = None

    def __call__(self) -> Cluster:
        with self._lock:
            if self._cluster is None:
                self._cluster = connect(self._module)
            return self._cluster


def _filled(entry: Mapping[str, Any], params: Mapping[str, Any]) -> Any:
    """A gate with the words filled in that are the same for all versions."""
    words = {name: entry.get(name) or params[name] for name in ("service", "namespace")}
    words["release"] = params["release"]
    return filled(entry, {name: str(word) for name, word in words.items() if word})


def _watched(entry: Mapping[str, Any], position: int) -> Pods:
    return read_pods(Section(given(entry), f"watch[{position}]"))


def _with_watched(gates: Sequence[Gate], watched: Sequence[Pods]) -> list[Gate]:
    """The gates, and one for each version to watch; a gate ``pods`` that names none says how these are watched."""
    told = [gate for gate in gates if isinstance(gate.options, Pods) and not _named(gate.options)]
    if told and not watched:
        raise SpecError(f"metrics.{told[0].name}.pods", "names no workloads and no service, and watch is empty")
    pattern = told[0] if told else None
    others = [gate for gate in gates if gate not in told]
    taken = {gate.name for gate in others}
    found = []
    for version in watched:
        if not _named(version):
            raise SpecError("watch", "there is nothing to watch; name workloads, service, or both")
        name = pattern.name if pattern else "pods"
        name = name if name not in taken else f"{name}-{version.version or len(taken) + 1}"
        taken.add(name)
        if pattern is not None and isinstance(pattern.options, Pods):
            version = replace(version, max_restarts=pattern.options.max_restarts)
        deadline = pattern.deadline if pattern else None
        found.append(Gate(name, "pods", version, None, deadline, pattern.place if pattern else Place(), {}))
    return [*found, *others]


def _named(version: Pods) -> bool:
    return bool(version.workloads or version.service)


def _secrets(value: Any) -> set[str]:
    """What gates hold that must not be seen: credentials in headers, and values of the environment of a Job."""
    if isinstance(value, (list, tuple)):
        return set().union(*map(_secrets, value))
    if not isinstance(value, Mapping):
        return set()
    found: set[str] = set()
    for key, item in value.items():
        found |= _secrets(item)
        if key == "env":
            found |= {word for word in _values(item) if len(word) >= SHORTEST_SECRET}
        elif key == "headers" and isinstance(item, Mapping):
            found |= credentials(item)
    return found


def _values(env: Any) -> Iterator[str]:
    """The values of an environment: of a mapping, or of a list with a name and a value in each entry."""
    if isinstance(env, Mapping):
        values = list(env.values())
    elif isinstance(env, (list, tuple)):
        # A wrong entry is refused later, with what it says.
        values = [item.get("value") if isinstance(item, Mapping) else str(item).partition("=")[2] for item in env]
    else:
        return
    yield from (str(value) for value in values if isinstance(value, (str, int, float)))


def _interval(module: Module) -> float:
    interval = duration(module.params, "interval")
    if interval < 0.1:
        raise SpecError("interval", f"expected 0.1s or more, got {interval:g}s")
    return interval
