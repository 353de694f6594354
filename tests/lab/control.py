# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talking to the supervisor: one JSON object per line over a socket in the lab's state folder."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.lab.errors import LabError
from tests.lab.layout import Layout

Message = dict[str, Any]


@contextmanager
def socket_address(layout: Layout) -> Iterator[str]:
    """An address that fits: the kernel takes at most 107 characters, and a checkout may lie deeper than that."""
    folder = os.open(layout.state, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{layout.control_socket.name}"
    finally:
        os.close(folder)


@contextmanager
def connection(layout: Layout) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            with socket_address(layout) as address:
                client.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            raise LabError("the lab is not running: start it with `up`") from None
        yield client


def answers(layout: Layout) -> bool:
    try:
        request(layout, {"action": "ping"})
    except (LabError, OSError):
        return False
    return True


def request(layout: Layout, message: Message, progress: Callable[[str], None] = print) -> Message:
    """Sends one request; passes progress on as it comes; returns the result or raises the supervisor's error."""
    with connection(layout) as client, client.makefile("rw", encoding="utf-8") as stream:
        stream.write(json.dumps(message) + "\n")
        stream.flush()
        for line in stream:
            answer: Message = json.loads(line)
            if "progress" in answer:
                progress(answer["progress"])
            elif "error" in answer:
                raise LabError(answer["error"])
            else:
                result: Message = answer["result"]
                return result
    raise LabError(
        f"the lab's supervisor ended during {message['action']!r}: see {layout.supervisor_log}, then `up` again"
    )
