# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.lab.relay import Relay


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


async def said_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"hello")
    return await reader.read(100)


def test_what_is_said_comes_back_until_the_relay_is_cut_and_again_when_it_is_open() -> None:
    async def scenario() -> None:
        target = free_port()
        await asyncio.start_server(echo, "127.0.0.1", target)
        relay = Relay(free_port(), target)
        await relay.open()
        connection = await asyncio.open_connection("127.0.0.1", relay.port)
        assert await said_back(*connection) == b"hello"
        await relay.cut()
        assert not relay.is_open
        assert await said_back(*connection) == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", relay.port)
        await relay.open()
        assert await said_back(*await asyncio.open_connection("127.0.0.1", relay.port)) == b"hello"

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_the_end_of_one_side_is_the_end_of_the_other() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async def scenario() -> bytes:
        target = free_port()
        await asyncio.start_server(hang_up, "127.0.0.1", target)
        relay = Relay(free_port(), target)
        await relay.open()
        return await said_back(*await asyncio.open_connection("127.0.0.1", relay.port))

    assert asyncio.run(asyncio.wait_for(scenario(), 5)) == b""


def test_nobody_behind_it_ends_the_connection() -> None:
    async def scenario() -> bytes:
        relay = Relay(free_port(), free_port())
        await relay.open()
        reader, _writer = await asyncio.open_connection("127.0.0.1", relay.port)
        try:
            return await reader.read(100)
        except ConnectionResetError:
            return b""

    assert asyncio.run(asyncio.wait_for(scenario(), 5)) == b""
