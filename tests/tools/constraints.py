# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down the versions that the environment holds, for those who build it anew."""

from __future__ import annotations

import subprocess
import sys

from tests.tools.prepare import REQUIREMENTS

HEADER = """\
# What the packages in development.txt, newest.txt and tests/lab/requirements.txt bring along, pinned too.
# Renewed with: make constraints
"""

# Python's own, and the one that differs between the two environments.
LEFT_OUT = ("pip", "setuptools", "ansible-core")


def main() -> int:
    command = [sys.executable, "-m", "pip", "list", "--format=freeze"]
    for name in LEFT_OUT:
        command += ["--exclude", name]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = sorted(listing.splitlines(), key=str.casefold)
    (REQUIREMENTS / "constraints.txt").write_text(HEADER + "\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
