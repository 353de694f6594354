# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that hold on: answers that take their time, and one connection for everything."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from types import TracebackType
from urllib.parse import urlsplit

from tests.acceptance.cluster import PATIENCE
from tests.acceptance.traffic import Gateway


class Stream:
    """One request whose answer takes this many seconds; only a whole one has its last line."""

    def __init__(self, gateway: Gateway, host: str, seconds: float) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=seconds + PATIENCE)
        self._connection.request("GET", f"/stream?seconds={seconds}", headers={"Host": host})
        self._answer = self._connection.getresponse()
        self.version = self._answer.headers["app-version"].removeprefix("web-")
        self._lines: list[bytes] = []
        self._broken = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            self._lines += self._answer.read().splitlines()
        except (http.client.HTTPException, OSError) as error:
            self._broken = f"{type(error).__name__}: {error}"
        finally:
            self._connection.close()

    @property
    def is_open(self) -> bool:
        return self._reader.is_alive()

    def end(self) -> str:
        """Wait for its end: nothing when all of it came, else what broke it."""
        self._reader.join(2 * PATIENCE)
        assert not self.is_open, "the answer does not end"
        whole = self._lines[-1:] == [b"end"]
        return "" if whole else self._broken or f"it ended after {len(self._lines)} lines"


class OneConnection:
    """Request after request on the same connection, until the end of the ``with``."""

    def __init__(self, gateway: Gateway, host: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=PATIENCE)
        self._host = host
        self._stopped = threading.Event()
        self._client = threading.Thread(target=self._ask, daemon=True)
        self.answers: Counter[str] = Counter()
        self.broken = ""

    def _ask(self) -> None:
        try:
            self._connection.connect()
            # Without this it would quietly connect anew.
            self._connection.auto_open = 0
            while not self._stopped.wait(0.02):
                self._connection.request("GET", "/", headers={"Host": self._host})
                answer = self._connection.getresponse()
                answer.read()
                self.answers[f"{answer.status} of {answer.headers['app-version']}"] += 1
        except (http.client.HTTPException, OSError) as error:
            self.broken = f"{type(error).__name__}: {error}"

    def __enter__(self) -> OneConnection:
        self._client.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._client.join(PATIENCE)
        self._connection.close()
