# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``shift_steps``."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bluegreen.kubernetes.plugins.filter.shift_steps import FilterModule

from tests.unit.releases import web

shift_steps = FilterModule().filters()["shift_steps"]


def test_every_spelling_becomes_one_list_of_plain_steps() -> None:
    assert shift_steps(web(steps={"linear": 50}, pause="2m")) == [
        {"percent": 50, "pause": 120.0, "approval": False, "gates": []},
        {"percent": 100, "pause": 120.0, "approval": False, "gates": []},
    ]


def test_a_mistake_anywhere_in_the_release_is_an_error_with_its_path() -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        shift_steps(web(seteps=[100]))
    assert str(refused.value) == "bluegreen.seteps: unknown key; did you mean steps?"
