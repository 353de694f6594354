# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all filters share: plain values go in, and our errors come out as Ansible's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from ansible.errors import AnsibleFilterError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import BlueGreenError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def as_filter(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Make a function of plain values a filter that reports errors as they are written for users."""

    @functools.wraps(function)
    def filtered(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return function(
                *(plain(value) for value in args),
                **{name: plain(value) for name, value in kwargs.items()},
            )
        except BlueGreenError as error:
            raise AnsibleFilterError(error.message) from error

    return filtered


def plain(value: Any) -> Any:
    """A value made of nothing but Python's own types.

    Ansible hands containers to filters whose items are templated only when somebody takes them out. What reads them
    by other ways, as json does, would see templates.
    """
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return value
