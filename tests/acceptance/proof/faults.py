# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the mesh and of what it is measured with, each for the length of a ``with``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.acceptance.cluster import PATIENCE
from tests.acceptance.traffic import ROOT


class Mesh:
    """The parts of the lab's cluster that this suite was started for."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster

    @contextmanager
    def paused(self, part: str) -> Iterator[None]:
        """A part that is there, and does nothing."""
        self._signal(part, "STOP")
        try:
            yield
        finally:
            self._signal(part, "CONT")

    @contextmanager
    def killed(self, part: str) -> Iterator[None]:
        """A part that is not there."""
        self._signal(part, "KILL")
        try:
            yield
        finally:
            self._lab("up")

    @contextmanager
    def disconnected(self) -> Iterator[None]:
        """The gateway hears nothing of istiod, and goes on with what it knows."""
        self._lab("disconnect", "gateway")
        try:
            yield
        finally:
            self._lab("reconnect", "gateway")

    def _signal(self, part: str, signal: str) -> None:
        self._lab("signal", part, signal)

    def _lab(self, command: str, *arguments: str) -> None:
        result = subprocess.run(
            [sys.executable, "-m", "tests.lab", command, *arguments, "--cluster", self._cluster],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert result.returncode == 0, result.stderr
