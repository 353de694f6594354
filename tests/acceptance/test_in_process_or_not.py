# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task means the same wherever its verb runs: in Ansible's own process, or as an ordinary module."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.cluster import Cluster
from tests.acceptance.playbooks import Playbooks


@pytest.mark.parametrize(
    "keywords",
    [
        pytest.param({}, id="in-process"),
        pytest.param({"environment": {"NO_PROXY": "*"}}, id="environment"),
        pytest.param({"async": 30, "poll": 1}, id="async"),
    ],
)
def test_the_same_result_in_every_way(
    playbooks: Playbooks, cluster: Cluster, web: str, keywords: dict[str, Any]
) -> None:
    arguments = {"routes": [{"router": "istio", "name": "web", "namespace": web}], "weights": {"blue": 75, "green": 25}}
    run = playbooks.task("traffic", arguments, **keywords).succeeded()
    result = run.results("traffic")[-1]
    assert (run.changed, result["changed"], result["attempts"]) == (1, True, 1)
    route = result["routes"][0]
    assert route["rules"] == [
        {"name": "main", "before": {"blue": 100, "green": 0}, "after": {"blue": 75, "green": 25}, "factor": 1}
    ]
    assert [(operation["op"], operation["path"], operation["value"]) for operation in route["patch"]] == [
        ("test", "/spec/http/0/route/0/weight", 100),
        ("replace", "/spec/http/0/route/0/weight", 75),
        ("test", "/spec/http/0/route/1/weight", 0),
        ("replace", "/spec/http/0/route/1/weight", 25),
    ]
    assert cluster.weights(web) == {"web-blue": 75, "web-green": 25}
    playbooks.task("traffic", arguments, **keywords).unchanged()
    playbooks.task("traffic", {**arguments, "weights": {"blue": 50}}, **keywords).refused("weights must sum to 100")
