# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/gitops.md shows is accepted as it stands, and says of Argo CD what the lint says."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.lint_owners import WEIGHTS

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "gitops.md").read_text(encoding="utf-8")


def test_the_release_with_a_file_is_read() -> None:
    (block,) = [block for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL) if "bluegreen:" in block]
    (route,) = read_release(yaml.safe_load(block)["bluegreen"]).services["web"].routes
    assert route.write_back == "~/checkout/prod/web.yaml"


def test_argo_cd_is_told_the_same_as_by_the_lint() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| `([^`]*)` \|$", DOCUMENT, re.MULTILINE))
    assert rows == {name: path for name, path in WEIGHTS.items() if name in rows}
    assert len(rows) == len(WEIGHTS)
