# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates import prometheus as client
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.prometheus import (
    BadQuery,
    NoData,
    PrometheusError,
    PrometheusSource,
    Series,
    Unreachable,
    query,
    single_value,
)

from tests.unit.plugins.module_utils._gates.prometheus_server import (
    Answer,
    Prometheus,
    failure,
    prometheus,
    success,
    vector,
)
from tests.unit.plugins.module_utils._gates.web_server import trickling


@pytest.fixture
def server() -> Iterator[Prometheus]:
    with prometheus() as running:
        yield running


def source(server: Prometheus, **more: str) -> PrometheusSource:
    return PrometheusSource(server.url, headers={"Authorization": "Bearer sesame", **more}, timeout=2)


def test_series_with_their_labels(server: Prometheus) -> None:
    server.answer = lambda query: vector(({"code": "200"}, 3), ({"code": "500"}, "NaN"))
    first, second = query(source(server), "requests")
    assert first == Series({"code": "200"}, 3.0)
    assert math.isnan(second.value)
    assert server.asked == [{"query": ["requests"]}]
    assert server.headers[0]["Authorization"] == "Bearer sesame"


def test_at_a_time(server: Prometheus) -> None:
    query(source(server), "requests", at=1795267701.25)
    assert server.asked[0]["time"] == ["1795267701.25"]


def test_a_scalar_is_a_series_without_labels(server: Prometheus) -> None:
    server.answer = lambda query: success("scalar", [1795267701.5, "42"])
    assert query(source(server), "42") == [Series({}, 42.0)]
    assert single_value(source(server), "42") == 42.0


def test_one_number(server: Prometheus) -> None:
    server.answer = lambda query: vector(({}, 0.5))
    assert single_value(source(server), "ratio") == 0.5


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_finite_number_is_no_data(server: Prometheus, value: str) -> None:
    server.answer = lambda query: vector(({}, value))
    with pytest.raises(NoData, match="the query errors / total is "):
        single_value(source(server), "errors /\n  total")


def test_nothing_is_no_data(server: Prometheus) -> None:
    with pytest.raises(NoData, match="the query nope has no series now"):
        single_value(source(server), "nope")


def test_several_series_are_told_with_the_remedy(server: Prometheus) -> None:
    server.answer = lambda query: vector(*[({"pod": name, "code": "200"}, 1) for name in "abcde"])
    told = (
        'the query up gives 5 series where one number is needed ({code="200", pod="a"}; {code="200", pod="b"}; '
        '{code="200", pod="c"} and 2 more); aggregate them, for example with sum(...)'
    )
    with pytest.raises(BadQuery, match=re.escape(told)):
        single_value(source(server), "up")


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (failure(400, "1:4: parse error: unclosed"), BadQuery, "the query up: 1:4: parse error: unclosed; mend"),
        (failure(422, "many-to-many matching"), BadQuery, "the query up: many-to-many matching; mend"),
        (failure(503, "query timed out"), Unreachable, "failed (503): query timed out"),
        (success("matrix", []), BadQuery, "the query up gives a range, not one value a series"),
        (success("string", [0, "x"]), BadQuery, "the query up gives a string"),
        (success("vector", [{"metric": {}, "histogram": [0, {}]}]), BadQuery, "the query up gives no numbers"),
        ((200, "<html>"), Unreachable, "answered 200 and not as Prometheus does"),
        ((500, ""), Unreachable, "answered 500 and not as Prometheus does"),
        ((200, "[]"), Unreachable, "answered 200 and not as Prometheus does"),
        ((401, "sesame is wrong"), Unreachable, "does not allow this (401); give its token in headers"),
        ((403, ""), Unreachable, "does not allow this (403)"),
        ((302, "http://127.0.0.1:1/login?was=sesame"), Unreachable, "answered 302 and not as Prometheus does"),
    ],
)
def test_each_way_to_give_no_number(server: Prometheus, answer: Answer, kind: type[PrometheusError], told: str) -> None:
    server.answer = lambda query: answer
    with pytest.raises(kind) as raised:
        query(source(server), "up")
    assert raised.value.__class__ is kind
    assert told in raised.value.message
    assert "sesame" not in raised.value.message


def test_something_else_at_the_url(server: Prometheus) -> None:
    with pytest.raises(Unreachable, match="answered 404 and not as Prometheus does; check url"):
        query(PrometheusSource(f"{server.url}/graph"), "up")


def test_nothing_at_the_url() -> None:
    with pytest.raises(Unreachable, match=r"cannot be reached \(.*Connection refused\)"):
        query(PrometheusSource("http://127.0.0.1:1"), "up")


def test_no_answer_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match=r"has not answered within 0\.1 s"):
            query(PrometheusSource(where, timeout=0.1), "up")


def test_a_header_that_cannot_be_sent_is_not_shown(server: Prometheus) -> None:
    with pytest.raises(Unreachable, match="a header is not valid") as raised:
        query(source(server, Authorization="Bearer sesame\n"), "up")
    assert "sesame" not in raised.value.message
    assert raised.value.__suppress_context__


def test_the_machines_netrc_does_not_replace_the_token(
    server: Prometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    query(source(server), "up")
    assert server.headers[0]["Authorization"] == "Bearer sesame"


def test_a_missing_library_is_named(server: Prometheus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "requests", None)
    with pytest.raises(Unreachable, match="library requests is missing on this machine; install it: pip install"):
        query(source(server), "requests")


@pytest.mark.parametrize("head", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_an_answer_that_trickles_is_not_waited_for_without_end(head: str) -> None:
    begun = time.monotonic()
    with trickling(head) as url, pytest.raises(Unreachable, match=r"has not answered within 0\.3 s"):
        query(PrometheusSource(url, timeout=0.3), "requests")
    assert time.monotonic() - begun < 3
