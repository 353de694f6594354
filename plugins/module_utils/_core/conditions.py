# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMESPath as users write it in judges: compiled when it is read, so that a mistake is found before anything moves."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import SpecError
from .section import Section

try:
    import jmespath
    from jmespath.exceptions import JMESPathError

    JMESPATH_IMPORT_ERROR: str | None = None
except ImportError:
    JMESPATH_IMPORT_ERROR = traceback.format_exc()

_HINT = "write JMESPath (https://jmespath.org), numbers in backticks: candidate < `0.01`"


@dataclass(frozen=True)
class Expression:
    """A JMESPath expression that is known to compile."""

    text: str

    def of(self, data: Mapping[str, Any]) -> Any:
        """What it gives for this data; None when it gives nothing, or cannot be applied to it."""
        if JMESPATH_IMPORT_ERROR is not None:
            return None
        try:
            return jmespath.search(self.text, data)
        except (JMESPathError, ArithmeticError, TypeError, ValueError):
            # Its functions pass on what Python says of what they cannot work with: contains() of a number and a text,
            # ceil() of infinity.
            return None

    def names(self) -> frozenset[str]:
        """The fields that it names, at whatever depth."""
        return frozenset(_fields(jmespath.compile(self.text).parsed))

    def holds(self, data: Mapping[str, Any]) -> bool | None:
        """Whether it is true of this data; None when it gives something else than true or false."""
        result = self.of(data)
        return result if isinstance(result, bool) else None


def read_expression(section: Section, key: str) -> Expression | None:
    """Read an expression, None when absent; raises SpecError when it does not compile."""
    if not section.has(key):
        return None
    text = section.text(key)
    if JMESPATH_IMPORT_ERROR is not None:
        raise SpecError(
            section.at(key), "needs the Python library jmespath, which is missing; install it: pip install jmespath"
        )
    try:
        jmespath.compile(text)
    except JMESPathError as error:
        problem = str(error).splitlines()[0].rstrip(": ")
        raise section.error(key, f'"{text}" is no valid JMESPath ({problem}); {_HINT}') from None
    return Expression(text)


def refuse_undecided(section: Section, key: str, condition: Expression | None, example: Mapping[str, Any]) -> None:
    """Raise SpecError when a condition gives neither true nor false for data of the kind that it will see."""
    if condition is not None and condition.holds(example) is None:
        raise section.error(
            key,
            f'"{condition.text}" gives {condition.of(example)!r} and not true or false; compare something with '
            f"something, of {', '.join(example)}: candidate < `0.01`",
        )


def _fields(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if node.get("type") == "field":
            yield str(node["value"])
        for child in node.get("children") or []:
            yield from _fields(child)
