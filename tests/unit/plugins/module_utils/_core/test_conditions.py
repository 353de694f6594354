# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an expression gives, and what it is when nothing can be said."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core import conditions
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.conditions import (
    Expression,
    read_expression,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("contains(text, `5`)", {"text": "5 of 9"}),
        ("ceil(number)", {"number": float("nan")}),
        ("ceil(number)", {"number": float("inf")}),
        ("avg(text)", {"text": "5 of 9"}),
        ("unknown(text)", {"text": "5 of 9"}),
    ],
)
def test_what_cannot_be_applied_gives_nothing(text: str, data: dict[str, Any]) -> None:
    assert Expression(text).of(data) is None
    assert Expression(text).holds(data) is None


def test_without_its_library_an_expression_is_refused_and_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "JMESPATH_IMPORT_ERROR", "Traceback")
    monkeypatch.delattr(conditions, "jmespath")
    monkeypatch.delattr(conditions, "JMESPathError")
    with pytest.raises(SpecError, match=r"^judge\.pass_when: needs the Python library jmespath, which is missing"):
        read_expression(Section({"pass_when": "candidate"}, "judge"), "pass_when")
    assert Expression("pod").of({"pod": "web-blue-1"}) is None
