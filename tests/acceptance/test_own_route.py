# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A route that somebody else owns: only its weights move, and afterwards it is theirs as it was before."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.acceptance import objects
from tests.acceptance.cluster import OWNER, VIRTUAL_SERVICES, Cluster, weights_of
from tests.acceptance.playbooks import Playbooks

Json = dict[str, Any]


def grown_route(namespace: str) -> Json:
    """A VirtualService as one grows over the years."""

    def both(blue: int | None, green: int | None) -> list[Json]:
        entries = []
        for version, weight in {"blue": blue, "green": green}.items():
            entry: Json = {"destination": {"host": f"web-{version}"}}
            entries.append(entry if weight is None else {**entry, "weight": weight})
        return entries

    header = {"headers": {"x-tester": {"exact": "yes"}}}
    route = objects.route(
        namespace,
        "web",
        {},
        http=[
            {"name": "testers", "match": [header], "route": [{"destination": {"host": "web-green"}}]},
            {"name": "api", "match": [{"uri": {"prefix": "/api"}}], "timeout": "3s", "route": both(100, 0)},
            {
                "match": [{"uri": {"prefix": "/"}}],
                "retries": {"attempts": 2, "perTryTimeout": "1s"},
                "headers": {"response": {"set": {"x-served-by": "mesh"}}},
                "route": both(100, None),
            },
        ],
        tcp=[{"match": [{"port": 9000}], "route": both(100, 0)}],
    )
    route["metadata"]["annotations"] = {"example.com/comment": "ask the web team before touching this: 世界"}
    route["metadata"]["labels"] = {"team": "web"}
    return route


@pytest.fixture
def grown(cluster: Cluster, web: str) -> str:
    cluster.kubectl("delete", VIRTUAL_SERVICES, "web", "-n", web)
    cluster.apply([grown_route(web)])
    return web


def without_weights(route: Json) -> Json:
    """All that is not a weight leaf, nor kept by the API server itself."""
    rest = copy.deepcopy(route)
    for key in ("resourceVersion", "generation", "managedFields"):
        rest["metadata"].pop(key)
    for rule in [*rest["spec"]["http"], *rest["spec"].get("tcp", [])]:
        for entry in rule["route"]:
            entry.pop("weight", None)
    return rest


def managers(route: Json) -> list[tuple[str, str, Json]]:
    return [(entry["manager"], entry["operation"], entry["fieldsV1"]) for entry in route["metadata"]["managedFields"]]


def test_a_release_moves_only_weights_and_hands_back_the_fields(
    playbooks: Playbooks, cluster: Cluster, grown: str
) -> None:
    before = cluster.route(grown)
    run = playbooks.run("release", objects.existing(grown)).succeeded()
    after = cluster.route(grown)
    assert without_weights(after) == without_weights(before)
    for rule in [*after["spec"]["http"][1:], *after["spec"]["tcp"]]:
        assert [entry["weight"] for entry in rule["route"]] == [0, 100]
    assert managers(after) == managers(before)
    pinned = [
        problem for result in run.results("traffic") for route in result["routes"] for problem in route["problems"]
    ]
    assert {(problem["code"], problem["path"]) for problem in pinned} == {("rule_pins_version", "testers")}

    # The owner's next apply, with the weights as they now are, meets no conflict.
    manifest = grown_route(grown)
    for rule in [*manifest["spec"]["http"][1:], *manifest["spec"]["tcp"]]:
        for entry, weight in zip(rule["route"], (0, 100), strict=True):
            entry["weight"] = weight
    cluster.apply([manifest])
    assert {manager for manager, _operation, _fields in managers(cluster.route(grown))} == {OWNER}


def test_the_owner_applies_the_same_manifest_again_without_a_conflict(
    playbooks: Playbooks, cluster: Cluster, grown: str
) -> None:
    spec = objects.existing(grown)
    playbooks.run("deploy", spec).succeeded()
    playbooks.run("shift", spec, bluegreen_percent=50).succeeded()
    playbooks.run("rollback", spec).succeeded()
    cluster.apply([grown_route(grown)])
    before = cluster.route(grown)
    playbooks.run("release", spec).succeeded()
    cluster.apply([grown_route(grown)])
    assert cluster.route(grown)["spec"] == before["spec"]


@pytest.fixture
def blue_only(cluster: Cluster, web: str) -> str:
    """The route knows nothing of green yet."""
    cluster.kubectl("delete", VIRTUAL_SERVICES, "web", "-n", web)
    cluster.apply([objects.route(web, "web", {"blue": None})])
    return web


def test_a_missing_destination_is_refused_with_the_lines_to_add(
    playbooks: Playbooks, cluster: Cluster, blue_only: str
) -> None:
    before = cluster.versions(blue_only)
    playbooks.run("release", objects.existing(blue_only, to="green")).refused(
        f"VirtualService {blue_only}/web: no destination for green",
        '"destination": {"host": "web-green',
        '"port": {"number": 80}',
        "route: {adopt: true}",
    )
    assert cluster.versions(blue_only) == before


def adopting(namespace: str, **more: Any) -> Json:
    spec = objects.existing(namespace, to="green", **more)
    spec["services"]["web"]["route"] = {"adopt": True}
    for name, version in spec["services"]["web"]["versions"].items():
        version["host"] = f"web-{name}"
    return spec


def test_an_adopted_route_is_extended_and_rolled_back_to_what_it_was(
    playbooks: Playbooks, cluster: Cluster, blue_only: str
) -> None:
    before = cluster.route(blue_only)
    spec = adopting(blue_only)
    playbooks.run("deploy", spec).succeeded()
    assert cluster.weights(blue_only) == {"web-blue": 100, "web-green": 0}
    playbooks.run("shift", spec, bluegreen_percent=50).succeeded()
    playbooks.run("rollback", spec).succeeded()
    assert set(cluster.weights(blue_only)) == {"web-blue"}
    # Who stands alone has everything, written or not.
    assert without_weights(cluster.route(blue_only)) == without_weights(before)
    assert weights_of(cluster.route(blue_only)) == {"web-blue": 100}
    playbooks.run("rollback", spec).unchanged()


def test_an_adopted_route_goes_all_the_way(playbooks: Playbooks, cluster: Cluster, blue_only: str) -> None:
    spec = adopting(blue_only)
    playbooks.run("release", spec).succeeded()
    assert cluster.weights(blue_only) == {"web-blue": 0, "web-green": 100}
    playbooks.run("release", spec).unchanged()
