# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is under way when the traffic moves, and when the old version is deleted, comes to its end."""

from __future__ import annotations

from collections.abc import Callable

from tests.acceptance.cluster import Json
from tests.acceptance.proof.connections import OneConnection, Stream
from tests.acceptance.proof.scene import Scene, install, spec_of

Tell = Callable[[str], None]


def short_lived(spec: Json) -> Json:
    """Pods that are gone a moment after their deletion."""
    for version in spec["services"]["web"]["versions"].values():
        version.update(pre_stop=1, grace_period=2)
    return spec


def test_answers_that_take_their_time_come_whole(empty_scene: Scene, tell: Tell) -> None:
    """Begun before the first step, they end long after it; begun before the last, after the pods were deleted."""
    scene, checkpoint = empty_scene, empty_scene.checkpoint()
    spec = spec_of(scene, "green", [50, 100], gates=[checkpoint.gate], drain="1s")
    install(scene, spec)
    with OneConnection(scene.gateway, scene.host) as connection:
        streams = [Stream(scene.gateway, scene.host, seconds=30) for _number in range(5)]
        running = scene.begin(spec)
        checkpoint.reached(running, 50)
        streams += [Stream(scene.gateway, scene.host, seconds=30) for _number in range(20)]
        begun = {version: sum(stream.version == version for stream in streams) for version in ("blue", "green")}
        assert min(begun.values()) > 0, begun
        for percent in (50, 100):
            checkpoint.reached(running, percent)
            checkpoint.go_on(percent)
        running.end().succeeded()
        assert scene.events()[-1] == "retired"
        assert any(stream.is_open for stream in streams if stream.version == "blue"), (
            "none was open when it was retired"
        )
        broken = [why for stream in streams if (why := stream.end())]
    assert not broken, broken
    assert not connection.broken, connection
    assert len(connection.answers) == 2, connection.answers
    tell(f"{len(streams)} slow answers, {begun}, all whole; on one connection {dict(connection.answers)}")


def test_what_retire_cuts_is_said(empty_scene: Scene, tell: Tell) -> None:
    """An answer that outlasts the drain time and the grace period of its pod."""
    scene = empty_scene
    spec = short_lived(spec_of(scene, "green", [100], drain="1s"))
    spec["observe"]["proxies"] = {}
    install(scene, spec)
    streams = [Stream(scene.gateway, scene.host, seconds=60) for _number in range(3)]
    run = scene.release(spec).succeeded()
    assert "would be cut: 3 to blue" in run.output, run.output
    broken = [stream.end() for stream in streams]
    assert all(broken), broken
    tell(broken[0])
