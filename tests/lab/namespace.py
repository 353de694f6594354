# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's side of the lab's namespaces: start the supervisor in them, find it, enter them, end everything.

Whatever a cluster starts is in one process namespace; the kernel ends all of it with that namespace's first process. So
`down` cannot forget anything, and a killed supervisor leaves nothing behind.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import control, process_table
from tests.lab.errors import LabError
from tests.lab.layout import Layout

REPOSITORY = Path(__file__).parents[2]
SUPERVISOR = "tests.lab.supervisor"
START_DEADLINE = 20.0
END_DEADLINE = 20.0
POLL_EVERY = 0.05


def start(layout: Layout) -> None:
    """Starts an empty lab in fresh namespaces and waits until its supervisor answers."""
    for program, package in (("unshare", "util-linux"), ("nsenter", "util-linux"), ("ip", "iproute2")):
        if shutil.which(program) is None:
            raise LabError(f"{program} is missing: install {package}")
    for leftover in (layout.home, layout.clusters, layout.tools):
        shutil.rmtree(leftover, ignore_errors=True)
    layout.control_socket.unlink(missing_ok=True)
    layout.status.unlink(missing_ok=True)
    layout.state.mkdir(parents=True, exist_ok=True)
    namespaces = ["--user", "--map-root-user", "--net", "--pid", "--mount", "--mount-proc", "--fork", "--kill-child"]
    with layout.supervisor_log.open("wb") as log:
        process = subprocess.Popen(
            ["unshare", *namespaces, sys.executable, "-m", SUPERVISOR, str(layout.state)],
            cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_DEADLINE
    while not control.answers(layout):
        if process.poll() is not None:
            raise LabError(
                f"the lab's namespaces could not be made:\n{layout.supervisor_log.read_text().strip()}\n"
                "An ordinary user needs user namespaces (Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0)"
            )
        if time.monotonic() > deadline:
            raise LabError(
                f"the lab's supervisor did not answer within {START_DEADLINE:.0f} s: see {layout.supervisor_log}"
            )
        time.sleep(POLL_EVERY)


def end(layout: Layout) -> bool:
    """Ends every process of this lab, whatever state it is in; False when there was none."""
    found = _supervisor_processes(layout)
    own = process_table.namespace("self", "pid")
    namespaces = {process_table.namespace(process, "pid") for process in found} - {own, None}
    # `unshare` itself is left to end by itself: it does so when its child, and with that the whole namespace, is gone.
    inside = [process for process in found if Path(process_table.arguments(process)[0]).name != "unshare"]
    for process in inside or found:
        _kill(process)
    deadline = time.monotonic() + END_DEADLINE
    while left := [*filter(process_table.is_alive, found), *_inhabitants(namespaces)]:
        if time.monotonic() > deadline:
            raise LabError(f"processes {sorted(set(left))} of the lab did not end within {END_DEADLINE:.0f} s")
        time.sleep(POLL_EVERY)
    layout.control_socket.unlink(missing_ok=True)
    layout.status.unlink(missing_ok=True)
    return bool(found)


def enter_command(supervisor: int) -> list[str]:
    """What runs a command inside the lab's network; its files and processes stay those of the caller."""
    return ["nsenter", "--target", str(supervisor), "--user", "--net", "--preserve-credentials", "--"]


def is_inside(supervisor: int) -> bool:
    return process_table.namespace("self", "net") == process_table.namespace(supervisor, "net")


def supervisor_process(layout: Layout) -> int:
    """The supervisor's process id as the caller sees it: the kernel translates it between process namespaces."""
    with control.connection(layout) as connection:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    process: int = struct.unpack("3i", credentials)[0]
    return process


@contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Keeps two commands from starting or ending the same lab at the same moment."""
    layout.state.mkdir(parents=True, exist_ok=True)
    with (layout.state / "command.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _supervisor_processes(layout: Layout) -> list[int]:
    wanted = {SUPERVISOR, str(layout.state)}
    return [process for process in process_table.everything() if wanted <= set(process_table.arguments(process))]


def _inhabitants(namespaces: set[str | None]) -> list[int]:
    return [process for process in process_table.everything() if process_table.namespace(process, "pid") in namespaces]


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:
        raise LabError(f"process {process} of this lab belongs to another user: end it as that user") from None
