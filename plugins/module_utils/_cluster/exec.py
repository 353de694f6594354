# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands in a pod and requests to a port of a pod, both through the API server.

Both are a WebSocket whose messages begin with the number of a channel. The Kubernetes client has helpers for them
(kubernetes.stream), but these leave out the headers of impersonation, so that a command would run with more rights
than asked for; they wait for a connection without end; and they swap a method of the shared client, while gates run
side by side. Credentials and TLS options are the client's here too, the WebSocket is the same library's.
"""

from __future__ import annotations

import http.client
import io
import json
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from .client import Cluster, ClusterError, NotFound

try:
    import certifi
    import websocket
except ImportError:
    # They come with the Kubernetes client, whose absence a Cluster reports before it gets here.
    pass

PROTOCOL = "v4.channel.k8s.io"
STDOUT, STDERR, STATUS = 1, 2, 3


class NotAllowed(ClusterError):
    """The cluster answered 401 or 403: trying again is of no use."""


@dataclass(frozen=True)
class Ran:
    """What a command left: its output and its exit code."""

    stdout: str
    stderr: str
    code: int


def run_in_pod(
    cluster: Cluster, namespace: str, pod: str, container: str | None, command: Sequence[str], timeout: float
) -> Ran:
    """Run a command in a container of a pod; with no container in its first, or the one that the pod says is default.

    Raises NotFound when there is no such pod, NotAllowed, and ClusterError when the command cannot be started or does
    not end in time; a command that fails is a result.
    """
    query = [("command", word) for word in command] + [("stdout", "1"), ("stderr", "1")]
    if container:
        query.append(("container", container))
    outputs: dict[int, bytearray] = {channel: bytearray() for channel in (STDOUT, STDERR, STATUS)}
    with _channels(cluster, namespace, pod, "exec", query, timeout, f"{command[0]} in") as channels:
        for channel, data in channels.messages():
            if channel in outputs:
                outputs[channel] += data
    return Ran(
        outputs[STDOUT].decode("utf-8", errors="replace"),
        outputs[STDERR].decode("utf-8", errors="replace"),
        _exit_code(bytes(outputs[STATUS]), f"{namespace}/{pod}", command),
    )


def forwarded_get(cluster: Cluster, namespace: str, pod: str, port: int, path: str, timeout: float) -> tuple[int, str]:
    """Send a GET to a port of a pod, on its localhost too, by a port-forward: status and body.

    Raises NotFound when there is no such pod, NotAllowed, and ClusterError when nothing answers there in time.
    """
    query = [("ports", str(port))]
    with _channels(cluster, namespace, pod, "portforward", query, timeout, f"port {port} of") as channels:
        channels.send(0, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        response = http.client.HTTPResponse(_Forwarded(channels))  # type: ignore[arg-type]
        try:
            response.begin()
            return response.status, response.read().decode("utf-8", errors="replace")
        except http.client.HTTPException as error:
            raise ClusterError(
                f"port {port} of pod {namespace}/{pod} gave no whole HTTP answer to GET {path}: "
                f"{str(error) or type(error).__name__}; see whether it is the right port"
            ) from error
        finally:
            # Left to the garbage collector, it is flushed after the stream below it is gone.
            response.close()


class _Channels:
    """The messages of one WebSocket, each a channel and its data, until a moment."""

    def __init__(self, connection: websocket.WebSocket, until: float) -> None:
        self._connection = connection
        self._until = until

    def send(self, channel: int, data: bytes) -> None:
        self._connection.send_binary(bytes([channel]) + data)

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """Each message until the other side closes; raises WebSocketTimeoutException when time is up."""
        while True:
            left = self._until - time.monotonic()
            if left <= 0:
                raise websocket.WebSocketTimeoutException
            self._connection.settimeout(left)
            try:
                opcode, frame = self._connection.recv_data_frame()
            except websocket.WebSocketConnectionClosedException:
                return
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return
            if frame.data:
                yield frame.data[0], bytes(frame.data[1:])


class _Forwarded(io.RawIOBase):
    """What a forwarded port answers, as the file that Python's HTTP client reads from."""

    def __init__(self, channels: _Channels) -> None:
        super().__init__()
        self._messages = channels.messages()
        self._greeted: set[int] = set()
        self._rest = b""

    def makefile(self, mode: str) -> io.BufferedReader:
        """As a socket offers it; it is only ever read in binary."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            message = next(self._messages, None)
            if message is None:
                return 0
            channel, data = message
            if channel not in self._greeted:
                # The first message of each channel only repeats the number of the port.
                self._greeted.add(channel)
            elif channel == 0:
                self._rest = data
            else:
                raise ClusterError(
                    f"{data.decode('utf-8', errors='replace').strip()}; see whether it is the right port"
                )
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


@contextmanager
def _channels(
    cluster: Cluster,
    namespace: str,
    pod: str,
    subresource: str,
    query: Sequence[tuple[str, str]],
    timeout: float,
    subject: str,
) -> Iterator[_Channels]:
    until = time.monotonic() + timeout
    configuration = cluster.api_client.configuration
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/{subresource}"
    url = f"ws{configuration.host.removeprefix('http')}{path}?{urlencode(query)}"
    connection: Any = websocket.WebSocket(sslopt=_tls(cluster) if url.startswith("wss") else {})
    try:
        connection.connect(
            url,
            header=_headers(cluster),
            subprotocols=[PROTOCOL],
            suppress_origin=True,
            timeout=timeout,
            redirect_limit=0,
            **_proxy(configuration),
        )
        yield _Channels(connection, until)
    except websocket.WebSocketBadStatusException as error:
        raise _refusal(cluster, error, f"pods/{subresource}", f"{namespace}/{pod}") from error
    except (websocket.WebSocketTimeoutException, TimeoutError) as error:
        raise ClusterError(
            f"{subject} pod {namespace}/{pod} has not answered within {timeout:g} s; see whether the pod is healthy, "
            "or give it more time with timeout"
        ) from error
    except (websocket.WebSocketException, OSError) as error:
        raise ClusterError(
            f"{subject} pod {namespace}/{pod} cannot be reached through the cluster at {cluster.host}: {error}; check "
            "its address and the network"
        ) from error
    finally:
        connection.shutdown()


def _headers(cluster: Cluster) -> list[str]:
    client = cluster.api_client
    headers = dict(client.default_headers)
    for setting in client.configuration.auth_settings().values():
        if setting["in"] == "header" and setting["value"]:
            headers[setting["key"]] = setting["value"]
    return [f"{name}: {value}" for name, value in headers.items()]


def _tls(cluster: Cluster) -> dict[str, Any]:
    configuration = cluster.api_client.configuration
    options: dict[str, Any] = {}
    try:
        if configuration.verify_ssl:
            authorities = getattr(configuration, "ca_cert_data", None)
            file = configuration.ssl_ca_cert or (None if authorities else certifi.where())
            context = ssl.create_default_context(cafile=file, cadata=authorities)
            context.check_hostname = configuration.assert_hostname is not False
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            options = {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"the certificates for the cluster at {cluster.host} cannot be read: {error}; mend ca_cert, client_cert "
            "and client_key, or the kubeconfig"
        ) from error
    server_name = getattr(configuration, "tls_server_name", None)
    check = {"check_hostname": context.check_hostname}
    return {**options, **check, "context": context, **({"server_hostname": server_name} if server_name else {})}


def _proxy(configuration: Any) -> dict[str, Any]:
    if not configuration.proxy:
        return {}
    address = urlsplit(configuration.proxy)
    options: dict[str, Any] = {"http_proxy_host": address.hostname, "http_proxy_port": address.port or 80}
    if address.username:
        options["http_proxy_auth"] = (address.username, address.password or "")
    if configuration.no_proxy:
        options["http_no_proxy"] = [host.strip() for host in configuration.no_proxy.split(",") if host.strip()]
    return options


def _refusal(cluster: Cluster, error: Any, resource: str, pod: str) -> ClusterError:
    """What a refused handshake means. The text of the error itself is left out: it holds the answer's headers."""
    body = error.resp_body or b""
    status = _plain(body)
    message = status.get("message") or body.decode("utf-8", errors="replace").strip() or f"status {error.status_code}"
    if error.status_code == 401:
        return NotAllowed(
            f"the cluster at {cluster.host} does not accept the credentials (401): renew the token or the kubeconfig"
        )
    if error.status_code == 403:
        namespace = pod.partition("/")[0]
        return NotAllowed(
            f"the cluster at {cluster.host} does not allow this: {message}; give the Role in namespace {namespace} the "
            f"verbs get and create on {resource}"
        )
    if error.status_code == 404:
        return NotFound(f"{message} (cluster {cluster.host})")
    if error.status_code == 400:
        return ClusterError(f"pod {pod}: {message}; name a container that it has, and wait until that runs")
    return ClusterError(
        f"{resource} of pod {pod}: the cluster at {cluster.host} answered {error.status_code}: {message}"
    )


def _exit_code(answer: bytes, pod: str, command: Sequence[str]) -> int:
    """The exit code in the Status that ends a command."""
    status = _plain(answer)
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or []
    for cause in causes:
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    message = status.get("message") or "the connection ended before the command did"
    raise ClusterError(f"{command[0]} cannot be run in pod {pod}: {message}; see what the container's image holds")


def _plain(body: bytes) -> Mapping[str, Any]:
    try:
        status = json.loads(body)
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}
