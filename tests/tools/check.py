# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make check`: everything that needs no lab, over in some three minutes on two cores."""

from __future__ import annotations

import sys

from tests.tools.parts import Part, run_and_summarize
from tests.tools.prepare import ROOT

PYTHON = str(ROOT / ".venv" / "bin" / "python")
NEWEST_PYTHON = ROOT / ".venv-newest" / "bin" / "python"

OURS = "ansible_collections.bluegreen.kubernetes.plugins"

# Without the second option it would lay out a tree of collections in the clone.
PYTEST_ANSIBLE = ["-p", "pytest_ansible.plugin", "--ansible-unit-inject-only", "--inventory", "localhost,"]


def check_parts() -> list[Part]:
    """The longest first, so that the two cores are done at about the same time."""
    pytest = ["-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
    parts = [
        Part("unit tests", [PYTHON, *pytest, "tests/unit"]),
        Part("mypy", ["mypy", "-p", OURS, "-p", "tests"]),
        Part("ansible-lint", ["ansible-lint", "--offline", "--strict", "--nocolor"]),
        Part("pytest-ansible", [PYTHON, *pytest, *PYTEST_ANSIBLE, "tests/pytest_ansible"]),
        Part("ruff check", ["ruff", "check", "--output-format", "concise", "."]),
        Part("ruff format", ["ruff", "format", "--check", "--output-format", "concise", "."]),
        Part("yamllint", ["yamllint", "--strict", "."]),
    ]
    if NEWEST_PYTHON.exists():
        newest = Part("unit tests, newest", [str(NEWEST_PYTHON), *pytest, "tests/unit/plugins"])
        parts.insert(1, newest)
    else:
        print("unit tests on the newest ansible-core are left out: no Python >= 3.12 on this machine", flush=True)
    return parts


if __name__ == "__main__":
    sys.exit(run_and_summarize(check_parts()))
