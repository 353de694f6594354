# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that we fill in where a user writes about "the version": $version, $service, $window and the like.

They are no Jinja, because Ansible resolves Jinja before a version is chosen or a window has a length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Those that are the same for all versions, and at every look.
FIXED = ("service", "namespace", "release")
# The header that leads to a candidate which gets nothing else; at any other time one that is not sent.
TEST_HEADER = "test_header"
NAMES = ("version", *FIXED, "window", TEST_HEADER)

_PLACEHOLDER = re.compile(r"\$(" + "|".join(NAMES) + r")\b")


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """A copy of plain data with our placeholders filled in everywhere in it; any other $word stays as it is.

    A placeholder without a word stays too, so that data can be filled in twice: when a release is planned, and when
    the length of the window is known.
    """
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: words.get(match[1], match[0]), value)
    if isinstance(value, Mapping):
        return {key: filled(item, words) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(item, words) for item in value]
    return value


def names_in(value: Any) -> frozenset[str]:
    """The placeholders that stand anywhere in plain data."""
    if isinstance(value, str):
        return frozenset(match[1] for match in _PLACEHOLDER.finditer(value))
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return frozenset().union(*map(names_in, value))
    return frozenset()
