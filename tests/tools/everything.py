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
from tests.tools.prepare import ROOT

LAB = [PYTHON, "-m", "tests.lab"]

PROOF = "tests/acceptance/proof"
# These break nothing, and may share a cluster with other tests.
HARMLESS = [f"{PROOF}/test_zero_loss.py", f"{PROOF}/test_open_connections.py"]

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
    faults = pytest_on("west", *[f"--ignore={path}" for path in HARMLESS], PROOF)
    # Two workers, and each takes a cluster: whoever is done with a file gets the next.
    workers = ["-p", "xdist", "--numprocesses=2", "--dist=loadfile"]
    acceptance = pytest_on("east", *workers, f"--ignore={PROOF}", "tests/acceptance")
    parts = [
        Part("zero loss", pytest_on("east", *HARMLESS), needs=["lab up"], after=before, deadline=1800),
        Part("faults", faults, needs=["lab up"], after=before, deadline=1800),
        Part("acceptance tests", acceptance, needs=["lab up"], after=[*before, "zero loss", "faults"], deadline=2400),
    ]
    scenarios = sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
    for cluster, names in (("east", scenarios[::2]), ("west", scenarios[1::2])):
        parts += molecule_parts(cluster, names)
    return [*parts, Part("lab down", [*LAB, "down"], after=["lab up", *[part.name for part in parts]], deadline=120)]


def molecule_parts(cluster: str, scenarios: list[str]) -> list[Part]:
    """One after the other on a cluster, out of the installed archive."""
    parts: list[Part] = []
    for scenario in scenarios:
        before = parts[-1].name if parts else "acceptance tests"
        parts.append(
            Part(
                f"molecule {scenario}",
                [*LAB, "run", "--cluster", cluster, "--", "molecule", "test", "--scenario-name", scenario],
                needs=["lab up", "archive"],
                after=[before],
                environment={
                    "MOLECULE_GLOB": "molecule/*/molecule.yml",
                    "ANSIBLE_COLLECTIONS_PATH": str(INSTALLED),
                },
                # An inventory that was not found leaves nothing to do, and molecule calls that a success.
                refuse=["no hosts matched", "Could not match supplied host pattern"],
                require=["PLAY RECAP"],
            )
        )
    return parts


def all_parts() -> list[Part]:
    """The lab starts in one slot while the other works through what needs none."""
    lab = [
        Part("lab build", [*LAB, "build"], deadline=BUILD_DEADLINE),
        Part(
            "lab up",
            [*LAB, "up", "--cluster", "east", "west", "--sidecar", "--app-mesh"],
            needs=["lab build"],
            deadline=300,
        ),
    ]
    static = [*check_parts(), *static_parts()]
    return [*lab, *static, *lab_parts([part.name for part in static])]


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(run_and_summarize(all_parts()))
