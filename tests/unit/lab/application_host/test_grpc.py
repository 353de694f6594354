# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio

import httpcore2
import pytest
from h2.connection import H2Connection
from h2.events import StreamEnded

from tests.lab.application_host.application import Application

POD = {
    "metadata": {"name": "web-1", "namespace": "prod", "labels": {"app.kubernetes.io/version": "green"}},
    "spec": {"containers": []},
}


async def call(pool: httpcore2.AsyncConnectionPool, port: int) -> httpcore2.Response:
    headers = [("content-type", "application/grpc"), ("te", "trailers")]
    return await pool.request("POST", f"http://127.0.0.1:{port}/shop.Cart/Add", headers=headers, content=bytes(5))


def test_every_call_gets_an_empty_message_until_the_end() -> None:
    async def scenario() -> None:
        application = Application(POD)
        await application.listen("127.0.0.1", {0: "grpc"})
        port = application.addresses[0][1]
        async with httpcore2.AsyncConnectionPool(http1=False, http2=True) as pool:
            for _number in range(2):
                answer = await call(pool, port)
                assert answer.status == 200
                headers = dict(answer.headers)
                assert headers[b"content-type"] == b"application/grpc"
                assert (headers[b"app-version"], headers[b"app-pod"]) == (b"green", b"web-1")
                assert answer.content == bytes(5)
            application.refuse()
            await application.finish(1)
        async with httpcore2.AsyncConnectionPool(http1=False, http2=True) as pool:
            with pytest.raises(httpcore2.ConnectError):
                await call(pool, port)

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_call_that_is_taken_back_at_once_spoils_no_other() -> None:
    async def scenario() -> None:
        application = Application(POD)
        await application.listen("127.0.0.1", {0: "grpc"})
        reader, writer = await asyncio.open_connection(*application.addresses[0])
        http = H2Connection()
        http.initiate_connection()
        head = [(":method", "POST"), (":scheme", "http"), (":authority", "web"), (":path", "/shop.Cart/Add")]
        http.send_headers(1, head, end_stream=True)
        http.reset_stream(1)
        http.send_headers(3, head, end_stream=True)
        writer.write(http.data_to_send())
        ended: list[int] = []
        while not ended:
            data = await reader.read(65536)
            assert data, "the connection was closed"
            ended += [event.stream_id for event in http.receive_data(data) if isinstance(event, StreamEnded)]
        assert ended == [3]
        writer.close()
        application.abort()

    asyncio.run(asyncio.wait_for(scenario(), 20))
