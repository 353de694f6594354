# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to an API server that does not answer as one should: what comes of it is an error of ours."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster import client
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import (
    Cluster,
    Expired,
    Ref,
    Unreachable,
)

PODS = Ref("v1", "pods", "prod")
POD = Ref("v1", "pods", "prod", "web")
REQUESTS: dict[str, Callable[[Cluster], Any]] = {
    "get": lambda cluster: cluster.get(POD),
    "list": lambda cluster: cluster.items(PODS),
    "create": lambda cluster: cluster.create(POD, {}),
    "patch": lambda cluster: cluster.patch(POD, []),
    "delete": lambda cluster: cluster.delete(POD),
    "log": lambda cluster: cluster.log("prod", "web", None, 5),
    "service": lambda cluster: cluster.request_service("prod", "web", 80, "/", 0.3),
}


@contextmanager
def answering(reply: bytes, close: bool = True) -> Iterator[tuple[Cluster, list[socket.socket]]]:
    """A cluster that answers every request with these bytes, and the connections that it was asked on."""
    server = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def answer(connection: socket.socket) -> None:
        # A client that has gone is none.
        with suppress(OSError):
            stream = connection.makefile("rb")
            while stream.readline():
                # The body may come after the headers, in a packet of its own.
                stream.read(int(http.client.parse_headers(stream)["Content-Length"] or 0))
                connection.sendall(reply)
                if close:
                    connection.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                connection, _address = server.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    serving = threading.Thread(target=serve)
    serving.start()
    host = f"http://127.0.0.1:{server.getsockname()[1]}"
    try:
        yield Cluster({"host": host, "api_key": "sesame", "kubeconfig": {"current-context": ""}}), connections
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        serving.join()
        for connection in connections:
            connection.close()


def reply_of(body: str, status: str = "200 OK", length: int | None = None) -> bytes:
    count = len(body.encode()) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {count}\r\n\r\n{body}".encode()


@pytest.mark.parametrize("name", REQUESTS)
def test_an_answer_that_breaks_off_or_stalls_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "READ_TIMEOUT", 0.3)
    half = reply_of('{"items": [', length=1000)
    with answering(half) as (cluster, _connections), pytest.raises(Unreachable, match="does not answer"):
        REQUESTS[name](cluster)
    with answering(half, close=False) as (cluster, _connections), pytest.raises(Unreachable, match="timed out"):
        REQUESTS[name](cluster)


@pytest.mark.parametrize("name", ["get", "list", "create", "patch"])
@pytest.mark.parametrize("body", ["<html>Please log in</html>", "", '"fine"', "[]"])
def test_what_is_no_object_comes_from_somebody_else(name: str, body: str) -> None:
    with answering(reply_of(body)) as (cluster, _connections), pytest.raises(Unreachable, match="is no API server"):
        REQUESTS[name](cluster)


def followed(cluster: Cluster) -> list[tuple[str, dict[str, Any]]]:
    return list(cluster.watch(PODS, "5", 5))


def test_a_watch_gives_what_came_before_its_stream_broke() -> None:
    event = '{"type": "ADDED", "object": {"metadata": {"name": "web"}}}\n'
    chunk = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{len(event):x}\r\n{event}\r\n50\r\n".encode()
    with answering(chunk + b'{"type": "MODI') as (cluster, _connections):
        assert followed(cluster) == [("ADDED", {"metadata": {"name": "web"}})]


def test_a_watch_of_something_else_is_an_error() -> None:
    with answering(reply_of("<html>\nPlease log in\n")) as (cluster, _connections), pytest.raises(Unreachable):
        followed(cluster)


def test_a_version_that_is_forgotten_is_told_from_other_refusals() -> None:
    gone = reply_of('{"kind": "Status", "message": "too old resource version"}', "410 Gone")
    with answering(gone) as (cluster, _connections), pytest.raises(Expired, match="too old resource version"):
        followed(cluster)


def test_one_connection_is_enough_for_one_deletion_after_the_other() -> None:
    with answering(reply_of('{"kind": "Status", "status": "Success"}'), close=False) as (cluster, connections):
        for _number in range(3):
            cluster.delete(POD)
    assert len(connections) == 1
