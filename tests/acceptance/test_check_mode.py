# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode is the plan: it predicts the very patches that the run then sends, and touches nothing."""

from __future__ import annotations

from typing import Any

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster
from tests.acceptance.playbooks import Playbooks, Run

Json = dict[str, Any]


def patches(run: Run) -> list[tuple[str, list[Json]]]:
    """Every patch of a route, in the order of the run; those that change nothing are none."""
    return [
        (route["name"], route["patch"])
        for result in run.results("traffic")
        for route in result["routes"]
        if route["patch"]
    ]


def test_a_release_to_a_version_that_is_there(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    spec = objects.existing(web)
    before = cluster.versions(web)
    predicted = playbooks.run("release", spec, "--check", "--diff").succeeded()
    assert cluster.versions(web) == before
    sent = playbooks.run("release", spec).succeeded()
    assert patches(predicted) == patches(sent)
    assert len(patches(sent)) == 2
    assert predicted.changed == sent.changed
    for _name, operations in patches(sent):
        assert str(operations[0]["path"]) in predicted.output


def test_a_release_with_everything_still_to_deploy(playbooks: Playbooks, cluster: Cluster, namespace: str) -> None:
    spec = objects.release(namespace)
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    before = cluster.versions(namespace)
    predicted = playbooks.run("release", spec, "--check", "--diff").succeeded()
    assert cluster.versions(namespace) == before
    sent = playbooks.run("release", spec).succeeded()
    retired = sum(1 for operation in patches(sent)[-1][1] if operation["op"] == "remove")
    assert retired == 1
    # That blue goes at the end is seen when it has no traffic any more, which is not so while nothing is written.
    assert patches(predicted) == patches(sent)[:-1]


def test_a_first_install(playbooks: Playbooks, cluster: Cluster, namespace: str) -> None:
    spec = objects.release(namespace)
    before = cluster.versions(namespace)
    predicted = playbooks.run("release", spec, "--check", "--diff").succeeded()
    assert cluster.versions(namespace) == before
    assert predicted.changed > 0
    assert patches(predicted) == []
    assert patches(playbooks.run("release", spec).succeeded()) == []
