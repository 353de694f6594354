# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of an API server that leads into pods: a list of them, exec and port-forward over WebSocket."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
Messages = list[tuple[int, bytes]]

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def pod(name: str, ready: bool = True, **metadata: Any) -> Json:
    status = "True" if ready else "False"
    return {
        "metadata": {"name": name, **metadata},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}]},
    }


def status_of(code: int, message: str) -> tuple[int, Json]:
    return code, {"kind": "Status", "status": "Failure", "code": code, "message": message}


@dataclass
class ApiServer:
    """What it answers: ``refused`` by path, ``ran`` by command, ``served`` by pod for a port-forward."""

    url: str = ""
    pods: dict[str, list[Json]] = field(default_factory=dict)
    refused: dict[str, tuple[int, Json]] = field(default_factory=dict)
    run: Callable[[list[str]], Messages] = lambda command: []
    serve: Callable[[str, int, str], Messages] = lambda pod, port, path: []
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)


def http_answer(body: str, status: int = 200) -> bytes:
    return f"HTTP/1.1 {status} .\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}".encode()


def forwarded(port: int, body: str, status: int = 200) -> Messages:
    """What a port-forward carries for one answer: each channel first names the port; the answer comes in pieces."""
    data = http_answer(body, status)
    greeting = struct.pack("<H", port)
    return [(0, greeting), (1, greeting), (0, data[:-2]), (0, data[-2:])]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: ApiServer

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.api.requests.append((self.path, dict(self.headers.items())))
        parts = address.path.split("/")
        refused = self.api.refused.get(address.path)
        if refused:
            self.answer(*refused)
        elif self.headers.get("Upgrade") != "websocket":
            selector = parse_qs(address.query).get("labelSelector", [""])[0]
            self.answer(200, {"kind": "PodList", "items": self.api.pods.get(f"{parts[4]}:{selector}", [])})
        else:
            self.upgrade()
            query = parse_qs(address.query)
            if parts[7] == "exec":
                messages = self.api.run(query["command"])
            else:
                port = int(query["ports"][0])
                messages = self.api.serve(parts[6], port, self.receive()[1:].split()[1].decode())
            for channel, data in messages:
                self.send(0x82, bytes([channel]) + data)
            # A pod that says nothing keeps the connection.
            if messages:
                self.send(0x88, struct.pack(">H", 1000))
            else:
                self.api.silent.wait(10)
            self.close_connection = True

    def answer(self, code: int, body: Json) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def upgrade(self) -> None:
        accept = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + MAGIC).encode(), usedforsecurity=False).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.send_header("Sec-WebSocket-Protocol", self.headers["Sec-WebSocket-Protocol"])
        self.end_headers()

    def send(self, head: int, data: bytes) -> None:
        length = bytes([len(data)]) if len(data) < 126 else struct.pack(">BH", 126, len(data))
        self.wfile.write(bytes([head]) + length + data)
        self.wfile.flush()

    def receive(self) -> bytes:
        length = self.rfile.read(2)[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self.rfile.read(2))
        mask = self.rfile.read(4)
        return bytes(byte ^ mask[index % 4] for index, byte in enumerate(self.rfile.read(length)))

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@contextmanager
def api_server() -> Iterator[ApiServer]:
    api = ApiServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": api}))
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        api.silent.set()
        server.shutdown()
        thread.join()
        server.server_close()
