# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passing connections on; and the way from one Envoy to istiod, which a test can cut."""

from __future__ import annotations

import asyncio
import contextlib

CHUNK = 65536


class Relay:
    """Passes connections on to another port of this machine. Cut: all of them break off, and new ones are refused."""

    def __init__(self, port: int, target: int, address: str = "127.0.0.1") -> None:
        self.port = port
        self._address = address
        self._target = target
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        return self._listener is not None

    async def open(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, self._address, self.port)

    async def cut(self) -> None:
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(pass_on(reader, writer, "127.0.0.1", self._target))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)


async def pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, port: int, beginning: bytes = b""
) -> None:
    """Joins a connection with a new one to an address, until one of the two ends; `beginning` was read already."""
    try:
        with contextlib.suppress(OSError):
            target_reader, target_writer = await asyncio.open_connection(address, port)
            try:
                target_writer.write(beginning)
                async with asyncio.TaskGroup() as directions:
                    directions.create_task(_copy(reader, target_writer))
                    directions.create_task(_copy(target_reader, writer))
            finally:
                target_writer.transport.abort()
    finally:
        writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                writer.write(chunk)
                await writer.drain()
    finally:
        # One side that is gone ends the other, and with it the opposite direction.
        writer.close()
