# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate ``pods``: what ends it at once, what it waits for, and what it leaves alone."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import ClusterError, Ref, Unreachable
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.gates import Gate, read_gates
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.sources import Pods
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.verdict import Finding
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.course import Course, Scene
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.pods import keep_well

from tests.unit.plugins.module_utils._gates.api_server import ApiServer

LABELS = {"app": "web-green"}
REVISION = {"deployment.kubernetes.io/revision": "1"}
PODS: dict[str, Any] = {
    "version": "green",
    "workloads": [{"name": "web-green", "namespace": "prod"}],
    "service": {"name": "web-green", "namespace": "prod"},
}


class Version(ApiServer):
    """A cluster with a Deployment of two pods and its Service."""

    def __init__(self) -> None:
        super().__init__()
        self.set_deployment(2)
        sets = {"metadata": {"labels": {**LABELS, "pod-template-hash": "new"}, "annotations": REVISION}}
        self.put(Ref("apps/v1", "replicasets", "prod", "web-green-new"), sets)
        for name in ("a", "b"):
            self.set_pod(name)
        self.set_endpoints(2)

    def set_deployment(self, ready: int) -> None:
        status = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2}
        self.put(
            Ref("apps/v1", "deployments", "prod", "web-green"),
            {
                "kind": "Deployment",
                "metadata": {"generation": 1, "annotations": REVISION},
                "spec": {"replicas": 2, "selector": {"matchLabels": LABELS}},
                "status": {**status, "readyReplicas": ready, "availableReplicas": ready},
            },
        )

    def set_pod(self, name: str, restarts: int = 0, ready: bool = True, waiting: str = "") -> None:
        state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
        container = {"name": "app", "restartCount": restarts, "state": state}
        self.put(
            Ref("v1", "pods", "prod", name),
            {
                "metadata": {"labels": {**LABELS, "pod-template-hash": "new"}},
                "status": {
                    "phase": "Running",
                    "conditions": [{"type": "Ready", "status": str(ready)}],
                    "containerStatuses": [container],
                },
            },
        )

    def set_endpoints(self, count: int) -> None:
        self.put(
            Ref("discovery.k8s.io/v1", "endpointslices", "prod", "web-green-x"),
            {
                "metadata": {"labels": {"kubernetes.io/service-name": "web-green"}},
                "endpoints": [{"conditions": {"ready": True}}] * count,
            },
        )


class Watched:
    """The gate in a thread of its own; use with ``with``."""

    def __init__(self, cluster: ApiServer, window: float = 30.0, deadline: float = 0.0, **keys: Any) -> None:
        (gate,) = read_gates([{"pods": {**PODS, **keys}}], "gates")
        self.course = Course(window, 1.0)
        scene: Any = Scene(self.course, lambda: cluster, Wanted({}, deadline=deadline))  # type: ignore[arg-type,return-value]
        self.told: list[Finding] = []
        self.findings: list[Finding] = []
        self.errors: list[ClusterError] = []
        self._looked = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(gate, scene), daemon=True)

    def _run(self, gate: Gate, scene: Scene) -> None:
        assert isinstance(gate.options, Pods)
        try:
            self.findings.append(keep_well(gate, gate.options, scene, self._tell))
        except ClusterError as error:
            self.errors.append(error)

    def _tell(self, finding: Finding) -> None:
        self.told.append(finding)
        self._looked.set()

    def __enter__(self) -> Watched:
        self.thread.start()
        assert self._looked.wait(5)
        return self

    def __exit__(self, *about: object) -> None:
        self.course.stop()
        self.thread.join(5)

    def ended(self) -> Finding:
        """What it found, which it has to do by itself."""
        begun = time.monotonic()
        self.thread.join(5)
        assert time.monotonic() - begun < 4
        return self.findings[0]


def test_pods_that_stay_well_pass_at_the_end_of_the_window() -> None:
    with Watched(Version(), window=0.3) as watched:
        watched.course.begin()
        found = watched.ended()
    assert (found.verdict, found.reason) == ("pass", "version green: Deployment prod/web-green: 2 of 2 pods ready")
    assert (found.details["restarts"], found.details["endpoints"]) == ({}, 2)


def test_a_restart_ends_it_at_once_even_before_the_window() -> None:
    cluster = Version()
    with Watched(cluster) as watched:
        cluster.set_pod("a", restarts=1)
        found = watched.ended()
    assert found.verdict == "fail"
    assert found.reason.startswith("version green: restarted since the step began 0s ago: pod a 1 times; at most 0")


def test_restarts_of_earlier_days_are_none() -> None:
    cluster = Version()
    cluster.set_pod("a", restarts=7)
    with Watched(cluster, window=0.2) as watched:
        watched.course.begin()
        assert watched.ended().verdict == "pass"
    with Watched(cluster, max_restarts=1) as watched:
        cluster.set_pod("a", restarts=8)
        cluster.set_pod("a", restarts=9)
        found = watched.ended()
    assert found.details["restarts"] == {"a": 2}


def test_a_pod_that_comes_later_begins_at_nought() -> None:
    cluster = Version()
    with Watched(cluster) as watched:
        cluster.set_pod("c", restarts=1)
        assert watched.ended().details["restarts"] == {"c": 1}


def test_a_cause_that_does_not_heal_ends_it() -> None:
    cluster = Version()
    with Watched(cluster) as watched:
        cluster.set_deployment(1)
        cluster.set_pod("a", ready=False, waiting="ImagePullBackOff")
        found = watched.ended()
    assert (found.verdict, found.remedy) == ("fail", "mend the image's name or tag, or the pull secret")


def test_endpoints_that_vanish_while_pods_are_ready_end_it_with_that_reason() -> None:
    cluster = Version()
    with Watched(cluster) as watched:
        cluster.set_endpoints(0)
        found = watched.ended()
    assert found.verdict == "fail"
    assert found.reason == "version green: Service prod/web-green has no endpoints although 2 pods are ready"


def test_nothing_ready_ends_it() -> None:
    cluster = Version()
    with Watched(cluster, service=None) as watched:
        cluster.set_deployment(0)
        for name in ("a", "b"):
            cluster.set_pod(name, ready=False)
        found = watched.ended()
    assert found.reason.startswith("version green: no pod is ready; Deployment prod/web-green: 2 of 2 pods are of the")


def test_a_pod_that_is_replaced_has_until_the_deadline() -> None:
    cluster = Version()
    with Watched(cluster, window=0.1, deadline=20) as watched:
        watched.course.begin()
        cluster.set_deployment(1)
        cluster.set_pod("b", ready=False)
        while watched.told[-1].verdict == "pass":
            time.sleep(0.001)
        assert not watched.findings
        cluster.set_pod("b")
        cluster.set_deployment(2)
        assert watched.ended().verdict == "pass"
    cluster.set_deployment(1)
    with Watched(cluster, window=0.1, deadline=0.2) as watched:
        watched.course.begin()
        found = watched.ended()
    assert (found.verdict, "1 ready" in found.reason) == ("inconclusive", True)


def test_it_ends_when_the_analysis_is_stopped() -> None:
    with Watched(Version()) as watched:
        watched.course.stop()
        assert watched.ended().verdict == "pass"


def test_a_version_that_does_not_exist_is_named() -> None:
    cluster: Any = ApiServer()
    with Watched(cluster) as watched:
        found = watched.ended()
    assert found.reason == "version green: Deployment prod/web-green does not exist"


@pytest.mark.parametrize("count", [1, 2])
def test_enough_endpoints_are_wanted_at_the_end(count: int) -> None:
    cluster = Version()
    cluster.set_endpoints(count)
    with Watched(cluster, window=0.1, min_endpoints=2) as watched:
        watched.course.begin()
        assert watched.ended().verdict == ("pass" if count == 2 else "inconclusive")


class Flaky(Version):
    """A cluster that answers nothing for the next few requests."""

    failures = 0

    def items(self, ref: Ref, label_selector: str | None = None, field_selector: str | None = None) -> dict[str, Any]:
        if self.failures:
            self.failures -= 1
            raise Unreachable("the cluster does not answer")
        return super().items(ref, label_selector, field_selector)

    def watch(self, *arguments: Any, **keys: Any) -> Any:
        for event in super().watch(*arguments, **keys):
            if self.failures:
                raise Unreachable("the cluster does not answer")
            yield event


def test_a_cluster_that_comes_back_is_looked_at_again_and_restarts_meanwhile_count() -> None:
    cluster = Flaky()
    with Watched(cluster, deadline=20) as watched:
        cluster.failures = 2
        cluster.set_pod("a", restarts=1)
        found = watched.ended()
    assert (found.verdict, found.details["restarts"]) == ("fail", {"a": 1})


def test_a_cluster_that_stays_away_is_an_error() -> None:
    cluster = Flaky()
    with Watched(cluster, deadline=0) as watched:
        cluster.failures = 1000
        cluster.set_pod("a", restarts=1)
        watched.thread.join(5)
    assert [str(error) for error in watched.errors] == ["the cluster does not answer"]
