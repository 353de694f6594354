# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strict reading of one mapping of the user's file: every key is named, typed and accounted for."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .durations import seconds
from .errors import SpecError

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True)
class Range:
    """What a number may be: ``least`` and ``most`` belong to it, ``above`` and ``below`` do not."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        return math.isfinite(value) and not (
            (self.least is not None and value < self.least)
            or (self.most is not None and value > self.most)
            or (self.above is not None and value <= self.above)
            or (self.below is not None and value >= self.below)
        )

    def __str__(self) -> str:
        bounds = (("≥", self.least), (">", self.above), ("≤", self.most), ("<", self.below))
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


class Section:
    """A mapping at a path; used as a context manager, it refuses at its end every key that nobody read."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise SpecError(path, f"expected a mapping, got {_shown(value)}")
        self.path = path
        self._values: dict[str, Any] = {}
        for key, item in value.items():
            if not isinstance(key, (str, int)) or isinstance(key, bool):
                raise SpecError(path, f"expected keys that are strings, got {_shown(key)}; put it in quotes")
            self._values[str(key)] = item
        self._read: set[str] = set()

    def __enter__(self) -> Section:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.refuse_unknown()

    def refuse_unknown(self) -> None:
        """Raise SpecError for the first key that was never asked for, with the nearest known one."""
        for key in self._values:
            if key not in self._read:
                near = difflib.get_close_matches(key, self._read, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(self._read))}"
                raise SpecError(self.at(key), f"unknown key; {hint}")

    def at(self, key: str) -> str:
        """The path of a key, for messages."""
        return f"{self.path}.{key}"

    def error(self, key: str, problem: str) -> SpecError:
        """An error at a key, for the caller to raise."""
        return SpecError(self.at(key), problem)

    def raw(self, key: str) -> Any:
        """The value as it stands; None when the key is absent or null."""
        self._read.add(key)
        return self._values.get(key)

    def has(self, key: str) -> bool:
        """Whether the key holds anything but null."""
        return self.raw(key) is not None

    def names(self) -> Iterator[str]:
        """Every key, each taken as read: for mappings whose keys are the user's own names."""
        self._read.update(self._values)
        return iter(self._values)

    def _required(self, key: str, hint: str = "") -> SpecError:
        near = difflib.get_close_matches(key, set(self._values) - self._read, n=1)
        return self.error(key, f"is required{hint}" + (f"; there is {near[0]}: is it meant?" if near else ""))

    def text(self, key: str, default: str | None = None, choices: Sequence[str] = ()) -> str:
        """A string; integers are accepted as such. Required when there is no default."""
        value = self.raw(key)
        if value is None:
            if default is None:
                raise self._required(key, f": one of {', '.join(choices)}" if choices else "")
            return default
        if not isinstance(value, (str, int)) or isinstance(value, bool) or str(value) == "":
            raise self.error(key, f"expected a string, got {_shown(value)}")
        if choices and value not in choices:
            raise self.error(key, f"expected one of {', '.join(choices)}, got {_shown(value)}")
        return str(value)

    def optional_text(self, key: str) -> str | None:
        """A string, or None when absent."""
        return self.text(key) if self.has(key) else None

    def integer(self, key: str, default: int | None = None, minimum: int = 0, maximum: int | None = None) -> int:
        """An integer within bounds, both inclusive. Required when there is no default."""
        value = self.raw(key)
        if value is None:
            if default is None:
                raise self._required(key)
            return default
        return integer(value, self.at(key), minimum, maximum)

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(key, f"expected true or false, got {_shown(value)}")
        return value

    def number(self, key: str, default: float, allowed: Range) -> float:
        """A number within a range; the default when absent."""
        found = self.optional_number(key, allowed)
        return default if found is None else found

    def optional_number(self, key: str, allowed: Range) -> float | None:
        """A number within a range, or None when absent."""
        value = self.raw(key)
        if value is None:
            return None
        try:
            # A number in an extra variable given as key=value, or one that a template made, is a string.
            found = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
        except ValueError:
            found = math.nan
        if found not in allowed:
            raise self.error(key, f"expected a number {allowed}, got {_shown(value)}")
        return found

    def duration(self, key: str, default: float, least: float = 0.0) -> float:
        """Seconds, or a number with a unit such as 10m; the default when absent."""
        found = self.optional_duration(key, least)
        return default if found is None else found

    def optional_duration(self, key: str, least: float = 0.0) -> float | None:
        """Seconds, or a number with a unit such as 10m, or None when absent."""
        value = self.raw(key)
        if value is None:
            return None
        try:
            found = seconds(value)
        except ValueError as error:
            raise self.error(key, str(error)) from None
        if found < least:
            raise self.error(key, f"expected {least:g}s or more, got {found:g}s")
        return found

    def items(self, key: str) -> tuple[Any, ...]:
        """A list; empty when absent."""
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
            raise self.error(key, f"expected a list, got {_shown(value)}")
        return tuple(value)

    def integers(self, key: str, minimum: int, maximum: int) -> tuple[int, ...]:
        """A list of integers within bounds, both inclusive; empty when absent."""
        entries = enumerate(self.items(key))
        return tuple(integer(entry, f"{self.at(key)}[{position}]", minimum, maximum) for position, entry in entries)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty when absent."""
        entries = self.items(key)
        for position, entry in enumerate(entries):
            if not isinstance(entry, str) or not entry:
                raise SpecError(f"{self.at(key)}[{position}]", f"expected a string, got {_shown(entry)}")
        return tuple(str(entry) for entry in entries)

    def mapping(self, key: str) -> dict[str, Any]:
        """A mapping that is passed on as it is; empty when absent."""
        value = self.raw(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.error(key, f"expected a mapping, got {_shown(value)}")
        return {str(name): item for name, item in value.items()}

    def strings(self, key: str) -> dict[str, str]:
        """A mapping of the user's own names to strings, such as labels; empty when absent."""
        values = self.mapping(key)
        for name, value in values.items():
            if not isinstance(value, (str, int)) or isinstance(value, bool):
                raise SpecError(f"{self.at(key)}.{name}", f"expected a string, got {_shown(value)}; put it in quotes")
        return {name: str(value) for name, value in values.items()}

    def amount(self, key: str) -> int | str:
        """A number of things, or a percentage of them such as 25%. Required."""
        value = self.raw(key)
        if isinstance(value, str) and re.fullmatch(r"[0-9]+%", value):
            return value
        try:
            return integer(value, self.at(key))
        except SpecError:
            raise self.error(key, f'expected integer ≥ 0 or a percentage such as "25%", got {_shown(value)}') from None

    def section(self, key: str) -> Section:
        """A mapping to be read strictly in turn; empty when absent."""
        return Section({} if not self.has(key) else self.raw(key), self.at(key))


def integer(value: object, path: str, minimum: int = 0, maximum: int | None = None) -> int:
    """Return an integer within bounds or raise SpecError at the path."""
    bounds = f"integer ≥ {minimum}" if maximum is None else f"integer from {minimum} to {maximum}"
    # Extra variables given as key=value on the command line arrive as strings.
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise SpecError(path, f"expected {bounds}, got {_shown(value)}")
    if value < minimum or (maximum is not None and value > maximum):
        raise SpecError(path, f"expected {bounds}, got {value}")
    return int(value)


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
