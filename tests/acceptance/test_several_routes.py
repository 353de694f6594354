# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several routes in one step: all of them move, or none."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance import objects
from tests.acceptance.cluster import VIRTUAL_SERVICES, Cluster, until
from tests.acceptance.playbooks import Playbooks

Json = dict[str, Any]


def test_two_services_in_one_release(playbooks: Playbooks, cluster: Cluster, namespace: str) -> None:
    spec = objects.release(namespace)
    api = copy.deepcopy(spec["services"]["web"])
    api["hosts"] = [f"api.{namespace}.example.com"]
    spec["services"]["api"] = api
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    playbooks.run("deploy", spec).succeeded()
    shifted = playbooks.run("shift", spec, bluegreen_percent=50).succeeded()
    assert len(shifted.results("traffic")) == 1
    assert len(shifted.results("traffic")[0]["routes"]) == 2
    for name in ("web", "api"):
        assert cluster.weights(namespace, name) == {f"{name}-blue": 50, f"{name}-green": 50}
    playbooks.run("release", spec).succeeded()
    for name in ("web", "api"):
        assert cluster.weights(namespace, name) == {f"{name}-green": 100}
    assert cluster.names("deployments", namespace) == {"deployment.apps/api-green", "deployment.apps/web-green"}
    playbooks.run("release", spec).unchanged()


@pytest.fixture
def frozen_route(cluster: Cluster, web: str) -> Iterator[str]:
    """A second route, which the API server lets nobody change."""
    route = objects.route(web, "web", {"blue": 100, "green": 0}, host=f"frozen.{web}.example.com")
    route["metadata"]["name"] = "frozen"
    cluster.apply([route])
    policy: Json = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": web},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": web}},
                "resourceRules": [
                    {
                        "apiGroups": ["networking.istio.io"],
                        "apiVersions": ["*"],
                        "operations": ["UPDATE"],
                        "resources": ["virtualservices"],
                        "resourceNames": ["frozen"],
                    }
                ],
            },
            "validations": [{"expression": "false", "message": "frozen for the fair"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": web},
        "spec": {"policyName": web, "validationActions": ["Deny"]},
    }
    cluster.apply([policy, binding])
    # A policy takes effect when the API server has compiled it, which only its effect shows.
    change = ["annotate", VIRTUAL_SERVICES, "frozen", "-n", web, "--overwrite"]
    until(lambda: cluster.kubectl(*change, f"tried={time.time_ns()}").returncode, "the policy refuses a change")
    yield web
    cluster.kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", web)


def test_a_refused_write_puts_back_what_was_written_before(
    playbooks: Playbooks, cluster: Cluster, frozen_route: str
) -> None:
    before = {name: cluster.route(frozen_route, name) for name in ("web", "frozen")}
    routes = [{"router": "istio", "name": name, "namespace": frozen_route} for name in ("web", "frozen")]
    with cluster.history(frozen_route) as history:
        playbooks.task("traffic", {"routes": routes, "weights": {"blue": 50, "green": 50}}).refused(
            "frozen for the fair", f"VirtualService {frozen_route}/web was put back"
        )
        until(lambda: len(history) >= 3, "the watch has seen both writes")
    for name, route in before.items():
        assert cluster.route(frozen_route, name)["spec"] == route["spec"]
    assert [[entry["weight"] for entry in route["spec"]["http"][0]["route"]] for route in history] == [
        [100, 0],
        [50, 50],
        [100, 0],
    ]
