# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from tests.lab.app_mesh import matches
from tests.lab.app_mesh.objects import Json, selects


@pytest.mark.parametrize(
    ("kind", "match", "expected"),
    [
        ("httpRoute", {"prefix": "/"}, {"prefix": "/"}),
        ("httpRoute", {"path": {"exact": "/a"}}, {"path": "/a"}),
        ("http2Route", {"path": {"regex": "/a.*"}}, {"safe_regex": {"regex": "/a.*"}}),
        (
            "httpRoute",
            {"prefix": "/", "method": "GET"},
            {"prefix": "/", "headers": [{"name": ":method", "string_match": {"exact": "GET"}}]},
        ),
        (
            "httpRoute",
            {"prefix": "/", "queryParameters": [{"name": "a", "match": {"exact": "1"}}]},
            {"prefix": "/", "query_parameters": [{"name": "a", "string_match": {"exact": "1"}}]},
        ),
        ("grpcRoute", {}, {"prefix": "/", "grpc": {}}),
        ("grpcRoute", {"serviceName": "a.B", "methodName": "C"}, {"path": "/a.B/C", "grpc": {}}),
        ("tcpRoute", {}, {"connect_matcher": {}}),
    ],
)
def test_matches_in_the_words_of_envoy(kind: str, match: Json, expected: Json) -> None:
    assert matches.of(kind, match) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"match": {"exact": "1"}}, {"string_match": {"exact": "1"}}),
        ({"match": {"regex": "1+"}}, {"string_match": {"safe_regex": {"regex": "1+"}}}),
        ({"match": {"range": {"start": 1, "end": 5}}}, {"range_match": {"start": 1, "end": 5}}),
        ({}, {"present_match": True}),
        ({"match": {"suffix": "1"}, "invert": True}, {"string_match": {"suffix": "1"}, "invert_match": True}),
    ],
)
def test_headers_in_the_words_of_envoy(header: Json, expected: Json) -> None:
    found = matches.of("httpRoute", {"prefix": "/", "headers": [{"name": "x-test", **header}]})
    assert found["headers"] == [{"name": "x-test", **expected}]


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "metal"}}, True),
        ({"matchLabels": {"app": "jazz"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["jazz", "metal"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_selectors(selector: Json | None, fits: bool) -> None:
    assert selects(selector, {"app": "metal"}) is fits
