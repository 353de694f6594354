# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All gates of an analysis at once: share first, then the window, and an end as soon as the verdict is known."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .._core.errors import BlueGreenError
from .._core.gates import Gate
from .._core.verdict import FAIL, INCONCLUSIVE, PASS, Finding
from .checks import check
from .course import Course, Scene

# What the other gates have, once the verdict is known, to tidy up: the way back is more urgent than they are.
GRACE = 0.2


@dataclass
class _Running:
    """A gate on its way: what it has found so far, and what became of it."""

    gate: Gate
    scene: Scene
    finding: Finding
    finished: bool = False
    follows: bool = False
    bug: BaseException | None = None


def analyse(
    gates: Sequence[tuple[Gate, Scene]], course: Course, on_fail: Callable[[], None] = lambda: None
) -> list[Finding]:
    """Run every gate in a thread; what each has found, in their order, with ``finished`` in its details.

    The window begins when every share gate has passed. The first gate that ends with anything else than a pass ends
    the analysis: from then on it cannot pass any more. When that is a failure, ``on_fail`` is called before the others
    are waited for, and else afterwards, when one of them has failed meanwhile. A failure that is known stands, even if
    a mistake of ours has ended another gate.
    """
    running = [_Running(gate, scene, _nothing_yet(gate)) for gate, scene in gates]
    news: queue.SimpleQueue[_Running] = queue.SimpleQueue()
    threads = [threading.Thread(target=_run, args=(item, news.put), daemon=True) for item in running]
    if not any(item.gate.is_share for item in running):
        course.begin()
    for thread in threads:
        thread.start()
    try:
        _follow(running, news, course)
    finally:
        course.stop()
    failed = any(item.finished and item.finding.verdict == FAIL for item in running)
    if failed:
        on_fail()
    give_up = time.monotonic() + GRACE
    for thread in threads:
        thread.join(max(0.0, give_up - time.monotonic()))
    found = [_told(item) for item in running]
    failed_later = not failed and any(finding.verdict == FAIL for finding in found)
    if failed_later:
        on_fail()
    for item in running:
        if item.bug is not None and not (failed or failed_later):
            raise item.bug
    return found


def _follow(running: Sequence[_Running], news: queue.SimpleQueue[_Running], course: Course) -> None:
    """Until all have ended, or one without a pass."""
    begun = not any(item.gate.is_share for item in running)
    while not all(item.finished for item in running):
        item = news.get()
        if item.bug is not None or (item.finished and item.finding.verdict != PASS):
            return
        if not begun and all(other.follows for other in running if other.gate.is_share):
            begun = True
            course.begin()


def _run(item: _Running, news: Callable[[_Running], None]) -> None:
    def tell(finding: Finding) -> None:
        item.finding = finding

    def follows() -> None:
        item.follows = True
        news(item)

    stopped = item.scene.course.stopped
    try:
        finding = check(item.gate, item.scene, tell, follows)
    except BlueGreenError as error:
        finding = Finding(item.gate.name, item.gate.kind, INCONCLUSIVE, error.message)
    except BaseException as bug:
        item.bug = bug
        item.finding = Finding(item.gate.name, item.gate.kind, INCONCLUSIVE, f"{type(bug).__name__}: {bug}")
        news(item)
        return
    item.finding = finding
    # What ended because it was stopped has not come to its own end; a failure is one however it came.
    item.finished = finding.verdict == FAIL or not stopped.is_set()
    item.follows = finding.verdict == PASS
    news(item)


def _nothing_yet(gate: Gate) -> Finding:
    return Finding(gate.name, gate.kind, INCONCLUSIVE, "it had not begun when the analysis ended")


def _told(item: _Running) -> Finding:
    return replace(item.finding, details={**item.finding.details, "finished": item.finished})
