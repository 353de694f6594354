# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that leave when the clock says so, however late the answers to earlier ones are, and their answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

# One after the other they carry the requests, so that what a single connection sticks to does not decide.
CONNECTIONS = 8
MOST_AT_ONCE = 200
# A schedule that is further behind leaves out what it has missed: a burst would measure nothing but itself.
FURTHEST_BEHIND = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request that was due at a moment.

    ``version`` is OTHER for a name that is no version's, NONE where nothing names one; ``shown`` is what was read, or
    what came instead. ``problem`` is empty for an answer below status 500 that names something. ``latency`` counts
    from when the request was due, and is None where it says nothing of the version.
    """

    due: float
    version: str
    problem: str = ""
    shown: str = ""
    latency: float | None = None


Ask = Callable[[float], Sequence[Answer]]
"""Sends one request that was due at a moment and returns its answers."""


class Sending:
    """Sends at a rate, from its start until it is stopped, or ``most`` requests, and hands each answer to ``take``.

    Each worker has a connection of its own. One of them waits for the clock and then leaves that to the next, so that
    there is always one for the next request: when none is left, another is started.
    """

    def __init__(
        self, make: Callable[[], Ask], rate: float, take: Callable[[Answer], Any], most: int | None = None
    ) -> None:
        self._make = make
        self._rate = rate
        self._take = take
        self._most = most
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._over = threading.Event()
        self._begun = 0.0
        self._next = 0
        self._waiting = 0
        self._workers = 0
        self._out: set[float] = set()
        self.skipped = 0
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin."""
        self._begun = time.monotonic()
        for _number in range(CONNECTIONS):
            self._start_worker()

    def stop(self) -> None:
        """Send no more; what is out is not waited for."""
        self._over.set()

    @property
    def answered_until(self) -> float:
        """A moment before which all requests that were due have come to their end; ``inf`` when none are to come."""
        with self._count:
            last = self._most is not None and self._next >= self._most
            return min(self._out, default=inf if last else self._due(self._next))

    def _due(self, number: int) -> float:
        return self._begun + number / self._rate

    def _start_worker(self) -> None:
        with self._count:
            self._workers += 1
        # What is still out when all is decided must keep nobody from leaving.
        threading.Thread(target=self._work, name="probe", daemon=True).start()

    def _work(self) -> None:
        try:
            ask = self._make()
            while True:
                due = self._wait_for_turn()
                if due is None:
                    return
                for answer in ask(due):
                    self._take(answer)
                with self._count:
                    self._out.remove(due)
        except Exception as error:
            # It would end with this thread, and whoever waits for answers would wait for nothing.
            self.error = error
            self.stop()

    def _wait_for_turn(self) -> float | None:
        """Wait until the next request is due, and leave the one after it to somebody else; None when all is over."""
        with self._count:
            self._waiting += 1
        with self._turn:
            with self._count:
                self._waiting -= 1
            due = self._next_due()
            if due is None or self._over.wait(max(0.0, due - time.monotonic())):
                return None
            with self._count:
                short = self._waiting == 0 and self._workers < MOST_AT_ONCE
            if short:
                self._start_worker()
            return due

    def _next_due(self) -> float | None:
        late = int((time.monotonic() - self._begun - FURTHEST_BEHIND) * self._rate)
        with self._count:
            if self._most is not None and self._next >= self._most:
                return None
            if self._most is None and late > self._next:
                self.skipped += late - self._next
                self._next = late
            due = self._due(self._next)
            self._next += 1
            self._out.add(due)
            return due
