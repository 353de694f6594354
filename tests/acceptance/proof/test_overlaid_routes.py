# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release lays over a route, rules for a test header and a mirror, is gone again on every way out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.acceptance.cluster import Json, until
from tests.acceptance.playbooks import DEADLINE
from tests.acceptance.proof.scene import Scene, refusing_gate
from tests.acceptance.traffic import nothing_failed

Tell = Callable[[str], None]

HEADER, MIRROR = '"x-bluegreen"', '"mirror"'


def overlaid(scene: Scene, *gates: Json) -> Json:
    """A release that asks for the candidate by a header, then mirrors requests to it, before its first step."""
    return scene.spec(
        steps=[50],
        pause="0s",
        verify={"header": True, "gates": list(gates)},
        mirror={"percent": 100, "duration": "2s"},
    )


def seen_in(history: list[Json]) -> set[str]:
    specs = [json.dumps(route["spec"]) for route in history]
    return {word for word in (HEADER, MIRROR) if any(word in spec for spec in specs)}


def test_a_refused_verification_takes_the_header_away(scene: Scene, tell: Tell) -> None:
    before = scene.route_spec()
    with scene.traffic() as load, scene.cluster.history(scene.namespace) as history:
        scene.release(overlaid(scene, refusing_gate(scene.directory))).refused("the team says no")
        assert seen_in(history) == {HEADER}
        assert (scene.route_spec(), scene.events()[-1]) == (before, "rolled_back")
    tell(nothing_failed(load))


def test_killed_while_each_of_them_stands(scene: Scene, tell: Tell) -> None:
    """Nothing of a killed run can clean up: the next one does, and at the end only the weights are others."""
    spec, before = overlaid(scene), scene.route_spec()
    with scene.traffic() as load:
        killed_with(scene, spec, HEADER)
        killed_with(scene, spec, MIRROR)
        scene.release(spec).succeeded()
        after = scene.route_spec()
        assert after == before.replace('"weight": 100', '"weight": 50').replace('"weight": 0', '"weight": 50')
        scene.playbooks.run("rollback", spec).succeeded()
        assert scene.route_spec() == before
    tell(nothing_failed(load))


@pytest.mark.parametrize("word", [HEADER, MIRROR], ids=["header", "mirror"])
def test_the_way_back_takes_away_what_a_killed_run_left(scene: Scene, tell: Tell, word: str) -> None:
    spec, before = overlaid(scene), scene.route_spec()
    with scene.traffic() as load:
        killed_with(scene, spec, word)
        scene.playbooks.run("rollback", spec).succeeded()
        assert scene.route_spec() == before
    tell(nothing_failed(load))


def killed_with(scene: Scene, spec: Json, word: str) -> None:
    running = scene.begin(spec)
    until(lambda: word in scene.route_spec(), f"the route has {word}", DEADLINE)
    running.kill()
