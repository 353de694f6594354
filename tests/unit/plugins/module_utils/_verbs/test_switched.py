# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``traffic`` on a Service: what it wants to see before and after it leads the selector to another version."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Conflict, Ref
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import traffic
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils import in_process

from tests.unit.plugins.module_utils._gates.api_server import ApiServer
from tests.unit.plugins.module_utils._routers.adapters import applied

SERVICE = Ref("v1", "services", "prod", "web")
ROUTE = {"router": "service", "name": "web", "namespace": "prod"}


class Switching(ApiServer):
    """A Service over two versions with a pod each, whose endpoints follow when they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = 0
        self.after_patch: Callable[[], None] = lambda: None
        self.put(SERVICE, {"kind": "Service", "spec": {"selector": {"app": "web", "version": "blue"}}})
        for version in ("blue", "green"):
            self.set_pod(version)
        self.set_endpoints("blue")

    def set_pod(self, version: str, ready: bool = True) -> None:
        status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
        pod = {"metadata": {"labels": {"app": "web", "version": version}}, "status": status}
        self.put(Ref("v1", "pods", "prod", f"web-{version}-x"), pod)

    def set_endpoints(self, *versions: str, ready: bool = True) -> None:
        endpoints = [
            {"targetRef": {"name": f"web-{version}-x"}, "conditions": {"ready": ready}, "addresses": ["10.0.0.1"]}
            for version in versions
        ]
        labels = {"kubernetes.io/service-name": "web"}
        slices = Ref("discovery.k8s.io/v1", "endpointslices", "prod", "web-x")
        self.put(slices, {"metadata": {"labels": labels}, "endpoints": endpoints})

    def patch(self, ref: Ref, body: list[dict[str, Any]]) -> dict[str, Any]:
        if body[0]["value"] != self.get(ref)["metadata"]["resourceVersion"]:
            raise Conflict("changed")
        self.patches += 1
        self.put(ref, applied(self.get(ref), body))
        self.after_patch()
        return self.get(ref)

    @property
    def selected(self) -> str:
        return str(self.get(SERVICE)["spec"]["selector"]["version"])


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Switching:
    running = Switching()
    monkeypatch.setattr(traffic, "connect", lambda module: running)
    monkeypatch.setattr(traffic, "SETTLES_WITHIN", 5.0)
    return running


def moved(**options: Any) -> dict[str, Any]:
    options = {"routes": [ROUTE], "weights": {"blue": 0, "green": 100}, **options}
    module = in_process.InProcessModule(traffic.argument_spec(), options, False)
    with pytest.raises(in_process._Left) as left:
        traffic.run(module)
    return dict(left.value.result)


def test_it_ends_once_the_endpoints_have_followed(cluster: Switching) -> None:
    followed = threading.Event()

    def follow() -> None:
        followed.set()
        cluster.set_endpoints("green")

    change = threading.Timer(0.2, follow)
    cluster.after_patch = change.start
    result = moved()
    assert followed.is_set()
    change.join()
    assert (result["failed"], result["changed"], cluster.selected, cluster.patches) == (False, True, "green", 1)
    assert [operation["path"] for operation in result["routes"][0]["patch"]] == ["/spec/selector/version"] * 2
    assert moved()["changed"] is False


@pytest.mark.parametrize(
    ("endpoints", "ready", "told"),
    [
        (("blue", "green"), True, "still has pod web-blue-x among its endpoints"),
        (("green",), False, "0 ready endpoints, 1 wanted"),
        ((), True, "0 ready endpoints, 1 wanted"),
    ],
)
def test_endpoints_that_do_not_follow_put_the_selector_back(
    cluster: Switching, monkeypatch: pytest.MonkeyPatch, endpoints: tuple[str, ...], ready: bool, told: str
) -> None:
    monkeypatch.setattr(traffic, "SETTLES_WITHIN", 0.2)
    cluster.after_patch = lambda: cluster.set_endpoints(*endpoints, ready=ready)
    result = moved()
    assert result["failed"]
    assert told in result["msg"]
    assert "Service prod/web was put back" in result["msg"]
    assert cluster.selected == "blue"


def test_nothing_is_written_while_no_pod_is_ready(cluster: Switching) -> None:
    cluster.set_pod("green", ready=False)
    result = moved()
    assert "0 ready pods have the labels app=web,version=green, 1 wanted" in result["msg"]
    assert (cluster.selected, cluster.patches) == ("blue", 0)


def test_readiness_that_is_proven_elsewhere_is_not_waited_for(cluster: Switching) -> None:
    cluster.set_pod("green", ready=False)
    cluster.after_patch = lambda: cluster.set_endpoints("green", ready=False)
    assert moved(require_ready=False)["changed"]


def test_labels_of_a_version_are_strings(cluster: Switching) -> None:
    route = {**ROUTE, "versions": {"blue": {"selector": {"version": 1}}}}
    assert "routes.versions.blue.selector: expected labels" in moved(routes=[route])["msg"]


def test_somebody_else_who_writes_meanwhile_is_not_overwritten(
    cluster: Switching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Service may have no generation to count what is specified."""

    def meddle() -> None:
        cluster.after_patch = lambda: None
        cluster.set_endpoints()
        service = cluster.get(SERVICE)
        threading.Timer(
            0.1, cluster.put, (SERVICE, {**service, "spec": {**service["spec"], "type": "NodePort"}})
        ).start()

    cluster.after_patch = meddle
    monkeypatch.setattr(traffic, "SETTLES_WITHIN", 0.5)
    result = moved()
    assert "could not be put back" in result["msg"]
    assert cluster.get(SERVICE)["spec"]["type"] == "NodePort"
