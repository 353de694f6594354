# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The share gate ``probe``: real requests, and who answers them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from .._cluster.client import Cluster
from .._core.errors import SpecError
from .._core.identity import NONE, OTHER, Names
from .._core.probing import Probe
from .._core.share import Wanted
from .._core.verdict import INCONCLUSIVE, PASS, Finding, Verdict
from .answers import Answer, Sending
from .asking import asking
from .http_client import client
from .proof import KIND, Proof, share_test
from .tally import Tally

# Answers are judged in lumps: a look at each would cost more than the request.
TICK = 0.02
# What is sent when nothing is said: enough to see who answers, in a few seconds.
REQUESTS = 300


def preflight(probe: Probe, wanted: Wanted) -> Wanted:
    """Raise BlueGreenError for what can never work, before traffic moves. Nothing is sent.

    Returns what is wanted: what the probe itself says of weights, tolerance, confidence and deadline wins.
    """
    wanted = probe.overriding(wanted)
    _names(probe, list(wanted.weights), wanted.service)
    share_test(probe, wanted)
    if probe.duration is not None:
        raise SpecError(
            f"{probe.path}.duration", "has no meaning where a share is expected: the answers decide when it ends"
        )
    if probe.in_pod is None:
        client(probe)
    return wanted


def prove_share(
    probe: Probe, wanted: Wanted, cluster: Callable[[], Cluster], stopped: threading.Event, name: str
) -> Finding:
    """Send requests until the versions are known to get their shares, or until the deadline has passed."""
    wanted = preflight(probe, wanted)
    make = asking(probe, _names(probe, list(wanted.weights), wanted.service), cluster)
    answers: deque[Answer] = deque()
    proof = Proof(probe, wanted, name, time.monotonic())
    with Sending(make, probe.rate, answers.append) as sending:
        while not stopped.wait(TICK):
            _raise(sending)
            # In this order: all that was answered until then has been taken.
            answered_until = sending.answered_until
            finding = proof.take(answers, answered_until, time.monotonic())
            if finding is not None:
                return finding
    return proof.stopped()


def measure(
    probe: Probe, versions: Sequence[str], service: str, cluster: Callable[[], Cluster], stopped: threading.Event
) -> Finding:
    """Send the probe's requests, or for its duration, and say who answered; without versions, by what they say.

    Nothing is expected: it is a pass when somebody has answered and nobody else but versions.
    """
    make = asking(probe, _names(probe, versions, service), cluster)
    limits = [probe.requests, None if probe.duration is None else max(1, round(probe.duration * probe.rate))]
    most = min((limit for limit in limits if limit is not None), default=REQUESTS)
    answers: deque[Answer] = deque()
    begun = time.monotonic()
    with Sending(make, probe.rate, answers.append, most) as sending:
        while sending.answered_until < inf and not stopped.wait(TICK):
            _raise(sending)
    _raise(sending)
    tally = Tally()
    while answers:
        tally.add(answers.popleft())
    seen = [version for version in tally.totals if version not in (OTHER, NONE)]
    verdict, reason, remedy = _told(probe, tally)
    details = {
        **tally.plain(versions or sorted(seen), Wanted.confidence if probe.confidence is None else probe.confidence),
        "requests": tally.all,
        "waited": round(time.monotonic() - begun, 3),
        "where": probe.where,
    }
    return Finding(KIND, KIND, verdict, reason, remedy, details)


def _told(probe: Probe, tally: Tally) -> tuple[Verdict, str, str]:
    named = [f"{count} {version}" for version, count in tally.totals.most_common() if version not in (OTHER, NONE)]
    told = f"{tally.all} answers from {probe.where}: {', '.join(named) or 'none of any version'}"
    if tally.problems:
        told += f"; {tally.told()}"
    if tally.totals[OTHER]:
        return (
            INCONCLUSIVE,
            f"{told}; {tally.totals[OTHER]} of no known version: {tally.examples(OTHER)}",
            f"say with {probe.identify.path} where an answer names its version, and with its values how",
        )
    if not tally.named:
        return INCONCLUSIVE, told, "see that the address is right, and that something answers there"
    return PASS, told, ""


class Sampler(Sending):
    """Sends through a verification pause, for a judge of errors and latency, and keeps count of the answers."""

    def __init__(self, probe: Probe, wanted: Wanted, cluster: Callable[[], Cluster]) -> None:
        wanted = probe.overriding(wanted)
        self._versions = tuple(wanted.weights)
        self._lock = threading.Lock()
        self._tally = Tally()
        make = asking(probe, _names(probe, self._versions, wanted.service), cluster)
        super().__init__(make, probe.rate, self._add)

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """``{version: {"total": n, "errors": n, "latencies": [seconds, …]}}`` since the start.

        Errors are answers with status 500 and above that name their version. ``other`` and ``none`` are further keys:
        answers of no known version, and requests without an answer that names one. Latencies stand in the order in
        which the answers came. Raises what has ended the sending.
        """
        _raise(self)
        with self._lock:
            return {
                version: {
                    "total": self._tally.totals[version],
                    "errors": self._tally.failed[version],
                    "latencies": list(self._tally.latencies.get(version, ())),
                }
                for version in (*self._versions, OTHER, NONE)
            }

    def _add(self, answer: Answer) -> None:
        with self._lock:
            self._tally.add(answer)


def _names(probe: Probe, versions: Sequence[str], service: str) -> Names:
    return Names(probe.identify, versions or list(probe.identify.values), service)


def _raise(sending: Sending) -> None:
    if sending.error is not None:
        raise sending.error
