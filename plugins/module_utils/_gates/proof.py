# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From answers to a finding: decision after decision about the share, until one may stand."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from .._core.durations import text
from .._core.errors import BlueGreenError
from .._core.identity import NONE, OTHER
from .._core.probing import Probe
from .._core.share import ShareDecision, ShareTest, Wanted
from .._core.verdict import FAIL, INCONCLUSIVE, PASS, Finding, Verdict
from .answers import Answer
from .tally import Tally

KIND = "probe"
# So many answers of no known version, and so large a part of all, are no stray: something else answers.
ASTRAY = 20
ASTRAY_PART = 0.2
# What a proxy answers itself when nothing behind it does, with the header that the route gives to every answer.
FROM_A_PROXY = frozenset({"status 502", "status 503", "status 504"})
# A route that has only just been written may be answered by what stood before it.
ASTRAY_PATIENCE = 3.0


def share_test(probe: Probe, wanted: Wanted) -> ShareTest:
    """A test of what is wanted; raises BlueGreenError when the probe may not send enough for it."""
    try:
        return ShareTest(wanted.weights, wanted.tolerance, wanted.confidence, probe.requests)
    except ValueError as error:
        raise BlueGreenError(f"{probe.path}: {error}") from error


class Proof:
    """Takes answers and says how it ended, once it has.

    A decision that ends in anything but a pass before the deadline is thrown away with its answers, because the data
    plane may still be following. What was sent before the next one began is not counted in it.
    """

    def __init__(self, probe: Probe, wanted: Wanted, name: str, now: float) -> None:
        self._probe = probe
        self._wanted = wanted
        self._name = name
        self._begun = self._now = now
        self._deadline = now + wanted.deadline
        self._early: deque[Answer] = deque()
        self._all = Tally()
        self._begin(now)

    def _begin(self, now: float) -> None:
        self._since = now
        self._test = share_test(self._probe, self._wanted)
        self._tally = Tally()

    def take(self, answers: deque[Answer], answered_until: float, now: float) -> Finding | None:
        """Count what has come, and judge it.

        An answer counts once all earlier requests have ended too. Otherwise the fast version would seem to have more
        of the traffic than the slow one, whose answers are still out.
        """
        self._now = now
        while answers:
            self._early.append(answers.popleft())
        waiting = [answer for answer in self._early if answer.due >= answered_until]
        for answer in self._early:
            if answer.due < answered_until:
                self._count(answer)
        self._early = deque(waiting)
        finding = self._judged()
        late = now >= self._deadline and not self._undecided_at_first()
        if finding is None or finding.verdict == PASS or late or self._hopeless():
            return finding
        self._begin(now)
        return None

    def stopped(self) -> Finding:
        """The finding when it was not allowed to come to an end."""
        return self._found(INCONCLUSIVE, "it was stopped before it was decided", "see what stopped it")

    def _count(self, answer: Answer) -> None:
        if answer.problem in FROM_A_PROXY and self._wanted.weights.get(answer.version):
            # It was sent to the version and not answered by it. Where nothing is to be sent, that is seen all the same.
            answer = replace(answer, version=NONE)
        self._all.add(answer)
        if answer.due >= self._since:
            self._tally.add(answer)
            if answer.version not in (OTHER, NONE):
                self._test.observe(answer.version)

    def _undecided_at_first(self) -> bool:
        """Whether the first decision ended without a word: its earliest answers came before the proxies followed."""
        decision = self._test.decision
        return decision is not None and decision.verdict == "undecided" and self._since == self._begun

    def _hopeless(self) -> bool:
        """Whether no waiting will change it: something answers that is none of the versions."""
        return self._astray() and self._now >= self._begun + ASTRAY_PATIENCE

    def _astray(self) -> bool:
        others = self._tally.totals[OTHER]
        return others >= ASTRAY and others >= ASTRAY_PART * self._tally.all

    def _judged(self) -> Finding | None:
        if self._astray():
            return self._of_no_version()
        decision = self._test.decision
        if decision is None:
            return self._given_up() if self._now >= self._deadline else None
        if decision.verdict == "within":
            return self._within(decision)
        seen = f"{decision.reason}; seen from {self._probe.where}{self._besides()}"
        if decision.verdict == "outside":
            return self._found(
                FAIL,
                f"{self._waited()} after it began the traffic does not go as wanted: {seen}",
                "see whether the control plane reaches the proxies, whether an earlier rule or another writer of the "
                "route comes first, and whether these requests take the route that was written",
            )
        return self._found(
            INCONCLUSIVE,
            f"{decision.requests} answers do not tell whether the traffic goes as wanted: {seen}",
            "allow more requests, or a wider tolerance",
        )

    def _within(self, decision: ShareDecision) -> Finding:
        tally = self._tally
        if tally.totals[OTHER]:
            return self._of_no_version()
        if 100 * tally.totals[NONE] > self._wanted.tolerance * tally.all:
            return self._found(
                INCONCLUSIVE,
                f"{tally.totals[NONE]} of {tally.all} requests to {self._probe.where} got no answer that names a "
                f"version, more than {self._wanted.tolerance:g} %: {tally.told()}; of the others {decision.reason}",
                self._remedy(),
            )
        return self._found(PASS, f"{decision.reason}; seen from {self._probe.where}{self._besides()}", "")

    def _given_up(self) -> Finding | None:
        """The finding without a decision, once there is no hope of one."""
        if self._now < self._patience():
            return None
        if self._all.named == 0:
            reason = (
                f"no answer of any version from {self._probe.where} in {self._waited()}: "
                f"{self._all.told() or 'nothing came back'}"
            )
        else:
            reason = (
                f"{self._tally.named} of up to {self._test.requests_needed} answers that a decision needs came from "
                f"{self._probe.where} in {text(self._now - self._since)}{self._besides()}"
            )
        return self._found(INCONCLUSIVE, reason, self._remedy())

    def _patience(self) -> float:
        """Until when a decision that has begun may go on beyond the deadline."""
        if self._tally.named > self._tally.totals[NONE]:
            # Twice as long as it takes when every request is answered by a version.
            return self._since + 2 * self._test.requests_needed / self._probe.rate + self._probe.timeout
        if self._since == self._begun and self._tally.all:
            return self._deadline
        # The first answers, or those of a decision that began just before the deadline, may still be on their way.
        return max(self._deadline, self._since + self._probe.timeout)

    def _of_no_version(self) -> Finding:
        others, versions = self._tally.totals[OTHER], " nor ".join(self._wanted.weights)
        return self._found(
            INCONCLUSIVE,
            f"{others} of {self._tally.all} answers from {self._probe.where} name neither {versions}: "
            f"{self._tally.examples(OTHER)}{self._besides()}",
            f"say with {self._probe.identify.path} where an answer names its version and with its values how it is "
            "spelled there, or send the requests into the mesh, to the route",
        )

    def _waited(self) -> str:
        return text(self._now - self._begun)

    def _besides(self) -> str:
        told = self._tally.told()
        return f"; besides {told}" if told else ""

    def _remedy(self) -> str:
        problems = (self._tally if self._tally.all else self._all).problems
        if problems["status 404"]:
            return "no route takes these requests: compare url and host of the probe with the hosts of the route"
        if any(problem.startswith("status 5") for problem in problems):
            return "the entry answers, but nothing behind it: look at the endpoints of the versions and at their pods"
        return "see that the address is right and can be reached from where the probe runs"

    def _found(self, verdict: Verdict, reason: str, remedy: str) -> Finding:
        wanted = self._wanted
        details = {
            **self._tally.plain(wanted.weights, wanted.confidence),
            "requests": self._all.all,
            "waited": round(self._now - self._begun, 3),
            "where": self._probe.where,
            "wanted": dict(wanted.weights),
            "tolerance": {version: wanted.tolerance_of(version) for version in wanted.weights},
        }
        return Finding(self._name, KIND, verdict, reason, remedy, details)
