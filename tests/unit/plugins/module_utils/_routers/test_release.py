# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a release down to its objects, told as stories: what each stage is handed, and what it leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import ReleaseError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import Journal, State, checked_entry
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import Release, read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.plan import Observed, ObservedRoute
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.release import (
    release_plan,
    rollback_plan,
    routes_to_read,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.router import Router
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest, Spelling

from tests.unit.releases import web

from .adapters import applied

Plain = dict[str, Any]


class Cluster:
    """What the roles do with a plan, without a cluster: routes, a journal, a clock and the objects that stand."""

    def __init__(self, spec: Plain) -> None:
        self.spec = spec
        self.routes: dict[str, Manifest] = {}
        self.objects: set[tuple[str, str]] = set()
        self.journal = Journal(State(), ())
        self.now = 1000.0
        self.moves: list[dict[str, int]] = []

    @property
    def router(self) -> Router:
        return ROUTERS[self.spec.get("router", "istio")]

    def plan(self, limit: int | None = None, predict: bool = False) -> Plain:
        release, observed = self._seen()
        plan = release_plan(release, observed, limit, predict)
        assert json.loads(json.dumps(plan)) == plan
        return plan

    def refused(self) -> str:
        with pytest.raises(ReleaseError) as error:
            self.plan()
        return error.value.message

    def weights(self, name: str = "web") -> dict[str, int]:
        (seen,) = (route for route in self._seen()[1].routes if route.name == name)
        return dict(seen.weights)

    @property
    def state(self) -> State:
        return self.journal.state

    def skeleton(self) -> None:
        plan = self.plan()
        if plan["action"] == "install":
            self._record(plan["started"])
        self._apply(plan["skeleton"]["manifests"])

    def deploy(self) -> None:
        plan = self.plan()
        self._record(plan["started"])
        self._apply(plan["deploy"]["manifests"])
        self._record(plan["deploy"]["added"])
        self._traffic(plan["deploy"]["routes"])
        for entry in plan["deploy"]["entries"]:
            self._record(entry)

    def verify(self) -> None:
        self._record(self.plan()["verify"]["entry"])

    def shift(self, limit: int | None = None, killed_at: int | None = None) -> list[int]:
        """Take the steps; with ``killed_at``, die in the pause of the step to this percentage."""
        taken = []
        for step in self.plan(limit)["shift"]["steps"]:
            self._traffic(step["routes"])
            self.moves.append(self.weights())
            taken.append(step["percent"])
            if step["percent"] == killed_at:
                break
            self._record(step["entry"])
        return taken

    def promote(self) -> None:
        plan = self.plan()
        self._traffic(plan["promote"]["routes"])
        self._record(plan["promote"]["entry"])

    def retire(self) -> list[str]:
        plan = self.plan()["retire"]
        if not plan["versions"] or plan["due_in"]:
            return []
        for route in plan["remove"]:
            self.routes[route["name"]] = applied(
                self.routes[route["name"]],
                self.router.removal(self.routes[route["name"]], _spellings(route), plan["versions"]),
            )
        self._apply(plan["subsets"])
        self.objects -= {(item["kind"], item["metadata"]["name"]) for item in plan["delete"]}
        self._record(plan["entry"])
        return list(plan["versions"])

    def release(self) -> None:
        self.skeleton()
        self.deploy()
        self.verify()
        self.shift()
        if self.plan()["promote"]["due"]:
            self.promote()

    def rollback(self) -> Plain:
        plan: Plain = rollback_plan(*self._seen())["rollback"]
        self._traffic(plan["routes"])
        self._record(plan["begin"])
        for route in plan["remove"]:
            operations = self.router.removal(self.routes[route["name"]], _spellings(route), plan["versions"])
            self.routes[route["name"]] = applied(self.routes[route["name"]], operations)
        self._record(plan["entry"])
        return plan

    def _seen(self) -> tuple[Release, Observed]:
        release = read_release(self.spec)
        return release, Observed(
            self.state, tuple(self._observed(route) for route in routes_to_read(release)), self.now
        )

    def _observed(self, route: Plain) -> ObservedRoute:
        found = self.routes.get(route["name"])
        if found is None:
            return ObservedRoute(route["service"], route["name"], route["namespace"], False)
        spellings = _spellings(route)
        present = self.router.present(found, spellings, route["rules"])
        return ObservedRoute(
            route["service"],
            route["name"],
            route["namespace"],
            True,
            owned="app.kubernetes.io/managed-by" in found["metadata"].get("labels", {}),
            weights=self.router.read(found, present, route["rules"]).weights(),
            managed_fields=({"manager": "helm"},),
            missing=self.router.missing(found, spellings, route["rules"]),
        )

    def _apply(self, manifests: list[Manifest]) -> None:
        for manifest in manifests:
            name = manifest["metadata"]["name"]
            if manifest["kind"] == self.router.kind:
                # Weights that exist are never reset.
                assert name not in self.routes
                self.routes[name] = manifest
            self.objects.add((manifest["kind"], name))

    def _traffic(self, routes: list[Plain]) -> None:
        for route in routes:
            found = self.routes[route["name"]]
            change = self.router.patch(found, _spellings(route), route["weights"], route["rules"], route["adopt"])
            if route.get("expect"):
                expected = {**dict.fromkeys(route["weights"], 0), **route["expect"]}
                assert all(rule.before == expected for rule in change.rules), (change.rules, expected)
            self.routes[route["name"]] = applied(found, change.operations)

    def _record(self, entry: Plain | None) -> None:
        if entry is not None:
            self.journal = self.journal.appended(checked_entry({**entry, "time": self.now}))


def _spellings(route: Plain) -> list[Spelling]:
    return [Spelling(name, **spelling) for name, spelling in route["versions"].items()]


def images(**versions: str) -> Plain:
    return {name.replace("_", "-"): {"image": image} for name, image in versions.items()}


def own_route(*weights: tuple[str, int]) -> Manifest:
    route = [{"destination": {"host": host}, "weight": weight} for host, weight in weights]
    return {"metadata": {"name": "web", "namespace": "prod"}, "spec": {"http": [{"route": route}]}}


def existing(*names: str, **keys: Any) -> Plain:
    """A release of Deployments and a VirtualService that somebody else writes."""
    versions = {name: {"existing": {"deployment": f"web-{name}"}} for name in names}
    return web(services={"web": {"versions": versions, "route": {"name": "web", **keys.pop("route", {})}}}, **keys)


@pytest.fixture
def cluster() -> Cluster:
    """One in which blue is installed, and green is to come."""
    installed = Cluster(web())
    installed.release()
    return installed


class TestStories:
    """Releases from their beginning to their end."""

    def test_the_first_install_puts_everything_on_the_first_version(self, cluster: Cluster) -> None:
        assert cluster.weights() == {"blue": 100}
        assert (cluster.state.state, cluster.state.live, cluster.moves) == ("promoted", "blue", [])
        assert cluster.objects == {
            ("Service", "web"),
            ("VirtualService", "web"),
            ("Deployment", "web-blue"),
            ("Service", "web-blue"),
        }

    @pytest.mark.parametrize("to", [None, "green"])
    def test_an_install_goes_stage_by_stage_whatever_comes_after_it(self, to: str | None) -> None:
        fresh = Cluster(web(to=to))
        fresh.skeleton()
        assert (fresh.plan()["action"], fresh.plan()["to"]) == ("install", "blue")
        fresh.spec = web(to=to, services={"web": {"versions": images(blue="web:mended", green="web:1.5")}})
        fresh.deploy()
        assert (fresh.state.state, fresh.weights()) == ("promoted", {"blue": 100})

    def test_the_first_release_goes_step_by_step(self, cluster: Cluster) -> None:
        cluster.release()
        assert [move["green"] for move in cluster.moves] == [5, 25, 50, 100]
        assert cluster.weights() == {"blue": 0, "green": 100}
        assert (cluster.state.state, cluster.state.live) == ("promoted", "green")

    def test_every_stage_is_a_no_op_the_second_time(self, cluster: Cluster) -> None:
        cluster.release()
        cluster.now += 100_000
        assert cluster.retire() == ["blue"]
        journal, route, objects = cluster.journal, cluster.routes["web"], set(cluster.objects)
        plan = cluster.plan()
        assert (plan["action"], plan["deploy"]["manifests"], plan["shift"]["steps"]) == ("nothing", [], [])
        assert plan["timeline"] == ["nothing to do: green is live and no other version is to be released"]
        cluster.release()
        assert cluster.retire() == []
        assert (cluster.journal, cluster.routes["web"], cluster.objects) == (journal, route, objects)

    def test_each_stage_run_twice_changes_nothing(self, cluster: Cluster) -> None:
        for stage in (cluster.skeleton, cluster.deploy, cluster.verify, cluster.shift, cluster.promote):
            stage()
            journal, route = cluster.journal, cluster.routes["web"]
            stage()
            assert (cluster.journal, cluster.routes["web"]) == (journal, route), stage.__name__

    def test_the_second_release_flips_back_by_itself(self, cluster: Cluster) -> None:
        cluster.release()
        cluster.spec = web(services={"web": {"versions": images(blue="web:1.6", green="web:1.5")}})
        cluster.release()
        assert [move["blue"] for move in cluster.moves[4:]] == [5, 25, 50, 100]
        assert (cluster.state.attempt, cluster.state.live) == (3, "blue")

    def test_the_old_version_stays_hot_and_then_goes(self, cluster: Cluster) -> None:
        cluster.spec = web(retire={"keep": "1h"}, drain="30s")
        cluster.release()
        cluster.now += 600
        plan = cluster.plan()
        assert plan["retire"]["message"] == "blue stays as the fallback for 50m more"
        assert plan["status"]["fallback"] == "blue, retired in 50m"
        assert cluster.retire() == []
        cluster.now += 3000
        assert cluster.plan()["retire"]["drain"] == 0
        assert cluster.retire() == ["blue"]
        assert cluster.weights() == {"green": 100}
        assert not {("Deployment", "web-blue"), ("Service", "web-blue")} & cluster.objects
        assert cluster.state.state == "retired"

    def test_without_keep_what_is_left_of_the_drain_is_waited_for(self, cluster: Cluster) -> None:
        cluster.spec = web(retire="delete", drain="30s")
        cluster.release()
        cluster.now += 10
        retire = cluster.plan()["retire"]
        assert (retire["due_in"], retire["drain"]) == (0, 20)
        assert [item["kind"] for item in retire["delete"]] == ["Service", "Deployment"]

    def test_scaled_to_zero_is_said_in_the_object(self, cluster: Cluster) -> None:
        cluster.spec = web(retire="scale_to_zero")
        cluster.release()
        retire = cluster.plan()["retire"]
        assert retire["delete"] == []
        (scaled,) = retire["scale"]
        assert (scaled["kind"], scaled["metadata"]["name"], scaled["spec"]) == (
            "Deployment",
            "web-blue",
            {"replicas": 0},
        )

    def test_virtual_nodes_come_and_go_with_their_versions(self) -> None:
        fresh = Cluster(web(router="app_mesh", retire="delete"))
        fresh.release()
        blue, green = ("VirtualNode", "web-blue"), ("VirtualNode", "web-green")
        assert {blue, ("VirtualRouter", "web"), ("VirtualService", "web"), ("Service", "web")} <= fresh.objects
        assert green not in fresh.objects
        fresh.release()
        assert {blue, green} <= fresh.objects
        assert fresh.weights() == {"blue": 0, "green": 100}
        fresh.now += 10
        assert fresh.retire() == ["blue"]
        assert fresh.weights() == {"green": 100}
        assert blue not in fresh.objects
        assert green in fresh.objects
        kept = [item["metadata"]["name"] for item in fresh.plan()["skeleton"]["manifests"]]
        assert ("web-green" in kept, "web-blue" in kept) == (True, False)

    def test_versions_told_apart_by_subset(self) -> None:
        versions = {name: {"image": f"web:{name}", "subset": f"v-{name}"} for name in ("blue", "green")}
        fresh = Cluster(web(services={"web": {"versions": versions}}))
        fresh.release()
        fresh.release()
        assert fresh.weights() == {"blue": 0, "green": 100}
        fresh.now += 100_000
        (rule,) = fresh.plan()["retire"]["subsets"]
        assert [item["name"] for item in rule["spec"]["subsets"]] == ["v-green"]

    def test_several_services_move_together(self) -> None:
        versions = images(blue="1", green="2")
        fresh = Cluster(web(services={name: {"versions": versions} for name in ("web", "api")}))
        fresh.release()
        fresh.release()
        assert fresh.weights("web") == fresh.weights("api") == {"blue": 0, "green": 100}
        assert fresh.plan()["retire"]["entry"]["versions"] == ["web/blue", "api/blue"]
        assert fresh.plan()["retire"]["message"].startswith("blue stays as the fallback")
        assert fresh.plan()["status"]["fallback"].startswith("blue, retired in")

    def test_no_weight_moves_before_the_way_back_is_noted(self, cluster: Cluster) -> None:
        plan = cluster.plan()
        assert (plan["action"], plan["to"]) == ("start", "green")
        assert plan["shift"]["steps"] == plan["promote"]["routes"] == plan["verify"]["versions"] == []
        assert not plan["promote"]["due"]
        foreseen = cluster.plan(predict=True)
        assert plan["timeline"] == foreseen["timeline"]
        assert [step["percent"] for step in foreseen["shift"]["steps"]] == [5, 25, 50, 100]
        assert foreseen["promote"]["due"]
        cluster.deploy()
        assert cluster.plan()["shift"] == cluster.plan(predict=True)["shift"]


class TestKilled:
    """A run that dies anywhere converges to the same end."""

    def test_in_the_pause_of_a_step(self, cluster: Cluster) -> None:
        cluster.skeleton()
        cluster.deploy()
        assert cluster.shift(killed_at=25) == [5, 25]
        cluster.deploy()
        assert cluster.weights() == {"blue": 75, "green": 25}
        # Its pause was cut short, so it is waited for again; the one before is not.
        assert cluster.shift() == [25, 50, 100]

    def test_between_two_steps(self, cluster: Cluster) -> None:
        cluster.deploy()
        assert cluster.shift(25) == [5, 25]
        assert cluster.state.state == "shifted"
        assert cluster.shift(25) == []
        assert cluster.shift(30) == [30]
        assert cluster.shift() == [50, 100]

    def test_between_the_routes_of_one_service(self) -> None:
        spec = existing("blue", "green", to="green")
        spec["services"]["web"]["routes"] = [{"name": "web"}, {"name": "inside"}]
        del spec["services"]["web"]["route"]
        stopped = Cluster(spec)
        for name in ("web", "inside"):
            route = own_route(("web-blue", 100), ("web-green", 0))
            stopped.routes[name] = {**route, "metadata": {**route["metadata"], "name": name}}
        stopped.deploy()
        stopped.shift(5)
        first = stopped.plan()["shift"]["steps"][0]["routes"][:1]
        stopped._traffic(first)
        assert (stopped.weights("web")["green"], stopped.weights("inside")["green"]) == (25, 5)
        stopped.deploy()
        assert stopped.weights("web")["green"] == 25
        assert stopped.shift() == [25, 50, 100]
        assert stopped.weights("web") == stopped.weights("inside") == {"blue": 0, "green": 100}

    def test_before_the_promotion_was_noted(self, cluster: Cluster) -> None:
        cluster.deploy()
        cluster.shift()
        assert cluster.plan()["promote"]["due"]
        cluster.release()
        assert cluster.state.state == "promoted"

    def test_after_the_route_was_deleted_it_is_created_for_live(self, cluster: Cluster) -> None:
        cluster.release()
        del cluster.routes["web"]
        cluster.skeleton()
        assert cluster.weights() == {"green": 100}

    def test_after_the_route_was_deleted_under_way(self, cluster: Cluster) -> None:
        cluster.deploy()
        cluster.shift(25)
        del cluster.routes["web"]
        cluster.release()
        assert cluster.weights() == {"blue": 0, "green": 100}
        assert [move["green"] for move in cluster.moves] == [5, 25, 5, 25, 50, 100]


class TestRollback:
    """The way back, from anywhere."""

    def test_under_way(self, cluster: Cluster) -> None:
        cluster.deploy()
        cluster.shift(25)
        plan = cluster.rollback()
        assert plan["entry"] == {"event": "rolled_back", "live": "blue"}
        # It was added by this release to a route of ours, so it is taken out again.
        assert cluster.weights() == {"blue": 100}
        assert (cluster.state.state, cluster.state.live) == ("rolled_back", "blue")
        again = rollback_plan(*cluster._seen())["rollback"]
        assert (again["routes"], again["remove"], again["begin"], again["entry"]) == ([], [], None, None)

    def test_after_the_promotion(self, cluster: Cluster) -> None:
        cluster.release()
        assert cluster.rollback()["entry"]["live"] == "blue"
        assert cluster.weights() == {"blue": 100}
        assert cluster.state.live == "blue"

    def test_by_itself_only_while_the_release_is_under_way(self, cluster: Cluster) -> None:
        cluster.release()
        plan = cluster.plan()["rollback"]
        assert plan["routes"]
        assert plan["at_once"] == []
        cluster.spec = web(services={"web": {"versions": images(blue="web:1.6", green="web:1.5")}})
        # A gate that fails before the next release has begun must not take the last one back.
        assert cluster.plan()["action"] == "start"
        assert cluster.plan()["rollback"]["at_once"] == []
        cluster.deploy()
        cluster.shift(25)
        assert [route["name"] for route in cluster.plan()["rollback"]["at_once"]] == ["web"]

    def test_after_which_the_release_starts_anew(self, cluster: Cluster) -> None:
        cluster.deploy()
        cluster.shift(25)
        cluster.rollback()
        cluster.spec = web(services={"web": {"versions": images(blue="web:1.4", green="web:mended")}})
        cluster.release()
        assert [move["green"] for move in cluster.moves] == [5, 25, 5, 25, 50, 100]

    @pytest.mark.parametrize(
        ("changed", "refused"),
        [
            (
                images(blue="web:1.4", green="web:changed"),
                "the specification of green has changed since it got traffic",
            ),
            (images(blue="web:1.4", red="web:2"), "the release under way goes to green, which is no longer among"),
        ],
    )
    def test_what_forbids_to_go_on_does_not_forbid_to_go_back(
        self, cluster: Cluster, changed: Plain, refused: str
    ) -> None:
        cluster.deploy()
        cluster.shift(25)
        cluster.spec = web(services={"web": {"versions": changed}})
        assert cluster.refused().startswith(refused)
        if "green" in changed:
            cluster.rollback()
            assert cluster.weights() == {"blue": 100}

    def test_a_rollback_that_was_begun_is_all_there_is_to_do(self, cluster: Cluster) -> None:
        cluster.deploy()
        cluster.shift(25)
        cluster._record(rollback_plan(*cluster._seen())["rollback"]["begin"])
        plan = cluster.plan()
        assert (plan["action"], plan["started"], plan["shift"]["steps"]) == ("roll_back", None, [])
        assert plan["timeline"] == ["finish the rollback from green"]
        cluster.rollback()
        assert cluster.state.state == "rolled_back"

    def test_a_version_that_is_gone_is_said(self, cluster: Cluster) -> None:
        cluster.release()
        cluster.now += 100_000
        cluster.retire()
        with pytest.raises(ReleaseError) as refused:
            rollback_plan(*cluster._seen())
        assert str(refused.value) == "web cannot go back to blue: it was retired; release it again with to: blue"
        plan = cluster.plan()["rollback"]
        assert (plan["routes"], plan["begin"]) == ([], None)


class TestOwnRoutes:
    """VirtualServices and Deployments of somebody else."""

    def test_only_weights_move_and_what_owns_the_fields_is_noted(self) -> None:
        found = Cluster(existing("blue", "green"))
        found.routes["web"] = own_route(("web-blue", 100), ("web-green", 0))
        found.spec["to"] = "green"
        plan = found.plan()
        assert plan["skeleton"]["manifests"] == plan["deploy"]["manifests"] == []
        assert plan["started"]["routes"] == {"istio/prod/web": {"managed_fields": [{"manager": "helm"}]}}
        assert plan["deploy"]["added"] is None
        found.release()
        assert found.routes["web"] == own_route(("web-blue", 0), ("web-green", 100))
        assert found.plan()["retire"]["versions"] == []

    def test_what_was_live_before_us_is_not_released_next(self) -> None:
        found = Cluster(existing("blue", "green"))
        found.routes["web"] = own_route(("web-blue", 100), ("web-green", 0))
        found.release()
        assert found.weights() == {"blue": 0, "green": 100}
        assert found.plan()["action"] == "nothing"

    def test_the_managed_fields_go_back_at_both_ends(self) -> None:
        found = Cluster(existing("blue", "green", to="green"))
        found.routes["web"] = own_route(("web-blue", 100), ("web-green", 0))
        found.deploy()
        for routes in (found.plan()["promote"]["routes"], found.plan()["rollback"]["routes"]):
            assert [route["managed_fields"] for route in routes] == [[{"manager": "helm"}]]

    def test_files_take_the_weights_of_the_end(self) -> None:
        spec = existing("blue", "green", to="green")
        spec["services"]["web"]["route"] = {"write_back": "prod/web.yaml"}
        found = Cluster(spec)
        found.routes["web"] = own_route(("web-blue", 100), ("web-green", 0))

        def written(stage: str) -> list[tuple[str, dict[str, int]]]:
            files = found.plan()[stage]["write_back"]
            return [(file["file"], route["weights"]) for file in files for route in file["routes"]]

        promoted, restored = {"blue": 0, "green": 100}, {"blue": 100, "green": 0}
        # Whether the file can take them has to show first; after that, nothing is said before the end.
        assert written("deploy") == [("prod/web.yaml", promoted)]
        assert written("promote") == written("rollback") == []
        found.deploy()
        assert written("promote") == [("prod/web.yaml", promoted)]
        assert written("rollback") == [("prod/web.yaml", restored)]
        found.release()
        # A run that ended before it was written is finished by the next one.
        assert found.plan()["action"] == "nothing"
        assert written("promote") == [("prod/web.yaml", promoted)]
        assert written("deploy") == []

    def test_without_a_file_nothing_is_written_back(self) -> None:
        found = Cluster(existing("blue", "green", to="green"))
        found.routes["web"] = own_route(("web-blue", 100), ("web-green", 0))
        assert found.plan()["deploy"]["write_back"] == []
        found.release()
        assert found.plan()["promote"]["write_back"] == []

    def test_a_route_without_the_candidate_is_refused_with_what_to_add(self) -> None:
        found = Cluster(existing("blue", "green", to="green"))
        found.routes["web"] = own_route(("web-blue", 100))
        assert found.refused().startswith("VirtualService prod/web: no destination for green. It has http[0]: ")

    def test_an_adopted_route_gets_the_candidate_and_loses_it_on_the_way_back(self) -> None:
        found = Cluster(existing("blue", "green", to="green", route={"adopt": True}))
        before = found.routes["web"] = own_route(("web-blue", 100))
        found.deploy()
        assert found.state.routes["istio/prod/web"]["added"] == ["green"]
        found.shift(25)
        found.rollback()
        assert found.routes["web"] == before

    def test_a_destination_that_was_there_before_stays_on_the_way_back(self) -> None:
        found = Cluster(existing("blue", "green", to="green", route={"adopt": True}))
        before = found.routes["web"] = own_route(("web-blue", 100), ("web-green", 0))
        found.deploy()
        found.shift(25)
        assert found.rollback()["remove"] == []
        assert found.routes["web"] == before

    def test_a_name_that_ends_like_the_candidates_is_left_alone(self) -> None:
        found = Cluster(existing("dark-blue", "blue", to="blue", route={"adopt": True}))
        before = found.routes["web"] = own_route(("web-dark-blue", 100))
        found.deploy()
        found.shift(25)
        assert found.weights() == {"dark-blue": 75, "blue": 25}
        found.rollback()
        assert found.routes["web"] == before

    def test_a_route_that_is_missing_is_refused(self) -> None:
        assert Cluster(existing("blue", "green")).refused() == (
            "VirtualService prod/web of web is missing: create it, or say with route: {name, namespace} where it is; "
            "only for versions that are deployed from an image is one created"
        )

    @pytest.mark.parametrize(
        ("host", "service"),
        [
            (None, None),
            ("web-green", {"name": "web-green", "namespace": "prod"}),
            ("web-green.other.svc.cluster.local", {"name": "web-green", "namespace": "other"}),
            ("green.example.com", None),
        ],
    )
    def test_the_endpoints_of_an_existing_version_are_those_of_its_host(self, host: str | None, service: Any) -> None:
        spec = existing("blue", "green", to="green")
        spec["services"]["web"]["versions"]["green"]["host"] = host
        found = Cluster(spec)
        found.routes["web"] = own_route(("web-blue", 100), (host or "web-green", 0))
        (ready,) = found.plan()["deploy"]["versions"]
        assert ready["service"] == service
        assert ready["workloads"] == [{"kind": "Deployment", "name": "web-green", "namespace": "prod"}]


def test_the_candidate_is_proven_before_it_has_traffic(cluster: Cluster) -> None:
    (version,) = cluster.plan(predict=True)["verify"]["versions"]
    assert version["service"] == {"name": "web-green", "namespace": "prod"}
    assert version["request"] == {"port": 80, "path": "/", "status": []}
    cluster.spec = web(verify="none")
    (version,) = cluster.plan(predict=True)["verify"]["versions"]
    assert "request" not in version


def test_all_services_are_watched_through_one_pause() -> None:
    versions = images(blue="1", green="2")
    fresh = Cluster(web(services={name: {"versions": versions} for name in ("web", "api")}))
    fresh.release()
    metrics = fresh.plan(predict=True)["shift"]["steps"][0]["proof"]["metrics"]
    assert [(metric["name"], metric["pods"]["service"]["name"]) for metric in metrics] == [
        ("pods of web-green", "web-green"),
        ("pods of api-green", "api-green"),
    ]


def test_the_status_says_where_the_release_is(cluster: Cluster) -> None:
    cluster.deploy()
    cluster.shift(25)
    assert cluster.plan()["status"] == {
        "release": "web",
        "state": "shifted",
        "live": "blue",
        "candidate": "green, step 2 passed, unverified",
        "web": "blue 75 %, green 25 %",
    }


def test_what_scales_a_version_comes_and_goes_with_it() -> None:
    def objects(version: str) -> list[Plain]:
        name = f"web-{version}"
        labels = {"app": name}
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
        kinds: dict[tuple[str, str], Plain] = {
            ("apps/v1", "Deployment"): {"selector": {"matchLabels": labels}, "template": pods},
            ("v1", "Service"): {"selector": labels, "ports": [{"port": 80}]},
            ("autoscaling/v2", "HorizontalPodAutoscaler"): {"scaleTargetRef": target, "maxReplicas": 9},
            ("keda.sh/v1alpha1", "ScaledObject"): {"scaleTargetRef": target, "triggers": []},
        }
        return [
            {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}
            for (api_version, kind), spec in kinds.items()
        ]

    versions = {name: {"manifests": objects(name)} for name in ("blue", "green")}
    found = Cluster(web(services={"web": {"versions": versions}}, retire="delete"))
    found.release()
    assert {("HorizontalPodAutoscaler", "web-blue"), ("ScaledObject", "web-blue")} <= found.objects
    found.spec["to"] = "green"
    found.release()
    found.now += 3600
    assert found.retire() == ["blue"]
    kinds = {kind for kind, name in found.objects if name == "web-green"}
    assert {"HorizontalPodAutoscaler", "ScaledObject"} <= kinds
    assert {name for _kind, name in found.objects} == {"web", "web-green"}


class TestCapacity:
    """How many pods live has, where a stage has asked for it."""

    @staticmethod
    def seen(cluster: Cluster, replicas: int, *autoscalers: Plain) -> Observed:
        counts = {"exists": True, "replicas": replicas, "ready": replicas, "ours": True}
        workload = {"key": "web/blue", "kind": "Deployment", "name": "web-blue", "namespace": "prod"}
        return replace(cluster._seen()[1], capacity=({**workload, **counts, "autoscalers": list(autoscalers)},))

    def test_what_cannot_be_held_is_said_when_the_release_begins(self, cluster: Cluster) -> None:
        numbers = {"min_replicas": 1, "max_replicas": 9, "owners": [], "managed_fields": []}
        keda = {"name": "hpa", "controller": "ScaledObject web", "keeper": None, **numbers}
        plan = release_plan(cluster._seen()[0], self.seen(cluster, 4, keda))
        assert [problem["code"] for problem in plan["problems"]] == ["autoscaler_owned"]
        assert release_plan(cluster._seen()[0], self.seen(cluster, 1, keda))["problems"] == []

    def test_a_share_needs_its_part_of_what_live_had_ready(self) -> None:
        cluster = Cluster(
            existing("blue", "green", to="green", capacity={"min_ready": "proportional"}, steps=[25, 100])
        )
        cluster.routes["web"] = own_route(("web-blue", 100), ("web-green", 0))
        cluster._record(release_plan(cluster._seen()[0], self.seen(cluster, 6))["started"])
        cluster.deploy()
        plan = cluster.plan()
        assert [route["min_endpoints"] for step in plan["shift"]["steps"] for route in step["routes"]] == [
            {"blue": 5, "green": 2},
            {"green": 6},
        ]
        assert [route["min_endpoints"] for route in plan["promote"]["routes"]] == [{"green": 6}]

    def test_what_live_had_has_to_be_known_for_that(self) -> None:
        cluster = Cluster(existing("blue", "green", to="green", capacity={"min_ready": "80%"}))
        cluster.routes["web"] = own_route(("web-blue", 100), ("web-green", 0))
        release, observed = cluster._seen()[0], self.seen(cluster, 0)
        missing = replace(observed, capacity=({**observed.capacity[0], "exists": False},))
        with pytest.raises(ReleaseError, match=r"bluegreen\.capacity\.min_ready: how many pods blue of web had ready"):
            release_plan(release, missing)
        # A reading that has not looked does not know either, and leaves it to the one that does.
        assert cluster.plan()["action"] == "start"

    def test_without_it_one_is_enough(self, cluster: Cluster) -> None:
        cluster.deploy()
        plan = cluster.plan()
        assert plan["shift"]["steps"]
        routes = [*plan["promote"]["routes"], *(route for step in plan["shift"]["steps"] for route in step["routes"])]
        assert not any("min_endpoints" in route for route in routes)

    def test_all_that_is_missing_is_sent_at_once_and_waited_for_together(self, cluster: Cluster) -> None:
        cluster._record(release_plan(cluster._seen()[0], self.seen(cluster, 4))["started"])
        cluster.deploy()
        rollback = rollback_plan(cluster._seen()[0], self.seen(cluster, 1))["rollback"]
        assert [patch["spec"] for patch in rollback["scale_up"]["patches"]] == [{"replicas": 4}]
        assert rollback["scale_up"]["workloads"] == [{"kind": "Deployment", "name": "web-blue", "namespace": "prod"}]
        assert rollback_plan(cluster._seen()[0], self.seen(cluster, 4))["rollback"]["scale_up"]["workloads"] == []
