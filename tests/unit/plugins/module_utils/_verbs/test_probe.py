# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as a task: its options, its results and its failures."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.action.probe import ActionModule
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import probe
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils import in_process

from tests.unit.plugins.module_utils._gates.entry_server import Entry, Given, entry


def task(arguments: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """The result of a task with these options, as the action gives it."""
    try:
        ActionModule.verb.run(in_process.InProcessModule(probe.argument_spec(), arguments, check_mode))
    except in_process._Left as left:
        return left.result
    raise AssertionError("the verb did not leave")


def ask(mesh: Entry, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    return task({"url": mesh.url, "rate": 400, "service": "web", **options}, check_mode)


def test_what_is_expected_and_seen() -> None:
    with entry({"green": 1}) as mesh:
        result = ask(mesh, expect={"weights": {"blue": 0, "green": 100}})
    assert (result["failed"], result["changed"], result["verdict"]) == (False, False, "pass")
    assert result["share"] == {"blue": 0, "green": 100}


def test_what_is_not_seen_fails_with_the_figures() -> None:
    with entry({"blue": 1}) as mesh:
        result = ask(mesh, expect={"weights": {"blue": 0, "green": 100}}, deadline="500ms")
    assert (result["failed"], result["verdict"]) == (True, "fail")
    assert result["msg"] == f"{result['reason']}; {result['remedy']}"
    assert result["wanted"] == {"blue": 0, "green": 100}
    assert result["counts"]["blue"] >= 1


def test_measuring_never_fails() -> None:
    with entry({"blue": 1}, blue=Given(503)) as mesh:
        result = ask(mesh, requests=10)
    assert (result["failed"], result["verdict"], result["errors"]) == (False, "inconclusive", {"status 503": 10})


def test_check_mode_sends_nothing_and_has_no_verdict() -> None:
    with entry({"blue": 1}) as mesh:
        result = ask(mesh, check_mode=True, expect={"weights": {"blue": 0, "green": 100}})
        refused = ask(mesh, check_mode=True, requests=5, expect={"weights": {"blue": 50, "green": 50}})
    assert mesh.seen == []
    assert (result["failed"], result["changed"]) == (False, False)
    assert "verdict" not in result
    assert refused["failed"]
    assert "5 requests cannot tell" in refused["msg"]


def test_the_host_is_a_header_and_not_the_address_of_the_cluster() -> None:
    with entry({"blue": 1}) as mesh:
        ask(mesh, host="https://cluster.example.com:6443", headers={"Host": "web.example.com"}, requests=5)
    assert {headers["host"] for headers in mesh.seen} == {"web.example.com"}


def test_credentials_in_headers_stay_secret() -> None:
    with entry({"blue": 1}, blue=Given(503, body="no such token s3cr3t-s3cr3t")) as mesh:
        result = ask(mesh, requests=5, headers={"Authorization": "Bearer s3cr3t-s3cr3t", "Host": "web.example.com"})
    assert mesh.seen[0]["authorization"] == "Bearer s3cr3t-s3cr3t"
    assert "s3cr3t-s3cr3t" not in str(result)
    assert "web.example.com" in result["where"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of the following is required: url, exec"),
        ({"url": "http://a", "exec": {"namespace": "a", "command": ["b"]}}, "mutually exclusive: url|exec"),
        ({"url": "http://a", "deadline": 5}, "missing parameter(s) required by 'deadline': expect"),
        ({"url": "nonsense"}, "probe.url: expected a URL"),
        ({"url": "http://a", "expect": {"weights": {"blue": 90}}}, "probe.expect.weights: expected percentages"),
        ({"url": "http://a", "identify": {"regex": "x"}}, 'probe.identify.regex: "x" has no group'),
        ({"url": "http://a", "http_version": "3"}, "value of http_version must be one of: 1.1, 2"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    result = task(options)
    assert result["failed"]
    assert message in result["msg"]
