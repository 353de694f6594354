# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open-loop load: requests leave when the clock says so, however late the answers to earlier ones are."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TextIO

import aiohttp

from tests.lab.errors import LabError
from tests.lab.plain_http import Answer, Broken, Client
from tests.lab.records import Failure, Record, Summary, read, summarize

SWITCHING_PROTOCOLS = 101
LOOK_AGAIN_AFTER = 0.1
# What is written is read while the load runs, at the latest after this many seconds.
WRITE_EVERY = 0.05

Ask = Callable[[Answer], Awaitable[None]]


@dataclass(frozen=True)
class Load:
    url: str
    host: str | None = None
    rate: float = 200.0
    duration: float | None = None
    keep_alive: bool = True
    timeout: float = 10.0
    hold: float | None = None
    """Seconds for which each request is a WebSocket that stays open, instead of one that asks and is answered."""


def main(load: Load, output: Path) -> Summary:
    """Runs the load to its end, or to SIGINT or SIGTERM, and waits for every answer that is still out."""
    if load.rate <= 0:
        raise LabError(f"--rate: expected a number above 0, got {load.rate}")
    with output.open("w") as stream:
        asyncio.run(send(load, stream))
    return summarize(read(output))


async def send(load: Load, stream: TextIO) -> None:
    """Sends the requests and writes a record for each as it is answered."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(ending, stopped.set)
    async with _asking(load) as ask, asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(_write_regularly(stream))
        async with asyncio.TaskGroup() as requests:
            begin, wall_clock = loop.time(), time.time()
            number = 0
            while load.duration is None or number < load.rate * load.duration:
                due = begin + number / load.rate
                if await _stopped_before(due, stopped):
                    break
                requests.create_task(_request(ask, due, wall_clock + number / load.rate, stream))
                number += 1
        writing.cancel()
    stream.flush()


@asynccontextmanager
async def _asking(load: Load) -> AsyncIterator[Ask]:
    """How one request is sent and its answer waited for."""
    if load.hold is None:
        client = Client(load.url, load.host, load.keep_alive, load.timeout)
        yield client.get
        client.close()
    else:
        headers = {"Host": load.host} if load.host else None
        async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
            yield partial(_converse, session, load.url, load.hold)


async def _write_regularly(stream: TextIO) -> None:
    while True:
        await asyncio.sleep(WRITE_EVERY)
        stream.flush()


async def _stopped_before(due: float, stopped: asyncio.Event) -> bool:
    """Sleeps until a moment, unless the load is stopped earlier."""
    loop = asyncio.get_running_loop()
    while not stopped.is_set() and (left := due - loop.time()) > 0:
        await asyncio.sleep(min(left, LOOK_AGAIN_AFTER))
    return stopped.is_set()


async def _request(ask: Ask, due: float, start: float, stream: TextIO) -> None:
    answer = Answer()
    error = ""
    failure: Failure | Literal[""] = ""
    try:
        await ask(answer)
    except Broken as broken:
        answer.status, failure, error = 0, broken.failure, str(broken)
    latency = asyncio.get_running_loop().time() - due
    record = Record(round(start, 6), round(latency, 6), answer.status, answer.version, answer.pod, error, failure)
    stream.write(record.line() + "\n")


async def _converse(session: aiohttp.ClientSession, url: str, seconds: float, answer: Answer) -> None:
    """Holds a WebSocket of the test application, sends something every second, and closes it when its time is over."""
    loop = asyncio.get_running_loop()
    try:
        async with session.ws_connect(url) as socket:
            said = await _received(socket)
            answer.version, answer.pod = said["app-version"], said["app-pod"]
            end = loop.time() + seconds
            while (left := end - loop.time()) > 0:
                await socket.send_str("{}")
                await _received(socket)
                await asyncio.sleep(min(left, 1.0))
    except aiohttp.WSServerHandshakeError as refusal:
        answer.status = refusal.status
    except (aiohttp.ClientError, OSError) as error:
        raise Broken("cut" if answer.version else "refused", f"{type(error).__name__}: {error}") from error
    else:
        answer.status = SWITCHING_PROTOCOLS


async def _received(socket: aiohttp.ClientWebSocketResponse) -> dict[str, str]:
    message = await socket.receive()
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise ConnectionResetError(f"the WebSocket ended: {message.type.name}")
    found: dict[str, str] = json.loads(message.data)
    return found
