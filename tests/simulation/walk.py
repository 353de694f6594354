# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact distribution of a count of answers, or of errors, from which stopped decisions are taken out."""

from __future__ import annotations

from itertools import chain

NEGLIGIBLE = 1e-18


class Walk:
    """How probable each count is after so many trials, without the decisions that have ended."""

    def __init__(self, probability: float) -> None:
        self.trials = 0
        self.lowest = 0
        self.chances = [1.0]
        self._hit = probability
        self._miss = 1 - probability

    def step(self) -> None:
        """One trial more."""
        hit, miss = self._hit, self._miss
        before = self.chances
        self.chances = [a * miss + b * hit for a, b in zip(chain(before, [0.0]), chain([0.0], before), strict=True)]
        self.trials += 1
        while len(self.chances) > 1 and self.chances[0] < NEGLIGIBLE:
            del self.chances[0]
            self.lowest += 1
        while len(self.chances) > 1 and self.chances[-1] < NEGLIGIBLE:
            del self.chances[-1]

    @property
    def highest(self) -> int:
        return self.lowest + len(self.chances) - 1

    def stop(self, low: int, high: int) -> float:
        """Take out the decisions that end at a count from low to high, and return how probable they are."""
        first, last = max(low, self.lowest), min(high, self.highest)
        stopped = 0.0
        for count in range(first, last + 1):
            stopped += self.chances[count - self.lowest]
            self.chances[count - self.lowest] = 0.0
        return stopped

    def left(self) -> float:
        return sum(self.chances)
