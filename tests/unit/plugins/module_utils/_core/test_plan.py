# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left to do, from what the user wants and what stands."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import ReleaseError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import State
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import Release, read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.plan import (
    Observed,
    ObservedRoute,
    PlannedStep,
    decide,
    live_before,
    retirable,
    rollback_weights,
    steps_left,
    timeline,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.releases import web

NOW = 1_000_000.0
IMAGES = {name: {"image": f"web:{name}"} for name in ("blue", "green", "red")}


def release(*names: str, services: tuple[str, ...] = ("web",), **keys: Any) -> Release:
    """A release of these versions, blue and green if none are named."""
    versions = {name: IMAGES[name] for name in names or ("blue", "green")}
    return read_release(web(services={service: {"versions": versions} for service in services}, **keys))


def hashes(spec: Release, *names: str) -> dict[str, str]:
    """What the journal says of versions that were deployed as they are specified."""
    return {
        f"{service.name}/{name}": service.versions[name].spec_hash
        for service in spec.services.values()
        for name in names
    }


def route(weights: Mapping[str, int], service: str = "web", **keys: Any) -> ObservedRoute:
    return ObservedRoute(service, keys.pop("name", service), "prod", bool(weights), weights=dict(weights), **keys)


def seen(*routes: ObservedRoute, now: float = NOW, **journal: Any) -> Observed:
    if journal:
        journal = {"attempt": 1, "before": {"web": {"blue": 100}}, "to": "green", **journal}
    return Observed(State(**journal), routes, now)


def under_way(spec: Release, weights: Mapping[str, int], **journal: Any) -> Observed:
    """A release from blue to green that was begun."""
    return seen(route(weights), **{"state": "shifting", "spec_hash": spec.candidate_hash("green"), **journal})


def left(spec: Release, observed: Observed, limit: int | None = None) -> list[PlannedStep]:
    return steps_left(spec, decide(spec, observed), observed, limit)


def percents(spec: Release, observed: Observed, limit: int | None = None) -> list[int]:
    return [step.percent for step in left(spec, observed, limit)]


def refused(spec: Release, observed: Observed, limit: int | None = None) -> str:
    with pytest.raises(ReleaseError) as error:
        left(spec, observed, limit)
    return error.value.message


class TestDecision:
    """What a run is about."""

    @pytest.mark.parametrize("to", [None, "green"])
    def test_the_first_install_is_of_the_first_version(self, to: str | None) -> None:
        decision = decide(release(to=to), seen(route({})))
        assert (decision.action, decision.to, decision.live, decision.before) == ("install", "blue", None, {})

    @pytest.mark.parametrize("to", [None, "green"])
    def test_an_install_that_was_cut_short_goes_on(self, to: str | None) -> None:
        spec = release(to=to)
        decision = decide(spec, seen(route({"blue": 100}), state="started", install=True, to="blue", before={}))
        assert (decision.action, decision.to) == ("install", "blue")

    def test_a_first_install_that_failed_may_be_mended(self) -> None:
        observed = seen(route({"blue": 100}), state="started", install=True, to="blue", before={}, spec_hash="broken")
        assert decide(release(), observed).action == "install"

    def test_the_first_release_goes_to_what_was_never_deployed(self) -> None:
        spec = release()
        observed = seen(route({"blue": 100}), state="promoted", to="blue", deployed=hashes(spec, "blue"), before={})
        decision = decide(spec, observed)
        assert (decision.action, decision.live, decision.to) == ("start", "blue", "green")
        assert decision.before == {"web": {"blue": 100}}

    def test_there_is_nothing_to_do_when_all_is_deployed(self) -> None:
        spec = release()
        observed = seen(route({"blue": 0, "green": 100}), state="promoted", deployed=hashes(spec, "blue", "green"))
        decision = decide(spec, observed)
        assert (decision.action, decision.live) == ("nothing", "green")
        assert decision.reason == "green is live and no other version is to be released"
        assert left(spec, observed) == []
        assert timeline(decision, [], spec) == [f"nothing to do: {decision.reason}"]

    def test_the_next_release_flips_back_by_itself(self) -> None:
        old, new = (
            release(),
            read_release(web(services={"web": {"versions": {**_two(), "blue": {"image": "web:1.6"}}}})),
        )
        observed = seen(route({"blue": 0, "green": 100}), state="promoted", deployed=hashes(old, "blue", "green"))
        decision = decide(new, observed)
        assert (decision.action, decision.live, decision.to) == ("start", "green", "blue")
        assert percents(new, observed) == [5, 25, 50, 100]

    def test_a_version_that_we_found_live_is_no_candidate_until_it_changes(self) -> None:
        spec = release()
        known: dict[str, Any] = {"deployed": hashes(spec, "green"), "found": hashes(spec, "blue")}
        assert decide(spec, seen(route({"green": 100}), state="promoted", **known)).action == "nothing"
        known["found"] = {"web/blue": "of an older specification"}
        assert decide(spec, seen(route({"green": 100}), state="promoted", **known)).to == "blue"

    def test_the_live_version_is_never_changed_in_place(self) -> None:
        observed = seen(route({"blue": 100}), state="promoted", deployed={"web/blue": "of an older specification"})
        assert refused(release(to="green"), observed) == (
            "blue of web is live and its specification differs from the one that was deployed: a live version is never "
            "changed in place; give the change to green and release that"
        )

    def test_at_a_tie_the_user_says_where_to_go(self) -> None:
        observed = seen(route({"blue": 50, "green": 50}))
        assert refused(release(), observed) == (
            "which version is live cannot be told from the weights (web: blue 50 %, green 50 %): say where to go with "
            "to: VERSION"
        )
        assert percents(release(to="green"), observed) == [50, 100]

    def test_of_two_idle_versions_that_changed_the_user_names_one(self) -> None:
        observed = seen(route({"blue": 100}))
        message = "green and red have changed: say which is the candidate with to: VERSION"
        assert refused(release("blue", "green", "red"), observed) == message
        assert decide(release("blue", "green", "red", to="red"), observed).to == "red"

    def test_services_that_do_not_agree_on_live_need_a_word(self) -> None:
        observed = seen(route({"blue": 100}), route({"green": 100}, "api"))
        assert "(web: blue 100 %; api: green 100 %)" in refused(release(services=("web", "api")), observed)

    def test_a_route_without_any_version_says_what_it_has(self) -> None:
        observed = seen(
            ObservedRoute("web", "web", "prod", True, problem="VirtualService prod/web: it has only legacy")
        )
        assert refused(release(), observed) == "VirtualService prod/web: it has only legacy"

    @pytest.mark.parametrize("to", [None, "green"])
    def test_a_route_in_which_all_weights_are_0_is_refused(self, to: str | None) -> None:
        message = refused(release(to=to), seen(route({"blue": 0, "green": 0})))
        assert message.startswith("prod/web of web: all weights of its versions are 0 (blue 0 %, green 0 %)")
        assert message.endswith("give the one that is to be live its weight first")

    def test_rules_with_different_weights_are_refused(self) -> None:
        observed = seen(route({"blue": 100}, consistent=False))
        assert refused(release(), observed).startswith(
            "prod/web: its rules carry different weights for the same versions"
        )

    def test_routes_of_a_service_with_different_weights_are_refused(self) -> None:
        observed = seen(route({"blue": 100, "green": 0}), route({"blue": 80, "green": 20}, name="inside"))
        assert refused(release(), observed) == (
            "web: its routes carry different weights (prod/web: blue 100 %, green 0 %; prod/inside: blue 80 %, "
            "green 20 %); make them equal first"
        )

    def test_a_route_that_is_missing_is_as_if_live_had_everything(self) -> None:
        spec = release(to="blue")
        observed = seen(
            route({}), state="promoted", live="green", deployed=hashes(spec, "green"), standing=["web/green"]
        )
        assert decide(spec, observed).before == {"web": {"green": 100}}
        assert left(spec, observed)[0].expect == {"web": {"blue": 0, "green": 100}}

    def test_a_missing_route_of_unknown_past_is_refused(self) -> None:
        assert refused(release(to="green"), seen(route({}), state="rolled_back")) == (
            "web has no route, and which version is live is not known: create the route with 100 for that version"
        )

    def test_a_service_that_never_had_the_live_version_is_refused(self) -> None:
        observed = seen(route({"blue": 100}), route({}, "api"), state="promoted", standing=["web/blue"])
        assert refused(release(services=("web", "api"), to="green"), observed) == (
            "api has no route and never had the version blue, from which this release starts: release it first under a "
            "release name of its own"
        )


class TestUnderWay:
    """A release that was begun and not closed."""

    def test_it_is_resumed_with_the_weights_from_before(self) -> None:
        spec = release()
        decision = decide(spec, under_way(spec, {"blue": 75, "green": 25}, percent=5))
        assert (decision.action, decision.to, decision.live) == ("resume", "green", "blue")
        assert decision.before == {"web": {"blue": 100}}

    def test_another_candidate_is_refused(self) -> None:
        spec = release("blue", "green", "red", to="red")
        assert refused(spec, under_way(spec, {"blue": 75, "green": 25}, percent=25)) == (
            "a release to green is under way (shifting, 25 %), and this one wants red: finish it with to: green, or "
            "take it back with the playbook rollback, then start this one"
        )

    def test_a_candidate_that_is_gone_from_the_specification_is_refused(self) -> None:
        spec = release("blue", "red")
        observed = seen(route({"blue": 100}), state="started")
        assert refused(spec, observed) == (
            "the release under way goes to green, which is no longer among the versions; put it back"
        )

    def test_a_live_version_that_is_gone_from_the_specification_is_refused(self) -> None:
        spec = release("green", "red")
        assert refused(spec, under_way(spec, {"green": 25})) == (
            "web had traffic on blue when the release to green began, which is no longer in the specification: put web "
            "and its versions back until the release is closed"
        )

    def test_a_candidate_with_traffic_is_not_changed(self) -> None:
        spec = release()
        assert refused(spec, under_way(spec, {"blue": 95, "green": 5}, spec_hash="older")).startswith(
            "the specification of green has changed since it got traffic: put it back to go on, or roll back"
        )

    def test_a_candidate_without_traffic_may_be_mended(self) -> None:
        spec = release()
        assert decide(spec, under_way(spec, {"blue": 100, "green": 0}, spec_hash="older")).action == "resume"

    @pytest.mark.parametrize("green", [0, 25])
    def test_a_service_that_came_later_is_refused(self, green: int) -> None:
        spec = release(services=("web", "api"))
        routes = (route({"blue": 100 - green, "green": green}), route({"blue": 100}, "api"))
        observed = seen(*routes, state="shifting", spec_hash=spec.candidate_hash("green"), percent=green)
        assert refused(spec, observed) == (
            "api was no part of the release to green when it began, and has no way back: take it out of the "
            "specification until the release is closed, or roll back first"
        )

    def test_a_service_that_came_later_does_not_stop_a_rollback(self) -> None:
        spec = release(services=("web", "api"))
        routes = (route({"blue": 75, "green": 25}), route({"blue": 100}, "api"))
        observed = seen(*routes, state="rolling_back", spec_hash=spec.candidate_hash("green"))
        assert decide(spec, observed).action == "roll_back"
        assert rollback_weights(spec, observed) == {"web": {"blue": 100, "green": 0}}

    def test_a_service_that_came_later_is_part_of_a_first_install(self) -> None:
        spec = release(services=("web", "api"))
        routes = (route({"blue": 100}), route({}, "api"))
        assert decide(spec, seen(*routes, state="started", install=True, to="blue", before={})).action == "install"

    def test_a_rollback_that_was_begun_is_finished_first(self) -> None:
        spec = release("blue", "green", "red", to="red")
        observed = under_way(spec, {"blue": 95, "green": 5}, state="rolling_back")
        decision = decide(spec, observed)
        assert (decision.action, decision.to, decision.live) == ("roll_back", "green", "blue")
        assert left(spec, observed) == []
        assert timeline(decision, [], spec) == ["finish the rollback from green"]


class TestSteps:
    """From where the traffic stands to the end."""

    @pytest.mark.parametrize(
        ("stands", "passed", "expected"),
        [
            (0, None, [0, 5, 25, 50, 100]),
            (0, 0, [5, 25, 50, 100]),
            (5, 5, [25, 50, 100]),
            # Killed between the write of 25 and the end of its pause.
            (25, 5, [25, 50, 100]),
            (25, 25, [50, 100]),
            (100, 50, [100]),
            (100, 100, []),
            # Somebody moved the traffic: forward of the steps, and back.
            (30, 25, [50, 100]),
            (5, 50, [5, 25, 50, 100]),
            (0, 50, [0, 5, 25, 50, 100]),
        ],
    )
    def test_what_is_left_after_a_kill(self, stands: int, passed: int | None, expected: list[int]) -> None:
        spec = release(steps=[0, 5, 25, 50, 100])
        assert percents(spec, under_way(spec, {"blue": 100 - stands, "green": stands}, percent=passed)) == expected

    def test_each_step_knows_its_place_and_its_pause(self) -> None:
        spec = release(steps=[5, {"percent": 25, "pause": "10m"}, 100], pause="1m")
        planned = left(spec, under_way(spec, {"blue": 95, "green": 5}, percent=5))
        assert [(step.number, step.percent, step.pause, step.last) for step in planned] == [
            (2, 25, 600.0, False),
            (3, 100, 60.0, True),
        ]

    @pytest.mark.parametrize(
        ("limit", "stands", "passed", "expected"),
        [
            (25, 0, None, [(1, 5), (2, 25)]),
            (30, 0, None, [(1, 5), (2, 25), (3, 30)]),
            (2, 0, None, [(1, 2)]),
            (25, 25, 25, []),
            (25, 25, 5, [(2, 25)]),
            (100, 25, 25, [(3, 50), (4, 100)]),
        ],
    )
    def test_a_limit_ends_them_early(
        self, limit: int, stands: int, passed: int | None, expected: list[tuple[int, int]]
    ) -> None:
        spec = release()
        planned = left(spec, under_way(spec, {"blue": 100 - stands, "green": stands}, percent=passed), limit)
        assert [(step.number, step.percent) for step in planned] == expected
        assert all(step.last == (step is planned[-1]) for step in planned)

    def test_a_limit_below_what_stands_is_refused(self) -> None:
        spec = release()
        assert refused(spec, under_way(spec, {"blue": 75, "green": 25}), 5) == (
            "bluegreen_percent: green has 25 % already and steps only rise; use the playbook rollback to go back"
        )

    def test_many_versions_share_what_is_left_as_they_did(self) -> None:
        spec = release("blue", "green", "red", to="green", steps=[10, 50, 100])
        planned = left(spec, seen(route({"blue": 60, "red": 40})))
        assert [step.weights["web"] for step in planned] == [
            {"blue": 54, "red": 36, "green": 10},
            {"blue": 30, "red": 20, "green": 50},
            {"blue": 0, "red": 0, "green": 100},
        ]

    def test_whole_weights_leave_nothing_to_who_is_not_named(self) -> None:
        steps = [{"weights": {"blue": 70, "green": 30}}, 100]
        spec = release("blue", "green", "red", to="green", steps=steps)
        first, last = left(spec, seen(route({"blue": 60, "red": 40})))
        assert (first.percent, first.weights) == (30, {"web": {"blue": 70, "red": 0, "green": 30}})
        assert last.expect == first.weights

    def test_whole_weights_that_let_the_candidate_fall_are_refused(self) -> None:
        spec = release(to="green", steps=[50, {"weights": {"blue": 70, "green": 30}}, 100])
        with pytest.raises(Exception, match="steps must rise, but 30 follows 50"):
            left(spec, seen(route({"blue": 100})))

    def test_services_move_together_from_who_is_ahead(self) -> None:
        spec = release(services=("web", "api"))
        before = {"web": {"blue": 100}, "api": {"blue": 100}}
        ahead, behind = route({"blue": 75, "green": 25}), route({"blue": 95, "green": 5}, "api")
        observed = seen(
            ahead, behind, state="shifting", percent=5, before=before, spec_hash=spec.candidate_hash("green")
        )
        first = left(spec, observed)[0]
        assert first.percent == 25
        assert first.weights == {name: {"blue": 75, "green": 25} for name in before}
        assert first.expect == {"web": {"blue": 75, "green": 25}, "api": {"blue": 95, "green": 5}}

    @settings(max_examples=80)
    @given(st.data())
    def test_no_service_ever_goes_back(self, data: st.DataObject) -> None:
        names = ("web", "api")
        rising = st.lists(st.integers(0, 100), min_size=1, max_size=6, unique=True).map(sorted)
        spec = release(services=names, steps=data.draw(rising), to="green")
        standing = {name: data.draw(st.integers(0, 100)) for name in names}
        routes = [route({"blue": 100 - percent, "green": percent}, name) for name, percent in standing.items()]
        journal: dict[str, Any] = {}
        if data.draw(st.booleans()):
            journal = {"state": "shifting", "percent": data.draw(st.none() | st.integers(0, 100))}
            journal |= {"before": {name: {"blue": 100} for name in names}, "spec_hash": spec.candidate_hash("green")}
        observed = seen(*routes, **journal)
        limit = data.draw(st.none() | st.integers(max(standing.values()), 100))
        # From there nothing would be left to take the rest of the traffic.
        assume(journal or max(standing.values()) < 100)
        planned = left(spec, observed, limit)
        assert all(step.percent >= percent for step in planned for percent in standing.values())
        assert all(step.percent <= (100 if limit is None else limit) for step in planned)
        assert all(later.percent > earlier.percent for earlier, later in pairwise(planned))
        assert all(later.expect == earlier.weights for earlier, later in pairwise(planned))
        assert all(sum(weights.values()) == 100 for step in planned for weights in step.weights.values())
        for step in planned[:1]:
            assert step.expect == {item.service: item.weights for item in routes}


class TestRetire:
    """What has done its service, and when it may go."""

    def test_the_old_version_stays_as_long_as_it_is_kept(self) -> None:
        spec = release(retire={"keep": "1h"})
        standing: dict[str, Any] = {
            "standing": ["web/blue", "web/green"],
            "state": "promoted",
            "promoted_at": NOW - 600,
        }
        versions, due_in = retirable(spec, seen(route({"blue": 0, "green": 100}), **standing), "green")
        assert ([version.name for version in versions], due_in) == (["blue"], 3000.0)
        versions, due_in = retirable(spec, seen(route({"blue": 0, "green": 100}), now=NOW + 3000, **standing), "green")
        assert ([version.name for version in versions], due_in) == (["blue"], 0.0)

    @pytest.mark.parametrize("state", ["started", "deployed", "shifting", "shifted", "held", "rolling_back"])
    def test_nothing_goes_while_a_release_is_under_way(self, state: str) -> None:
        assert retirable(release(), seen(state=state, standing=["web/blue", "web/green"]), "blue") == ([], 0.0)

    def test_nothing_goes_when_live_is_unknown(self) -> None:
        assert retirable(release(), seen(state="promoted", standing=["web/blue"]), None) == ([], 0.0)

    def test_what_we_did_not_deploy_stays(self) -> None:
        assert retirable(release(), seen(state="promoted", standing=["web/green"]), "green") == ([], 0.0)

    def test_a_candidate_that_was_rolled_back_may_go(self) -> None:
        versions, due_in = retirable(release(), seen(state="rolled_back", standing=["web/green"]), "blue")
        assert ([version.name for version in versions], due_in) == (["green"], 0.0)

    @pytest.mark.parametrize(
        ("retire", "journal", "live", "expected"),
        [
            (None, {"state": "promoted"}, "green", []),
            ({"keep": "1h"}, {"state": "promoted"}, "green", []),
            ("delete", {"state": "promoted"}, "green", ["blue"]),
            ("scale_to_zero", {"state": "promoted"}, "green", ["blue"]),
            # Not before it has served: the candidate of the release to come is no old version.
            ("delete", {}, "blue", []),
            ("delete", {"state": "rolled_back"}, "blue", []),
            ("delete", {"state": "retired"}, "green", []),
        ],
    )
    def test_an_existing_version_goes_only_when_told_and_after_its_service(
        self, retire: Any, journal: dict[str, Any], live: str, expected: list[str]
    ) -> None:
        versions = {name: {"existing": {"deployment": f"web-{name}"}} for name in ("blue", "green", "red")}
        spec = read_release(web(services={"web": {"versions": versions}}, retire=retire))
        found, _due_in = retirable(spec, seen(**journal), live)
        assert [version.name for version in found] == expected


class TestRollback:
    """The way back."""

    @pytest.mark.parametrize("state", ["started", "shifting", "held", "rolling_back", "promoted", "retired"])
    def test_the_weights_from_before_come_back(self, state: str) -> None:
        spec = release("blue", "green", "red")
        observed = seen(
            route({"blue": 30, "green": 50, "red": 20}), state=state, before={"web": {"blue": 60, "red": 40}}
        )
        assert rollback_weights(spec, observed) == {"web": {"blue": 60, "red": 40, "green": 0}}
        assert live_before(observed.journal) == "blue"

    @pytest.mark.parametrize("state", ["none", "rolled_back"])
    def test_there_is_nothing_to_take_back(self, state: str) -> None:
        assert rollback_weights(release(), seen(route({"blue": 100}), state=state)) == {}

    def test_a_first_install_has_nowhere_to_go_back_to(self) -> None:
        observed = seen(route({"blue": 100}), state="deployed", install=True, to="blue", before={})
        with pytest.raises(ReleaseError) as error:
            rollback_weights(release(), observed)
        assert error.value.message == (
            "this is the first install of blue: there are no weights to go back to; mend what failed and run it again"
        )
        assert rollback_weights(release(), seen(state="promoted", install=True, before={})) == {}

    def test_a_version_that_was_retired_cannot_take_traffic(self) -> None:
        deployed = {"web/blue": "1", "web/green": "2"}
        observed = seen(route({"green": 100}), state="retired", deployed=deployed, standing=["web/green"])
        with pytest.raises(ReleaseError) as error:
            rollback_weights(release(), observed)
        assert error.value.message == "web cannot go back to blue: it was retired; release it again with to: blue"

    def test_a_version_that_we_never_deployed_can(self) -> None:
        observed = seen(route({"green": 100}), state="promoted", deployed={"web/green": "2"}, standing=["web/green"])
        assert rollback_weights(release(), observed) == {"web": {"blue": 100, "green": 0}}

    def test_a_version_that_is_gone_from_the_specification_is_asked_for(self) -> None:
        with pytest.raises(ReleaseError, match="web had traffic on blue when the release to green began"):
            rollback_weights(release("green"), seen(route({"green": 100}), state="promoted"))


def test_the_timeline_tells_the_whole_story() -> None:
    spec = release(steps=[50, 100], pause="1m", retire={"keep": "24h"})
    observed = seen(route({"blue": 100}))
    assert timeline(decide(spec, observed), left(spec, observed), spec) == [
        "deploy green and wait until green is ready (at most 5m)",
        "verify green at 0 %",
        "step 1: 50 % to green, then 1m of verification",
        "step 2: 100 % to green, then 1m of verification",
        "promote green",
        "blue is deleted after 1d without traffic",
    ]


def test_the_timeline_of_an_install_has_no_steps() -> None:
    assert timeline(decide(release(), seen(route({}))), [], release()) == [
        "deploy blue and wait until blue is ready (at most 5m)",
        "blue gets 100 % without steps: first install of blue",
    ]


def _two() -> dict[str, Any]:
    return {name: IMAGES[name] for name in ("blue", "green")}
