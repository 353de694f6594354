# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An entry of a mesh for tests: a real server on a real socket that sends each request to a version by weights."""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Given:
    """What one request is answered with."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    delay: float = 0.0


def named(version: str, service: str = "web", **more: Any) -> Given:
    """As a version behind a route of ours answers: by header, and in its body."""
    pod = f"{service}-{version}-7d4b9c6f5-x2x8q"
    return Given(
        headers={"app-version": f"{service}-{version}", "app-pod": pod},
        body=json.dumps({"build": {"version": version}, "pod": pod}),
        **more,
    )


class Entry:
    """Answers by ``weights``, each version as ``answers`` says; both may change while it runs."""

    def __init__(self, url: str, weights: Mapping[str, float]) -> None:
        self.url = url
        self.weights = dict(weights)
        self.answers: dict[str, Given] = {}
        self.seen: list[dict[str, str]] = []
        self.connections: set[Any] = set()
        self.moments: list[float] = []
        self.on_request: Callable[[int], None] = lambda count: None
        self._chance = random.Random(7)
        self._lock = threading.Lock()

    def given(self, headers: Mapping[str, str], connection: Any) -> Given:
        with self._lock:
            self.seen.append(dict(headers))
            self.moments.append(time.monotonic())
            self.connections.add(connection)
            self.on_request(len(self.seen))
            names, weights = zip(*self.weights.items(), strict=True)
            version = self._chance.choices(names, weights)[0]
        return self.answers.get(version) or named(version)


@contextmanager
def entry(weights: Mapping[str, float], context: ssl.SSLContext | None = None, /, **answers: Given) -> Iterator[Entry]:
    """Run an entry on a free port; with a context it speaks TLS."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Without it an answer in two packets waits for the acknowledgement of the first, 40 ms on Linux.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            given = running.given({name.lower(): value for name, value in self.headers.items()}, self.client_address)
            time.sleep(given.delay)
            body = given.body.encode()
            self.send_response(given.status)
            for name, value in {**given.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - so the base class calls it
            """Keep the output of the tests readable."""

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    running = Entry(f"http://127.0.0.1:{server.server_port}/", weights)
    running.answers.update(answers)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield running
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # Connections that are open at the end are the client's to close.
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is none."""
