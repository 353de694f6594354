# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.enough import live_ready
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import ReleaseError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release

from tests.unit.releases import refusal, web


@pytest.mark.parametrize(
    ("min_ready", "weights", "live", "expected"),
    [
        pytest.param(None, {"blue": 50, "green": 50}, 4, {"blue": 1, "green": 1}, id="default"),
        pytest.param(3, {"blue": 95, "green": 5}, 4, {"blue": 3, "green": 3}, id="number"),
        pytest.param("3", {"blue": 0, "green": 100}, 4, {"green": 3}, id="number-as-text"),
        pytest.param("80%", {"blue": 95, "green": 5}, 4, {"blue": 4, "green": 4}, id="percentage"),
        pytest.param("proportional", {"blue": 75, "green": 25}, 4, {"blue": 3, "green": 1}, id="proportional"),
        pytest.param("proportional", {"blue": 74, "green": 26}, 4, {"blue": 3, "green": 2}, id="rounded-up"),
        pytest.param("proportional", {"v1": 50, "v2": 30, "v3": 20}, 10, {"v1": 5, "v2": 3, "v3": 2}, id="three"),
        # A release may be the cure of a live version that is broken.
        pytest.param("proportional", {"blue": 50, "green": 50}, 0, {"blue": 1, "green": 1}, id="nothing-was-ready"),
    ],
)
def test_what_a_share_needs(min_ready: Any, weights: dict[str, int], live: int, expected: dict[str, int]) -> None:
    keys = {} if min_ready is None else {"capacity": {"min_ready": min_ready}}
    assert read_release(web(**keys)).enough.endpoints(weights, live) == expected


@pytest.mark.parametrize(
    ("capacity", "message"),
    [
        ({}, "bluegreen.capacity.min_ready: is required"),
        ({"min_ready": 0}, "bluegreen.capacity.min_ready: expected integer ≥ 1, got 0"),
        ({"min_ready": "120%"}, "bluegreen.capacity.min_ready: expected integer from 1 to 100, got 120"),
        ({"min_ready": "most"}, 'or proportional, got "most"'),
        ({"min_raedy": 1}, "bluegreen.capacity.min_raedy: unknown key; did you mean min_ready?"),
        (3, "bluegreen.capacity: expected a mapping"),
    ],
)
def test_what_is_refused(capacity: Any, message: str) -> None:
    assert message in refusal(web(capacity=capacity))


def test_live_is_what_was_noted_of_all_its_versions() -> None:
    noted = {"v1": {"ready": 3}, "v2": {"ready": 2}}
    assert live_ready("capacity", "web", ["v1", "v2"], noted) == 5
    with pytest.raises(ReleaseError, match="how many pods v3 of web had ready when the release began is not known"):
        live_ready("capacity", "web", ["v1", "v3"], noted)
