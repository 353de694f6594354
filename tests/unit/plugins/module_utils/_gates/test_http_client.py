# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request after the other, over HTTP/1.1 and HTTP/2, with and without TLS."""

from __future__ import annotations

import datetime
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import BlueGreenError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.probing import Probe, read_probe
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates import http_client
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.http_client import Send, Unanswered, client
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.plugins.module_utils._gates.entry_server import Given, entry, named
from tests.unit.plugins.module_utils._gates.web_server import trickling

HOST = "web.example.com"


def sender(url: str, **options: Any) -> Send:
    return client(read_probe(Section({"url": url, "timeout": 2, **options}, "probe")))()


def test_what_is_sent_and_what_comes_back() -> None:
    with entry({"blue": 1}) as mesh:
        send = sender(f"{mesh.url}about?x=1", host=HOST, headers={"X-Bluegreen": "7"})
        replies = [send() for _number in range(3)]
    assert [reply.status for reply in replies] == [200] * 3
    assert replies[0].headers["app-version"] == "web-blue"
    assert '"version": "blue"' in replies[0].body
    assert {(headers["host"], headers["x-bluegreen"]) for headers in mesh.seen} == {(HOST, "7")}
    assert {headers["user-agent"] for headers in mesh.seen} == {"bluegreen.kubernetes probe"}
    assert len(mesh.connections) == 1


def test_connections_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "REQUESTS_PER_CONNECTION", 2)
    with entry({"blue": 1}) as mesh:
        send = sender(mesh.url)
        for _number in range(6):
            send()
    assert len(mesh.connections) == 3


def test_each_request_may_have_a_connection_of_its_own() -> None:
    with entry({"blue": 1}) as mesh:
        send = sender(mesh.url, keep_alive=False)
        for _number in range(3):
            assert send().status == 200
    assert len(mesh.connections) == 3
    assert {headers["connection"] for headers in mesh.seen} == {"close"}


def test_redirects_are_answers() -> None:
    with entry({"blue": 1}, blue=Given(302, {"Location": "/elsewhere"})) as mesh:
        assert sender(mesh.url)().status == 302
    assert len(mesh.seen) == 1


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with entry({"blue": 1}) as mesh:
        assert sender(mesh.url)().status == 200


def test_an_endless_body_is_cut_and_the_next_answer_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "_BODY", 1000)
    with entry({"blue": 1}, blue=Given(body="x" * 100_000)) as mesh:
        send = sender(mesh.url)
        assert [len(send().body) for _number in range(3)] == [1000] * 3


@contextmanager
def listener(reply: bytes | None, close: bool = True) -> Iterator[str]:
    """Listens and says this much to every connection, after a request; None: it breaks off."""
    server = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _address = server.accept()
            except OSError:
                return
            held.append(connection)
            connection.recv(65536)
            if reply:
                connection.sendall(reply)
            if close:
                connection.close()

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        serving.join()
        for connection in held:
            connection.close()


def failure(url: str, **options: Any) -> str:
    with pytest.raises(Unanswered) as unanswered:
        sender(url, **options)()
    return str(unanswered.value)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


VERSIONS = pytest.mark.parametrize("http_version", ["1.1", "2"])


def need(http_version: str) -> None:
    if http_version == "2":
        pytest.importorskip("httpcore2")
        pytest.importorskip("h2")


@VERSIONS
def test_failures_have_names(http_version: str) -> None:
    need(http_version)
    version = {"http_version": http_version}
    assert failure(f"http://127.0.0.1:{closed_port()}/", **version) == "connection refused"
    assert failure("http://nowhere.invalid/", **version) == "name not resolved"
    with listener(None, close=False) as url:
        assert failure(url, timeout="200ms", **version) == "timeout"
    with listener(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n") as url:
        # It closes with the request unread, which may overtake what it has said.
        assert failure(url, **version) in ("connection reset", "no valid HTTP answer")
    with listener(b"") as url:
        assert failure(url, **version) in ("connection reset", "no valid HTTP answer")


def test_a_connection_that_breaks_off_is_named() -> None:
    with listener(b"") as url:
        assert failure(url) == "connection reset"
    with listener(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") as url:
        assert failure(url) == "no valid HTTP answer"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the host, with its key, that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "web.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return path


@contextmanager
def secure_entry(certificate: Path, ask_for_certificate: bool = False) -> Iterator[tuple[str, list[str]]]:
    """An HTTPS entry, and which server names it was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if ask_for_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate)
    asked: list[str] = []

    def note(_socket: object, name: str | None, _context: object) -> None:
        asked.append(name or "")

    context.sni_callback = note
    with entry({"blue": 1}, context) as mesh:
        yield mesh.url.replace("http:", "https:"), asked


def test_tls_asks_for_the_host_and_trusts_what_it_is_told_to(certificate: Path) -> None:
    with secure_entry(certificate) as (url, asked):
        reply = sender(url, host=f"{HOST}:443", tls={"ca_cert": str(certificate)})()
        assert reply.headers["app-version"] == "web-blue"
        assert asked == [HOST]
        assert failure(url, host=HOST).startswith("certificate not trusted: ")
        assert failure(url, host="other.example.com", tls={"ca_cert": str(certificate)}).startswith(
            "certificate not trusted: "
        )
        assert sender(url, host="other.example.com", tls={"validate_certs": False})().status == 200
        assert failure(url.replace("https:", "http:")) in ("connection reset", "no valid HTTP answer")


def test_a_client_certificate_is_shown(certificate: Path) -> None:
    trusted = {"ca_cert": str(certificate)}
    with secure_entry(certificate, ask_for_certificate=True) as (url, _asked):
        assert sender(url, host=HOST, tls={**trusted, "client_cert": str(certificate)})().status == 200
        assert failure(url, host=HOST, tls=trusted) in ("no TLS connection", "connection reset")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    for tls, path in (
        ({"ca_cert": "/nowhere.pem"}, "probe.tls.ca_cert"),
        ({"ca_cert": str(nonsense)}, "probe.tls.ca_cert"),
        ({"client_cert": "/nowhere.pem"}, "probe.tls.client_cert"),
        ({"client_cert": str(nonsense)}, "probe.tls.client_cert"),
    ):
        with pytest.raises(BlueGreenError, match=path):
            sender("https://127.0.0.1/", tls=tls)


def say_hello(connection: Any, stream_id: int, stream: socket.socket, trickle: threading.Event | None) -> None:
    length = [] if trickle else [("content-length", "5")]
    connection.send_headers(stream_id, [(":status", "200"), ("app-version", "web-green"), *length])
    while trickle is not None and not trickle.wait(0.02):
        connection.send_data(stream_id, b"x")
        stream.sendall(connection.data_to_send())
    connection.send_data(stream_id, b"hello", end_stream=True)


@contextmanager
def http2_entry(
    context: ssl.SSLContext | None = None, trickle: threading.Event | None = None
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An entry that speaks nothing but HTTP/2, and the headers of the requests that it saw.

    With ``trickle`` its answers come a byte at a time until that is set.
    """
    need("2")
    import h2.config
    import h2.connection
    import h2.events

    server = socket.create_server(("127.0.0.1", 0))
    seen: list[dict[str, str]] = []

    def answer(raw: socket.socket) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        # A client that breaks off, as one without trust does, is the end of its connection.
        with suppress(OSError), context.wrap_socket(raw, server_side=True) if context else raw as stream:
            connection.initiate_connection()
            while True:
                stream.sendall(connection.data_to_send())
                data = stream.recv(65536)
                if not data:
                    return
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        seen.append({str(name): str(value) for name, value in event.headers})
                        say_hello(connection, event.stream_id, stream, trickle)

    def serve() -> None:
        while True:
            try:
                raw, _address = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(raw,), daemon=True).start()

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.getsockname()[1]}/", seen
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        serving.join()


def test_http2_with_prior_knowledge() -> None:
    with http2_entry() as (url, seen):
        send = sender(f"{url}about", host=HOST, http_version="2", headers={"X-Bluegreen": "7"})
        replies = [send(), send()]
        assert sender(f"{url}ü%20?a=[1]", http_version="2")().body == "hello"
        assert seen.pop()[":path"] == "/%C3%BC%20?a=[1]"
    assert [(reply.status, reply.headers["app-version"], reply.body) for reply in replies] == [
        (200, "web-green", "hello")
    ] * 2
    assert [(one[":authority"], one[":path"], one["x-bluegreen"]) for one in seen] == [(HOST, "/about", "7")] * 2


def test_http2_is_negotiated_over_tls(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2"])
    with http2_entry(context) as (url, seen):
        reply = sender(url, host=HOST, http_version="2", tls={"ca_cert": str(certificate)})()
        assert (reply.status, reply.headers["app-version"]) == (200, "web-green")
        assert seen[0][":authority"] == HOST
        assert failure(url, host=HOST, http_version="2").startswith("certificate not trusted: ")


def test_http2_over_tls_is_not_spoken_to_who_does_not_want_it(certificate: Path) -> None:
    need("2")
    with secure_entry(certificate) as (url, _asked):
        told = failure(url, host=HOST, http_version="2", tls={"ca_cert": str(certificate)})
    assert told in ("no valid HTTP answer", "connection reset")


def test_a_missing_library_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpcore2", None)
    monkeypatch.setitem(sys.modules, "h2", None)
    with pytest.raises(BlueGreenError, match=r"probe\.http_version: .* pip install 'httpcore2\[http2\]'"):
        sender("http://127.0.0.1/", http_version="2")


def test_an_answer_of_a_version_can_be_slow_within_the_timeout() -> None:
    with entry({"blue": 1}, blue=named("blue", delay=0.3)) as mesh:
        assert sender(mesh.url)().status == 200
        assert failure(mesh.url, timeout="100ms") == "timeout"


@pytest.mark.parametrize("head", ["Content-Length: 1000", "Transfer-Encoding: chunked", "Connection: close"])
def test_a_body_that_trickles_ends_with_the_timeout(head: str) -> None:
    with trickling(head) as url:
        begun = time.monotonic()
        assert failure(f"{url}/", timeout="300ms") == "timeout"
    assert time.monotonic() - begun < 3


def test_a_body_that_trickles_over_http2_does_so_too() -> None:
    over = threading.Event()
    with http2_entry(trickle=over) as (url, _seen):
        begun = time.monotonic()
        assert failure(url, http_version="2", timeout="300ms") == "timeout"
        over.set()
    assert time.monotonic() - begun < 3


def test_an_endless_body_over_http2_is_cut_and_the_next_answer_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "_BODY", 3)
    with http2_entry() as (url, _seen):
        send = sender(url, http_version="2")
        assert [send().body for _number in range(3)] == ["hel"] * 3


@VERSIONS
def test_a_header_with_letters_that_none_can_have_is_refused_without_its_value(http_version: str) -> None:
    probe = Probe(url="http://127.0.0.1:9/", headers={"X-Token": "s3cret ☂"}, http2=http_version == "2")
    with pytest.raises(BlueGreenError, match=r"probe\.headers: 'X-Token' has letters that no") as refused:
        client(probe)
    assert "s3cret" not in refused.value.message


def test_a_host_that_nobody_has_filled_in_is_not_looked_for() -> None:
    with pytest.raises(BlueGreenError, match=r"holds \$namespace, and nothing says what that is here"):
        sender("http://web.$namespace.svc/")
