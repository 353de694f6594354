# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A probe as users write it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.identity import Identify
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.probing import InPod, Probe, Tls, read_probe
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted

URL = {"url": "http://192.0.2.1/"}
POD = {"namespace": "prod", "pod": "client-0", "command": ["who"]}


def read(written: dict[str, Any]) -> Probe:
    return read_probe(Section(written, "probe"))


def test_a_url_is_enough() -> None:
    probe = read(URL)
    assert probe == Probe(Identify("header", "app-version"), url="http://192.0.2.1/")
    assert (probe.rate, probe.timeout, probe.method) == (100, 5, "GET")


def test_everything() -> None:
    probe = read(
        {
            "url": "https://192.0.2.1:8443/version?full",
            "headers": {"Host": "web.example.com:443", "X-Test": 1},
            "method": "HEAD",
            "http_version": 2,
            "tls": {"validate_certs": False, "ca_cert": "/ca", "client_cert": "/cert", "client_key": "/key"},
            "identify": {"json": "v", "values": {"blue": "1.4"}},
            "requests": "500",
            "rate": "250",
            "timeout": "200ms",
            "duration": "1m",
            "deadline": "8s",
            "expect": {"weights": {"blue": "90", "green": 10}, "tolerance": 2.5, "confidence": 0.95},
        }
    )
    assert probe.host == "web.example.com:443"
    assert probe.headers == {"X-Test": "1"}
    assert (probe.method, probe.http2) == ("HEAD", True)
    assert probe.tls == Tls(False, "/ca", "/cert", "/key")
    assert (probe.requests, probe.rate, probe.timeout, probe.duration) == (500, 250, 0.2, 60)
    assert probe.where == "https://192.0.2.1:8443/version?full (host web.example.com:443)"
    assert probe.overriding(Wanted({"blue": 100}, "web")) == Wanted(
        {"blue": 90, "green": 10}, "web", tolerance=2.5, confidence=0.95, deadline=8
    )


def test_what_the_probe_does_not_say_stays_as_it_is_wanted() -> None:
    wanted = Wanted({"blue": 100}, "web", "green", "blue", 3, 0.9, 5)
    assert read(URL).overriding(wanted) == wanted


def test_a_command_prints_who_answered_line_by_line() -> None:
    probe = read({"exec": POD})
    assert probe.in_pod == InPod("prod", ("who",), "client-0")
    assert (probe.identify.source, probe.rate, probe.where) == ("text", 10, "pod prod/client-0")


def test_a_command_prints_one_whole_answer() -> None:
    probe = read({"exec": {**POD, "answers": "whole"}})
    assert probe.in_pod is not None
    assert (probe.in_pod.whole, probe.identify.source, probe.identify.expression) == (True, "header", "app-version")


def test_what_is_the_same_for_all_versions_may_be_filled_in_later() -> None:
    probe = read({"url": "http://$service.$namespace.svc:8080/$release", "headers": {"Host": "$service.example.com"}})
    assert (probe.url, probe.host) == ("http://$service.$namespace.svc:8080/$release", "$service.example.com")
    with pytest.raises(SpecError, match=r"^probe\.url: holds \$namespace, and nothing says what that is here$"):
        probe.refuse_unfilled()
    with pytest.raises(SpecError, match=r"^probe\.host: holds \$service, and nothing says what that is here$"):
        read({**URL, "host": "$service.example.com"}).refuse_unfilled()
    read({**URL, "host": "web.example.com"}).refuse_unfilled()


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({}, "probe.url: is required"),
        (
            {"url": "http://web-$version/"},
            'probe.url: expected a URL such as http://192.0.2.1:8080/path, got "http://web-$v',
        ),
        ({"url": "http://web.$domain/"}, "probe.url: expected a URL"),
        ({**URL, "host": "$version.example.com"}, "probe.host: expected a name such as web.example.com"),
        ({**URL, "exec": POD}, "probe.exec: stands beside url"),
        ({"url": "web.example.com"}, "probe.url: expected a URL such as http://192.0.2.1:8080/path"),
        ({"url": "ftp://web.example.com"}, "probe.url: expected a URL"),
        ({"url": "http://web:port/"}, "probe.url: expected a URL"),
        ({"url": "http://web/a b"}, "probe.url: expected a URL"),
        ({"url": "http://me:secret@web/"}, "probe.url: holds a user"),
        ({**URL, "host": "http://web"}, 'probe.host: expected a name such as web.example.com, got "http://web"'),
        ({**URL, "host": "a", "headers": {"host": "b"}}, 'probe.headers.Host: "b" contradicts host, which says "a"'),
        ({**URL, "headers": {"X": "a\r\nY: b"}}, "probe.headers: 'X' has a name or a value that no header"),
        ({**URL, "headers": {"a b": "c"}}, "probe.headers: 'a b' has a name or a value that no header"),
        ({**URL, "method": "GET /"}, 'probe.method: expected a method such as GET or HEAD, got "GET /"'),
        ({**URL, "http_version": 3}, 'probe.http_version: expected "1.1" or "2", got 3'),
        ({**URL, "tls": {"ca_cert": "/ca"}}, 'probe.tls: has no meaning with "http://192.0.2.1/"'),
        ({"url": "https://web", "tls": {"client_key": "/key"}}, "probe.tls.client_key: needs client_cert"),
        ({**URL, "rate": 0}, "probe.rate: expected a number > 0 and ≤ 2000, got 0"),
        ({**URL, "rate": 5000}, "probe.rate: expected a number > 0 and ≤ 2000, got 5000"),
        ({**URL, "requests": 0}, "probe.requests: expected integer ≥ 1, got 0"),
        ({**URL, "timeout": 0}, "probe.timeout: expected 0.001s or more, got 0s"),
        ({**URL, "timeout": "soon"}, "probe.timeout: expected a duration"),
        ({**URL, "expect": {"tolerance": 0}}, "probe.expect.tolerance: expected a number > 0 and < 100, got 0"),
        ({**URL, "expect": {"confidence": 1}}, "probe.expect.confidence: expected a number ≥ 0.5 and < 1, got 1"),
        ({**URL, "expect": {"weights": {"blue": 90}}}, "probe.expect.weights: expected percentages that sum to 100"),
        ({**URL, "expect": {"weights": {"blue": 1.5}}}, "probe.expect.weights.blue: expected integer from 0 to 100"),
        ({**URL, "identfy": {}}, "probe.identfy: unknown key; did you mean identify?"),
        ({"exec": {**POD, "command": []}}, "probe.exec.command: is required"),
        ({"exec": {**POD, "command": "who"}}, 'probe.exec.command: expected a list, got "who"'),
        ({"exec": {**POD, "selector": "app=a"}}, "probe.exec.pod: expected either pod, a name, or selector"),
        ({"exec": {"namespace": "a", "command": ["b"]}}, "probe.exec.pod: expected either pod, a name, or selector"),
        ({"exec": {**POD, "answers": "words"}}, "probe.exec.answers: expected one of lines, whole"),
        ({"exec": POD, "host": "web"}, "probe.host: has no meaning beside exec"),
        ({"exec": POD, "identify": {"header": "x"}}, "probe.identify.header: a line of output has no headers"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(written: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        read(written)
