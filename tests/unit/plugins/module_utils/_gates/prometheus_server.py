# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that answers as Prometheus does, with what a test gives it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, str]


def success(kind: str, result: Any) -> Answer:
    return 200, json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})


def failure(code: int, error: str) -> Answer:
    return code, json.dumps({"status": "error", "errorType": "bad_data", "error": error})


def vector(*series: tuple[Mapping[str, str], float | str]) -> Answer:
    return success(
        "vector", [{"metric": dict(labels), "value": [1795267701.5, str(value)]} for labels, value in series]
    )


@dataclass
class Prometheus:
    url: str = ""
    answer: Callable[[str], Answer] = lambda query: vector()
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)


@contextmanager
def prometheus() -> Iterator[Prometheus]:
    running = Prometheus()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = parse_qs(address.query)
            running.asked.append(query)
            running.headers.append(dict(self.headers.items()))
            known = address.path == "/api/v1/query"
            code, body = running.answer(query["query"][0]) if known else (404, "not found")
            self.send_response(code)
            if code in (301, 302):
                self.send_header("Location", body)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
