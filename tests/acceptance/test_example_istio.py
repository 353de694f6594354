# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""examples/istio as its README tells it, from its very files, with requests flowing all the time."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import yaml

from tests.acceptance.cluster import Cluster
from tests.acceptance.playbooks import Playbooks, Run
from tests.acceptance.traffic import ROOT, Gateway, Load, nothing_failed

EXAMPLE = ROOT / "examples" / "istio"
SERVICE = "telephone"

# At 50 % the share of this many requests lies within 3 points of the weight in all but one of 7,000 windows.
WINDOW = 4000


class Stages:
    """The README's commands; only namespace and host are other ones, so that several such tests never meet."""

    def __init__(self, playbooks: Playbooks, gateway: Gateway, namespace: str, host: str) -> None:
        self._playbooks = playbooks
        self._gateway_url = gateway.url
        self._namespace = namespace
        self._host = host

    def run(self, name: str, edited_by: str | None = None, **variables: Any) -> Run:
        given = yaml.safe_load((EXAMPLE / edited_by).read_text())["bluegreen_overrides"] if edited_by else {}
        service = {"hosts": [self._host], **given.get("services", {}).get(SERVICE, {})}
        overrides = {**given, "namespace": self._namespace, "services": {SERVICE: service}, **variables.pop("also", {})}
        variables = {"gateway_url": self._gateway_url, "bluegreen_overrides": overrides, **variables}
        return self._playbooks.example(name, EXAMPLE, variables)

    def twice(self, name: str, edited_by: str | None = None, **variables: Any) -> None:
        """A stage does its work, and says the second time that nothing is left to do."""
        self.run(name, edited_by, **variables).succeeded()
        self.run(name, edited_by, **variables).unchanged()


def test_every_stage_twice_and_back_again(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    traffic_to: Callable[[str], AbstractContextManager[Load]],
    tell: Callable[[str], None],
) -> None:
    stages = Stages(playbooks, gateway, namespace, host)
    blue, green = f"{SERVICE}-blue", f"{SERVICE}-green"
    for stage in ("skeleton", "deploy"):
        stages.twice(stage, "first.yml")
    gateway.wait_until_served(host)

    with traffic_to(host) as load:

        def see(weights: dict[str, int], requests: int = 400) -> None:
            """Of the requests after Envoy followed, each version gets its share, to 3 points."""
            followed = gateway.wait_until_it_holds(host, weights)
            answered = [record.version for record in load.next(requests, since=followed)]
            shares = {name: 100 * answered.count(name) / requests for name in weights}
            assert all(abs(shares[name] - weight) <= 3 for name, weight in weights.items()), (shares, weights)
            tell(f"{requests} requests from when Envoy held {weights}: {shares}")

        see({blue: 100, green: 0})
        stages.twice("deploy")
        assert cluster.weights(namespace, SERVICE) == {blue: 100, green: 0}
        stages.twice("verify")
        see({blue: 100, green: 0})
        stages.twice("shift", bluegreen_percent=50)
        see({blue: 50, green: 50}, WINDOW)
        stages.twice("shift")
        see({blue: 0, green: 100})
        stages.twice("promote")
        stages.twice("retire")
        assert cluster.names("deployments,services", namespace) == {f"deployment.apps/{green}", f"service/{green}"}
        see({green: 100})

        stages.twice("release", "next.yml")
        assert cluster.weights(namespace, SERVICE) == {blue: 100}
        assert cluster.names("deployments", namespace) == {f"deployment.apps/{blue}"}
        see({blue: 100, green: 0})
    tell(nothing_failed(load))


def test_a_kept_fallback_says_when_it_goes(
    playbooks: Playbooks, cluster: Cluster, gateway: Gateway, namespace: str, host: str
) -> None:
    stages = Stages(playbooks, gateway, namespace, host)
    kept = {"retire": {"keep": "1h"}, "pause": "1s"}
    stages.run("release", "first.yml", also=kept).succeeded()
    stages.run("release", also=kept).succeeded()
    before = cluster.versions(namespace)
    retired = stages.run("retire", also=kept).unchanged()
    assert re.search(r"blue stays as the fallback for (59m|1h|3\d{3}s)", retired.output), retired.output
    assert cluster.versions(namespace) == before
    assert "deployment.apps/telephone-blue" in cluster.names("deployments", namespace)
