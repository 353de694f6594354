# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port at which the API server finds the kubelet of every node."""

from __future__ import annotations

import asyncio
import ssl

from tests.lab.relay import pass_on

HEAD_DEADLINE = 10.0


def is_ours(head: bytes) -> bool:
    """What begins with this is answered here; everything else (SPDY) by kwok."""
    request, _newline, headers = head.lower().partition(b"\r\n")
    path = request.split(b" ")[1] if request.count(b" ") == 2 else b""
    return path.startswith(b"/containerlogs/") or b"\r\nupgrade: websocket\r\n" in b"\r\n" + headers


class Door:
    """Takes the encryption off a connection and leads it to the one who can answer it."""

    def __init__(self, certificate: str, key: str, own_port: int, kwok_port: int) -> None:
        self._own_port = own_port
        self._kwok_port = kwok_port
        self._encryption = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._encryption.load_cert_chain(certificate, key)

    async def open(self, port: int) -> None:
        await asyncio.start_server(self._accept, "127.0.0.1", port, ssl=self._encryption)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_DEADLINE):
                head = await reader.readuntil(b"\r\n\r\n")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.close()
            return
        await pass_on(reader, writer, "127.0.0.1", self._own_port if is_ours(head) else self._kwok_port, head)
