# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all filters share."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import BlueGreenError
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils.filters import as_filter, plain


class Tagged(str):
    """A string that knows more than its characters, as Ansible's do."""

    __slots__ = ()


class Counted(int):
    """The same for a number."""


class Measured(float):
    """The same for a number with a fraction."""


def kinds(value: Any) -> Any:
    """The value with the exact type of everything inside it in its place."""
    if isinstance(value, dict):
        return type(value), {type(key): kinds(item) for key, item in value.items()}
    return (type(value), [kinds(item) for item in value]) if isinstance(value, list) else type(value)


def test_everything_becomes_python_s_own() -> None:
    given = MappingProxyType({Tagged("a"): (Tagged("b"), Counted(1), Measured(0.5), True, None)})
    assert plain(given) == {"a": ["b", 1, 0.5, True, None]}
    assert kinds(plain(given)) == (dict, {str: (list, [str, int, float, bool, type(None)])})


def test_our_errors_come_out_as_ansible_s_with_the_message_as_it_is() -> None:
    @as_filter
    def refuse(value: Any, why: str) -> None:
        raise BlueGreenError(f"{value}: {why}")

    with pytest.raises(AnsibleFilterError) as refused:
        refuse("bluegreen.to", why="no such version")
    assert str(refused.value) == "bluegreen.to: no such version"
    assert isinstance(refused.value.__cause__, BlueGreenError)


def test_other_errors_are_not_dressed_up() -> None:
    @as_filter
    def fail(value: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail(1)
