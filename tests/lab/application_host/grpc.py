# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/2 with prior knowledge, in the shape of gRPC: whatever is called, the answer is one empty message, and well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

# No compression, and no bytes.
EMPTY_MESSAGE = bytes(5)


class GrpcConnection(asyncio.Protocol):
    """One connection of a caller; ``open_connections`` holds it for as long as it lasts."""

    def __init__(self, headers: Callable[[], Mapping[str, str]], open_connections: set[GrpcConnection]) -> None:
        self._headers = headers
        self._open = open_connections
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._open.add(self)
        self._http.initiate_connection()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            events = self._http.receive_data(data)
        except ProtocolError:
            self._send()
            self.transport.close()
            return
        # A call may be taken back in the same breath in which it was made.
        taken_back = {event.stream_id for event in events if isinstance(event, StreamReset)}
        for event in events:
            if isinstance(event, StreamEnded) and event.stream_id not in taken_back:
                self._answer(event.stream_id)
            elif isinstance(event, ConnectionTerminated):
                self.transport.close()
        self._send()

    def finish(self) -> None:
        """Say that this connection ends, and end it: every call is answered at once, so none is open."""
        self._http.close_connection()
        self._send()
        self.transport.close()

    def _answer(self, stream: int) -> None:
        headers = [(name.lower(), value) for name, value in self._headers().items()]
        self._http.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc"), *headers])
        self._http.send_data(stream, EMPTY_MESSAGE)
        self._http.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    def _send(self) -> None:
        self.transport.write(self._http.data_to_send())
