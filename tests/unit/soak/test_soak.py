# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.__main__ import Memory, all_parts, chosen
from tests.tools.parts import check_order


def names(wanted: list[str], passed: set[str]) -> list[str]:
    parts = chosen(all_parts(), wanted, passed)
    check_order(parts)
    return [part.name for part in parts]


def test_everything_runs_the_first_time() -> None:
    assert names([], set()) == [part.name for part in all_parts()]


def test_what_has_passed_is_left_out_and_the_rest_needs_it_no_more() -> None:
    every = set(names([], set()))
    assert set(names([], {"releases-1", "releases-2", "rollbacks-5"})) == every - {
        "releases-1",
        "releases-2",
        "rollbacks-5",
    }


def test_what_needs_no_lab_starts_none() -> None:
    assert names(["simulations"], set()) == ["simulations"]


def test_what_is_asked_for_runs_passed_or_not() -> None:
    assert names(["releases-2"], {"releases-2"}) == ["lab build", "lab up", "releases-2", "lab down"]


def test_an_unknown_part_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SystemExit, match="no part releases-9; there are releases-1"):
        names(["releases-9"], set())


def test_another_commit_has_passed_nothing(tmp_path: Path) -> None:
    file = tmp_path / "soak.json"
    assert Memory(file, "a").passed() == set()
    Memory(file, "a").note("releases-1")
    Memory(file, "a").note("rollbacks-1")
    assert Memory(file, "a").passed() == {"releases-1", "rollbacks-1"}
    assert Memory(file, "b").passed() == set()
