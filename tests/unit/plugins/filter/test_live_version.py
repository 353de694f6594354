# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``live_version``."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bluegreen.kubernetes.plugins.filter.live_version import FilterModule

live_version = FilterModule().filters()["live_version"]


def test_the_largest_weight_is_live_and_a_tie_is_nobody() -> None:
    assert live_version({"blue": 60, "green": "40"}) == "blue"
    assert live_version({"blue": 50, "green": 50}) is None
    assert live_version({}) is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("blue", "live_version: expected a mapping of version to weight, got 'blue'"),
        ({"blue": "most"}, 'weights.blue: expected integer ≥ 0, got "most"'),
    ],
)
def test_only_weights_are_compared(weights: object, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        live_version(weights)
    assert str(refused.value) == message
