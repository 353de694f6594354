# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``release_record``: append an entry to a release's journal."""

from __future__ import annotations

import time
from typing import Any

from .._core.journal import checked_entry
from .journals import append
from .verb import Module, Result, connect, finish, with_auth


def argument_spec() -> dict[str, Any]:
    """The module's options and rules."""
    return {
        "argument_spec": with_auth(
            {
                "release": {"type": "str", "required": True},
                "namespace": {"type": "str", "required": True},
                "entry": {"type": "dict", "required": True},
                "findings": {"type": "list", "elements": "dict", "default": []},
            }
        ),
        "supports_check_mode": True,
    }


def run(module: Module) -> None:
    """Append the entry and leave."""
    finish(module, _release_record)


def _release_record(module: Module) -> Result:
    params = module.params
    entry = checked_entry({**params["entry"], **_judged(params["findings"]), "time": round(time.time(), 3)})
    cluster = connect(module)
    journal, recorded = append(cluster, params["release"], params["namespace"], entry, module.check_mode)
    # The journal is about the release, not part of what it changes.
    state = journal.state
    return {"changed": False, "recorded": recorded, "state": state.state, "journal": state.plain()}


def _judged(findings: list[dict[str, Any]]) -> Result:
    """What an entry keeps of the gates that were judged before it: the verdicts and their words, not every number."""
    if not findings:
        return {}
    return {"gates": [{key: finding.get(key) for key in ("name", "kind", "verdict", "reason")} for finding in findings]}
