# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application of one pod: its listeners, its answers, its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
from collections.abc import Mapping
from typing import Any

from aiohttp import WSMsgType, web

from tests.lab.application_host import pod as pods
from tests.lab.application_host.grpc import GrpcConnection
from tests.lab.application_host.pod import Pod

# Longer than any test: the other side decides when an idle connection ends.
KEEP_ALIVE = 3600.0
LINE_EVERY = 0.1
# The names of ports behind which TLS is spoken.
ENCRYPTED = ("tls", "https")


class Application:
    def __init__(self, pod: Pod) -> None:
        self._identity = pods.identity(pod)
        self._answers = pods.answer(pod)
        self._behaviour = pods.behaviour(pod)
        # The same pod errs at the same requests every time.
        self._chance = random.Random(self._identity["pod"])
        self._server = web.Server(self._answer, access_log=None, keepalive_timeout=KEEP_ALIVE)
        self._listeners: list[asyncio.Server] = []
        self._calls: set[GrpcConnection] = set()
        self._begun = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._ended = False

    def change(self, pod: Pod) -> None:
        """Labels and annotations of a running pod may change."""
        self._identity = pods.identity(pod)
        self._behaviour = pods.behaviour(pod)

    async def listen(self, address: str, ports: Mapping[int, str], encryption: ssl.SSLContext | None = None) -> None:
        """Take connections at each of the ports, and speak there what its name says."""
        loop = asyncio.get_running_loop()
        try:
            for port, name in ports.items():
                context = encryption if name in ENCRYPTED else None
                speaks = self._grpc if name == "grpc" else self._server
                server = await loop.create_server(speaks, address, port, backlog=1024, ssl=context)
                self._listeners.append(server)
        except OSError:
            self.refuse()
            raise

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it takes connections."""
        return [socket.getsockname()[:2] for listener in self._listeners for socket in listener.sockets]

    def refuse(self) -> None:
        """New connections are refused from now on."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    async def finish(self, seconds: float) -> None:
        """Requests that have begun may take this long; then every connection is closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        self._ended = True
        for connection in self._server.connections:
            connection.force_close()
        for calls in list(self._calls):
            calls.finish()

    def abort(self) -> None:
        """The process is gone: every connection breaks off."""
        self.refuse()
        self._ended = True
        for connection in self._server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        for calls in list(self._calls):
            calls.transport.abort()

    def _grpc(self) -> GrpcConnection:
        return GrpcConnection(lambda: self._headers, self._calls)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._ended and request.transport is not None:
            # Its connection was accepted in the moment in which the listener closed.
            request.transport.abort()
        self._begun += 1
        self._idle.clear()
        try:
            return await self._response(request)
        finally:
            self._begun -= 1
            if self._begun == 0:
                self._idle.set()

    async def _response(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/healthz":
            return web.Response(text="ok")
        behaviour = self._behaviour
        if behaviour.latency:
            await asyncio.sleep(behaviour.latency)
        if self._chance.random() < behaviour.error_rate:
            return self._plain(request, 500)
        if request.path == "/stream":
            return await self._stream(request)
        if request.path == "/ws":
            return await self._echo(request)
        return self._plain(request, 200)

    @property
    def _headers(self) -> dict[str, str]:
        return {"app-version": self._identity["version"], "app-pod": self._identity["pod"]}

    def _plain(self, request: web.BaseRequest, status: int) -> web.Response:
        if self._answers is not None:
            return web.Response(status=status, text=self._answers, headers=self._headers)
        body: dict[str, Any] = {**self._identity, "path": request.path_qs, "headers": dict(request.headers)}
        return web.Response(
            status=status, body=json.dumps(body).encode(), content_type="application/json", headers=self._headers
        )

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        """An answer that takes its time: a line with a number, again and again. Only a whole one has its last line."""
        lines = round(float(request.query.get("seconds", "10")) / LINE_EVERY)
        answer = web.StreamResponse(headers={**self._headers, "Content-Type": "text/plain"})
        await answer.prepare(request)
        for number in range(lines):
            await answer.write(f"{number}\n".encode())
            await asyncio.sleep(LINE_EVERY)
        await answer.write(b"end\n")
        return answer

    async def _echo(self, request: web.BaseRequest) -> web.StreamResponse:
        """A WebSocket that says whose it is, then gives back what it is sent, until the client closes it."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(self._headers)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket
