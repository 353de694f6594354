# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be found wrong around a route, code by code: docs/lint.md is this table for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Problem = dict[str, Any]


@dataclass(frozen=True)
class Code:
    """What to do about a problem, and whether a release refuses to begin with it."""

    remedy: str
    refuses: bool = False


CODES: Mapping[str, Code] = {
    # Of one route as it stands.
    "route_missing": Code("create it, or correct its name and namespace"),
    "weights_unreadable": Code("give one rule a destination for each version, and none twice"),
    "rule_pins_version": Code("leave the rule as it is if that is meant, else add the other version to it"),
    "host_not_full": Code("write the full name of the Service, NAME.NAMESPACE.svc.cluster.local"),
    "rule_without_weights": Code("give the rule destinations, and one of them a weight"),
    "rule_delegates": Code("name the delegate with route, when it is its weights that are to move"),
    "route_refused": Code("mend what the parent's controller names, and wait until it accepts the route"),
    "leftover_test_rule": Code("run the release again or roll it back; traffic takes it out with test_header"),
    "leftover_mirror": Code("run the release again or roll it back; traffic takes it out with mirror"),
    # Of a route and what stands around it.
    "duplicate_host": Code("keep the host in one VirtualService, or divide its paths between them", refuses=True),
    "twin_service": Code("write full names, NAME.NAMESPACE.svc.cluster.local"),
    "subset_missing": Code("add the subset to the DestinationRule of its host", refuses=True),
    "subset_without_pods": Code("give pods the subset's labels, or correct the labels of the subset"),
    "weights_do_not_sum": Code("let the weights of the rule add up to 100"),
    "rule_shadowed": Code("move the rule in front of the one that takes its requests", refuses=True),
    "pinned_sessions": Code("expect uneven shares, or take the pinning out for the time of the release"),
    "hpa_below_share": Code("raise the bounds of the candidate's autoscaler, or begin with smaller steps"),
    "pdb_blocks_retire": Code("lower minAvailable, write it as a percentage, or give each version a budget of its own"),
    "policy_fits_only_live": Code("let the policy name what both versions have in common, or add the candidate"),
    "owned_by_controller": Code("let the controller leave the weights alone for the time of the release", refuses=True),
}


def problem(code: str, path: str, message: str, remedy: str = "", refuses: bool | None = None) -> Problem:
    """A problem with what to do about it: the code's own remedy, unless there is a more exact one."""
    known = CODES[code]
    return {
        "code": code,
        "path": path,
        "message": message,
        "remedy": remedy or known.remedy,
        "refuses": known.refuses if refuses is None else refuses,
    }


def with_remedies(problems: Iterable[Problem]) -> list[Problem]:
    """The same problems, each with what to do about it, and whether it keeps a release from beginning."""
    return [
        {**found, **{key: value for key, value in vars(CODES[found["code"]]).items() if key not in found}}
        if found["code"] in CODES
        else found
        for found in problems
    ]


def refusal(problems: Iterable[Problem]) -> str:
    """Why a release does not begin, for a person; empty when nothing refuses it."""
    refusing = [found for found in problems if found.get("refuses")]
    if not refusing:
        return ""
    reasons = "; ".join(f"{found['code']}: {found['message']} ({found['remedy']})" for found in refusing)
    codes = ", ".join(dict.fromkeys(found["code"] for found in refusing))
    return f"this release would go wrong, so nothing was written. {reasons}. To begin all the same: accept: [{codes}]"


def accepted(problems: Iterable[Problem], codes: Iterable[str]) -> list[Problem]:
    """The same problems; those that the user accepts by name refuse nothing."""
    names = set(codes)
    return [{**found, "refuses": False} if found["code"] in names else found for found in problems]
