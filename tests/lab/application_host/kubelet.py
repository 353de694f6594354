# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubelet answers to the API server: logs, and commands and connections in pods, over WebSockets.

Only SPDY, which kubectl speaks to forward a port, is left to kwok.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from tests.lab.application_host import pod as pods
from tests.lab.application_host.pod import Pod

STDIN, STDOUT, STDERR, STATUS, CLOSE = 0, 1, 2, 3, 255
EXEC_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
PORT_FORWARD_PROTOCOLS = ("v4.channel.k8s.io",)
CHUNK = 32768
# A log that is followed ends with its container.
LOOK_AGAIN_AFTER = 0.2

FindPod = Callable[[str, str], Pod | None]
SUCCESS: dict[str, Any] = {"metadata": {}, "status": "Success"}


class Kubelet:
    def __init__(self, find_pod: FindPod) -> None:
        self._find_pod = find_pod

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        router.add_get("/exec/{namespace}/{pod}/{container}", self._exec)
        router.add_get("/portForward/{namespace}/{pod}", self._port_forward)

    async def _socket(self, request: web.Request, protocols: tuple[str, ...]) -> web.WebSocketResponse:
        asked = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if not set(asked) & set(protocols):
            # kubectl then tries SPDY.
            raise web.HTTPBadRequest(text=f"none of the protocols {asked} is known: {protocols}")
        socket = web.WebSocketResponse(protocols=protocols)
        await socket.prepare(request)
        return socket

    def _asked(self, request: web.Request) -> Pod | None:
        return self._find_pod(request.match_info["namespace"], request.match_info["pod"])

    def _pod(self, request: web.Request) -> Pod:
        found = self._asked(request)
        if found is None:
            raise web.HTTPNotFound(text="pod {namespace}/{pod} does not exist".format(**request.match_info))
        return found

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        pod = self._pod(request)
        container = request.match_info["container"]
        if (reason := pods.waits_for(pod, container)) is not None:
            name = request.match_info["pod"]
            raise web.HTTPBadRequest(text=f'container "{container}" in pod "{name}" is waiting to start: {reason}')
        lines = pods.logs(pod).splitlines(keepends=True)
        if "tailLines" in request.query:
            lines = lines[max(0, len(lines) - int(request.query["tailLines"])) :]
        answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await answer.prepare(request)
        text = "".join(lines).encode()
        await answer.write(text[: int(request.query["limitBytes"])] if "limitBytes" in request.query else text)
        while request.query.get("follow") == "true" and (found := self._asked(request)) and pods.is_running(found):
            await asyncio.sleep(LOOK_AGAIN_AFTER)
        return answer

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        pod = self._pod(request)
        socket = await self._socket(request, EXEC_PROTOCOLS)
        command = [pods.inside(pod, argument) for argument in request.query.getall("command")]
        wants_input = request.query.get("input") in {"1", "true"}
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env={**os.environ, **pods.environment(pod)},
                stdin=asyncio.subprocess.PIPE if wants_input else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            status = _failure("InternalError", f"error executing command in container: {command[0]}: {error.strerror}")
        else:
            status = await _attend(process, socket)
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(bytes([STATUS]) + json.dumps(status).encode())
            await socket.close()
        return socket

    async def _port_forward(self, request: web.Request) -> web.StreamResponse:
        pod = self._pod(request)
        socket = await self._socket(request, PORT_FORWARD_PROTOCOLS)
        forwards = [
            _Forward(socket, index, int(port), pods.reachable(pod, int(port)))
            for index, port in enumerate(_ports(request))
        ]
        forwarding = asyncio.create_task(_forward_all(forwards))
        reading = asyncio.create_task(_distribute(socket, forwards))
        try:
            await asyncio.wait([forwarding, reading], return_when=asyncio.FIRST_COMPLETED)
        finally:
            forwarding.cancel()
            reading.cancel()
        await socket.close()
        return socket


async def _attend(process: asyncio.subprocess.Process, socket: web.WebSocketResponse) -> dict[str, Any]:
    """Carries a command's streams; its exit code as a kubelet reports it. It ends with the connection."""
    reading = asyncio.create_task(_input(process, socket))
    try:
        await asyncio.gather(_output(process.stdout, STDOUT, socket), _output(process.stderr, STDERR, socket))
        code = await process.wait()
    finally:
        reading.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code == 0:
        return SUCCESS
    status = _failure("NonZeroExitCode", f"command terminated with non-zero exit code: exit status {code}")
    return {**status, "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}}


async def _input(process: asyncio.subprocess.Process, socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is not WSMsgType.BINARY or process.stdin is None:
            continue
        channel, data = message.data[0], message.data[1:]
        with contextlib.suppress(ConnectionError):
            if channel == STDIN:
                process.stdin.write(data)
                await process.stdin.drain()
            elif channel == CLOSE and data == bytes([STDIN]):
                process.stdin.close()
    process.kill()


async def _output(stream: asyncio.StreamReader | None, channel: int, socket: web.WebSocketResponse) -> None:
    while stream is not None and (chunk := await stream.read(CHUNK)):
        await socket.send_bytes(bytes([channel]) + chunk)


class _Forward:
    """One forwarded port: an even channel for its data and the odd one after it for an error."""

    def __init__(self, socket: web.WebSocketResponse, index: int, port: int, target: tuple[str, int]) -> None:
        self._socket = socket
        self._data, self._error = 2 * index, 2 * index + 1
        self._port, self._target = port, target
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    async def run(self) -> None:
        """Both channels begin with the number of the port. Ends when the other end closes the connection."""
        for channel in (self._data, self._error):
            await self._socket.send_bytes(bytes([channel]) + struct.pack("<H", self._port))
        try:
            reader, writer = await asyncio.open_connection(*self._target)
        except OSError as error:
            text = f"error forwarding port {self._port}: {error.strerror}"
            await self._socket.send_bytes(bytes([self._error]) + text.encode())
            return
        sending = asyncio.create_task(self._send(writer))
        try:
            with contextlib.suppress(ConnectionError):
                await _output(reader, self._data, self._socket)
        finally:
            sending.cancel()
            writer.transport.abort()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(await self.received.get())
            await writer.drain()


async def _forward_all(forwards: list[_Forward]) -> None:
    await asyncio.gather(*(forward.run() for forward in forwards))


async def _distribute(socket: web.WebSocketResponse, forwards: list[_Forward]) -> None:
    async for message in socket:
        if message.type is WSMsgType.BINARY and message.data[0] % 2 == 0:
            forwards[message.data[0] // 2].received.put_nowait(message.data[1:])


def _ports(request: web.Request) -> list[str]:
    """The query names each port on its own, or all of them with commas."""
    return [port for ports in request.query.getall("port") for port in ports.split(",")]


def _failure(reason: str, message: str) -> dict[str, Any]:
    return {"metadata": {}, "status": "Failure", "reason": reason, "message": message}
