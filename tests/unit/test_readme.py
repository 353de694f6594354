# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README shows is accepted as it stands, and names only what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *ROOT.glob("examples/*/README.md")]
README = (ROOT / "README.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_every_release_in_the_readme_is_accepted() -> None:
    releases = [block for block in blocks("yaml") if "\nbluegreen:" in block]
    assert len(releases) == 2
    for block in releases:
        read_release(yaml.safe_load(block)["bluegreen"])


def test_the_release_in_nine_lines_has_nine_lines() -> None:
    lines = [line for line in blocks("yaml")[0].splitlines() if not line.startswith("#")]
    assert len(lines) == 9


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_playbook_that_is_named_exists(document: Path) -> None:
    commands = re.findall(r"ansible-playbook[^\n`]*?bluegreen\.kubernetes\.(\w+)", document.read_text())
    named = {name for name in commands if name != "NAME"}
    assert named
    assert {name for name in named if not (ROOT / "playbooks" / f"{name}.yml").is_file()} == set()


def test_every_playbook_module_and_filter_is_in_the_readme() -> None:
    there = {path.stem for kind in ("modules", "filter") for path in (ROOT / "plugins" / kind).glob("*.py")}
    there |= {f"bluegreen.kubernetes.{path.stem}" for path in (ROOT / "playbooks").glob("*.yml")}
    assert {name for name in there if f"`{name}`" not in README} == set()
