# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes one line of JSON for every task and for the recap: what a test asks a run about."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: results
type: aggregate
short_description: Every task's result as a line of JSON
description: [Writes to the file that the environment variable ACCEPTANCE_RESULTS names.]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible's base classes have no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "results"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, line: dict[str, Any]) -> None:
        with open(os.environ["ACCEPTANCE_RESULTS"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps({**line, "time": time.time()}, default=str) + "\n")

    def _task(self, outcome: str, result: Any, ignored: bool = False) -> None:
        task, returned = result.task, dict(result.result)
        self._write(
            {
                "name": task.get_name().strip(),
                "action": task.action,
                "outcome": "ignored" if ignored else outcome,
                "result": returned,
            }
        )

    def v2_runner_on_ok(self, result: Any) -> None:
        self._task("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._task("failed", result, ignore_errors)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._task("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._task("unreachable", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._write({"recap": {host: stats.summarize(host) for host in stats.processed}})
