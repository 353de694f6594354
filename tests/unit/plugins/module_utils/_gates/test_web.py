# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request and its answer, against real servers."""

from __future__ import annotations

import json
import threading
import time
import traceback
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import BlueGreenError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.sources import Http, read_http
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates import web as web_client
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.web import Unanswered, ask, kept

from tests.unit.plugins.module_utils._gates.web_server import Answer, Request, trickling, web


def http(url: str, **keys: Any) -> Http:
    return read_http(Section({"url": url, **keys}, "http"))


def test_a_request_is_sent_as_it_was_written() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Answer:
        seen.append(request)
        return 201, {"made": True}

    with web(answer) as url:
        options = http(f"{url}/cart?x=1", host="web.example.com", method="POST", body={"a": 1}, headers={"x-test": "1"})
        found = ask(options)
    (request,) = seen
    assert (request.method, request.path, request.query, request.body) == ("POST", "/cart", {"x": "1"}, '{"a": 1}')
    sent = {name: request.headers[name] for name in ("host", "x-test", "content-type")}
    assert sent == {"host": "web.example.com", "x-test": "1", "content-type": "application/json"}
    assert (found["status"], found["json"]) == (201, {"made": True})
    assert "set-cookie" not in found["headers"]


def test_a_redirect_is_an_answer_of_its_own() -> None:
    with web(lambda request: (302, "elsewhere")) as url:
        found = ask(http(url))
    assert (found["status"], found["text"], found["json"]) == (302, "elsewhere", None)


def test_who_does_not_answer_in_time_has_not_answered() -> None:
    hang = threading.Event()

    def answer(request: Request) -> Answer:
        hang.wait(5)
        return 200, ""

    with web(answer) as url:
        with pytest.raises(Unanswered, match="Timeout"):
            ask(http(url, timeout="100ms"))
        hang.set()


def test_where_nobody_listens_the_address_is_named_without_secrets() -> None:
    with pytest.raises(Unanswered) as refused:
        ask(http("http://user:secret@127.0.0.1:9/health?token=secret", host="web.example.com"))
    assert refused.value.message.startswith("GET http://127.0.0.1:9/health (host web.example.com): ")
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"a": 1}, {"json": {"a": 1}, "text": '{"a": 1}'}),
        ("x" * 5000, {"json": None, "text": "x" * 4096, "truncated": True}),
        ({"a": "x" * 70000}, {"json": None, "truncated": True}),
        ({"a": "x" * 20000}, {"json": {"a": "x" * 20000}}),
    ],
)
def test_a_result_holds_what_is_small_enough(body: Any, expected: dict[str, Any]) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    found = kept({"status": 200, "headers": {}, "text": text, "json": None if isinstance(body, str) else body})
    assert {key: found[key] for key in expected} == expected
    assert "truncated" in expected or "truncated" not in found


def test_a_header_that_cannot_be_sent_is_not_quoted() -> None:
    for value in ("Bearer s3cret\nX-Other: 1", "s3cret ☂"):
        with pytest.raises(Unanswered, match="cannot be sent: the URL, host or a header is not valid") as refused:
            ask(Http(url="http://127.0.0.1:9/", headers={"Authorization": value}))
        shown = "".join(traceback.format_exception(refused.value))
        assert "s3cret" not in shown


def test_a_url_that_is_none_is_not_quoted_either() -> None:
    with pytest.raises(Unanswered) as refused:
        ask(Http(url="http://user:s3cret@[::1/"))
    assert "s3cret" not in refused.value.message


def test_a_body_that_trickles_is_not_waited_for_without_end() -> None:
    with trickling() as url:
        begun = time.monotonic()
        with pytest.raises(Unanswered, match="TimeoutError: the answer has begun in time, and not ended"):
            ask(http(url, timeout="300ms"))
    assert time.monotonic() - begun < 3


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_client, "urllib3", None)
    with pytest.raises(BlueGreenError, match="library urllib3 is missing on this machine; install it: pip install"):
        ask(http("http://127.0.0.1:9/"))
