# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test`: everything that CI runs, with the lab started once and shared."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from tests.tools.archive import INSTALLED
from tests.tools.check import PYTHON, check_parts
from tests.tools.parts import Part, run_and_summarize

LAB = [PYTHON, "-m", "tests.lab"]

PROOF = "tests/acceptance/proof"
# These break nothing, and may share a cluster with other tests.
HARMLESS = [f"{PROOF}/test_zero_loss.py", f"{PROOF}/test_open_connections.py"]

NEED_THE_LAB = ("zero loss", "faults", "acceptance tests", "molecule")

# Building the lab's programs with empty caches takes some 17 minutes on two cores, and twice that on a busy machine.
BUILD_DEADLINE = 2700


def static_parts() -> list[Part]:
    """What the published archive and its documentation have to stand, beside `make check`."""
    return [
        Part("sanity", [PYTHON, "-m", "tests.tools.sanity"], deadline=900),
        Part(
            "documentation",
            [
                *["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--disallow-unknown-collection-refs"],
                *["--validate-collection-refs", "all", "."],
            ],
        ),
        Part("simulation", [PYTHON, "-m", "tests.simulation", "--quick"]),
        Part("changelog", ["antsibull-changelog", "lint"]),
        Part("archive", [PYTHON, "-m", "tests.tools.archive"]),
    ]


def pytest_on(cluster: str, *arguments: str) -> list[str]:
    """The command that runs tests against one cluster of the lab."""
    return [*LAB, "run", "--cluster", cluster, "--", PYTHON, "-m", "pytest", "-p", "no:cacheprovider", *arguments]


def lab_parts(before: list[str]) -> list[Part]:
    """Measurements need the machine for themselves: they wait until everything else is over.

    The proof suite breaks parts of its cluster, which no other test would bear: it has one of its own. Beside it there
    is room for what is mostly pauses and requests, and no more: a busy processor lets requests wait until they fail.
    """
    acceptance = pytest_on("east", f"--ignore={PROOF}", "tests/acceptance")
    faults = pytest_on("west", *[f"--ignore={path}" for path in HARMLESS], PROOF)
    molecule = {
        "MOLECULE_GLOB": "molecule/*/molecule.yml",
        "ANSIBLE_COLLECTIONS_PATH": str(INSTALLED),
    }
    return [
        Part("zero loss", pytest_on("east", *HARMLESS), needs=["lab up"], after=before, deadline=1800),
        Part("faults", faults, needs=["lab up"], after=before, deadline=1800),
        Part("acceptance tests", acceptance, needs=["lab up"], after=[*before, "zero loss", "faults"], deadline=1800),
        Part(
            "molecule",
            [*LAB, "run", "--cluster", "east", "--", "molecule", "test", "--all"],
            needs=["lab up", "archive"],
            after=["acceptance tests"],
            environment=molecule,
            deadline=1800,
            # An inventory that was not found leaves nothing to do, and molecule calls that a success.
            refuse=["no hosts matched", "Could not match supplied host pattern"],
            require=["PLAY RECAP"],
        ),
        Part("lab down", [*LAB, "down"], after=["lab up", *NEED_THE_LAB], deadline=120),
    ]


def all_parts() -> list[Part]:
    """The lab starts in one slot while the other works through what needs none."""
    lab = [
        Part("lab build", [*LAB, "build"], deadline=BUILD_DEADLINE),
        Part("lab up", [*LAB, "up", "--cluster", "east", "west", "--sidecar"], needs=["lab build"], deadline=300),
    ]
    static = [*check_parts(), *static_parts()]
    return [*lab, *static, *lab_parts([part.name for part in static])]


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(run_and_summarize(all_parts()))
