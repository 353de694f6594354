# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three versions and more, all with traffic: by weights that a step names one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.releases import web

from .test_release import Cluster

Plain = dict[str, Any]


def release(count: int = 3, **keys: Any) -> Plain:
    """Versions named 0, 1, 2 and so on; integers are names too."""
    versions = {number: {"image": f"web:{number}"} for number in range(count)}
    return web(services={"web": {"versions": versions}}, **keys)


def installed(count: int = 3, **keys: Any) -> Cluster:
    """One in which version 0 is live, and others are to come."""
    cluster = Cluster(release(count, to=0))
    cluster.release()
    cluster.spec = release(count, **keys)
    return cluster


@pytest.fixture
def split() -> Cluster:
    return installed(to=2, steps=[{"weights": {"0": 40, "1": 30, "2": 30}}])


def test_every_version_that_gets_weight_is_deployed_before(split: Cluster) -> None:
    plan = split.plan()
    assert plan["timeline"][0] == "deploy 2 and 1 and wait until 2 and 1 are ready (at most 5m)"
    assert "step 1: 40 % to 0, 30 % to 1, 30 % to 2, then 1m of verification" in plan["timeline"]
    deployed = [item["metadata"]["name"] for item in plan["deploy"]["manifests"] if item["kind"] == "Deployment"]
    assert deployed == ["web-2", "web-1"]
    assert [item["version"] for item in plan["deploy"]["versions"]] == ["2", "1"]


def test_the_step_is_taken_whole(split: Cluster) -> None:
    split.release()
    assert split.weights() == {"0": 40, "2": 30, "1": 30}
    assert split.state.state == "shifted"
    assert split.state.standing == ["web/0", "web/1", "web/2"]
    journal, route = split.journal, split.routes["web"]
    split.release()
    assert (split.journal, split.routes["web"]) == (journal, route)


def test_a_rollback_restores_all_of_it_and_takes_out_what_came(split: Cluster) -> None:
    split.release()
    split.rollback()
    assert split.weights() == {"0": 100}
    assert split.state.state == "rolled_back"


def test_a_later_percentage_takes_from_all_others() -> None:
    cluster = installed(to=2, steps=[{"weights": {"0": 40, "1": 30, "2": 30}}, 60, 100])
    cluster.release()
    assert cluster.moves[-3:] == [{"0": 40, "1": 30, "2": 30}, {"0": 40, "1": 0, "2": 60}, {"0": 0, "1": 0, "2": 100}]
    assert cluster.state.live == "2"
    cluster.now += 100_000
    assert sorted(cluster.retire()) == ["0", "1"]
    assert cluster.weights() == {"2": 100}


def test_other_weights_for_a_release_that_goes_on() -> None:
    cluster = installed(count=2, to=1, steps=[50])
    cluster.release()
    assert cluster.weights() == {"0": 50, "1": 50}
    cluster.spec = release(2, to=1, steps=[{"weights": {"0": 30, "1": 70}}])
    cluster.release()
    assert cluster.weights() == {"0": 30, "1": 70}
    assert cluster.state.attempt == 2


def test_a_third_version_joins_a_release_that_goes_on() -> None:
    cluster = installed(to=1, steps=[50])
    cluster.release()
    cluster.spec = release(to=1, steps=[{"weights": {"0": 20, "1": 60, "2": 20}}])
    cluster.release()
    assert cluster.weights() == {"0": 20, "1": 60, "2": 20}
    cluster.rollback()
    assert cluster.weights() == {"0": 100}


def test_what_has_traffic_beside_the_candidate_is_not_changed_in_place(split: Cluster) -> None:
    split.release()
    changed = release(to=2, steps=[{"weights": {"0": 40, "1": 30, "2": 30}}])
    changed["services"]["web"]["versions"][1]["image"] = "web:1.1"
    split.spec = changed
    assert split.refused().startswith("the specification of 1 has changed since it got traffic (30 %)")


@st.composite
def courses(draw: st.DrawFn) -> tuple[int, list[Any]]:
    """Three to six versions, and steps that give the last one more and more: by percentage, or by name."""
    count = draw(st.integers(3, 6))
    percents = sorted(draw(st.sets(st.integers(1, 99), min_size=1, max_size=4)))
    steps: list[Any] = []
    for percent in percents:
        if draw(st.booleans()):
            steps.append(percent)
            continue
        left, shares = 100 - percent, {}
        for name in range(count - 2):
            shares[str(name)] = draw(st.integers(0, left))
            left -= shares[str(name)]
        steps.append({"weights": {**shares, str(count - 2): left, str(count - 1): percent}})
    return count, steps


@settings(deadline=None, max_examples=60)
@given(courses(), st.booleans())
def test_any_number_of_versions_goes_forth_and_back(course: tuple[int, list[Any]], back: bool) -> None:
    count, steps = course
    last = str(count - 1)
    cluster = installed(count, to=last, steps=steps if back else [*steps, 100])
    before = len(cluster.moves)
    cluster.release()
    for step, standing in zip(steps, cluster.moves[before:], strict=False):
        assert sum(standing.values()) == 100
        wanted = step["weights"] if isinstance(step, dict) else {last: step, "0": 100 - step}
        assert {name: weight for name, weight in standing.items() if weight} == {
            name: weight for name, weight in wanted.items() if weight
        }
        # No traffic to what was not deployed.
        assert all(("Deployment", f"web-{name}") in cluster.objects for name, weight in standing.items() if weight)
    if back:
        cluster.rollback()
        assert cluster.weights() == {"0": 100}
        return
    assert {name: weight for name, weight in cluster.weights().items() if weight} == {last: 100}
    cluster.now += 100_000
    cluster.retire()
    assert cluster.weights() == {last: 100}
    assert cluster.state.standing == [f"web/{last}"]
    assert cluster.state.state == "retired"
