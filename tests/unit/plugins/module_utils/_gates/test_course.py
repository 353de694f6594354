# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The course of an analysis: when there is a look, and that nothing waits any more once it is stopped."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.course import Course, Scene


def looks(window: float, interval: float | None, deadline: float) -> list[tuple[float, bool]]:
    course = Course(window, 0.1)
    course.begin()
    return [(round(course.elapsed, 1), over) for over in course.looks(interval, deadline)]


@pytest.mark.parametrize(
    ("window", "interval", "deadline", "expected"),
    [
        (0.0, None, 0.0, [(0.0, True)]),
        (0.0, None, 0.2, [(0.0, True), (0.1, True), (0.2, True)]),
        (0.3, None, 0.0, [(0.1, False), (0.2, False), (0.3, True)]),
        (0.3, 0.2, 0.0, [(0.2, False), (0.3, True)]),
        (0.1, 5.0, 0.0, [(0.1, True)]),
        (0.1, 5.0, 0.2, [(0.1, True), (0.3, True)]),
    ],
)
def test_there_is_a_look_at_each_interval_and_at_the_end(
    window: float, interval: float | None, deadline: float, expected: list[tuple[float, bool]]
) -> None:
    found = looks(window, interval, deadline)
    assert [over for at, over in found] == [over for at, over in expected]
    for look, wanted in zip(found, expected, strict=True):
        assert look[0] == pytest.approx(wanted[0], abs=0.11)


def test_a_look_that_takes_long_is_followed_by_one_and_not_by_all_that_were_missed() -> None:
    course = Course(1.0, 0.05)
    course.begin()
    found = []
    for over in course.looks(None, 0.0):
        found.append(over)
        threading.Event().wait(0.3)
    assert len(found) <= 5


def test_whoever_waits_for_the_window_is_let_go_when_it_is_stopped() -> None:
    course = Course(60.0, 1.0)
    begun: list[bool] = []
    thread = threading.Thread(target=lambda: begun.append(course.wait_to_begin()))
    thread.start()
    course.stop()
    thread.join(2)
    assert begun == [False]
    assert not course.over


def test_a_stop_ends_looks_and_tries_at_once() -> None:
    course = Course(60.0, 30.0)
    course.begin()
    timer = threading.Timer(0.1, course.stop)
    timer.start()
    begun = time.monotonic()
    assert list(course.looks(None, 30.0)) == []
    assert list(course.tries(30.0, 60.0)) == []
    assert time.monotonic() - begun < 2


def test_something_is_tried_until_its_deadline() -> None:
    course = Course(0.0, 1.0)
    course.begin()
    assert 3 <= len(list(course.tries(0.1, 0.3))) <= 4
    assert len(list(course.tries(0.1, 0.0))) == 1


def test_a_version_at_nought_rests() -> None:
    wanted = Wanted({"blue": 0, "green": 100}, candidate="green", live="blue")
    scene = Scene(Course(0.0, 1.0), lambda: None, wanted, {"service": "web"})  # type: ignore[arg-type,return-value]
    assert (scene.rests("live"), scene.rests("candidate")) == (True, False)
    assert scene.versions() == {"candidate": "green", "live": "blue"}
    said = scene.said(["$service-$version[$window]", "$namespace"], "blue", 0.4)
    assert said == ["web-blue[1s]", "$namespace"]
