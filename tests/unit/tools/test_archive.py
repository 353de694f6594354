# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from tests.tools.archive import unexpected


def test_what_a_user_needs_is_expected() -> None:
    names = ["README.md", "MANIFEST.json", "plugins", "plugins/modules/traffic.py", "roles/shift/tasks/main.yml"]
    assert unexpected([*names, "tests", "tests/sanity", "tests/sanity/ignore-2.19.txt"]) == []


def test_what_only_developers_need_is_not() -> None:
    names = ["tests/lab/cluster.py", ".venv/bin/python", "plugins/__pycache__/x.pyc", "Makefile", "roles/.cache/x"]
    assert unexpected(["README.md", *names]) == sorted(names)
