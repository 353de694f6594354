# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which version gave an answer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.identity import (
    Identify,
    Names,
    Reply,
    parsed_reply,
    read_identify,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section

VERSIONS = ("blue", "green", "blue-2")


def read(**written: Any) -> Identify:
    return read_identify(Section(written, "probe.identify"), "header")


def version(identify: Identify, reply: Reply, service: str = "web") -> tuple[str, str]:
    return Names(identify, VERSIONS, service).version(reply)


def header(name: str, value: str) -> Reply:
    return Reply(200, {name: value}, "")


@pytest.mark.parametrize("text", ["green", "web-green", "1.5", " web-green "])
def test_a_version_is_known_by_name_by_backend_and_by_the_users_own_value(text: str) -> None:
    assert version(read(values={"green": "1.5"}), header("app-version", text))[0] == "green"


@pytest.mark.parametrize("text", ["1.4", "web", "web-gree", "api-green", "GREEN"])
def test_what_is_none_of_them_is_another(text: str) -> None:
    assert version(read(values={"green": "1.5"}), header("app-version", text)) == ("other", text)


def test_without_known_versions_what_is_read_is_the_name() -> None:
    assert Names(read(), (), "web").version(header("app-version", "web-v7")) == ("web-v7", "web-v7")


def test_a_header_is_found_whatever_its_case() -> None:
    assert version(read(header="X-Version"), header("x-version", "blue"))[0] == "blue"


def test_json_regex_and_text() -> None:
    reply = Reply(200, {}, '{"build": {"version": "green", "number": 15}}')
    assert version(read(json="build.version"), reply)[0] == "green"
    assert version(read(json="build.number", values={"blue": "15"}), reply)[0] == "blue"
    assert version(read(regex='"version": "([^"]+)"'), reply)[0] == "green"
    assert version(Identify("text"), Reply(0, {}, "web-blue\n"))[0] == "blue"


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        ("web-blue-7d4b9c6f5-x2x8q", "blue"),
        ("web-blue-2-7d4b9c6f5-x2x8q", "blue-2"),
        ("green-0", "green"),
        ("shop-v15-abc", "green"),
        ("web-bluebird-7d4b9c6f5-x2x8q", "other"),
        ("web-blue", "other"),
    ],
)
def test_a_pod_belongs_to_the_version_whose_name_it_begins_with(pod: str, expected: str) -> None:
    by_pod = read(pod="app-pod", values={"green": "shop-v15"})
    assert version(by_pod, header("app-pod", pod)) == (expected, pod)
    in_json = read(pod="pod", values={"green": "shop-v15"})
    assert version(in_json, Reply(200, {}, f'{{"pod": "{pod}"}}')) == (expected, pod)


def test_a_group_that_took_no_part_reads_nothing() -> None:
    assert version(read(regex="a(b)?"), Reply(200, {}, "a")) == ("none", "nothing that matches a(b)?")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"header": "a", "json": "b"}, "probe.identify.json: stands beside header"),
        ({"header": "app version"}, 'probe.identify.header: expected the name of a header, got "app version"'),
        ({"regex": "version=("}, "probe.identify.regex: "),
        ({"regex": "version=.*"}, 'probe.identify.regex: "version=.*" has no group'),
        ({"json": "build."}, 'probe.identify.json: "build." is no valid JMESPath'),
        ({"pod": "pods[0"}, 'probe.identify.pod: "pods[0" is no valid JMESPath'),
        ({"values": {"blue": "1.4", "green": "1.4"}}, 'probe.identify.values: blue and green are both "1.4"'),
        ({"values": {"blue": 1.4}}, "probe.identify.values.blue: expected a string"),
        ({"heder": "a"}, "probe.identify.heder: unknown key; did you mean header?"),
    ],
)
def test_what_cannot_tell_versions_apart_is_refused(written: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        read(**written)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"red": "1"}, "probe.identify.values.red: is no version; there are blue, green, blue-2"),
        ({"green": "blue"}, '"blue" would mean blue as well as green'),
        ({"blue": "web-green"}, '"web-green" would mean blue as well as green'),
    ],
)
def test_values_that_mean_two_versions_are_refused(values: dict[str, str], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        Names(read(values=values), VERSIONS, "web")


def test_a_version_that_is_called_like_the_backend_of_another_is_refused() -> None:
    with pytest.raises(SpecError, match=re.escape('"web-blue" would mean blue as well as web-blue')):
        Names(read(), ("blue", "web-blue"), "web")


def test_what_a_program_prints_of_an_http_answer_is_one() -> None:
    printed = "HTTP/1.1 503 Service Unavailable\r\nApp-Version: web-blue\r\nVia: a:b\r\n\r\nno healthy upstream\r\n\r\n"
    reply = parsed_reply(printed)
    assert (reply.status, reply.headers) == (503, {"app-version": "web-blue", "via": "a:b"})
    assert reply.body.startswith("no healthy upstream")
    assert parsed_reply("web-blue\n") == Reply(0, {}, "web-blue\n")


def test_of_several_answers_the_last_is_what_was_asked_for() -> None:
    tunnel = "HTTP/1.1 200 Connection established\r\nApp-Version: proxy\r\n\r\n"
    moved = "HTTP/1.1 301 Moved Permanently\r\nLocation: /\r\n\r\n"
    reply = parsed_reply(tunnel + moved * 2000 + "HTTP/2 200 \r\napp-version: web-green\r\n\r\nhello\r\n")
    assert reply == Reply(200, {"app-version": "web-green"}, "hello\n")
    assert parsed_reply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n") == Reply(204, {}, "")
