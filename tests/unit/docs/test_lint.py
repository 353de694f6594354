# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of docs/lint.md has every code that there is, and says of each whether it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.problems import CODES
from ansible_collections.bluegreen.kubernetes.plugins.modules import traffic_info

from tests.unit.releases import web

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "lint.md").read_text(encoding="utf-8")
ROWS = [re.split(r"\s*\|\s*", line)[1:-1] for line in DOCUMENT.splitlines() if line.startswith("| `")]


def test_every_code_is_explained_once() -> None:
    assert sorted(row[0].strip("`") for row in ROWS) == sorted(CODES)
    assert all(meaning and remedy for _code, meaning, remedy, _refuses in ROWS)


def test_what_refuses_is_said() -> None:
    assert {row[0].strip("`") for row in ROWS if not row[3].startswith("no")} == {
        name for name, code in CODES.items() if code.refuses
    }


def test_what_is_accepted_in_the_document_is_read() -> None:
    (block,) = [block for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL) if "bluegreen:" in block]
    accept = yaml.safe_load(block)["bluegreen"]["accept"]
    assert read_release(web(accept=accept)).accept == tuple(accept)


def test_every_code_is_in_the_documentation_of_the_module() -> None:
    assert [code for code in CODES if f"C({code})" not in traffic_info.RETURN] == []
