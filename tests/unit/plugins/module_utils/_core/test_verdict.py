# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.verdict import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    Finding,
    Verdict,
    worst,
)


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [
        ([PASS, PASS], PASS),
        ([PASS, INCONCLUSIVE], INCONCLUSIVE),
        ([INCONCLUSIVE, FAIL, PASS], FAIL),
        ([], INCONCLUSIVE),
    ],
)
def test_the_worst_verdict_wins_and_nothing_is_no_pass(verdicts: list[Verdict], together: Verdict) -> None:
    assert worst(verdicts) == together


def test_a_finding_is_told_with_its_numbers() -> None:
    finding = Finding("errors", "prometheus", FAIL, "3 % errors", "look at its logs", {"ratio": 4.5})
    assert finding.plain() == {
        "name": "errors",
        "kind": "prometheus",
        "verdict": "fail",
        "reason": "3 % errors",
        "remedy": "look at its logs",
        "ratio": 4.5,
    }
