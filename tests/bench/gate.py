# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Something for a gate to ask, which is well for a while and then is not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WELL, BAD = 0, 2


class Measured(ThreadingHTTPServer):
    """Answers with a number; the moment of the first bad one is the moment at which a release is known to fail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self._lock = threading.Lock()
        self._good_ones_left = 0
        self.failed_at: float | None = None

    def good_for(self, answers: int) -> None:
        """So many answers are good from now on, and all that follow are bad."""
        with self._lock:
            self._good_ones_left = answers
            self.failed_at = None

    def number(self) -> int:
        with self._lock:
            self._good_ones_left -= 1
            return WELL if self._good_ones_left >= 0 else BAD

    def answered(self, number: int) -> None:
        with self._lock:
            if number == BAD and self.failed_at is None:
                self.failed_at = time.time()

    @property
    def gate(self) -> dict[str, Any]:
        """The gate of a release that asks it."""
        return {
            "name": "number",
            "http": {"url": f"http://127.0.0.1:{self.server_port}/", "value": "number", "interval": "0.1s"},
            "judge": {"pass_when": f"candidate < `{BAD}`"},
        }


class _Answers(BaseHTTPRequestHandler):
    server: Measured
    # Head and body leave together: apart, the second could wait for the first one's acknowledgement.
    wbufsize = -1

    def do_GET(self) -> None:
        number = self.server.number()
        body = json.dumps({"number": number}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # Taken before it is sent: what the answer takes on its way is part of the way back.
        self.server.answered(number)
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def measured() -> Iterator[Measured]:
    with Measured() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
