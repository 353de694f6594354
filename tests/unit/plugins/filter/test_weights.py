# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``weights``."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bluegreen.kubernetes.plugins.filter.weights import FilterModule

weights = FilterModule().filters()["weights"]


@pytest.mark.parametrize("versions", [["blue", "green"], {"blue": {"image": "web:1.4"}, "green": {"image": "web:1.5"}}])
@pytest.mark.parametrize("live", ["blue", {"blue": 100}, {"blue": 100, "green": 0}])
def test_versions_and_live_may_be_names_or_mappings(versions: Any, live: Any) -> None:
    assert weights(versions, "green", 25, live) == {"blue": 75, "green": 25}


def test_numbers_are_taken_as_names_and_strings_as_numbers() -> None:
    assert weights([1, 2], to=2, percent="25", live=1) == {"1": 75, "2": 25}


@pytest.mark.parametrize(
    ("versions", "to", "percent", "live", "message"),
    [
        (["blue", "green"], "green", 101, "blue", "percent: expected integer from 0 to 100, got 101"),
        (["blue", "green"], "green", -1, "blue", "percent: expected integer from 0 to 100, got -1"),
        (["blue", "green"], "red", 5, "blue", "red is not among the versions blue, green"),
        (["blue", "green"], "green", 5, "red", "live: no version red; known: blue, green"),
        (["blue", "green"], "green", 5, {"blue": -5}, "live.blue: expected integer ≥ 0, got -5"),
        (["blue", "green"], "green", 5, None, "live: expected the name of a version or weights, got None"),
        (["blue", "green"], "green", 5, "green", "nothing but green has traffic: it cannot be given 5 %"),
        ("blue", "green", 5, "blue", "weights: expected a list or a mapping of versions, got 'blue'"),
        ([], "green", 5, "blue", "weights: expected a list or a mapping of versions, got []"),
    ],
)
def test_what_does_not_fit_together_is_refused(versions: Any, to: Any, percent: Any, live: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        weights(versions, to, percent, live)
    assert str(refused.value) == message
