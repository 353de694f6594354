# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Problems: what to do about each, what refuses a release, and what its user accepts."""

from __future__ import annotations

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.problems import (
    CODES,
    accepted,
    problem,
    refusal,
    with_remedies,
)


def test_every_problem_says_what_to_do_about_it() -> None:
    assert all(code.remedy for code in CODES.values())
    known = {"code": "host_not_full", "path": "/spec", "message": "web.prod"}
    assert with_remedies([known]) == [{**known, "remedy": CODES["host_not_full"].remedy, "refuses": False}]
    assert with_remedies([{"code": "somebody_elses"}]) == [{"code": "somebody_elses"}]


def test_a_refusal_names_everything_that_refuses_and_how_to_begin_all_the_same() -> None:
    found = [
        problem("rule_shadowed", "/a", "one"),
        problem("subset_missing", "/b", "two"),
        problem("twin_service", "", ""),
    ]
    reason = refusal(found)
    assert "rule_shadowed: one" in reason
    assert "subset_missing: two" in reason
    assert "twin_service" not in reason
    assert reason.endswith("accept: [rule_shadowed, subset_missing]")
    assert "accept: [subset_missing]" in refusal(accepted(found, ["rule_shadowed"]))
    assert refusal(accepted(found, ["rule_shadowed", "subset_missing"])) == ""
