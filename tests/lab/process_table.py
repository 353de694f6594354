# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel tells about processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PROCESSES = Path("/proc")


def everything() -> Iterator[int]:
    yield from (int(entry) for entry in os.listdir(PROCESSES) if entry.isdigit())


def is_alive(process: int) -> bool:
    """A process that ended and was not yet collected by its parent is not alive."""
    try:
        state = (PROCESSES / str(process) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def arguments(process: int) -> list[str]:
    """The command line; nothing for a process that is gone."""
    try:
        return (PROCESSES / str(process) / "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return []


def namespace(process: int | str, kind: str) -> str | None:
    """The name of a namespace of a process; nothing when it is gone or belongs to someone else."""
    try:
        return os.readlink(PROCESSES / str(process) / "ns" / kind)
    except OSError:
        return None
