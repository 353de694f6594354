# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``version_ready``: what it waits for, and when it does not."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import version_ready
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils import in_process

from tests.unit.plugins.module_utils._gates.test_pods import Version

OPTIONS: dict[str, Any] = {
    "version": "green",
    "workloads": [{"name": "web-green", "namespace": "prod"}],
    "service": {"name": "web-green", "namespace": "prod"},
    "min_endpoints": 2,
}


class Answering(Version):
    """Its Service answers through the API server, too."""

    status = 200

    def namespace_missing(self, namespace: str) -> bool:
        return False

    def request_service(self, namespace: str, name: str, port: int, path: str, timeout: float) -> tuple[int, str]:
        return self.status, f"{name}:{port}{path}"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Answering:
    running = Answering()
    monkeypatch.setattr(version_ready, "connect", lambda module: running)
    return running


def waited(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    module = in_process.InProcessModule(version_ready.argument_spec(), {**OPTIONS, **options}, check_mode)
    with pytest.raises(in_process._Left) as left:
        version_ready.run(module)
    return dict(left.value.result)


def test_what_is_ready_is_not_waited_for(cluster: Answering) -> None:
    result = waited(timeout=0)
    assert (result["failed"], result["ready"], result["endpoints"]) == (False, True, 2)


def test_what_becomes_ready_is_waited_for(cluster: Answering) -> None:
    cluster.set_endpoints(1)
    change = threading.Timer(0.2, cluster.set_endpoints, (2,))
    change.start()
    result = waited(timeout="20s")
    change.join()
    assert (result["ready"], 0.1 < result["waited"] < 10) == (True, True)
    # Only the pods can say why, and are read when that is asked.
    assert [pod["name"] for pod in result["pods"]] == ["a", "b"]


def test_what_stays_unready_is_given_up(cluster: Answering) -> None:
    cluster.set_endpoints(1)
    result = waited(timeout="200ms")
    assert (result["failed"], result["endpoints"]) == (True, 1)
    assert result["msg"].startswith("version green is not ready after 0s: ")


def test_a_cause_that_does_not_heal_ends_it_at_once(cluster: Answering) -> None:
    cluster.set_deployment(1)
    cluster.set_pod("a", ready=False, waiting="ImagePullBackOff")
    result = waited(timeout="1h")
    assert result["msg"].startswith("version green will not become ready: pod a, container app: ImagePullBackOff")


@pytest.mark.parametrize(("status", "failed"), [(200, False), (404, False), (500, True)])
def test_it_answers(cluster: Answering, status: int, failed: bool) -> None:
    cluster.status = status
    result = waited(request={"port": 80, "path": "/healthz"})
    assert result["failed"] is failed
    assert failed or result["request"] == {"url": "prod/web-green:80/healthz", "status": status}


def test_check_mode_looks_once(cluster: Answering) -> None:
    cluster.set_endpoints(0)
    assert waited(check_mode=True)["ready"] is False
    missing = waited(check_mode=True, workloads=[{"name": "nothing", "namespace": "prod"}])
    assert (missing["failed"], missing["ready"]) == (False, False)
    assert "deploy it first" in waited(workloads=[{"name": "nothing", "namespace": "prod"}])["msg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workloads": [], "service": None}, "workloads: there is nothing to wait for"),
        ({"timeout": "soon"}, "timeout: expected a duration such as"),
    ],
)
def test_wrong_options_are_refused(cluster: Answering, options: dict[str, Any], message: str) -> None:
    assert message in waited(**options)["msg"]
