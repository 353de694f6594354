# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web server for tests that answers as a function says, and what Prometheus would answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    query: dict[str, str] = field(default_factory=dict)


Answer = tuple[int, Any]
"""Status and body; a body that is no string is sent as JSON."""


@contextmanager
def web(answer: Callable[[Request], Answer]) -> Iterator[str]:
    """Run a server on a free port and give its URL."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, found = answer(Request(self.command, parts.path, headers, body, query))
            sent = found if isinstance(found, str) else json.dumps(found)
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent.encode())))
            self.send_header("Set-Cookie", "session=1")
            self.end_headers()
            self.wfile.write(sent.encode())

        def do_GET(self) -> None:
            self.respond()

        def do_HEAD(self) -> None:
            self.respond()

        def do_POST(self) -> None:
            self.respond()

        def do_DELETE(self) -> None:
            self.respond()

        def log_request(self, *about: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def prometheus(value: Callable[[Request], Any]) -> Iterator[str]:
    """One that has a number for each query, several in a list, none when it is None, or a mistake in a string."""

    def answer(request: Request) -> Answer:
        found = value(request)
        if isinstance(found, str):
            return 400, {"status": "error", "errorType": "bad_data", "error": found}
        numbers = found if isinstance(found, list) else [] if found is None else [found]
        series = [{"metric": {"pod": str(at)}, "value": [0, str(number)]} for at, number in enumerate(numbers)]
        return 200, {"status": "success", "data": {"resultType": "vector", "result": series}}

    with web(answer) as url:
        yield url


@contextmanager
def trickling(head: str = "Content-Length: 1000") -> Iterator[str]:
    """A server that begins its answer at once, and then says a byte from time to time."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header(*head.split(": "))
            self.end_headers()
            # A client that has gone is none.
            with suppress(OSError):
                while not over.wait(0.02):
                    self.wfile.write(b"1\r\nx\r\n" if "chunked" in head else b"x")

        def log_request(self, *about: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.protocol_version = "HTTP/1.1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
