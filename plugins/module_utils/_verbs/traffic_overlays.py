# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the verb ``traffic`` for what is laid over a route for a while: test rules and mirrors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import BlueGreenError
from .._core.observe import DEFAULT_HEADER
from .._routers.overlays import (
    checked_header,
    with_mirror,
    with_test_rules,
    without_mirror,
    without_test_rules,
)
from .._routers.router import Router
from .._routers.rules import Change, Manifest, Spelling

PRESENT, ABSENT = "present", "absent"
_STATE = {"type": "str", "default": PRESENT, "choices": [PRESENT, ABSENT]}

OVERLAY_OPTIONS: dict[str, Any] = {
    "test_header": {
        "type": "dict",
        "options": {
            "name": {"type": "str", "default": DEFAULT_HEADER},
            "value": {"type": "str"},
            "version": {"type": "str"},
            "state": _STATE,
        },
        "required_if": [["state", PRESENT, ["value", "version"]]],
    },
    "mirror": {
        "type": "dict",
        "options": {
            "version": {"type": "str", "required": True},
            "percent": {"type": "float"},
            "state": _STATE,
        },
        "required_if": [["state", PRESENT, ["percent"]]],
    },
}


def check_overlays(params: Mapping[str, Any]) -> None:
    """Refuse values that cannot be written, and what must not be written together."""
    header, mirror = params["test_header"], params["mirror"]
    weighted = params["weights"] is not None or any(route.get("weights") for route in params["routes"])
    if header and (header["value"] is not None or header["state"] == PRESENT):
        checked_header(header["name"], header["value"] or "")
    if mirror and mirror["percent"] is not None and not 0 < mirror["percent"] <= 100:
        raise BlueGreenError(f"mirror.percent: expected more than 0 and at most 100, got {mirror['percent']:g}")
    if _comes(header) and (weighted or params["remove"] or mirror):
        raise BlueGreenError(
            "test_header: a test begins in a task of its own, without weights, remove and mirror; only "
            "state: absent goes together with them"
        )
    if _comes(mirror) and (weighted or params["remove"]):
        raise BlueGreenError(
            "mirror: a mirror begins in a task of its own, without weights and remove; only state: absent goes "
            "together with them"
        )


def overlay_versions(params: Mapping[str, Any]) -> list[str]:
    """The versions that these options name."""
    given = [params["test_header"], params["mirror"]]
    return [str(options["version"]) for options in given if options and options["version"] is not None]


@dataclass(frozen=True)
class Overlays:
    """Test rules and mirrors of one route."""

    router: Router
    route: Manifest
    versions: Sequence[Spelling]
    rules: Sequence[str]

    def wanted(self, params: Mapping[str, Any]) -> Change:
        """The change that the options ask for; its operations may follow others on the same route."""
        header, mirror = params["test_header"], params["mirror"]
        change = self._mirror(mirror, _comes(mirror)) if mirror else Change(())
        # Last, because the places of all rules behind a test rule move with it.
        return change.followed_by(self._header(header, _comes(header))) if header else change

    def assumed(self, params: Mapping[str, Any]) -> Change:
        """What a task before this one would have laid over the route, when its end is asked for in its own words."""
        header, mirror = params["test_header"], params["mirror"]
        change = Change(())
        if mirror and not _comes(mirror) and mirror["percent"] is not None:
            change = self._mirror(mirror, True)
        if header and not _comes(header) and header["value"] is not None and header["version"] is not None:
            change = change.followed_by(self._header(header, True))
        return change

    def _header(self, header: Mapping[str, Any], comes: bool) -> Change:
        if not comes:
            return without_test_rules(self.router, self.route)
        name, value, version = header["name"], header["value"], header["version"]
        return with_test_rules(self.router, self.route, self.versions, version, name, value, self.rules)

    def _mirror(self, mirror: Mapping[str, Any], comes: bool) -> Change:
        version = mirror["version"]
        if not comes:
            return without_mirror(self.router, self.route, self.versions, version)
        return with_mirror(self.router, self.route, self.versions, version, mirror["percent"], self.rules)


def _comes(options: Mapping[str, Any] | None) -> bool:
    return options is not None and options["state"] == PRESENT
