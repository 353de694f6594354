# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a file of manifests, in which single values are replaced and every other byte stays.

Writing a parsed document out again keeps its comments at best, and never its indentation, alignment and quotes. So a
parser only tells at which positions of the text a value stands. What comes out is read again: a change that would reach
further than it should, through an anchor or a merge, is refused.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import BlueGreenError

try:
    import yaml

    YAML_IMPORT_ERROR: str | None = None
except ImportError:
    YAML_IMPORT_ERROR = traceback.format_exc()

Node = Any

_INTEGER = "tag:yaml.org,2002:int"
_STRING = "tag:yaml.org,2002:str"
# What may stand in front of a value, and belongs to it.
_PROPERTIES = re.compile(r"(?:[&!]\S*[ \t]+)+")
_KEY = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Identity:
    """Which object of a file is meant. One that names no namespace is taken for this one's."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def read_object(text: str, file: str, identity: Identity) -> dict[str, Any]:
    """The object as it stands in the file, with its namespace; raises BlueGreenError when there is not just one."""
    node = _found(text, file, identity)
    try:
        found: dict[str, Any] = yaml.constructor.SafeConstructor().construct_document(node)
    except yaml.YAMLError as error:
        raise _unreadable(text, file, error) from error
    found["metadata"] = {**found["metadata"], "namespace": identity.namespace}
    return found


def with_values(text: str, file: str, identity: Identity, values: Mapping[str, int | str]) -> str:
    """The text with these values, by their JSON pointers in the object; a last key that is missing there is added."""
    root = _found(text, file, identity)
    edits = [_edit(text, file, root, pointer, value) for pointer, value in values.items()]
    changed = text
    for start, end, replacement in sorted(edits, reverse=True):
        changed = changed[:start] + replacement + changed[end:]
    if _shapes(changed) != _expected(text, root, values):
        raise BlueGreenError(
            f"{file}: the values of {identity} cannot be changed alone, as an anchor, an alias or a merge shares them "
            "with others: write them out in the file"
        )
    return changed


def _found(text: str, file: str, identity: Identity) -> Node:
    if YAML_IMPORT_ERROR:
        raise BlueGreenError(
            "the Python library PyYAML is missing on this machine; install it: pip install PyYAML",
            exception=YAML_IMPORT_ERROR,
        )
    try:
        objects = list(_objects(_documents(text)))
    except yaml.YAMLError as error:
        raise _unreadable(text, file, error) from error
    alike = [node for node in objects if _is(node, identity)]
    exact = [node for node in alike if _text(node, "metadata", "namespace") is not None]
    # What names a namespace is surer than what leaves it to a later step, such as kustomize's.
    chosen = exact or alike
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        places = ", ".join(f"line {node.start_mark.line + 1}" for node in chosen)
        raise BlueGreenError(f"{file} has {identity} {len(chosen)} times ({places}): leave one, or name another file")
    known = ", ".join(_shown(node) for node in objects) or "no object"
    template = "; it is a template: name the file that is applied in the end" if "{{" in text else ""
    raise BlueGreenError(
        f"{file} has no {identity}, but {known}{template}: name with write_back the file in which it stands"
    )


def _unreadable(text: str, file: str, error: Exception) -> BlueGreenError:
    reason = " ".join(str(error).split())
    if "{{" in text:
        return BlueGreenError(
            f"{file} is a template and no YAML yet: name with write_back a file of plain manifests, or leave "
            f"write_back out and keep the weights in the template's values ({reason})"
        )
    return BlueGreenError(f"{file} is no YAML: {reason}")


def _documents(text: str) -> list[Node]:
    return list(yaml.compose_all(text, Loader=yaml.SafeLoader))


def _objects(documents: Sequence[Node]) -> Iterator[Node]:
    """Every object, those inside of lists too."""
    for node in documents:
        items = _value(node, "items")
        if str(_text(node, "kind")).endswith("List") and isinstance(items, yaml.SequenceNode):
            yield from _objects(items.value)
        elif isinstance(node, yaml.MappingNode):
            yield node


def _is(node: Node, identity: Identity) -> bool:
    version = _text(node, "apiVersion") or ""
    return (
        version.rpartition("/")[0] == identity.group
        and _text(node, "kind") == identity.kind
        and _text(node, "metadata", "name") == identity.name
        and _text(node, "metadata", "namespace") in (identity.namespace, None)
    )


def _shown(node: Node) -> str:
    namespace = _text(node, "metadata", "namespace")
    name = _text(node, "metadata", "name") or "without a name"
    return f"{_text(node, 'kind') or 'something'} {f'{namespace}/{name}' if namespace else name}"


def _pair(node: Node, key: str) -> tuple[Node, Node] | None:
    """The key and its value; of a key that stands twice the last one, as parsers have it."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    found = [pair for pair in pairs if isinstance(pair[0], yaml.ScalarNode) and pair[0].value == key]
    return found[-1] if found else None


def _value(node: Node, *keys: str) -> Node | None:
    for key in keys:
        pair = _pair(node, key)
        if pair is None:
            return None
        node = pair[1]
    return node


def _text(node: Node, *keys: str) -> str | None:
    found = _value(node, *keys)
    return found.value if isinstance(found, yaml.ScalarNode) else None


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _edit(text: str, file: str, root: Node, pointer: str, value: int | str) -> tuple[int, int, str]:
    """From where to where the text is replaced, and by what."""
    *parents, key = _steps(pointer)
    node = root
    for step in parents:
        found = node.value[int(step)] if isinstance(node, yaml.SequenceNode) else _value(node, step)
        if found is None:
            raise BlueGreenError(f"{file}: {pointer} stands in no place of its own: write it out in the file")
        node = found
    pair = _pair(node, key)
    return _replaced(text, pair[1], value) if pair is not None else _added(text, node, key, value)


def _replaced(text: str, node: Node, value: int | str) -> tuple[int, int, str]:
    start, end = node.start_mark.index, node.end_mark.index
    properties = _PROPERTIES.match(text, start, end)
    start = properties.end() if properties else start
    # A key without a value ends at its colon.
    return start, end, f"{' ' if start == end else ''}{_spelled(value, node.style)}"


def _added(text: str, mapping: Node, key: str, value: int | str) -> tuple[int, int, str]:
    first_key, last = mapping.value[0][0], mapping.value[-1][1]
    quoted = first_key.style == '"' or not _KEY.fullmatch(key)
    entry = f"{json.dumps(key) if quoted else key}: {_spelled(value, None)}"
    if mapping.flow_style:
        end = last.end_mark.index
        return end, end, f", {entry}"
    indent = " " * first_key.start_mark.column
    while last.value and not (isinstance(last, yaml.ScalarNode) or last.flow_style):
        last = last.value[-1][1] if isinstance(last, yaml.MappingNode) else last.value[-1]
    newline = "\r\n" if "\r\n" in text else "\n"
    if isinstance(last, yaml.ScalarNode) and last.style in ("|", ">"):
        # Where such a text ends depends on what follows it: in front of the first key there is no doubt.
        start = first_key.start_mark.index
        return start, start, f"{entry}{newline}{indent}"
    line_end = re.compile(r"\r?\n|\Z").search(text, last.end_mark.index)
    at = line_end.start() if line_end else len(text)
    return at, at, f"{newline}{indent}{entry}"


def _spelled(value: int | str, style: str | None) -> str:
    if isinstance(value, int):
        return str(value)
    if style == "'" and "'" not in value and value.isprintable():
        return f"'{value}'"
    plain = style != '"' and re.fullmatch(r"[\w][\w.-]*", value, re.ASCII) and yaml.safe_load(value) == value
    return value if plain else json.dumps(value)


def _expected(text: str, root: Node, values: Mapping[str, int | str]) -> list[Any]:
    """What is to be read from the changed text, document by document."""
    documents = _documents(text)
    place = root.start_mark.index
    expected = []
    for document in documents:
        shapes = {id(node): _shape(node) for node in _objects([document]) if node.start_mark.index == place}
        for shape in shapes.values():
            for pointer, value in values.items():
                _set(shape, _steps(pointer), (_INTEGER if isinstance(value, int) else _STRING, str(value)))
        expected.append(_shape(document, shapes))
    return expected


def _shapes(text: str) -> list[Any]:
    try:
        return [_shape(node) for node in _documents(text)]
    except yaml.YAMLError:
        return []


def _shape(node: Node, known: Mapping[int, Any] | None = None) -> Any:
    """What a node says, without where and how it is written."""
    if known and id(node) in known:
        return known[id(node)]
    if isinstance(node, yaml.MappingNode):
        return {json.dumps(_shape(key)): _shape(value, known) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_shape(item, known) for item in node.value]
    return (node.tag, node.value)


def _set(shape: Any, steps: Sequence[str], value: tuple[str, str]) -> None:
    *parents, last = steps
    for step in parents:
        shape = shape[int(step)] if isinstance(shape, list) else shape[json.dumps((_STRING, step))]
    shape[json.dumps((_STRING, last))] = value
