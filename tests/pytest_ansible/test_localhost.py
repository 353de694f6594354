# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a test of its user meets it: by name, through pytest-ansible's fixtures.

A directory of its own, because the plugin is loaded for it alone: nothing else rests on it.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible.template import trust_as_template


def templated(localhost: Any, expression: str) -> object:
    """What a playbook on localhost would get for an expression."""
    result = localhost.debug(msg=trust_as_template("{{ " + expression + " }}"))
    return result["localhost"]["msg"]


@pytest.mark.parametrize(
    ("percent", "weights"),
    [(0, {"blue": 100, "green": 0}), (25, {"blue": 75, "green": 25}), (100, {"blue": 0, "green": 100})],
)
def test_the_weights_of_a_step(localhost: Any, percent: int, weights: dict[str, int]) -> None:
    expression = f"['blue', 'green'] | bluegreen.kubernetes.weights('green', {percent}, 'blue')"
    assert templated(localhost, expression) == weights
