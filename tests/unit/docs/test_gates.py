# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every gate and judge that docs/gates.md shows is one that is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.gates import KINDS, read_gates
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.judging.judge import read_judge
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section
from ansible_collections.bluegreen.kubernetes.plugins.modules import analysis

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "gates.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
# An ellipsis stands for what is left out.
GATES = [block for block in BLOCKS if "…" not in block and re.match(r"- \w+:", block) and "bluegreen" not in block]
JUDGES = [line for block in BLOCKS for line in block.splitlines() if line.startswith("judge: ")]
MODULE_EXAMPLES = [task["bluegreen.kubernetes.analysis"] for task in yaml.safe_load(analysis.EXAMPLES)]


@pytest.mark.parametrize("block", GATES)
def test_each_gate_that_is_shown_is_read(block: str) -> None:
    assert read_gates(yaml.safe_load(block), "gates")


@pytest.mark.parametrize("line", JUDGES)
def test_each_judge_that_is_shown_is_read(line: str) -> None:
    assert read_judge(Section(yaml.safe_load(line)["judge"], "judge"), "value").shape == "value"


def test_each_kind_is_shown() -> None:
    shown = {gate.kind for block in GATES for gate in read_gates(yaml.safe_load(block), "gates")}
    assert shown >= set(KINDS) - {"pods"}
    assert len(JUDGES) == 3


@pytest.mark.parametrize("example", MODULE_EXAMPLES[:-1], ids="-".join)
def test_each_example_of_the_module_is_read(example: dict[str, Any]) -> None:
    assert read_gates(example["metrics"], "metrics")
