# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request after the other on a connection of its own.

HTTP/1.1 is urllib3's, which comes with the Kubernetes client. HTTP/2 is httpcore2's, imported only when asked for.
Neither follows redirects, retries, or uses a proxy of the environment: what is to be seen is the answer that this
request gets on this way.
"""

from __future__ import annotations

import errno
import socket
import ssl
import string
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from .._core.errors import BlueGreenError, SpecError
from .._core.identity import Reply
from .._core.probing import Probe

try:
    import urllib3
except ImportError:
    # It comes with the Kubernetes client; without both, a probe says so when it is about to send.
    urllib3 = None  # type: ignore[assignment]

Send = Callable[[], Reply]

# Connections are renewed, so that replicas of an entry behind a balancer of connections all get their turn.
REQUESTS_PER_CONNECTION = 500
_BODY = 1 << 20
_PIECE = 1 << 16
_AGENT = "bluegreen.kubernetes probe"
_REFUSED = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
}


class Unanswered(Exception):
    """No answer came; the message is a kind of failure that can be counted."""


def client(probe: Probe) -> Callable[[], Send]:
    """What makes a sender with a connection of its own; raises BlueGreenError when nothing can be sent at all."""
    probe.refuse_unfilled()
    context = _tls_context(probe)
    headers = {"User-Agent": _AGENT, **probe.headers}
    if not (probe.keep_alive or probe.http2):
        # Whoever answers then closes the connection too, and counts it as open no longer.
        headers["Connection"] = "close"
    for name, value in headers.items():
        if any(ord(letter) > 255 for letter in value):
            # Not the value: it may be a credential.
            raise SpecError(f"{probe.path}.headers", f"{name!r} has letters that no header of a request can have")
    if probe.http2:
        return _http2(probe, headers, context)
    return _http1(probe, headers, context)


def beginning(pieces: Iterable[bytes], most: int, until: float) -> bytes:
    """What comes of a body, up to so many bytes; raises TimeoutError when it has not come by a monotonic time.

    A timeout of the connection begins anew with every piece, so that a body that trickles would never end.
    """
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) >= most:
            break
        if time.monotonic() > until:
            raise TimeoutError("the answer has begun in time, and not ended")
    return bytes(body[:most])


def pieces_of(response: Any) -> Iterator[bytes]:
    """The body of a urllib3 response, as it comes in."""
    # Before 2.2 there is only the one that waits until a piece is full.
    read = getattr(response, "read1", response.read)
    while piece := read(_PIECE, decode_content=True):
        yield piece


def _http1(probe: Probe, headers: Mapping[str, str], context: ssl.SSLContext | None) -> Callable[[], Send]:
    if urllib3 is None:
        raise BlueGreenError("the Python library urllib3 is missing on this machine; install it: pip install urllib3")
    url = urllib3.util.parse_url(probe.url)
    sent = {**headers, "Host": probe.host} if probe.host else dict(headers)
    options: dict[str, Any] = {"timeout": urllib3.Timeout(total=probe.timeout), "retries": False, "maxsize": 1}

    if not probe.tls.validate_certs:
        # It is what was asked for, and would be said once for every process.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def connect() -> Any:
        host, port = (url.host or "").strip("[]"), url.port
        if context is None:
            return urllib3.HTTPConnectionPool(host, port, **options)
        return urllib3.HTTPSConnectionPool(
            host,
            port,
            ssl_context=context,
            server_hostname=_name(probe),
            assert_hostname=None if probe.tls.validate_certs else False,
            cert_reqs="CERT_REQUIRED" if probe.tls.validate_certs else "CERT_NONE",
            **options,
        )

    def make() -> Send:
        connections = _renewed(connect, probe)

        def send() -> Reply:
            until = time.monotonic() + probe.timeout
            try:
                response = next(connections).request(
                    probe.method, url.request_uri, headers=sent, redirect=False, preload_content=False
                )
                try:
                    body = beginning(pieces_of(response), _BODY, until)
                finally:
                    if not response.closed:
                        # The rest of an endless body would be what the next request waits for.
                        response.close()
                    response.release_conn()
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise Unanswered(_kind(error)) from error
            return Reply(response.status, _lowered(response.headers.items()), body.decode("utf-8", errors="replace"))

        return send

    return make


def _http2(probe: Probe, headers: Mapping[str, str], context: ssl.SSLContext | None) -> Callable[[], Send]:
    try:
        import h2  # noqa: F401
        import httpcore2
    except ImportError as missing:
        raise SpecError(
            f"{probe.path}.http_version",
            f"HTTP/2 needs a Python library that is missing on this machine ({missing.name}); install it: "
            "pip install 'httpcore2[http2]'",
        ) from missing
    authority = probe.host or urlsplit(probe.url).netloc
    # It takes what is ASCII; what is written in percentages already stays so.
    url = quote(probe.url, safe=string.punctuation)
    sent = {**headers, "Host": authority}
    extensions: dict[str, Any] = {
        "timeout": dict.fromkeys(("connect", "read", "write", "pool"), probe.timeout),
        "sni_hostname": _name(probe),
    }

    def connect() -> Any:
        # Without HTTP/1.1 beside it, an http URL is spoken to in HTTP/2 at once: with prior knowledge.
        return httpcore2.ConnectionPool(ssl_context=context, http1=False, http2=True)

    def make() -> Send:
        connections = _renewed(connect, probe)

        def send() -> Reply:
            until = time.monotonic() + probe.timeout
            pool, body = next(connections), b""
            try:
                with pool.stream(probe.method, url, headers=sent, extensions=extensions) as response:
                    body = beginning(response.iter_stream(), _BODY, until)
            except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError) as error:
                pool.close()
                raise Unanswered(_kind(error)) from error
            if len(body) == _BODY or not probe.keep_alive:
                # The rest of an endless body would take the room that the next answer needs.
                pool.close()
            fields = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
            return Reply(response.status, _lowered(fields), body.decode("utf-8", errors="replace"))

        return send

    return make


def _renewed(connect: Callable[[], Any], probe: Probe) -> Iterator[Any]:
    while True:
        pool = connect()
        for _number in range(REQUESTS_PER_CONNECTION if probe.keep_alive else 1):
            yield pool
        pool.close()


def _name(probe: Probe) -> str:
    """Whom the TLS handshake asks for: the host that the request names, without its port."""
    return urlsplit(f"//{probe.host}").hostname or "" if probe.host else urlsplit(probe.url).hostname or ""


def _lowered(fields: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in fields}


def _tls_context(probe: Probe) -> ssl.SSLContext | None:
    if not probe.url.startswith("https:"):
        return None
    tls, path = probe.tls, f"{probe.path}.tls"
    try:
        context = ssl.create_default_context(cafile=tls.ca_cert or None)
    except OSError as error:
        raise SpecError(f"{path}.ca_cert", f'no certificates could be read from "{tls.ca_cert}": {error}') from error
    if tls.client_cert:
        try:
            context.load_cert_chain(tls.client_cert, tls.client_key or None, password=_no_passphrase)
        except OSError as error:
            raise SpecError(
                f"{path}.client_cert", f'no certificate with its key could be read from "{tls.client_cert}": {error}'
            ) from error
    if not tls.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _no_passphrase() -> str:
    """Answers where OpenSSL would ask a terminal, which nobody watches; an encrypted key is then refused."""
    return ""


def _kind(error: BaseException) -> str:
    """A failure by what caused it, in words that do not differ from one request to the next."""
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate not trusted: {cause.verify_message}"
        if isinstance(cause, socket.gaierror):
            return "name not resolved"
        if isinstance(cause, OSError) and cause.errno in _REFUSED:
            return _REFUSED[cause.errno]
    names = [type(cause).__name__ for cause in chain]
    if any("Timeout" in name for name in names):
        return "timeout"
    if any(isinstance(cause, ConnectionError) for cause in chain):
        return "connection reset"
    if any(isinstance(cause, ssl.SSLError) for cause in chain):
        return "no TLS connection"
    if any("Protocol" in name or name == "BadStatusLine" for name in names):
        return "no valid HTTP answer"
    return names[-1]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what lies behind it: raised from, raised while, or handed on as an argument."""
    seen: set[int] = set()
    found: list[BaseException] = [error]
    while found:
        cause = found.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        behind = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        found += [item for item in behind if isinstance(item, BaseException)]
