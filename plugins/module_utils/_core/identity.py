# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which version gave an answer: where an answer says so, and how what it says becomes the name of a version."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .conditions import Expression, read_expression
from .errors import SpecError
from .section import Section

Source = Literal["header", "json", "regex", "pod", "text"]

# Answers that name something, but none of the versions; and answers that name nothing.
OTHER = "other"
NONE = "none"

DEFAULT_HEADER = "app-version"
# https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SHOWN = 60
_STATUS_LINE = re.compile(r"HTTP/\S+ (\d{3})")


@dataclass(frozen=True)
class Reply:
    """What came back: an HTTP answer with its header names in lower case, or with status 0 a text that was printed."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Identify:
    """Where a reply says which version gave it, and how the versions are spelled there beside their names."""

    source: Source = "header"
    expression: str = DEFAULT_HEADER
    values: Mapping[str, str] = field(default_factory=dict)
    path: str = "probe.identify"

    def read(self, reply: Reply) -> tuple[str, str]:
        """What stands there; or nothing, and why."""
        if self.source == "header":
            return reply.headers.get(self.expression.lower(), ""), f"no header {self.expression}"
        if self.source == "regex":
            match = re.search(self.expression, reply.body)
            return (match[1] or "" if match else ""), f"nothing that matches {self.expression}"
        if self.source == "json":
            return self._from_json(reply)
        if self.source == "pod":
            pod = reply.headers.get(self.expression.lower())
            return (pod, "") if pod else self._from_json(reply, f"no header {self.expression} and ")
        return reply.body.strip(), "no text"

    def _from_json(self, reply: Reply, before: str = "") -> tuple[str, str]:
        try:
            data = json.loads(reply.body)
        except ValueError:
            return "", f"{before}a body that is not JSON"
        found = Expression(self.expression).of(data)
        if found is None:
            return "", f"{before}nothing at {self.expression} in its JSON"
        if isinstance(found, (dict, list)):
            return "", f"{before}no single value at {self.expression} in its JSON"
        return str(found), f"{before}an empty value at {self.expression} in its JSON"


class Names:
    """The versions by everything that a reply may call them: name, backend, or what the user says."""

    def __init__(self, identify: Identify, versions: Iterable[str], service: str = "") -> None:
        self.versions = tuple(versions)
        self._identify = identify
        self._spelled: dict[str, str] = {}
        unknown = set(identify.values) - set(self.versions)
        if self.versions and unknown:
            raise SpecError(
                f"{identify.path}.values.{min(unknown)}", f"is no version; there are {', '.join(self.versions)}"
            )
        for version in self.versions:
            backend = f"{service}-{version}" if service else version
            for spelling in (version, backend, identify.values.get(version, version)):
                if self._spelled.setdefault(spelling, version) != version:
                    raise SpecError(
                        f"{identify.path}.values",
                        f'"{spelling}" would mean {self._spelled[spelling]} as well as {version}; nothing tells them '
                        "apart then: read something else that differs between them",
                    )
        # The longest first: a pod web-blue-2-x belongs to blue-2, and not to blue.
        self._prefixes = sorted(self._spelled, key=len, reverse=True)

    def version(self, reply: Reply) -> tuple[str, str]:
        """The version that gave a reply, or OTHER or NONE; and what was read, or why nothing was.

        Without any known version, what was read counts as its name.
        """
        text, missing = self._identify.read(reply)
        text = text.strip()
        if not text:
            return NONE, missing
        if not self.versions:
            return text[:_SHOWN], text[:_SHOWN]
        if self._identify.source == "pod":
            found = next((self._spelled[name] for name in self._prefixes if text.startswith(f"{name}-")), OTHER)
        else:
            found = self._spelled.get(text, OTHER)
        return found, text[:_SHOWN]


def read_identify(section: Section, default: Source) -> Identify:
    """Read where a reply names its version; raises SpecError when that cannot tell two versions apart."""
    sources: tuple[Source, ...] = ("header", "json", "regex", "pod")
    with section:
        given: list[Source] = [source for source in sources if section.has(source)]
        values = section.strings("values")
        if len(given) > 1:
            raise section.error(given[1], f"stands beside {given[0]}; one of {', '.join(sources)} says who answered")
        source: Source = given[0] if given else default
        expression = _expression(section, source) if given else (DEFAULT_HEADER if default == "header" else "")
    seen: dict[str, str] = {}
    for version, value in values.items():
        if value in seen:
            raise section.error(
                "values", f'{seen[value]} and {version} are both "{value}"; nothing tells them apart then'
            )
        seen[value] = version
    return Identify(source, expression, values, section.path)


def _expression(section: Section, source: Source) -> str:
    text = section.text(source)
    if source == "header" and not TOKEN.fullmatch(text):
        raise section.error(source, f'expected the name of a header, got "{text}"')
    if source == "regex":
        try:
            groups = re.compile(text).groups
        except re.error as error:
            raise section.error(source, f'"{text}" is no regular expression: {error}') from None
        if groups == 0:
            raise section.error(
                source, f'"{text}" has no group; put what names the version in parentheses: version=(\\S+)'
            )
    if source == "json" or (source == "pod" and not TOKEN.fullmatch(text)):
        read_expression(section, source)
    return text


def parsed_reply(text: str) -> Reply:
    """The HTTP answer that a program such as ``curl --include`` printed; text that is none is a reply of its own."""
    status, head, body = 0, "", text.replace("\r\n", "\n")
    # Before the last one stand a proxy's answer, an upgrade, or redirects that were followed.
    while (match := _STATUS_LINE.match(body)) is not None:
        status = int(match[1])
        head, _blank, body = body.partition("\n\n")
    if not status:
        return Reply(0, {}, text)
    headers: dict[str, str] = {}
    for line in head.split("\n")[1:]:
        name, _colon, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Reply(status, headers, body)
