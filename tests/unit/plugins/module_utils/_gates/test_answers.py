# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When requests leave, whatever becomes of the answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import inf

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates import answers
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.answers import Answer, Ask, Sending

PATIENCE = 20.0


class Asked:
    """Asks that take a while, and when each was due and sent, on which connection."""

    def __init__(self, lasting: float = 0.0) -> None:
        self.lasting = lasting
        self.dues: list[float] = []
        self.late: list[float] = []
        self.connections: list[int] = []
        self.made = 0
        self.held = threading.Event()

    def make(self) -> Ask:
        self.made += 1
        number = self.made

        def ask(due: float) -> Sequence[Answer]:
            self.late.append(time.monotonic() - due)
            self.dues.append(due)
            self.connections.append(number)
            self.held.wait(self.lasting)
            return [Answer(due, "blue")]

        return ask


def until(condition: Callable[[], bool], reason: str) -> None:
    late = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < late, reason
        time.sleep(0.005)


def test_requests_leave_when_they_are_due_however_late_the_answers_are() -> None:
    asked, taken = Asked(lasting=PATIENCE), list[Answer]()
    with Sending(asked.make, 100, taken.append, most=60) as sending:
        until(lambda: len(asked.dues) == 60, "60 requests are sent")
        # All of them are out at once, each on a connection of its own.
        assert taken == []
        assert len(set(asked.connections)) == 60
        assert sending.answered_until == min(asked.dues)
        asked.held.set()
        until(lambda: sending.answered_until == inf, "60 requests are answered")
    assert len(taken) == 60
    assert [round(later - earlier, 6) for earlier, later in pairwise(sorted(asked.dues))] == [0.01] * 59
    assert min(asked.late) >= 0


def test_fast_answers_come_by_several_connections_in_turn() -> None:
    asked, taken = Asked(), list[Answer]()
    with Sending(asked.make, 500, taken.append, most=200) as sending:
        until(lambda: sending.answered_until == inf, "200 requests are answered")
    assert len(set(asked.connections)) >= answers.CONNECTIONS // 2
    assert asked.made <= 2 * answers.CONNECTIONS


def test_what_cannot_be_sent_in_time_is_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_AT_ONCE", answers.CONNECTIONS)
    monkeypatch.setattr(answers, "FURTHEST_BEHIND", 0.1)
    asked = Asked(lasting=0.5)
    with Sending(asked.make, 200, lambda answer: None) as sending:
        until(lambda: sending.skipped > 50, "requests are left out")
        asked.lasting = 0.0
        seen = len(asked.dues)
        until(lambda: len(asked.dues) > seen + 100, "requests are sent in time again")
    assert len(set(asked.dues)) == len(asked.dues)
    assert max(asked.late) < 2


def test_nothing_is_sent_after_the_end() -> None:
    asked = Asked()
    sending = Sending(asked.make, 500, lambda answer: None)
    sending.start()
    until(lambda: len(asked.dues) > 20, "requests are sent")
    workers = [thread for thread in threading.enumerate() if thread.name == "probe"]
    sending.stop()
    for worker in workers:
        worker.join(PATIENCE)
        assert not worker.is_alive()


def test_an_error_of_the_program_is_not_lost() -> None:
    def make() -> Ask:
        def ask(due: float) -> Sequence[Answer]:
            raise KeyError("blue")

        return ask

    with Sending(make, 500, lambda answer: None) as sending:
        until(lambda: sending.error is not None, "the error is kept")
    assert isinstance(sending.error, KeyError)
