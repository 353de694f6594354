# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.lab.application_host.kubelet import Kubelet

STATUS = {"containerStatuses": [{"name": "web", "state": {"running": {}}}], "phase": "Running", "podIP": "127.0.0.1"}
POD: dict[str, Any] = {
    "metadata": {"name": "web-1", "namespace": "prod", "annotations": {"lab.bluegreen.test/logs": "one\ntwo"}},
    "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    "status": STATUS,
}
Scenario = Callable[[aiohttp.ClientSession, str], Awaitable[Any]]


def asked(scenario: Scenario) -> Any:
    """What a scenario finds that asks a kubelet with one pod."""

    async def run() -> Any:
        application = web.Application()
        Kubelet(lambda namespace, name: POD if (namespace, name) == ("prod", "web-1") else None).add_routes(
            application.router
        )
        runner = web.AppRunner(application)
        await runner.setup()
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            await web.SockSite(runner, listener).start()
            try:
                async with aiohttp.ClientSession() as session:
                    return await scenario(session, f"http://127.0.0.1:{listener.getsockname()[1]}")
            finally:
                await runner.cleanup()

    return asyncio.run(asyncio.wait_for(run(), 10))


@pytest.mark.parametrize(
    ("query", "lines"), [("", "one\ntwo\n"), ("?tailLines=1", "two\n"), ("?limitBytes=5", "one\nt")]
)
def test_logs_are_those_of_the_pod(query: str, lines: str) -> None:
    async def scenario(session: aiohttp.ClientSession, url: str) -> str:
        async with session.get(f"{url}/containerLogs/prod/web-1/web{query}") as answer:
            return await answer.text()

    assert asked(scenario) == lines


def test_logs_that_are_followed_end_with_the_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(session: aiohttp.ClientSession, url: str) -> str:
        async with session.get(f"{url}/containerLogs/prod/web-1/web?follow=true") as answer:
            begun = await answer.content.readexactly(8)
            monkeypatch.setitem(POD, "status", {**STATUS, "phase": "Succeeded"})
            return (begun + await answer.read()).decode()

    assert asked(scenario) == "one\ntwo\n"


def test_a_pod_that_is_not_there_has_no_logs() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str) -> int:
        async with session.get(f"{url}/containerLogs/prod/web-2/web") as answer:
            return answer.status

    assert asked(scenario) == 404


def executed(command: list[str], stdin: bytes | None = None, protocol: str = "v5.channel.k8s.io") -> dict[int, bytes]:
    """What came back on each channel."""

    async def scenario(session: aiohttp.ClientSession, url: str) -> dict[int, bytes]:
        query = [("command", argument) for argument in command] + [("input", "1")] * (stdin is not None)
        channels: dict[int, bytes] = {}
        async with session.ws_connect(f"{url}/exec/prod/web-1/web", params=query, protocols=[protocol]) as connection:
            if stdin is not None:
                await connection.send_bytes(b"\x00" + stdin)
                await connection.send_bytes(b"\xff\x00")
            async for message in connection:
                channels[message.data[0]] = channels.get(message.data[0], b"") + message.data[1:]
        return channels

    found: dict[int, bytes] = asked(scenario)
    return found


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io"])
def test_a_command_is_run_and_its_exit_code_reported(protocol: str) -> None:
    channels = executed(["sh", "-c", "echo $POD_NAME; echo wrong >&2; exit 3"], protocol=protocol)
    assert (channels[1], channels[2]) == (b"web-1\n", b"wrong\n")
    status = json.loads(channels[3])
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


def test_a_command_reads_what_it_is_given_to_its_end() -> None:
    channels = executed(["cat"], stdin=b"given")
    assert channels[1] == b"given"
    assert json.loads(channels[3])["status"] == "Success"


def test_a_command_that_is_not_there_is_named() -> None:
    status = json.loads(executed(["no-such-program"])[3])
    assert status["reason"] == "InternalError"
    assert "no-such-program: No such file or directory" in status["message"]


def test_a_forwarded_port_carries_data_both_ways_and_ends_with_the_other_side() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    async def scenario(session: aiohttp.ClientSession, url: str) -> list[bytes]:
        server = await asyncio.start_server(shout, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        target = f"{url}/portForward/prod/web-1?port={port}"
        async with session.ws_connect(target, protocols=["v4.channel.k8s.io"]) as connection:
            await connection.send_bytes(b"\x00hello\n")
            received = [message.data async for message in connection]
        begin = struct.pack("<H", port)
        assert received[:2] == [b"\x00" + begin, b"\x01" + begin]
        return received[2:]

    assert asked(scenario) == [b"\x00HELLO\n"]


def test_a_port_at_which_nobody_listens_is_an_error_on_its_channel() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str) -> bytes:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            target = f"{url}/portForward/prod/web-1?port={silent.getsockname()[1]}"
            async with session.ws_connect(target, protocols=["v4.channel.k8s.io"]) as connection:
                return b"".join([message.data async for message in connection if message.data[0] == 1])

    assert b"error forwarding port" in asked(scenario)


def test_a_protocol_that_is_not_spoken_is_refused() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str) -> int:
        try:
            await session.ws_connect(f"{url}/portForward/prod/web-1?port=1", protocols=["SPDY/3.1+portforward.k8s.io"])
        except aiohttp.WSServerHandshakeError as refusal:
            return refusal.status
        return 0

    assert asked(scenario) == 400
