# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Capacity: what live versions could carry at the start is held, given back, and asked for on the way back."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.autoscalers import seen_capacity
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.capacity import (
    beginning,
    giving_back,
    holding,
    live_workloads,
    note,
    noted_workloads,
    problems,
    returned,
    shortfall,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.releases import web

Json = dict[str, Any]

BLUE = {"key": "web/blue", "kind": "Deployment", "name": "web-blue", "namespace": "prod"}
PATCHER = {"manager": "patcher", "operation": "Update", "apiVersion": "autoscaling/v2"}
HELM = {"manager": "helm", "operation": "Apply", "apiVersion": "autoscaling/v2"}


class Live:
    """A live workload with its autoscalers, which takes patches as the API server does."""

    def __init__(self, replicas: int = 5, ready: int | None = None, **bounds: tuple[int | None, int]) -> None:
        self.replicas, self.ready, self.exists = replicas, replicas if ready is None else ready, True
        self.scalers = {name: _autoscaler(name, *found) for name, found in bounds.items()}

    def seen(self) -> list[Json]:
        found = {"metadata": {}, "spec": {"replicas": self.replicas}, "status": {"readyReplicas": self.ready}}
        return [seen_capacity(BLUE, found if self.exists else None, copy.deepcopy(list(self.scalers.values())))]

    def lowest(self, name: str = "hpa") -> int | None:
        lowest: int | None = self.scalers[name]["spec"]["minReplicas"]
        return lowest

    def owners(self, name: str = "hpa") -> list[str]:
        fields = self.scalers[name]["metadata"]["managedFields"]
        return [item["manager"] for item in fields if "f:minReplicas" in item["fieldsV1"]["f:spec"]]

    def patch(self, patches: list[Json]) -> None:
        """Send patches as they are meant: merged into what is there, the patcher owns what it changes."""
        for patch in json.loads(json.dumps(patches)):
            if patch["kind"] == "Deployment":
                assert (patch["apiVersion"], patch["metadata"]) == (
                    "apps/v1",
                    {"name": "web-blue", "namespace": "prod"},
                )
                self.replicas = patch["spec"]["replicas"]
                continue
            assert (patch["apiVersion"], patch["kind"]) == ("autoscaling/v2", "HorizontalPodAutoscaler")
            assert patch["metadata"].pop("namespace") == "prod"
            scaler = self.scalers[patch["metadata"].pop("name")]
            if patch["metadata"]:
                assert list(patch["metadata"]) == ["managedFields"]
                assert "spec" not in patch, "who owns what is decided by the number in the same request"
                scaler["metadata"]["managedFields"] = patch["metadata"]["managedFields"]
            else:
                self.write(patch["spec"]["minReplicas"], scaler["metadata"]["name"], PATCHER)

    def write(self, lowest: int | None, name: str = "hpa", manager: Json | None = None) -> None:
        """Somebody writes the number: an update takes it over, an apply of the same number shares it."""
        manager = PATCHER if manager is None else manager
        scaler = self.scalers[name]
        fields = scaler["metadata"]["managedFields"]
        if scaler["spec"]["minReplicas"] != lowest:
            for item in fields:
                item["fieldsV1"]["f:spec"].pop("f:minReplicas", None)
        scaler["metadata"]["managedFields"] = [*fields, _entry(manager, "minReplicas")]
        scaler["spec"]["minReplicas"] = lowest


def _autoscaler(name: str, lowest: int | None, highest: int) -> Json:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-blue"}
    written = ("maxReplicas",) if lowest is None else ("minReplicas", "maxReplicas")
    return {
        "metadata": {"name": name, "managedFields": [_entry(HELM, *written)]},
        "spec": {"minReplicas": lowest, "maxReplicas": highest, "scaleTargetRef": target},
    }


def _entry(manager: Json, *fields: str) -> Json:
    return {**manager, "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {f"f:{name}": {} for name in fields}}}


def numbers(patches: list[Json]) -> list[int | None]:
    return [patch["spec"]["minReplicas"] for patch in patches if "minReplicas" in patch.get("spec", {})]


def codes(found: list[Json]) -> list[str]:
    return [problem["code"] for problem in found]


def test_the_note_is_small_and_says_where_to_go_back_to() -> None:
    assert note(Live(5, 4, hpa=(2, 9)).seen()) == {
        "web/blue": {
            "kind": "Deployment",
            "name": "web-blue",
            "namespace": "prod",
            "replicas": 5,
            "ready": 4,
            "autoscalers": [{"name": "hpa", "min_replicas": 2, "held": 5, "owners": [HELM]}],
        }
    }


def test_pods_that_are_on_their_way_out_are_not_noted() -> None:
    assert note(Live(2, 5).seen())["web/blue"]["ready"] == 2


def test_what_is_not_there_is_not_noted() -> None:
    live = Live()
    live.exists = False
    assert note(live.seen()) == {}


def test_an_autoscaler_is_raised_to_the_replicas_and_then_left_alone() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    patches = holding(live.seen(), noted)
    assert patches == [
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "hpa", "namespace": "prod"},
            "spec": {"minReplicas": 5},
        }
    ]
    live.patch(patches)
    assert holding(live.seen(), noted) == []


def test_a_number_that_is_not_written_is_one() -> None:
    live = Live(2, hpa=(None, 9))
    noted = note(live.seen())
    live.patch(holding(live.seen(), noted))
    assert live.lowest() == 2
    live.patch(giving_back(live.seen(), noted))
    assert live.lowest() is None


@pytest.mark.parametrize(("lowest", "highest", "raised"), [(5, 9, []), (6, 9, []), (2, 4, [4]), (4, 4, [])])
def test_it_is_never_lowered_and_never_above_its_own_limit(lowest: int, highest: int, raised: list[int]) -> None:
    seen = Live(5, hpa=(lowest, highest)).seen()
    assert numbers(holding(seen, note(seen))) == raised


def test_without_an_autoscaler_there_is_nothing_to_hold() -> None:
    seen = Live(5).seen()
    assert holding(seen, note(seen)) == giving_back(seen, note(seen)) == problems(seen, note(seen)) == []


def test_every_autoscaler_of_a_workload_is_held() -> None:
    live = Live(5, cpu=(2, 9), rps=(3, 9))
    live.patch(holding(live.seen(), note(live.seen())))
    assert (live.lowest("cpu"), live.lowest("rps")) == (5, 5)


def test_given_back_the_number_stands_and_its_owner_meets_no_conflict() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.patch(holding(live.seen(), noted))
    assert (live.lowest(), live.owners()) == (5, ["patcher"])
    live.patch(giving_back(live.seen(), noted))
    assert (live.lowest(), live.owners()) == (2, ["helm"])
    assert giving_back(live.seen(), noted) == []


def test_somebody_elses_number_stays() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.patch(holding(live.seen(), noted))
    live.write(4)
    assert giving_back(live.seen(), noted) == []


@pytest.mark.parametrize("applier", [HELM, {**HELM, "manager": "kustomize-controller"}])
def test_the_same_number_applied_by_somebody_stays_and_is_theirs_alone(applier: Json) -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.patch(holding(live.seen(), noted))
    live.write(5, manager=applier)
    patches = giving_back(live.seen(), noted)
    assert numbers(patches) == []
    live.patch(patches)
    assert (live.lowest(), live.owners()) == (5, [applier["manager"]])
    assert giving_back(live.seen(), noted) == []


def test_a_number_that_was_not_written_and_will_do_is_left_unwritten() -> None:
    live = Live(1, hpa=(None, 9))
    noted = note(live.seen())
    assert holding(live.seen(), noted) == giving_back(live.seen(), noted) == []


def test_a_number_that_was_high_enough_is_never_given_back() -> None:
    live = Live(5, hpa=(5, 9))
    noted = note(live.seen())
    live.write(3)
    assert holding(live.seen(), noted) == []
    live.write(5)
    assert giving_back(live.seen(), noted) == []


def test_an_autoscaler_that_is_gone_is_nobodys_business() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.scalers = {}
    assert holding(live.seen(), noted) == giving_back(live.seen(), noted) == problems(live.seen(), noted) == []


def test_only_what_is_named_is_given_back() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.patch(holding(live.seen(), noted))
    assert giving_back(live.seen(), noted, ["web/green"]) == []
    assert numbers(giving_back(live.seen(), noted, ["web/blue"])) == [2]


def test_a_second_attempt_does_not_take_the_first_ones_number_for_the_users() -> None:
    live = Live(5, hpa=(2, 9))
    first = note(live.seen())
    live.patch(holding(live.seen(), first))
    live.replicas = live.ready = 7
    second = note(live.seen(), first)
    assert second["web/blue"]["autoscalers"] == [{"name": "hpa", "min_replicas": 2, "held": 7, "owners": [HELM]}]
    live.patch(holding(live.seen(), second))
    live.patch(giving_back(live.seen(), second))
    assert (live.lowest(), live.owners()) == (2, ["helm"])


def test_a_second_attempt_takes_what_the_user_has_changed_since() -> None:
    live = Live(5, hpa=(2, 9))
    first = note(live.seen())
    live.patch(holding(live.seen(), first))
    live.write(3)
    assert note(live.seen(), first)["web/blue"]["autoscalers"][0]["min_replicas"] == 3
    live.write(5)
    live.write(5, manager=HELM)
    assert note(live.seen(), first)["web/blue"]["autoscalers"][0]["min_replicas"] == 5


def test_a_run_that_was_killed_goes_on_from_its_note() -> None:
    live = Live(5, hpa=(2, 9))
    begun = beginning(live.seen(), {}, ["web/blue"], started=False)
    assert (numbers(begun["patches"]), begun["entry"]) == ([5], None)
    again = beginning(live.seen(), begun["notes"], ["web/blue"], started=True)
    assert again == {"notes": {}, "patches": begun["patches"], "entry": None}
    live.patch(again["patches"])
    assert beginning(live.seen(), begun["notes"], ["web/blue"], started=True)["patches"] == []


def test_what_was_the_fallback_is_given_back_when_the_next_attempt_starts() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.patch(holding(live.seen(), noted))
    begun = beginning(live.seen(), noted, ["web/green"], started=False)
    assert begun["notes"] == {}
    assert numbers(begun["patches"]) == [2]
    assert begun["entry"] == {"event": "capacity", "returned": ["web/blue"]}


def test_what_was_never_held_needs_no_entry() -> None:
    assert returned([]) is None
    assert returned(["web/red", "web/blue"]) == {"event": "capacity", "returned": ["web/blue", "web/red"]}


def test_live_is_what_had_weight_but_the_candidate() -> None:
    existing = {"deployment": "old"}
    versions = {"blue": {"image": "web:1"}, "red": {"existing": existing}, "green": {"image": "web:2"}}
    release = read_release(web(services={"web": {"versions": versions, "namespace": "shop"}}))
    before = {"web": {"blue": 60, "red": 30, "green": 10, "gone": 0}, "api": {"blue": 100}}
    found = live_workloads(release, before, "green")
    assert found == [
        {"key": "web/blue", "kind": "Deployment", "name": "web-blue", "namespace": "shop"},
        {"key": "web/red", "kind": "Deployment", "name": "old", "namespace": "shop"},
    ]
    assert live_workloads(release, {"web": {"blue": 0, "other": 100}}, "green") == []


def test_noted_workloads_can_be_read_without_a_specification() -> None:
    assert noted_workloads(note(Live(5, hpa=(2, 9)).seen())) == [BLUE]


def test_full_strength_asks_for_nothing() -> None:
    live = Live(5, hpa=(2, 9))
    assert shortfall(live.seen(), note(live.seen())) == []
    assert shortfall(live.seen(), {}) == []


def test_what_was_scaled_down_is_scaled_up_behind_its_autoscaler() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.replicas = live.ready = 1
    (short,) = shortfall(live.seen(), noted)
    assert {key: short[key] for key in BLUE} == BLUE
    assert (short["wanted"], short["ready"]) == (5, 1)
    assert short["message"] == (
        "Deployment prod/web-blue had 5 ready pods when the release began and has 1, of 1 wanted: it is scaled up to "
        "5 first"
    )
    assert [patch["kind"] for patch in short["patches"]] == ["HorizontalPodAutoscaler", "Deployment"]
    live.patch(short["patches"])
    assert (live.lowest(), live.replicas) == (5, 5)


def test_pods_that_leave_count_as_gone() -> None:
    live = Live(5)
    noted = note(live.seen())
    live.replicas = 2
    (short,) = shortfall(live.seen(), noted)
    assert [patch["spec"] for patch in short["patches"]] == [{"replicas": 5}]


def test_it_is_not_scaled_beyond_its_autoscalers_limit() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.replicas = live.ready = 1
    live.scalers["hpa"]["spec"]["maxReplicas"] = 3
    (short,) = shortfall(live.seen(), noted)
    assert [patch["spec"] for patch in short["patches"]] == [{"replicas": 3}]


def test_pods_that_are_not_ready_are_told_and_nothing_is_scaled() -> None:
    live = Live(5)
    noted = note(live.seen())
    live.ready = 3
    (short,) = shortfall(live.seen(), noted)
    assert short["patches"] == []
    assert short["message"] == (
        "Deployment prod/web-blue had 5 ready pods when the release began and has 3, of 5 wanted: its pods have to "
        "become ready first"
    )


@pytest.mark.parametrize(("ready_before", "ready_now"), [(0, 0), (2, 2), (2, 3)])
def test_no_more_is_asked_than_was_ready_at_the_start(ready_before: int, ready_now: int) -> None:
    noted = note(Live(5, ready_before).seen())
    assert shortfall(Live(5, ready_now).seen(), noted) == []


def test_a_workload_that_is_gone_cannot_be_scaled() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.exists, live.replicas, live.ready = False, 0, 0
    (short,) = shortfall(live.seen(), noted)
    assert short["patches"] == []
    assert short["message"] == (
        "Deployment prod/web-blue had 5 ready pods when the release began and is gone: deploy it again before traffic "
        "goes back to it"
    )
    (problem,) = problems(live.seen(), noted)
    assert (problem["code"], problem["path"]) == ("live_gone", "Deployment prod/web-blue")


def test_an_autoscaler_of_a_controller_is_left_to_it_and_told() -> None:
    live = Live(5, hpa=(2, 9))
    live.scalers["hpa"]["metadata"]["labels"] = {"scaledobject.keda.sh/name": "web"}
    noted = note(live.seen())
    assert holding(live.seen(), noted) == giving_back(live.seen(), noted) == []
    (problem,) = problems(live.seen(), noted)
    assert problem == {
        "code": "autoscaler_owned",
        "path": "HorizontalPodAutoscaler prod/hpa",
        "message": "HorizontalPodAutoscaler prod/hpa may scale web-blue from 5 down to 2 during the release, and "
        "ScaledObject web writes it: raise the smallest number of replicas to 5 there (KEDA: minReplicaCount) until "
        "the release is retired",
    }
    live.write(5)
    assert problems(live.seen(), noted) == []


def test_a_controllers_autoscaler_with_a_number_that_will_do_is_no_problem() -> None:
    live = Live(5, hpa=(5, 9))
    live.scalers["hpa"]["metadata"]["labels"] = {"scaledobject.keda.sh/name": "web"}
    assert problems(live.seen(), note(live.seen())) == []


def test_what_is_applied_again_from_a_repository_is_held_and_told() -> None:
    live = Live(5, hpa=(2, 9))
    live.scalers["hpa"]["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "web"}
    noted = note(live.seen())
    assert numbers(holding(live.seen(), noted)) == [5]
    assert codes(problems(live.seen(), noted)) == ["autoscaler_kept"]
    live.write(5)
    enough = note(live.seen())
    assert problems(live.seen(), enough) == []


def test_a_limit_below_what_is_held_is_told_and_respected() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.scalers["hpa"]["spec"]["maxReplicas"] = 4
    assert holding(live.seen(), noted) == []
    assert codes(problems(live.seen(), noted)) == ["autoscaler_limited"]


def test_what_an_autoscaler_has_scaled_down_before_it_was_held_comes_back_by_itself() -> None:
    live = Live(5, hpa=(2, 9))
    noted = note(live.seen())
    live.replicas = live.ready = 3
    assert problems(live.seen(), noted) == []


def test_a_workload_that_somebody_scales_down_is_told() -> None:
    live = Live(5)
    noted = note(live.seen())
    live.replicas = 3
    (problem,) = problems(live.seen(), noted)
    assert (problem["code"], problem["path"]) == ("live_scaled_down", "Deployment prod/web-blue")
    assert "had 5 replicas when the release began and has 3 now" in problem["message"]


def test_workloads_without_a_note_are_passed_over() -> None:
    seen = Live(5, hpa=(2, 9)).seen()
    assert holding(seen, {}) == giving_back(seen, {}) == problems(seen, {}) == shortfall(seen, {}) == []


BOUNDS = st.tuples(st.none() | st.integers(1, 12), st.integers(1, 12)).filter(lambda found: (found[0] or 1) <= found[1])


@given(replicas=st.integers(1, 12), one=BOUNDS, two=BOUNDS, restarts=st.lists(st.booleans(), max_size=3))
def test_whatever_stands_it_is_held_once_and_comes_back_as_it_was(
    replicas: int, one: tuple[int | None, int], two: tuple[int | None, int], restarts: list[bool]
) -> None:
    live = Live(replicas, one=one, two=two)
    before = copy.deepcopy(live.scalers)
    noted = beginning(live.seen(), {}, ["web/blue"], started=False)["notes"]
    for first_half_only in restarts:
        patches = beginning(live.seen(), noted, ["web/blue"], started=True)["patches"]
        live.patch(patches[:1] if first_half_only else patches)
    live.patch(holding(live.seen(), noted))
    for name, (lowest, highest) in {"one": one, "two": two}.items():
        assert (live.lowest(name) or 1) == max(lowest or 1, min(replicas, highest))
    assert holding(live.seen(), noted) == []
    live.patch(giving_back(live.seen(), noted))
    assert {name: item["spec"] for name, item in live.scalers.items()} == {
        name: item["spec"] for name, item in before.items()
    }
    assert [live.owners("one"), live.owners("two")] == [["helm"] if lowest else [] for lowest, _highest in (one, two)]
    assert giving_back(live.seen(), noted) == []
