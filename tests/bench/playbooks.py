# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks with their full share of the processor: in the acceptance suite they give way to requests."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.acceptance import playbooks
from tests.acceptance.playbooks import Run, Task

CALLBACKS = Path(playbooks.__file__).parent / "callback_plugins"


def run(playbook: str, variables: Mapping[str, Any], directory: Path) -> Run:
    """Run a playbook on localhost to its end."""
    results, extra = directory / "results.jsonl", directory / "variables.json"
    results.write_text("")
    extra.write_text(json.dumps(variables))
    told = {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "results",
        "ACCEPTANCE_RESULTS": str(results),
    }
    begun = time.monotonic()
    ended = subprocess.run(
        ["ansible-playbook", playbook, "-i", "localhost,", "-e", f"@{extra}"],
        cwd=directory,
        env={**os.environ, **told},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        # Linux shares processors by session: this one is shared with nobody.
        start_new_session=True,
    )
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    return Run(
        code=ended.returncode,
        seconds=time.monotonic() - begun,
        tasks=[Task(**line) for line in lines if "recap" not in line],
        recap={},
        output=ended.stdout,
    )
