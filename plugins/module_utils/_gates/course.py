# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The course of an analysis, which all its gates share: when the window begins, when to look, and when to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._cluster.client import Cluster
from .._core.placeholders import filled
from .._core.share import Wanted
from .._core.sources import Pods
from .._core.verdict import Finding

Tell = Callable[[Finding], None]


class Course:
    """Times are the monotonic clock's. Everything that waits here ends when the analysis is stopped."""

    def __init__(self, window: float, interval: float) -> None:
        self.window = window
        self.interval = interval
        self.stopped = threading.Event()
        self.started_at = time.time()
        self._ready = threading.Event()
        self._began: float | None = None

    def begin(self) -> None:
        """Begin the window: the data plane follows."""
        self._began = time.monotonic()
        self._ready.set()

    def stop(self) -> None:
        """End everything: the verdict is known."""
        self.stopped.set()
        self._ready.set()

    def wait_to_begin(self) -> bool:
        """Wait for the window; False when the analysis was stopped first."""
        self._ready.wait()
        return not self.stopped.is_set()

    @property
    def elapsed(self) -> float:
        """Seconds since the window began; 0 before."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    @property
    def over(self) -> bool:
        """Whether the window has begun and ended."""
        return self._began is not None and self.elapsed >= self.window

    def looks(self, interval: float | None, deadline: float) -> Iterator[bool]:
        """The moments to look: at every interval, at the window's end, and on until the deadline after it.

        Each says whether the window is over. None after the analysis was stopped.
        """
        every = interval or self.interval
        due = min(every, self.window)
        while not self.stopped.wait(max(0.0, due - self.elapsed)):
            # The clock may be a hair early, and no look may be lost by it.
            over = due >= self.window
            yield over
            if over and self.elapsed >= self.window + deadline:
                return
            # What took longer than an interval is not made up for.
            due = max(due + every, self.elapsed)
            due = min(due, self.window + deadline if over else self.window)

    def tries(self, every: float, deadline: float) -> Iterator[float]:
        """The seconds since the window began at which to try: at once, and again until the deadline."""
        while not self.stopped.is_set():
            yield round(self.elapsed, 3)
            left = deadline - self.elapsed
            if left <= 0 or self.stopped.wait(min(every, left)):
                return


@dataclass(frozen=True)
class Scene:
    """What a gate is about: the words that fill its placeholders, what is wanted, and how the cluster is reached.

    ``wanted`` has the gate's own candidate, live and deadline; its weights are empty when none were named.
    """

    course: Course
    cluster: Callable[[], Cluster]
    wanted: Wanted
    words: Mapping[str, str] = field(default_factory=dict)
    namespace: str = ""
    watched: tuple[Pods, ...] = ()

    @property
    def deadline(self) -> float:
        """Seconds that the gate may take."""
        return self.wanted.deadline

    def versions(self) -> dict[str, str]:
        """The versions that are measured, by their part in the release."""
        named = {"candidate": self.wanted.candidate, "live": self.wanted.live}
        return {role: version for role, version in named.items() if version}

    def rests(self, role: str) -> bool:
        """Whether a version is to get nothing at this step, so that nothing of it can be measured now."""
        version = self.versions().get(role)
        return version is not None and self.wanted.weights.get(version) == 0

    def said(self, value: Any, version: str | None = None, window: float | None = None) -> Any:
        """A value of the user's with its placeholders filled in."""
        words = dict(self.words)
        if version is not None:
            words["version"] = version
        if window is not None:
            words["window"] = f"{max(1, int(window))}s"
        return filled(value, words)
