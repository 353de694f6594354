# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which answers a decision counts, when it is thrown away, and when there is no hope of one: on a clock of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.identity import NONE, OTHER
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.probing import Probe
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.verdict import Finding
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.answers import Answer
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.proof import Proof

RATE = 100.0
BEGUN = 1000.0
ALL_GREEN = {"blue": 0, "green": 100}


class Clock:
    """Plays requests at the usual rate: each moment's answers come at once, unless they are held back."""

    def __init__(self, weights: dict[str, int], deadline: float = 30.0, **options: float) -> None:
        self.probe = Probe(url="http://mesh/", rate=RATE, **options)  # type: ignore[arg-type]
        self.proof = Proof(self.probe, Wanted(weights, "web", deadline=deadline), "share", BEGUN)
        self.sent = 0

    def play(self, versions: Iterable[str]) -> Finding | None:
        """One request a version; the finding as soon as there is one."""
        for version in versions:
            due = BEGUN + self.sent / RATE
            self.sent += 1
            finding = self.take([answer(version, due)], due + 1 / RATE)
            if finding is not None:
                return finding
        return None

    def take(self, answers: Sequence[Answer], now: float, answered_until: float | None = None) -> Finding | None:
        return self.proof.take(deque(answers), now if answered_until is None else answered_until, now)


def answer(version: str, due: float) -> Answer:
    return Answer(due, version, "status 503" if version == NONE else "", f"web-{version}", 0.01)


def ended(finding: Finding | None) -> Finding:
    assert finding is not None
    return finding


def test_what_is_refuted_before_the_deadline_begins_anew() -> None:
    clock = Clock(ALL_GREEN)
    assert clock.play(["blue"] * 500) is None
    finding = ended(clock.play(["green"] * 301))
    assert finding.verdict == "pass"
    assert finding.details["counts"] == {"blue": 0, "green": 300, "other": 0}
    assert finding.details["requests"] == 800
    assert finding.details["waited"] == pytest.approx(8)


def test_answers_to_requests_of_before_the_decision_do_not_count_in_it() -> None:
    clock = Clock(ALL_GREEN)
    assert clock.take([answer("blue", BEGUN)], BEGUN + 1) is None
    # Sent with the first one, answered by what stood before, and late.
    assert clock.take([answer("blue", BEGUN + 0.5)], BEGUN + 2) is None
    assert clock.take([answer("green", BEGUN + 1 + number / RATE) for number in range(299)], BEGUN + 4) is None
    assert ended(clock.take([answer("green", BEGUN + 4)], BEGUN + 5)).verdict == "pass"


def test_an_answer_waits_for_those_to_earlier_requests() -> None:
    clock = Clock({"blue": 50, "green": 50})
    fast = [answer("blue", BEGUN + number / RATE) for number in range(0, 400, 2)]
    slow = [answer("green", BEGUN + number / RATE) for number in range(1, 400, 2)]
    assert clock.take(fast, BEGUN + 4, answered_until=slow[0].due) is None
    assert clock.proof.stopped().details["counts"] == {"blue": 1, "green": 0, "other": 0}
    clock.take(slow, BEGUN + 5)
    assert clock.proof.stopped().details["counts"] == {"blue": 200, "green": 200, "other": 0}


def test_what_is_refuted_at_the_deadline_fails_with_the_numbers_of_that_decision() -> None:
    clock = Clock(ALL_GREEN, deadline=5)
    finding = ended(clock.play(["blue"] * 600))
    assert finding.verdict == "fail"
    assert finding.details["waited"] == pytest.approx(5)
    assert finding.details["counts"]["blue"] == 1
    assert finding.details["requests"] == 500


def test_a_decision_that_began_before_the_deadline_may_end_after_it() -> None:
    clock = Clock(ALL_GREEN, deadline=5)
    finding = ended(clock.play(["blue"] * 490 + ["green"] * 400))
    assert finding.verdict == "pass"
    assert finding.details["waited"] > 5


def test_a_decision_that_never_ends_is_given_up() -> None:
    clock = Clock(ALL_GREEN, deadline=5, timeout=2.0)
    # Two thirds of the requests are answered for a while, then nothing.
    assert clock.play(["green", NONE, "green"] * 60) is None
    assert clock.take([], BEGUN + 5) is None
    finding = ended(clock.take([], BEGUN + 8.1))
    assert finding.verdict == "inconclusive"
    assert finding.reason.startswith("120 of up to 300 answers that a decision needs came from http://mesh/ in 8s")
    assert '60 times status 503 ("web-none")' in finding.reason


def test_where_most_requests_name_nobody_nothing_is_waited_for_beyond_the_deadline() -> None:
    clock = Clock(ALL_GREEN, deadline=5)
    finding = ended(clock.play(["green", NONE, NONE] * 200))
    assert finding.verdict == "inconclusive"
    assert finding.details["waited"] == pytest.approx(5)


def test_first_answers_that_are_still_out_at_the_deadline_are_waited_for() -> None:
    clock = Clock(ALL_GREEN, deadline=1, timeout=5.0)
    assert clock.take([], BEGUN + 4.9, answered_until=BEGUN) is None
    finding = ended(clock.take([], BEGUN + 5, answered_until=BEGUN))
    assert finding.verdict == "inconclusive"
    assert "nothing came back" in finding.reason


def test_a_few_errors_of_nobody_do_not_hinder_a_pass_and_are_named() -> None:
    clock = Clock(ALL_GREEN)
    finding = ended(clock.play((["green"] * 99 + [NONE]) * 4))
    assert finding.verdict == "pass"
    assert 'besides 3 times status 503 ("web-none")' in finding.reason
    assert finding.details["errors"] == {"status 503": 3}


def test_other_answers_at_the_beginning_are_forgiven() -> None:
    clock = Clock(ALL_GREEN)
    assert ended(clock.play([OTHER] * 100 + ["green"] * 400)).verdict == "pass"


def test_other_answers_that_go_on_end_it_long_before_the_deadline() -> None:
    clock = Clock(ALL_GREEN)
    finding = ended(clock.play(([OTHER] + ["green"] * 3) * 500))
    assert finding.verdict == "inconclusive"
    assert 3 <= finding.details["waited"] < 4
    assert 'name neither blue nor green: "web-other"' in finding.reason


def test_a_single_other_answer_is_no_pass_until_the_deadline() -> None:
    clock = Clock(ALL_GREEN, deadline=10)
    finding = ended(clock.play((["green"] * 100 + [OTHER]) * 20))
    assert finding.verdict == "inconclusive"
    assert finding.details["waited"] >= 10
