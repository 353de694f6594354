# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET over HTTP/1.1, plain or over TLS, and nothing else, for a load that must not become the load of the machine.

A whole client takes twice the processor time for a request, and it sends one anew when a kept connection breaks off,
which is what a load has to count.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.lab.errors import LabError
from tests.lab.records import Failure

END_OF_HEAD = b"\r\n\r\n"
WITHOUT_BODY = (204, 304)


@dataclass
class Answer:
    """What is known of an answer, as far as it came."""

    status: int = 0
    version: str = ""
    pod: str = ""


class Broken(Exception):
    """There was no whole answer."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


class Client:
    def __init__(self, url: str, host: str | None, keep_alive: bool, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise LabError(f"--url: expected http://ADDRESS:PORT/PATH, got {url}; https is spoken too")
        self._address = (parts.hostname, parts.port or (80 if parts.scheme == "http" else 443))
        self._encryption = _encryption(host or parts.hostname) if parts.scheme == "https" else {}
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        ending = "" if keep_alive else "Connection: close\r\n"
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host or parts.netloc}\r\n{ending}\r\n".encode()
        self._keep_alive = keep_alive
        self._timeout = timeout
        self._idle: list[_Connection] = []

    async def get(self, answer: Answer) -> None:
        """Fills the answer as it comes; raises what broke it."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        connection = await self._connection()
        deadline = loop.call_at(started + self._timeout, connection.give_up, self._timeout)
        try:
            await connection.exchange(self._request, answer)
        finally:
            deadline.cancel()
        if self._keep_alive and connection.can_be_kept:
            self._idle.append(connection)
        else:
            connection.close()

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.can_be_kept:
                return connection
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                _transport, connection = await loop.create_connection(_Connection, *self._address, **self._encryption)
        except ConnectionRefusedError as error:
            raise Broken("refused", str(error)) from error
        except TimeoutError as error:
            raise Broken("timeout", f"no connection within {self._timeout:g} s") from error
        except OSError as error:
            raise Broken("other", str(error)) from error
        return connection

    def close(self) -> None:
        for connection in self._idle:
            connection.close()


def _encryption(name: str) -> dict[str, Any]:
    """TLS that names whom it wants to talk to, and takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return {"ssl": context, "server_hostname": name.partition(":")[0]}


class _Connection(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer = Answer()
        self._whole: asyncio.Future[None] | None = None
        self._in_body = False
        # Bytes still to come of the body or of its current chunk; None when only the connection's end ends the body.
        self._left: int | None = 0
        self._chunked = False
        self.can_be_kept = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def exchange(self, request: bytes, answer: Answer) -> None:
        self._answer = answer
        self._in_body = self._chunked = False
        self._whole = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._whole

    def close(self) -> None:
        self.can_be_kept = False
        self._transport.close()

    def give_up(self, timeout: float) -> None:
        self._break(Broken("timeout", f"no whole answer within {timeout:g} s"))
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.can_be_kept = False
        if self._in_body and self._left is None and exc is None:
            self._finish()
        reason = str(exc) if exc is not None else "the other side closed the connection"
        self._break(Broken("cut" if self._in_body else "reset", reason))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while self._whole is not None and self._step():
                pass
        except (ValueError, IndexError) as error:
            self._break(Broken("other", f"this is no HTTP: {error}"))
            self._transport.abort()

    def _step(self) -> bool:
        """Takes one part out of what has come; False when more has to come first."""
        if not self._in_body:
            return self._take_head()
        if self._left is None:
            self._buffer.clear()
            return False
        if self._left > 0:
            taken = min(self._left, len(self._buffer))
            del self._buffer[:taken]
            self._left -= taken
            if self._left > 0:
                return False
        if not self._chunked:
            self._finish()
            return False
        return self._take_chunk_size()

    def _take_head(self) -> bool:
        end = self._buffer.find(END_OF_HEAD)
        if end < 0:
            return False
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + len(END_OF_HEAD)]
        status = int(first.split(" ", 2)[1])
        if status < 200:
            return True
        headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
        self._answer.status = status
        self._answer.version = headers.get("app-version", "")
        self._answer.pod = headers.get("app-pod", "")
        self._in_body = True
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        if headers.get("connection", "").lower() == "close":
            self.can_be_kept = False
        if self._chunked or status in WITHOUT_BODY:
            self._left = 0
        else:
            self._left = int(headers["content-length"]) if "content-length" in headers else None
        return True

    def _take_chunk_size(self) -> bool:
        """The line with a chunk's size; a chunk of nothing, and the empty line after it, is the end."""
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        size = int(self._buffer[:end].split(b";")[0], 16)
        if size == 0:
            if len(self._buffer) < end + 4:
                return False
            del self._buffer[: end + 4]
            self._finish()
            return False
        del self._buffer[: end + 2]
        # Each chunk ends with an empty line of its own.
        self._left = size + 2
        return True

    def _finish(self) -> None:
        whole, self._whole = self._whole, None
        if whole is not None and not whole.done():
            whole.set_result(None)
        self._in_body = False

    def _break(self, reason: Broken) -> None:
        self.can_be_kept = False
        whole, self._whole = self._whole, None
        if whole is not None and not whole.done():
            whole.set_exception(reason)
