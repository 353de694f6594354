# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import (
    Cluster,
    ClusterError,
    NotFound,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.exec import (
    NotAllowed,
    Ran,
    forwarded_get,
    run_in_pod,
)

from tests.unit.plugins.module_utils._cluster.api_server import ApiServer, api_server, forwarded, status_of

EXEC = "/api/v1/namespaces/edge/pods/gateway/exec"
FORWARD = "/api/v1/namespaces/edge/pods/gateway/portforward"


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


def connected(api: ApiServer, **more: object) -> Cluster:
    return Cluster({"host": api.url, "api_key": "sesame", "kubeconfig": {"current-context": ""}, **more})


def ended(code: int) -> bytes:
    if code == 0:
        return b'{"status": "Success"}'
    cause = {"reason": "ExitCode", "message": str(code)}
    return json.dumps({"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}).encode()


@pytest.mark.parametrize("code", [0, 3])
def test_a_command_leaves_its_output_and_its_exit_code(api: ApiServer, code: int) -> None:
    api.run = lambda command: [(1, " ".join(command).encode()), (2, b"oh"), (1, b"!"), (3, ended(code))]
    ran = run_in_pod(connected(api), "edge", "gateway", "proxy", ["echo", "a b", "c&d"], 5)
    assert ran == Ran("echo a b c&d!", "oh", code)
    ((path, headers),) = api.requests
    assert path == f"{EXEC}?command=echo&command=a+b&command=c%26d&stdout=1&stderr=1&container=proxy"
    assert headers["authorization"] == "Bearer sesame"


def test_impersonation_goes_with_it(api: ApiServer) -> None:
    api.run = lambda command: [(3, ended(0))]
    run_in_pod(
        connected(api, impersonate_user="robot", impersonate_groups=["a", "b"]), "edge", "gateway", None, ["x"], 5
    )
    ((_path, headers),) = api.requests
    assert headers["Impersonate-User"] == "robot"
    assert "Impersonate-Group" in headers


def test_a_command_that_cannot_be_started_is_an_error(api: ApiServer) -> None:
    status = {"status": "Failure", "message": 'exec: "nope": executable file not found'}
    api.run = lambda command: [(3, json.dumps(status).encode())]
    with pytest.raises(ClusterError, match='nope cannot be run in pod edge/gateway: exec: "nope": executable file not'):
        run_in_pod(connected(api), "edge", "gateway", None, ["nope"], 5)


def test_a_command_that_is_cut_off_has_no_exit_code(api: ApiServer) -> None:
    api.run = lambda command: [(1, b"half")]
    with pytest.raises(ClusterError, match="the connection ended before the command did"):
        run_in_pod(connected(api), "edge", "gateway", None, ["x"], 5)


def test_an_answer_through_a_forwarded_port(api: ApiServer) -> None:
    body = json.dumps({"long": "x" * 30000})
    api.serve = lambda pod, port, path: forwarded(port, body if (pod, path) == ("gateway", "/a?b=c") else "")
    assert forwarded_get(connected(api), "edge", "gateway", 15000, "/a?b=c", 5) == (200, body)
    assert api.requests[0][0] == f"{FORWARD}?ports=15000"


def test_the_status_of_an_answer_is_a_result(api: ApiServer) -> None:
    api.serve = lambda pod, port, path: forwarded(port, "no such thing", 404)
    assert forwarded_get(connected(api), "edge", "gateway", 15000, "/", 5) == (404, "no such thing")


def test_nothing_listens_at_the_port(api: ApiServer) -> None:
    api.serve = lambda pod, port, path: [*forwarded(port, "")[:2], (1, b"failed to connect to localhost:9: refused\n")]
    with pytest.raises(
        ClusterError, match="failed to connect to localhost:9: refused; see whether it is the right port"
    ):
        forwarded_get(connected(api), "edge", "gateway", 9, "/", 5)


def test_half_an_answer_is_none(api: ApiServer) -> None:
    api.serve = lambda pod, port, path: forwarded(port, "all of it")[:3]
    with pytest.raises(ClusterError, match="gave no whole HTTP answer to GET /"):
        forwarded_get(connected(api), "edge", "gateway", 15000, "/", 5)


def test_no_answer_ends_with_the_timeout(api: ApiServer) -> None:
    begun = time.monotonic()
    with pytest.raises(ClusterError, match=r"port 15000 of pod edge/gateway has not answered within 0.2 s"):
        forwarded_get(connected(api), "edge", "gateway", 15000, "/", 0.2)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("code", "message", "kind", "told"),
    [
        (401, "Unauthorized", NotAllowed, "does not accept the credentials"),
        (403, "pods is forbidden", NotAllowed, "give the Role in namespace edge the verbs get and create on pods/exec"),
        (404, 'pods "gateway" not found', NotFound, 'pods "gateway" not found'),
        (400, "container nope is not valid", ClusterError, "container nope is not valid for pod; name a container"),
        (500, "error dialing backend", ClusterError, "answered 500: error dialing backend"),
    ],
)
def test_what_a_refusal_means(api: ApiServer, code: int, message: str, kind: type[ClusterError], told: str) -> None:
    api.refused[EXEC] = status_of(code, message if code != 400 else f"{message} for pod")
    with pytest.raises(kind) as refused:
        run_in_pod(connected(api), "edge", "gateway", "nope", ["x"], 5)
    assert refused.value.__class__ is kind
    assert told in refused.value.message
    assert "sesame" not in refused.value.message


def test_a_cluster_that_is_not_there(api: ApiServer) -> None:
    cluster = Cluster({"host": "http://127.0.0.1:1", "api_key": "sesame", "kubeconfig": {"current-context": ""}})
    with pytest.raises(ClusterError, match=r"cannot be reached through the cluster at http://127.0.0.1:1"):
        forwarded_get(cluster, "edge", "gateway", 15000, "/", 5)


@pytest.mark.parametrize("option", ["ca_cert", "client_cert"])
def test_certificates_that_cannot_be_read_are_named(option: str, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    cluster = connected(ApiServer("https://127.0.0.1:1"))
    configuration = cluster.api_client.configuration
    setattr(configuration, {"ca_cert": "ssl_ca_cert", "client_cert": "cert_file"}[option], str(nonsense))
    with pytest.raises(ClusterError, match=r"the certificates for the cluster at https://127.0.0.1:1 cannot be read"):
        forwarded_get(cluster, "edge", "gateway", 15000, "/", 5)


def test_hosts_without_a_proxy_may_be_written_with_spaces(api: ApiServer) -> None:
    api.serve = lambda pod, port, path: forwarded(port, "hello")
    cluster = connected(api)
    configuration = cluster.api_client.configuration
    configuration.proxy, configuration.no_proxy = "http://127.0.0.1:9", "example.com, 127.0.0.1 ,"
    assert forwarded_get(cluster, "edge", "gateway", 15000, "/", 5) == (200, "hello")
