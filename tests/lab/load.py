# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open-loop load: requests leave when the clock says so, however late the answers to earlier ones are."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import aiohttp

from tests.lab.errors import LabError
from tests.lab.records import Record, Summary, read, summarize


@dataclass(frozen=True)
class Load:
    url: str
    host: str | None = None
    rate: float = 200.0
    duration: float | None = None
    keep_alive: bool = True
    timeout: float = 10.0


def main(load: Load, output: Path) -> Summary:
    """Runs the load to its end, or to SIGINT or SIGTERM, and waits for every answer that is still out."""
    if load.rate <= 0:
        raise LabError(f"--rate: expected a number above 0, got {load.rate}")
    with output.open("w", buffering=1) as stream:
        asyncio.run(send(load, stream))
    return summarize(read(output))


async def send(load: Load, stream: TextIO) -> None:
    """Sends the requests and writes a record for each as it is answered."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(ending, stopped.set)
    connector = aiohttp.TCPConnector(limit=0, force_close=not load.keep_alive)
    timeout = aiohttp.ClientTimeout(total=load.timeout)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session, asyncio.TaskGroup() as requests:
        begin, wall_clock = loop.time(), time.time()
        number = 0
        while load.duration is None or number < load.rate * load.duration:
            due = begin + number / load.rate
            if await _stopped_before(due, stopped):
                break
            requests.create_task(_request(session, load, due, wall_clock + number / load.rate, stream))
            number += 1


async def _stopped_before(due: float, stopped: asyncio.Event) -> bool:
    """Sleeps until a moment, unless the load is stopped earlier."""
    loop = asyncio.get_running_loop()
    if due > loop.time():
        try:
            async with asyncio.timeout_at(due):
                await stopped.wait()
        except TimeoutError:
            return False
    return stopped.is_set()


async def _request(session: aiohttp.ClientSession, load: Load, due: float, start: float, stream: TextIO) -> None:
    headers = {"Host": load.host} if load.host else {}
    loop = asyncio.get_running_loop()
    status, version, pod, error = 0, "", "", ""
    try:
        async with session.get(load.url, headers=headers, allow_redirects=False) as response:
            await response.read()
            status = int(response.status)
            version, pod = response.headers.get("app-version", ""), response.headers.get("app-pod", "")
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        status, error = 0, f"{type(problem).__name__}: {problem}".removesuffix(": ")
    stream.write(Record(round(start, 6), round(loop.time() - due, 6), status, version, pod, error).line() + "\n")
