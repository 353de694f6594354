# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load generator and the test application, each tested with the other."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.lab import load
from tests.lab.application_host.application import Application
from tests.lab.errors import LabError
from tests.lab.load import Load
from tests.lab.records import Record, read, summarize


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


def application(**annotations: str) -> Application:
    metadata = {"name": "web-1", "namespace": "prod", "labels": {"app.kubernetes.io/version": "green"}}
    chosen = {f"lab.bluegreen.test/{name.replace('_', '-')}": value for name, value in annotations.items()}
    return Application({"metadata": {**metadata, "annotations": chosen}, "spec": {"containers": []}})


async def records_of(wanted: Load, file: Path) -> list[Record]:
    with file.open("w", buffering=1) as stream:
        await load.send(wanted, stream)
    return read(file)


def test_every_request_leaves_on_time_however_late_the_answers_are(port: int, tmp_path: Path) -> None:
    async def scenario() -> list[Record]:
        await application(latency="500ms").listen("127.0.0.1", {port: "http"})
        return await records_of(Load(f"http://127.0.0.1:{port}/", rate=100, duration=0.3), tmp_path / "load.jsonl")

    records = sorted(asyncio.run(scenario()), key=lambda record: record.start)
    assert len(records) == 30
    gaps = [later.start - earlier.start for earlier, later in itertools.pairwise(records)]
    assert gaps == pytest.approx([0.01] * 29, abs=1e-5)
    assert all(record.latency >= 0.5 for record in records)
    assert {(record.status, record.version, record.pod) for record in records} == {(200, "green", "web-1")}


def test_an_application_errs_at_its_rate(port: int, tmp_path: Path) -> None:
    async def scenario() -> list[Record]:
        await application(error_rate="0.3").listen("127.0.0.1", {port: "http"})
        return await records_of(Load(f"http://127.0.0.1:{port}/", rate=1000, duration=0.5), tmp_path / "load.jsonl")

    summary = summarize(asyncio.run(scenario()))
    assert set(summary.statuses) == {200, 500}
    assert 100 <= summary.statuses[500] <= 200


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_request_to_nobody_is_a_failure_with_its_reason(port: int, tmp_path: Path, keep_alive: bool) -> None:
    wanted = Load(f"http://127.0.0.1:{port}/", rate=100, duration=0.05, keep_alive=keep_alive)
    records = asyncio.run(records_of(wanted, tmp_path / "load.jsonl"))
    assert [record.status for record in records] == [0] * 5
    assert all("Connect call failed" in record.error for record in records)
    assert {record.failure for record in records} == {"refused"}


def test_an_answer_that_does_not_come_in_time_is_a_failure(port: int, tmp_path: Path) -> None:
    async def scenario() -> list[Record]:
        await application(latency="5s").listen("127.0.0.1", {port: "http"})
        wanted = Load(f"http://127.0.0.1:{port}/", rate=100, duration=0.01, timeout=0.1)
        return await records_of(wanted, tmp_path / "load.jsonl")

    (record,) = asyncio.run(scenario())
    assert (record.error, record.failure) == ("no whole answer within 0.1 s", "timeout")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_load_waits_for_the_answers_that_are_out(
    port: int, tmp_path: Path, number: signal.Signals
) -> None:
    async def scenario() -> list[Record]:
        await application(latency="300ms").listen("127.0.0.1", {port: "http"})
        asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), number)
        return await records_of(Load(f"http://127.0.0.1:{port}/", rate=100, duration=60), tmp_path / "load.jsonl")

    records = asyncio.run(scenario())
    assert 0 < len(records) < 6000
    assert all(record.status == 200 for record in records)


def test_an_application_that_finishes_answers_what_has_begun_and_nothing_after(port: int, tmp_path: Path) -> None:
    async def scenario() -> list[Record]:
        served = application(latency="300ms")
        await served.listen("127.0.0.1", {port: "http"})
        sending = asyncio.create_task(
            records_of(Load(f"http://127.0.0.1:{port}/", rate=10, duration=0.4), tmp_path / "load.jsonl")
        )
        while served._begun < 2:
            await asyncio.sleep(0.001)
        served.refuse()
        await served.finish(5)
        return await sending

    records = sorted(asyncio.run(scenario()), key=lambda record: record.start)
    assert [record.status for record in records] == [200, 200, 0, 0]


def test_an_aborted_application_breaks_off_what_has_begun(port: int, tmp_path: Path) -> None:
    async def scenario() -> list[Record]:
        served = application(latency="5s")
        await served.listen("127.0.0.1", {port: "http"})
        asyncio.get_running_loop().call_later(0.1, served.abort)
        return await records_of(Load(f"http://127.0.0.1:{port}/", rate=100, duration=0.01), tmp_path / "load.jsonl")

    (record,) = asyncio.run(scenario())
    assert (record.status, record.failure) == (0, "reset")
    assert record.latency < 2


@pytest.mark.parametrize(("path", "hold"), [("stream?seconds=30", None), ("ws", 30.0)])
def test_an_answer_that_is_cut_is_told_from_others(port: int, tmp_path: Path, path: str, hold: float | None) -> None:
    async def scenario() -> list[Record]:
        served = application()
        await served.listen("127.0.0.1", {port: "http"})
        wanted = Load(f"http://127.0.0.1:{port}/{path}", rate=100, duration=0.03, hold=hold)
        sending = asyncio.create_task(records_of(wanted, tmp_path / "load.jsonl"))
        while served._begun < 3:
            await asyncio.sleep(0.001)
        served.refuse()
        await served.finish(0.2)
        return await sending

    records = asyncio.run(scenario())
    assert [(record.failure, record.version) for record in records] == [("cut", "green")] * 3
    assert summarize(records).resets == 3


@pytest.mark.parametrize(
    ("path", "hold", "status", "least"), [("stream?seconds=0.4", None, 200, 0.4), ("ws", 0.4, 101, 0.4)]
)
def test_a_long_answer_that_is_left_alone_comes_whole(
    port: int, tmp_path: Path, path: str, hold: float | None, status: int, least: float
) -> None:
    async def scenario() -> list[Record]:
        await application().listen("127.0.0.1", {port: "http"})
        wanted = Load(f"http://127.0.0.1:{port}/{path}", rate=100, duration=0.02, hold=hold)
        return await records_of(wanted, tmp_path / "load.jsonl")

    records = asyncio.run(scenario())
    assert [(record.status, record.failure, record.version) for record in records] == [(status, "", "green")] * 2
    assert all(record.latency >= least for record in records)


def test_a_websocket_that_is_refused_has_the_status_of_the_answer(port: int, tmp_path: Path) -> None:
    async def scenario() -> list[Record]:
        await application(error_rate="1").listen("127.0.0.1", {port: "http"})
        wanted = Load(f"http://127.0.0.1:{port}/ws", rate=100, duration=0.01, hold=1)
        return await records_of(wanted, tmp_path / "load.jsonl")

    (record,) = asyncio.run(scenario())
    assert (record.status, record.failure) == (500, "")


def test_a_kept_connection_that_is_reset_is_a_failure_and_not_sent_again(port: int, tmp_path: Path) -> None:
    """The second request on a connection is never answered; a client that sends it anew would hide that."""

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async def scenario() -> list[Record]:
        await asyncio.start_server(answer_once, "127.0.0.1", port)
        return await records_of(Load(f"http://127.0.0.1:{port}/", rate=5, duration=0.4), tmp_path / "load.jsonl")

    first, second = sorted(asyncio.run(scenario()), key=lambda record: record.start)
    assert (first.status, first.failure) == (200, "")
    assert (second.status, second.failure) == (0, "reset")


def test_a_rate_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="--rate: expected a number above 0, got 0"):
        load.main(Load("http://127.0.0.1:1/", rate=0), tmp_path / "load.jsonl")
