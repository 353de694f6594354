# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release that ends in the version it began with: both legs of it, told as stories."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import ReleaseError

from tests.unit.releases import web

from .test_release import Cluster

Plain = dict[str, Any]


class Place(Cluster):
    """A cluster whose releases end in ``prod``; ``images`` is what runs in each place."""

    def __init__(self, **keys: Any) -> None:
        versions = {"prod": {"image": "web:1.4", "replicas": 4}, "stage": {"image": "web:1.5"}}
        spec = web(services={"web": {"versions": versions}}, steps=[30, 100], pause=0, promote={"into": "prod"})
        super().__init__({**spec, **keys})
        self.images: dict[str, str] = {}

    def write(self, version: str, **keys: Any) -> None:
        """What a user changes in the file."""
        self.spec["services"]["web"]["versions"][version].update(keys)

    def promote(self) -> None:
        """As the role does it: the candidate, and then the way into its place."""
        plan = self.plan()["promote"]
        if plan["entry"] is not None:
            super().promote()
            plan = self.plan()["promote"] if plan["into"] is not None else plan
        if plan["returns"]:
            self.deploy()
            self.verify()
            self.shift()
            super().promote()

    def _apply(self, manifests: list[Plain]) -> None:
        super()._apply(manifests)
        for manifest in manifests:
            if manifest["kind"] == "Deployment":
                name, spec = manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]
                self.images[name.removeprefix("web-")] = spec["containers"][0]["image"]


@pytest.fixture
def cluster() -> Place:
    """Prod is live, and stage is to be released."""
    cluster = Place()
    cluster.release()
    assert (cluster.weights(), cluster.images) == ({"prod": 100}, {"prod": "web:1.4"})
    return cluster


def taken_to_stage(cluster: Place) -> Place:
    """The first leg is over, and the run was killed before the second."""
    cluster.deploy()
    cluster.verify()
    cluster.shift()
    Cluster.promote(cluster)
    assert cluster.weights() == {"prod": 0, "stage": 100}
    return cluster


def on_the_way_back(cluster: Place) -> Place:
    """Prod runs what stage has, and has none of the traffic."""
    taken_to_stage(cluster).deploy()
    assert cluster.images == {"prod": "web:1.5", "stage": "web:1.5"}
    return cluster


class TestBothLegs:
    """From prod through stage into prod."""

    def test_prod_gets_what_stage_had_and_everything_returns(self, cluster: Place) -> None:
        cluster.release()
        assert cluster.moves == [
            {"prod": 70, "stage": 30},
            {"prod": 0, "stage": 100},
            {"prod": 100, "stage": 0},
        ]
        assert cluster.images["prod"] == "web:1.5"
        assert (cluster.state.state, cluster.state.live) == ("promoted", "prod")

    def test_stage_is_free_at_once(self, cluster: Place) -> None:
        cluster.release()
        cluster.now += 5
        assert cluster.retire() == ["stage"]
        assert ("Deployment", "web-stage") not in cluster.objects
        assert ("Deployment", "web-prod") in cluster.objects

    def test_stage_is_kept_when_that_is_written(self) -> None:
        cluster = Place(retire={"keep": "24h"})
        cluster.release()
        cluster.release()
        assert cluster.retire() == []
        cluster.rollback()
        assert cluster.weights() == {"prod": 0, "stage": 100}

    @pytest.mark.parametrize("to", [None, "stage"])
    def test_nothing_is_left_to_do_afterwards(self, cluster: Place, to: str | None) -> None:
        cluster.spec["to"] = to
        cluster.release()
        cluster.retire()
        plan = cluster.plan()
        assert (plan["action"], plan["live"], plan["retire"]["versions"]) == ("nothing", "prod", [])
        assert plan["promote"] == {**plan["promote"], "entry": None, "returns": False, "due": False}

    def test_the_next_release_needs_one_line_only(self, cluster: Place) -> None:
        cluster.release()
        cluster.retire()
        cluster.write("stage", image="web:1.6")
        assert cluster.plan()["reason"] == "from prod to stage"
        cluster.release()
        assert (cluster.images["prod"], cluster.state.live) == ("web:1.6", "prod")

    def test_the_place_may_be_brought_up_to_date_or_grow(self, cluster: Place) -> None:
        cluster.release()
        cluster.write("prod", image="web:1.5", replicas=6)
        assert cluster.plan()["action"] == "nothing"
        cluster.write("stage", image="web:1.6")
        cluster.release()
        assert cluster.images["prod"] == "web:1.6"

    def test_the_place_is_not_changed_by_itself(self, cluster: Place) -> None:
        cluster.release()
        cluster.write("prod", image="web:2.0")
        assert cluster.refused() == (
            "prod of web is live and its specification differs from the one that was deployed: a live version is never "
            "changed in place; give the change to stage and release that"
        )

    def test_the_place_stays_what_it_is_when_nothing_is_taken_into_it_any_more(self, cluster: Place) -> None:
        cluster.release()
        cluster.retire()
        del cluster.spec["promote"]
        assert cluster.plan()["action"] == "nothing"
        cluster.write("stage", image="web:1.6")
        cluster.release()
        assert cluster.weights()["stage"] == 100
        # Nobody has changed it since, old as it is.
        assert cluster.plan()["action"] == "nothing"

    def test_the_first_install_is_of_the_place(self) -> None:
        cluster = Place()
        versions = cluster.spec["services"]["web"]["versions"]
        cluster.spec["services"]["web"]["versions"] = {"stage": versions["stage"], "prod": versions["prod"]}
        cluster.release()
        assert cluster.weights() == {"prod": 100}

    def test_of_three_versions_each_is_taken_in_turn(self) -> None:
        cluster = Place(promote={"into": "v0"})
        cluster.spec["services"]["web"]["versions"] = {f"v{number}": {"image": f"web:{number}"} for number in (0, 1)}
        cluster.release()
        cluster.release()
        cluster.spec["services"]["web"]["versions"]["v2"] = {"image": "web:2"}
        cluster.release()
        cluster.retire()
        assert (cluster.images["v0"], cluster.weights()) == ("web:2", {"v0": 100})

    def test_a_found_candidate_cannot_be_taken(self, cluster: Place) -> None:
        cluster.spec["services"]["web"]["versions"]["stage"] = {"existing": {"deployment": "web-stage"}}
        assert cluster.refused().startswith("stage is existing, and prod cannot take what the release does not deploy")


class TestCutShort:
    """Killed between the legs, or in the second."""

    def test_between_the_legs_it_goes_on_with_the_second(self, cluster: Place) -> None:
        plan = taken_to_stage(cluster).plan()
        assert (plan["action"], plan["to"], plan["live"]) == ("start", "prod", "stage")
        assert plan["reason"] == "stage is live, and prod is to take what it has"
        # It is not the end of the release, and prod is no fallback any more.
        assert plan["retire"]["versions"] == []
        cluster.release()
        assert (cluster.images["prod"], cluster.weights()) == ("web:1.5", {"prod": 100, "stage": 0})

    def test_by_stages_promote_alone_goes_on_with_it(self, cluster: Place) -> None:
        plan = taken_to_stage(cluster).plan()
        assert set(plan["blocked"]) == {"verify", "shift"}
        cluster.promote()
        assert (cluster.images["prod"], cluster.weights()) == ("web:1.5", {"prod": 100, "stage": 0})

    def test_within_the_second_it_is_never_promoted_unproven(self, cluster: Place) -> None:
        on_the_way_back(cluster)
        plan = cluster.plan()["promote"]
        assert (plan["routes"], plan["entry"], plan["returns"]) == ([], None, True)

    @pytest.mark.parametrize("stage", ["started", "deployed", "shifting"])
    def test_within_the_second_it_goes_on_with_the_second(self, cluster: Place, stage: str) -> None:
        taken_to_stage(cluster)
        if stage == "started":
            cluster._record(cluster.plan()["started"])
        else:
            cluster.deploy()
            if stage == "shifting":
                cluster.shift(killed_at=100)
        assert (cluster.state.to, cluster.state.taken_from) == ("prod", "stage")
        cluster.release()
        assert (cluster.images["prod"], cluster.state.live) == ("web:1.5", "prod")
        assert cluster.moves[-1] == {"prod": 100, "stage": 0}

    def test_what_is_being_taken_must_not_change(self, cluster: Place) -> None:
        on_the_way_back(cluster).write("stage", image="web:1.6")
        refused = "stage of web is live and is no longer written as it was deployed, while prod is to take "
        assert cluster.refused().startswith(refused)

    def test_a_rollback_between_the_legs_returns_to_what_prod_still_is(self, cluster: Place) -> None:
        taken_to_stage(cluster).rollback()
        assert (cluster.weights()["prod"], cluster.images["prod"]) == (100, "web:1.4")
        assert cluster.plan()["action"] == "nothing"

    def test_a_rollback_in_the_second_returns_to_stage(self, cluster: Place) -> None:
        on_the_way_back(cluster).rollback()
        assert cluster.weights() == {"prod": 0, "stage": 100}
        assert (cluster.state.state, cluster.state.live) == ("rolled_back", "stage")
        # It is still to end in prod.
        assert cluster.plan()["to"] == "prod"
        cluster.release()
        assert cluster.weights() == {"prod": 100, "stage": 0}

    def test_there_is_no_way_back_to_what_is_gone(self, cluster: Place) -> None:
        cluster.release()
        cluster.retire()
        with pytest.raises(ReleaseError, match=r"prod has what it was made of; write at stage what to go back to"):
            cluster.rollback()


def test_the_plan_shows_both_legs(cluster: Place) -> None:
    assert cluster.plan(predict=True)["timeline"] == [
        "deploy stage and wait until stage is ready (at most 5m)",
        "verify stage at 0 %",
        "step 1: 30 % to stage, then 0s of verification",
        "step 2: 100 % to stage, then 0s of verification",
        "promote stage",
        "deploy to prod what stage has and wait until prod is ready (at most 5m)",
        "verify prod at 0 %",
        "step 1: 100 % to prod, then 0s of verification",
        "promote prod",
        "stage is deleted after 5s without traffic",
    ]
