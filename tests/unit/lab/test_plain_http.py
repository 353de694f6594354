# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio

import pytest

from tests.lab.errors import LabError
from tests.lab.plain_http import Answer, Broken, Client

HEAD = b"HTTP/1.1 200 OK\r\nApp-Version: green\r\napp-pod: web-1\r\n"
WHOLE = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\n\r\n"


class Peer:
    """Answers each request with what it is told to say, in pieces of a size; then hangs up, if told so."""

    def __init__(self, says: bytes, piece: int = 1000, hangs_up: bool = False) -> None:
        self._says, self._piece, self._hangs_up = says, piece, hangs_up
        self.connections = 0
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while not reader.at_eof():
            try:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            except asyncio.IncompleteReadError:
                break
            for begin in range(0, len(self._says), self._piece):
                writer.write(self._says[begin : begin + self._piece])
                await writer.drain()
                await asyncio.sleep(0)
            if self._hangs_up:
                break
        writer.close()


def answers(peer: Peer, count: int = 1, keep_alive: bool = True, timeout: float = 5) -> list[Answer]:
    async def scenario() -> list[Answer]:
        server = await asyncio.start_server(peer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}/a?b=c", "web.example.com", keep_alive, timeout)
        found = [Answer() for _number in range(count)]
        for answer in found:
            await client.get(answer)
        client.close()
        return found

    return asyncio.run(asyncio.wait_for(scenario(), 10))


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
@pytest.mark.parametrize("says", [WHOLE, CHUNKED, HEAD.replace(b"200 OK", b"204 No Content") + b"\r\n"])
def test_an_answer_is_whole_however_it_is_cut_into_pieces(says: bytes, piece: int) -> None:
    peer = Peer(says, piece)
    status = 204 if b"204" in says else 200
    assert answers(peer, count=3) == [Answer(status, "green", "web-1")] * 3
    assert peer.connections == 1


def test_the_request_names_path_and_host() -> None:
    peer = Peer(WHOLE)
    answers(peer)
    assert peer.requests == [b"GET /a?b=c HTTP/1.1\r\nHost: web.example.com\r\n\r\n"]


@pytest.mark.parametrize(
    ("says", "keep_alive"), [(WHOLE, False), (WHOLE.replace(b"App", b"Connection: close\r\nApp"), True)]
)
def test_a_connection_is_used_again_only_when_both_sides_want_that(says: bytes, keep_alive: bool) -> None:
    peer = Peer(says)
    answers(peer, count=3, keep_alive=keep_alive)
    assert peer.connections == 3


def test_a_body_without_length_ends_with_its_connection() -> None:
    assert answers(Peer(HEAD + b"\r\nhello", hangs_up=True)) == [Answer(200, "green", "web-1")]


def test_what_comes_before_the_answer_is_passed_over() -> None:
    assert answers(Peer(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + WHOLE)) == [Answer(200, "green", "web-1")]


@pytest.mark.parametrize(
    ("says", "failure"),
    [
        (b"", "reset"),
        (HEAD, "reset"),
        (WHOLE[:-1], "cut"),
        (CHUNKED[:-2], "cut"),
        (CHUNKED[:-7], "cut"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "other"),
    ],
)
def test_an_answer_that_is_not_whole_is_told_by_where_it_broke_off(says: bytes, failure: str) -> None:
    with pytest.raises(Broken) as broken:
        answers(Peer(says, hangs_up=True))
    assert broken.value.failure == failure


def test_an_answer_that_does_not_end_in_time_is_a_timeout() -> None:
    with pytest.raises(Broken, match=r"no whole answer within 0\.1 s") as broken:
        answers(Peer(WHOLE[:-1]), timeout=0.1)
    assert broken.value.failure == "timeout"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "127.0.0.1:80", "http:///path", "https:///path"])
def test_only_http_is_spoken(url: str) -> None:
    with pytest.raises(LabError, match="--url: expected http://ADDRESS:PORT/PATH, got"):
        Client(url, None, keep_alive=True, timeout=1)
