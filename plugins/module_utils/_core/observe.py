# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release wants to have proven: how its traffic is seen, what its candidate shows before it gets any."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import SpecError
from .gates import SEEING_KINDS, SHARE_KINDS, Gate, distinct, read_gate, read_gates
from .section import Section

DEFAULT_HEADER = "x-bluegreen"
# What Istio takes for parts of the request line where headers are matched.
PARTS_OF_REQUESTS = ("uri", "scheme", "method", "authority")
_HEADER = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
DEFAULT_MIRROR_DURATION = 60.0
UNSEEN = (
    "is required: say how it can be seen where the traffic goes, such as observe: {probe: {url: …}}, or accept with "
    "observe: none that nothing is proven"
)


@dataclass(frozen=True)
class Smoke:
    """One request to a version that has no traffic yet, and the answers that let it pass."""

    path: str
    statuses: tuple[int, ...]


@dataclass(frozen=True)
class Verification:
    """What the candidate has to show at 0 %.

    ``header`` is the name of the request header that leads to it through the user's own entry; without one it is only
    asked through its own Service.
    """

    smoke: Smoke | None
    header: str | None
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Mirroring:
    """Copies of live requests for the candidate before the first step: percentage, and for how many seconds."""

    percent: int
    duration: float


def read_observe(section: Section, gates: Sequence[Gate]) -> tuple[Gate, ...] | None:
    """The gates that see where the traffic goes; by default the probe of a gate. Empty: the user accepts not to see.

    None when nothing says how, which only matters once traffic is to move.
    """
    value = section.raw("observe")
    if value is None:
        return tuple(gate for gate in gates if gate.kind in SEEING_KINDS)[:1] or None
    if value == "none":
        return ()
    with section.section("observe") as observe:
        kinds = [kind for kind in SHARE_KINDS if observe.has(kind)]
        if not kinds:
            raise SpecError(observe.path, f"expected none, or one of {', '.join(SHARE_KINDS)}")
        if kinds == ["proxies"]:
            raise observe.error(
                "proxies",
                "shows what the proxies hold, not where requests go, which retire has to see: add probe or telemetry",
            )
        found = []
        for kind in kinds:
            name = "share" if len(kinds) == 1 else f"share by {kind}"
            gate = {"name": name, kind: observe.raw(kind), "deadline": observe.raw("deadline")}
            found.append(read_gate(Section(gate, observe.path)))
        return tuple(found)


def gates_of_step(observe: Sequence[Gate], release: Sequence[Gate], step: Sequence[Gate]) -> tuple[Gate, ...]:
    """All gates of a step: the step's own, those of the release that it does not name anew, and how traffic is seen.

    A gate among the user's own that sees where requests go replaces the default one.
    """
    named = {gate.name for gate in step if gate.named}
    own = (*[gate for gate in release if gate.name not in named], *step)
    default = () if any(gate.kind in SEEING_KINDS for gate in own) else observe
    # The user's own have the first say about their names, and traffic is the first thing that is looked at.
    named_apart = distinct((*own, *default))
    return (*named_apart[len(own) :], *named_apart[: len(own)])


def read_verification(section: Section) -> Verification:
    """Read ``verify``; ``none`` leaves it at the candidate being ready."""
    if section.raw("verify") == "none":
        return Verification(None, None, ())
    with section.section("verify") as verify:
        path = verify.text("path", "/")
        if not path.startswith("/"):
            raise verify.error("path", f'expected a path that starts with "/", got "{path}"')
        return Verification(
            Smoke(path, verify.integers("status", 100, 599)),
            _read_header(verify),
            read_gates(verify.items("gates"), verify.at("gates")),
        )


def _read_header(verify: Section) -> str | None:
    value = verify.raw("header")
    if value is None or value is False:
        return None
    if value is True:
        return DEFAULT_HEADER
    # Envoy holds header names in lower case, and so does a VirtualService that matches them.
    name = verify.text("header").lower()
    if not is_header_name(name):
        raise verify.error(
            "header", f'expected true or the name of a request header such as {DEFAULT_HEADER}, got "{name}"'
        )
    return name


def is_header_name(name: str) -> bool:
    """Whether a header of this name, in lower case, can be matched in every kind of route."""
    return bool(_HEADER.fullmatch(name)) and name not in PARTS_OF_REQUESTS


def read_mirroring(section: Section) -> Mirroring | None:
    """Read ``mirror``; None without one."""
    if not section.has("mirror"):
        return None
    with section.section("mirror") as mirror:
        return Mirroring(
            percent=mirror.integer("percent", 100, 1, 100),
            duration=mirror.duration("duration", DEFAULT_MIRROR_DURATION),
        )
