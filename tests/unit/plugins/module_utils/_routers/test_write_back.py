# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in files of manifests: whatever such a file looks like, nothing of it changes but weights."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import pytest
import yaml
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import BlueGreenError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest, Spelling
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.write_back import with_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from .adapters import ADAPTERS, VERSIONS, Adapter, applied, percentages, topologies

Json = dict[str, Any]
Choice = TypeVar("Choice")

WRITTEN = """\
# Who is asked before this is touched: the web team.
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: prod}
data: {weight: "7", note: "äöü 世界"}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
    name:   web      # four spaces, and three
    annotations: {a: "b",   'c': 'd'}
spec:
    hosts: [web.example.com]
    http:
    - name: main
      route:
      - destination: {host: web-blue}
        weight:   100  # all of it
      - weight: 0
        destination:
          host: "web-green"
    - name: partner
      route: [{destination: {host: partner}}]
---
kind: Sealed
value: !Encrypted abc
"""


def route(**more: Any) -> Json:
    return {
        "router": "istio",
        "name": "web",
        "namespace": "prod",
        "versions": {"blue": None, "green": None},
        "weights": {"blue": 0, "green": 100},
        **more,
    }


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    old, new = before.split("\n"), after.split("\n")
    assert len(old) == len(new)
    return [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]


def test_only_the_numbers_change() -> None:
    after = with_weights(WRITTEN, "web.yaml", [route()])
    assert changed_lines(WRITTEN, after) == [
        ("        weight:   100  # all of it", "        weight:   0  # all of it"),
        ("      - weight: 0", "      - weight: 100"),
    ]
    assert with_weights(after, "web.yaml", [route()]) == after
    assert with_weights(after, "web.yaml", [route(weights={"blue": 100, "green": 0})]) == WRITTEN


def test_line_ends_and_an_end_without_one_stay() -> None:
    windows = WRITTEN.removesuffix("\n").replace("\n", "\r\n")
    after = with_weights(windows, "web.yaml", [route()])
    assert after == with_weights(WRITTEN, "web.yaml", [route()]).removesuffix("\n").replace("\n", "\r\n")


HTTP_ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  rules:
    - backendRefs:
"""


@pytest.mark.parametrize(
    ("backends", "expected"),
    [
        pytest.param(
            "      - name: web-blue   # the first\n      -   port: 80\n          name: web-green\n"
            "          # the second\n",
            "      - name: web-blue   # the first\n        weight: 4\n"
            "      -   port: 80\n          name: web-green\n          weight: 6\n          # the second\n",
            id="block",
        ),
        pytest.param(
            "      - {name: web-blue}\n      - {name: web-green, filters: [] }\n",
            "      - {name: web-blue, weight: 4}\n      - {name: web-green, filters: [], weight: 6 }\n",
            id="flow",
        ),
        pytest.param(
            '      - {"name": "web-blue"}\n      - {\n        "name": "web-green"\n      }',
            '      - {"name": "web-blue", "weight": 4}\n      - {\n        "name": "web-green", "weight": 6\n      }',
            id="quoted",
        ),
        pytest.param(
            "      - name: web-blue\n        weight:\n      - name: web-green\n        weight: ~ # none\n",
            "      - name: web-blue\n        weight: 4\n      - name: web-green\n        weight: 6 # none\n",
            id="empty",
        ),
        pytest.param(
            "      - port: 80\n        name: |-\n          web-blue\n      - name: web-green\n"
            "        filters:\n        - type: None",
            "      - weight: 4\n        port: 80\n        name: |-\n          web-blue\n      - name: web-green\n"
            "        filters:\n        - type: None\n        weight: 6",
            id="text-and-list-at-the-end",
        ),
    ],
)
def test_a_weight_that_is_not_written_is_added(backends: str, expected: str) -> None:
    wanted = route(router="gateway_api", weights={"blue": 40, "green": 60})
    after = with_weights(HTTP_ROUTE + backends, "web.yaml", [wanted])
    assert after == HTTP_ROUTE + expected
    assert with_weights(after, "web.yaml", [wanted]) == after


def test_a_version_without_weight_needs_no_place() -> None:
    text = HTTP_ROUTE + "      - {name: web-blue, weight: 7}\n"
    back = route(router="gateway_api", weights={"blue": 100, "green": 0})
    assert with_weights(text, "web.yaml", [back]) == text


def test_several_routes_of_one_file() -> None:
    text = (
        WRITTEN + "---\n" + HTTP_ROUTE + "      - {name: web-blue, weight: 1}\n      - {name: web-green, weight: 0}\n"
    )
    after = with_weights(text, "web.yaml", [route(), route(router="gateway_api")])
    assert [new for _old, new in changed_lines(text, after)] == [
        "        weight:   0  # all of it",
        "      - weight: 100",
        "      - {name: web-blue, weight: 0}",
        "      - {name: web-green, weight: 1}",
    ]


def test_an_object_in_a_list_and_a_file_of_json() -> None:
    found = yaml.safe_load(HTTP_ROUTE + "      - {name: web-blue, weight: 1}\n      - {name: web-green, weight: 0}\n")
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Other"}, found]}, indent=1)
    after = json.loads(with_weights(text, "web.json", [route(router="gateway_api")]))
    assert [item["weight"] for item in after["items"][1]["spec"]["rules"][0]["backendRefs"]] == [0, 1]


@pytest.mark.parametrize(
    ("before", "to", "after"),
    [
        ("  selector: {app: web, track: stable}  # who\n", "canary", "  selector: {app: web, track: canary}  # who\n"),
        ("  selector:\n    track: 'stable'\n", "canary", "  selector:\n    track: 'canary'\n"),
        ('  selector: {"track": "stable"}\n', "canary", '  selector: {"track": "canary"}\n'),
        # What would be read as a number or as yes is put in quotes.
        ("  selector: {track: stable}\n", "1.10", '  selector: {track: "1.10"}\n'),
        ("  selector: {track: stable}\n", "yes", '  selector: {track: "yes"}\n'),
    ],
)
def test_the_selector_of_a_service(before: str, to: str, after: str) -> None:
    head = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: prod}\nspec:\n"
    versions = {"blue": {"selector": {"track": "stable"}}, "green": {"selector": {"track": to}}}
    assert with_weights(head + before, "web.yaml", [route(router="service", versions=versions)]) == head + after


def test_the_exact_namespace_wins() -> None:
    bare = WRITTEN.partition("---\n")[2].partition("---\n")[0]
    text = bare + "---\n" + bare.replace("    annotations:", "    namespace: prod\n    annotations:")
    after = with_weights(text, "web.yaml", [route()])
    assert after.partition("---\n")[0] == bare
    assert after != text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            WRITTEN.replace("name:   web ", "name:   wbe "), "web.yaml has no VirtualService prod/web", id="none"
        ),
        pytest.param(
            WRITTEN + "---\n" + WRITTEN.partition("---\n")[2].partition("---\n")[0],
            r"web.yaml has VirtualService prod/web 2 times \(line 7, line 28\): leave one",
            id="twice",
        ),
        pytest.param(
            WRITTEN.replace("weight:   100", "weight: {{ .Values.blue }}"),
            "web.yaml is a template and no YAML",
            id="helm",
        ),
        pytest.param(
            WRITTEN.replace("weight:   100", 'weight: "{{ .Values.blue }}"'),
            'web.yaml: the weight "{{ .Values.blue }}" is no number: write the numbers out',
            id="quoted-template",
        ),
        pytest.param("a: [", "web.yaml is no YAML", id="no-yaml"),
        pytest.param("", "web.yaml has no VirtualService prod/web, but no object", id="empty"),
        pytest.param(
            WRITTEN.replace("web-green", "web-purple"), "no destination for green.*yours to mend", id="no-destination"
        ),
        pytest.param(WRITTEN.replace("route:\n", "rule:\n"), "web.yaml", id="no-route"),
        pytest.param(
            WRITTEN.replace("weight:   100", "weight: &all 100").replace("partner}}", "partner}, weight: *all}"),
            "an anchor, an alias or a merge shares them",
            id="anchor",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(text: str, message: str) -> None:
    with pytest.raises(BlueGreenError, match=message):
        with_weights(text, "web.yaml", [route()])


class Writer:
    """Writes as people do: blocks here and braces there, with more or less room, comments and quotes."""

    def __init__(self, seed: int) -> None:
        self._choose = random.Random(seed)

    def document(self, value: Json) -> str:
        text = self._written(value, 0)
        return text if text.endswith("\n") else f"{text}\n"

    def _written(self, value: Any, indent: int) -> str:
        """A block begins on a line of its own, everything else follows its key."""
        if not isinstance(value, (dict, list)) or not value or self._choose.random() < indent / 30:
            return self._inline(value)
        return self._block(value, indent) if isinstance(value, dict) else self._items(value, indent)

    def _inline(self, value: Any) -> str:
        if isinstance(value, dict):
            pairs = [f"{self._of(key, json.dumps(key))}: {self._inline(item)}" for key, item in value.items()]
            return "{" + ", ".join(pairs) + self._of("}", " }")
        if isinstance(value, list):
            return "[" + ", ".join(map(self._inline, value)) + "]"
        if isinstance(value, str):
            return self._of(json.dumps(value, ensure_ascii=False), f"'{value}'")
        return str(value)

    def _block(self, value: Json, indent: int) -> str:
        text = ""
        for key, item in value.items():
            comment = self._of("", "  # why", " # weight: 7")
            below = self._written(item, indent + self._of(2, 4))
            text += f"{' ' * indent}{key}:"
            text += f"{comment}\n{below}" if below.endswith("\n") else f"{self._of(' ', '   ')}{below}{comment}\n"
            text += self._of("", "", "\n", "# left at the margin\n")
        return text

    def _items(self, value: list[Any], indent: int) -> str:
        text = ""
        for item in value:
            room = self._of(1, 3)
            below = self._written(item, indent + 1 + room)
            text += f"{' ' * indent}-{' ' * room}{below.lstrip(' ')}{'' if below.endswith(chr(10)) else chr(10)}"
        return text

    def _of(self, *choices: Choice) -> Choice:
        return self._choose.choice(choices)


def without_weights(adapter: Adapter, text: str) -> Iterator[str]:
    """The text with nothing left of what says who gets how much."""
    labels = r"(track|app\.kubernetes\.io/version)"
    pattern = r"(,? |\n *)\"?weight\"?: *\d+" if adapter.splits else rf"\"?{labels}\"?: *\S+?(?=[,}}\s])"
    yield from re.sub(pattern, "", text).split()


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS.keys())
@settings(max_examples=40)
@given(data=st.data())
def test_nothing_but_weights_changes_in_files_of_any_shape(adapter: Adapter, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(VERSIONS), min_size=1, unique=True))
    manifest = adapter.route(data.draw(topologies(adapter, names)))
    wanted = data.draw(percentages(adapter, names))
    kind = adapter.router.kind
    whole: Manifest = {"apiVersion": adapter.router.kinds[kind].api_versions[0], **manifest, "kind": kind}
    text = (
        "# before\n---\n" + Writer(data.draw(st.integers(0, 2**32))).document(whole) + "---\nkind: Other\nweight: 7\n"
    )
    assert next(yaml.safe_load_all(text)) == whole
    options = route(router=adapter.router.name, versions=dict.fromkeys(VERSIONS), weights=wanted)
    after = with_weights(text, "web.yaml", [options])
    patched = applied(whole, adapter.router.patch(whole, [Spelling(name) for name in VERSIONS], wanted).operations)
    assert list(yaml.safe_load_all(after)) == [patched, {"kind": "Other", "weight": 7}]
    assert list(without_weights(adapter, after)) == list(without_weights(adapter, text))
    assert with_weights(after, "web.yaml", [options]) == after
