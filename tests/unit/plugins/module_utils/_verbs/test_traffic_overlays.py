# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of test rules and mirrors may be, and what may be asked for together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import BlueGreenError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs.traffic import argument_spec
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs.traffic_overlays import check_overlays
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs.traffic_plan import target_of

COMES = {"value": "4f1c", "version": "green"}
GOES = {"state": "absent"}
MIRROR = {"version": "green", "percent": 10}
MIRROR_GOES = {"version": "green", "state": "absent"}
ALL_BLUE = {"blue": 100, "green": 0}


def read(**given: Any) -> tuple[dict[str, Any], list[str]]:
    """Options as Ansible hands them over, and what it says about them."""
    spec = argument_spec()["argument_spec"]
    route = {"name": "web", "namespace": "prod", **given.pop("route", {})}
    result = ArgumentSpecValidator(spec).validate({"routes": [route], **given})
    return result.validated_parameters, list(result.error_messages)


def refusal(**given: Any) -> str:
    params, errors = read(**given)
    assert errors == []
    with pytest.raises(BlueGreenError) as refused:
        accept(params)
    return refused.value.message


def accept(params: dict[str, Any]) -> set[str]:
    """The names of the versions that the route is then searched for."""
    check_overlays(params)
    return {spelling.name for spelling in target_of(params["routes"][0], params).spellings}


@pytest.mark.parametrize(
    "given",
    [
        {"test_header": COMES},
        {"test_header": GOES},
        {"mirror": MIRROR},
        {"mirror": MIRROR, "test_header": GOES},
        {"mirror": MIRROR_GOES, "test_header": GOES, "weights": ALL_BLUE},
        {"mirror": MIRROR_GOES, "test_header": GOES, "remove": ["green"]},
        {"mirror": MIRROR_GOES, "route": {"weights": ALL_BLUE, "min_endpoints": {"blue": 4, "green": 1}}},
    ],
)
def test_what_goes_together(given: dict[str, Any]) -> None:
    params, errors = read(**given)
    assert errors == []
    assert accept(params) <= {"blue", "green"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"test_header": COMES, "weights": ALL_BLUE}, "test_header: a test begins in a task of its own"),
        ({"test_header": COMES, "route": {"weights": ALL_BLUE}}, "test_header: a test begins in a task of its own"),
        ({"test_header": COMES, "remove": ["green"]}, "test_header: a test begins in a task of its own"),
        ({"test_header": COMES, "mirror": MIRROR_GOES}, "test_header: a test begins in a task of its own"),
        ({"mirror": MIRROR, "weights": ALL_BLUE}, "mirror: a mirror begins in a task of its own"),
        ({"mirror": MIRROR, "remove": ["green"]}, "mirror: a mirror begins in a task of its own"),
        ({"mirror": {**MIRROR, "percent": 0}}, "mirror.percent: expected more than 0 and at most 100, got 0"),
        ({"mirror": {**MIRROR, "percent": 101}}, "mirror.percent: expected more than 0 and at most 100, got 101"),
        ({"test_header": {**COMES, "name": "x y"}}, "test_header.name: 'x y' is no name of a header"),
        ({"test_header": {**COMES, "value": ""}}, "test_header.value: expected visible ASCII"),
        ({}, "weights: is required"),
        (
            {"weights": ALL_BLUE, "route": {"min_endpoints": {"red": 1}}},
            "routes.min_endpoints.red: no such version here; known: blue, green",
        ),
        ({"weights": ALL_BLUE, "route": {"min_endpoints": {"blue": 0}}}, "routes.min_endpoints.blue: expected integer"),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    assert refusal(**given).startswith(message)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"test_header": {"version": "green"}}, "value"),
        ({"test_header": {"value": "4f1c"}}, "version"),
        ({"mirror": {"version": "green"}}, "percent"),
        ({"mirror": {"percent": 10}}, "version"),
    ],
)
def test_what_begins_is_said_in_full(given: dict[str, Any], missing: str) -> None:
    _params, errors = read(**given)
    assert any(missing in error for error in errors)
