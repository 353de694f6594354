# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``release_plan``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bluegreen.kubernetes.plugins.filter.release_plan import FilterModule
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import Journal, State
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release

from tests.unit.releases import web

release_plan = FilterModule().filters()["release_plan"]

BLUE = {"name": "web", "weights": {"blue": 100}}


def percents(plan: dict[str, Any]) -> list[int]:
    return [step["percent"] for step in plan["shift"]["steps"]]


def promoted_to_green(at: float) -> dict[str, Any]:
    """A journal's state, as release_info returns it, after a release from blue to green."""
    versions = read_release(web()).services["web"].versions
    deployed = {f"web/{name}": version.spec_hash for name, version in versions.items()}
    entries = (
        {
            "event": "started",
            "to": "green",
            "live": "blue",
            "before": {"web": {"blue": 100}},
            "spec_hash": "1",
            "time": at,
        },
        {"event": "deployed", "versions": deployed, "time": at},
        {"event": "promoted", "live": "green", "time": at},
    )
    return Journal(State(), entries).state.plain()


def test_with_nothing_observed_it_is_the_plan_of_a_first_install() -> None:
    plan = release_plan(web())
    assert (plan["action"], plan["to"], plan["live"]) == ("install", "blue", None)
    assert {"Deployment", "VirtualService"} <= {
        manifest["kind"] for stage in ("skeleton", "deploy") for manifest in plan[stage]["manifests"]
    }
    assert plan == release_plan(web(), {}) == release_plan(web(), None)


def test_from_the_live_version_the_steps_lead_to_the_other() -> None:
    plan = release_plan(web(to="green", steps=[10, 100]), {"routes": [BLUE]})
    assert (plan["action"], plan["live"], plan["to"], percents(plan)) == ("start", "blue", "green", [10, 100])


def test_the_shift_can_be_planned_as_far_as_a_percentage() -> None:
    assert percents(release_plan(web(to="green", steps=[10, 100]), {"routes": [BLUE]}, percent=50)) == [10, 50]
    assert percents(release_plan(web(to="green", steps=[10, 100]), {"routes": [BLUE]}, "10")) == [10]


def test_the_journal_of_an_unfinished_release_is_taken_up() -> None:
    release = web(to="green", steps=[10, 50, 100])
    started = release_plan(release, {"routes": [BLUE]})["started"]
    entries = ({**started, "time": 1.0}, {"event": "step", "step": 1, "percent": 10, "time": 2.0})
    observed = {
        "journal": Journal(State(), entries).state.plain(),
        "routes": [{"name": "web", "service": "web", "weights": {"blue": 90, "green": 10}}],
    }
    plan = release_plan(release, observed)
    assert (plan["action"], percents(plan)) == ("resume", [50, 100])


@pytest.mark.parametrize(("now", "due_in"), [(1000.0, 3600.0), (4600, 0.0)])
def test_the_plan_is_made_for_the_time_that_is_given(now: float, due_in: float) -> None:
    observed = {
        "journal": promoted_to_green(1000.0),
        "routes": [{"name": "web", "weights": {"green": 100}}],
        "now": now,
    }
    plan = release_plan(web(to="green", retire={"keep": "1h"}), observed)
    assert (plan["retire"]["versions"], plan["retire"]["due_in"]) == (["blue"], due_in)


def test_routes_are_taken_as_traffic_info_returns_them() -> None:
    returned = {
        "router": "istio",
        "name": "web",
        "namespace": "prod",
        "exists": True,
        "owned": True,
        "weights": {"blue": 100},
        "rules": [{"name": "web", "weights": {"blue": 100}}],
        "consistent": True,
        "missing": {},
        "backends": {"blue": [{"host": "web-blue.prod.svc.cluster.local", "subset": None}]},
        "mirrors": [],
        "managed_fields": [],
        "problems": [],
    }
    assert release_plan(web(to="green"), {"routes": [returned]})["action"] == "start"


def test_the_plan_is_plain_json() -> None:
    plan = release_plan(web(to="green"), {"routes": [BLUE], "now": 1.0})
    assert json.loads(json.dumps(plan)) == plan


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        ({"jurnal": {}}, "observed.jurnal: unknown key; did you mean journal?"),
        ({"now": "soon"}, "observed.now: expected seconds since 1970, got 'soon'"),
        ({"journal": {"percnt": 5}}, "observed.journal.percnt: unknown key; did you mean percent?"),
        ({"journal": {"before": "blue"}}, "observed.journal.before: expected something like {}, got 'blue'"),
        ({"routes": [{"name": "wbe"}]}, "observed.routes[0].service: no service wbe; known: web"),
        ({"routes": [{}]}, "observed.routes[0].name: is required"),
        ({"routes": [{"name": "web", "weight": 1}]}, "observed.routes[0].weight: unknown key; did you mean weights?"),
        (
            {"routes": [BLUE, {"name": "web", "weights": {"blue": "all"}}]},
            'observed.routes[1].weights.blue: expected integer from 0 to 100, got "all"',
        ),
    ],
)
def test_an_observation_that_cannot_be_is_refused(observed: object, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        release_plan(web(to="green"), observed)
    assert str(refused.value) == message


def test_what_the_user_has_to_decide_is_said() -> None:
    with pytest.raises(AnsibleFilterError, match="say where to go with to: VERSION"):
        release_plan(web(), {"routes": [{"name": "web", "weights": {"blue": 50, "green": 50}}]})
