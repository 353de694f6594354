# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gates as their users write them: one source each, judged by its verdict."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Union

from .errors import SpecError
from .judging.judge import Judge, read_judge
from .judging.measurements import Measurement, Shape, read_samples
from .placeholders import names_in
from .probing import Probe, read_probe
from .proxies import Proxies, read_proxies
from .section import Range, Section
from .sources import (
    Exec,
    Http,
    Job,
    Pods,
    Prometheus,
    read_exec,
    read_http,
    read_job,
    read_pods,
    read_prometheus_gate,
)
from .telemetry import Telemetry, read_telemetry
from .weights import checked_weights

SHARE_KINDS = ("probe", "proxies", "telemetry")
# Those that see requests: what a proxy holds is not yet what it does with those that are under way.
SEEING_KINDS = ("probe", "telemetry")
# What the user has measured already is no gate of a release: nothing would be asked anew.
SAMPLES = "samples"
KINDS = (*SHARE_KINDS, "prometheus", "http", "job", "exec", "pods", "tasks")

# What stands beside the source.
_OF_PROXIES = ("backends", "hosts", "routes", "rules", "drained")
_BESIDE = ("judge", "deadline", "service", "namespace", "candidate", "live", "expect", "quiet", *_OF_PROXIES)

# What a Job or a command may take, in seconds, when nothing is said.
DEADLINES = {"job": 600.0, "exec": 60.0}

Samples = tuple[Measurement, ...]
# Written as ansible-test's pylint reads it.
Options = Union[Probe, Proxies, Telemetry, Prometheus, Http, Job, Exec, Pods, Samples, str]  # noqa: UP007

_READERS: dict[str, Callable[[Section], Options]] = {
    "probe": read_probe,
    "proxies": read_proxies,
    "telemetry": read_telemetry,
    "prometheus": read_prometheus_gate,
    "http": read_http,
    "job": read_job,
    "exec": read_exec,
    "pods": read_pods,
}


@dataclass(frozen=True)
class Expect:
    """What a share gate is to see; None where the step's own say is meant."""

    weights: Mapping[str, int] | None = None
    tolerance: float | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Place:
    """What a gate is about, where it is not what the whole analysis is about; None says nothing.

    The rest is for the gate ``proxies``: ``backends`` (version → [{host, subset}]), ``hosts``, ``routes``
    (namespace/name) and ``rules`` say what to look for, ``drained`` that no request to the backends may be open.
    ``quiet`` is for ``telemetry`` too: for so many seconds no version in ``backends`` may get a request at all.
    """

    service: str | None = None
    namespace: str | None = None
    candidate: str | None = None
    live: str | None = None
    expect: Expect = field(default_factory=Expect)
    backends: Mapping[str, tuple[tuple[str, str | None], ...]] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    drained: bool = False
    quiet: float | None = None


@dataclass(frozen=True)
class Gate:
    """One gate. ``options`` are those of its kind: of ``tasks`` the path of the file."""

    name: str
    kind: str
    options: Options
    judge: Judge | None
    deadline: float | None
    """Seconds; None is the default of its kind, or of the analysis."""
    place: Place
    given: Mapping[str, Any]
    named: bool = field(default=False, compare=False)
    """Whether its user has given it its name; the plain form does not tell."""

    @property
    def is_share(self) -> bool:
        """Whether it proves that the data plane follows, which comes before everything else is judged."""
        return self.kind in SHARE_KINDS

    def deadline_or(self, default: float) -> float:
        """Seconds that it may take, with the default of the analysis where neither it nor its kind has one."""
        return DEADLINES.get(self.kind, default) if self.deadline is None else self.deadline

    def plain(self) -> dict[str, Any]:
        """The user's form with its name, as the module's option ``metrics`` takes it."""
        return {"name": self.name, **self.given}


def read_gates(entries: object, path: str, samples: bool = False) -> tuple[Gate, ...]:
    """Read a list of gates strictly; one without a name is called after its kind.

    Raises SpecError with the path of the key. ``samples`` allows the source of the same name.
    """
    if not isinstance(entries, Sequence) or isinstance(entries, (str, bytes)):
        raise SpecError(path, f"expected a list of gates, got {entries!r}")
    named: dict[str, str] = {}
    gates = []
    for section in [Section(entry, f"{path}[{position}]") for position, entry in enumerate(entries)]:
        name = section.text("name", "")
        if name and named.setdefault(name, section.path) != section.path:
            raise section.error("name", f'"{name}" is the name of {named[name]} too; names are unique')
        gates.append(read_gate(section, samples))
    return distinct(gates)


def read_gate(section: Section, samples: bool = False) -> Gate:
    """Read one gate; one without a name is called after its kind."""
    with section:
        kinds = (*KINDS, SAMPLES) if samples else KINDS
        found = [kind for kind in kinds if section.has(kind)]
        if len(found) != 1:
            got = f"got {' and '.join(found)}" if found else "there is none"
            raise SpecError(section.path, f"expected just one source, of {', '.join(kinds)}; {got}")
        kind = found[0]
        options, judge = _read_source(section, kind)
        return Gate(
            name=section.text("name", kind),
            kind=kind,
            options=options,
            judge=judge,
            deadline=section.optional_duration("deadline"),
            place=_read_place(section),
            given={key: section.raw(key) for key in (*kinds, *_BESIDE) if section.has(key)},
            named=section.has("name"),
        )


def share_gates(gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """Those that see which version gets how much."""
    return tuple(gate for gate in gates if gate.is_share)


def distinct(gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """The gates with a name for each: of two with one name, one gets a number, and not the one that its user named."""
    given = list(gates)
    taken = {gate.name for gate in given}
    names: dict[int, str] = {}
    for position, gate in sorted(enumerate(given), key=lambda item: not item[1].named):
        names[position] = _free_name(gate.name, taken) if gate.name in names.values() else gate.name
        taken.add(names[position])
    return tuple(replace(gate, name=names[position]) for position, gate in enumerate(given))


def _free_name(wanted: str, taken: Container[str]) -> str:
    number = 2
    while f"{wanted}-{number}" in taken:
        number += 1
    return f"{wanted}-{number}"


def _read_source(section: Section, kind: str) -> tuple[Options, Judge | None]:
    """The options of a source and its judge, which stands beside the source or in it."""
    if kind == "tasks":
        return section.text("tasks"), None
    if kind == SAMPLES:
        measured, shape = read_samples(section.raw(SAMPLES), section.at(SAMPLES))
        return measured, read_judge(section.section("judge"), shape)
    source = section.section(kind)
    judge = section.section("judge") if section.has("judge") else None
    if source.has("judge"):
        if judge is not None:
            raise section.error("judge", f"stands in {source.at('judge')} too; one is enough")
        judge = source.section("judge")
    options = _READERS[kind](source)
    return options, _read_judge_of(options, judge, source)


def _read_judge_of(options: Options, judge: Section | None, source: Section) -> Judge | None:
    """The judge that fits what a source measures; raises SpecError where it needs one, or can have none."""
    if isinstance(options, Prometheus):
        shape: Shape = "counts" if options.query is None else "value"
        asked: Any = [options.query, options.errors, options.total]
    elif isinstance(options, Http):
        shape = "answer" if options.value is None else "value"
        asked = [options.url, options.host, options.headers, options.body]
    elif isinstance(options, Probe):
        return None if judge is None else read_judge(judge, "requests")
    elif judge is not None:
        raise SpecError(judge.path, "this source judges by itself; leave the judge out")
    else:
        return None
    if shape == "answer":
        found = Judge("answer") if judge is None else read_judge(judge, shape)
        return replace(found, status=options.status) if isinstance(options, Http) else found
    if judge is None:
        raise source.error("judge", "is required: what is measured is nothing without a judge of it")
    found = read_judge(judge, shape)
    if found.compares and "version" not in names_in(asked):
        raise SpecError(judge.path, "compares the candidate with live, but $version stands nowhere in what is asked")
    return found


def _read_place(section: Section) -> Place:
    return Place(
        service=section.optional_text("service"),
        namespace=section.optional_text("namespace"),
        candidate=section.optional_text("candidate"),
        live=section.optional_text("live"),
        expect=read_expect(section.section("expect")),
        backends=_read_backends(section),
        hosts=section.texts("hosts"),
        routes=section.texts("routes"),
        rules=section.texts("rules"),
        drained=section.flag("drained", False),
        quiet=section.optional_duration("quiet"),
    )


def read_expect(section: Section) -> Expect:
    """Read what a share gate is to see."""
    with section:
        return Expect(
            weights=checked_weights(section.raw("weights"), section.at("weights")) if section.has("weights") else None,
            tolerance=section.optional_number("tolerance", Range(above=0.0, below=100.0)),
            confidence=section.optional_number("confidence", Range(least=0.5, below=1.0)),
        )


def _read_backends(section: Section) -> dict[str, tuple[tuple[str, str | None], ...]]:
    given = section.section("backends")
    backends = {}
    for version in given.names():
        entries = []
        for position, item in enumerate(given.items(version)):
            with Section(item, f"{given.at(version)}[{position}]") as backend:
                entries.append((backend.text("host"), backend.optional_text("subset")))
        backends[version] = tuple(entries)
    return backends
