# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each stage of a release has proven, as the module analysis takes it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import ReleaseError, SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.gates import read_gates
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import State
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.plan import Observed, ObservedRoute
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.release import release_plan, rollback_plan

from tests.unit.releases import web

Plain = dict[str, Any]
PROBE = {"url": "http://203.0.113.7/"}
VERSIONS = {"blue": {"image": "web:1"}, "green": {"image": "web:2"}}
ERRORS = {
    "name": "errors",
    "prometheus": {
        "url": "http://prometheus:9090",
        "errors": 'errors{version="$version",service="$service"}',
        "total": 'total{version="$version",service="$service"}',
        "judge": {"max_ratio_to_live": 1.2},
    },
}
ONE_SERVICE = {"web": {"hosts": ["web.example.com"], "versions": VERSIONS}}
TWO_SERVICES = {**ONE_SERVICE, "api": {"hosts": ["api.example.com"], "versions": VERSIONS}}


def plan(
    state: State | None = None,
    weights: Plain | None = None,
    seen: Plain | None = None,
    predict: bool = True,
    **keys: Any,
) -> Plain:
    """The plan of a release to green, while blue has everything; ``seen`` is what else was seen of its routes."""
    given = {"to": "green", "observe": {"probe": PROBE}, "services": ONE_SERVICE, "pause": "30s", **keys}
    release = read_release(web(**given))
    standing = {"exists": True, "owned": True, "weights": weights or {"blue": 100, "green": 0}, **(seen or {})}
    routes = tuple(ObservedRoute(name, name, "prod", **standing) for name in release.services)
    return release_plan(release, Observed(state or State(), routes, 0.0), predict=predict, token="c0ffee")  # noqa: S106


def under_way(percent: int) -> State:
    """A release that stands at a percentage."""
    release = read_release(web(to="green", services=ONE_SERVICE))
    return State(
        "shifting", 1, "green", "blue", before={"web": {"blue": 100, "green": 0}}, percent=percent,
        spec_hash=release.candidate_hash("green"), standing=["web/blue", "web/green"],
    )  # fmt: skip


def promoted() -> State:
    """A release whose candidate has everything, and whose old version still stands."""
    release = read_release(web(to="green", services=ONE_SERVICE))
    return State(
        "promoted", 1, "green", "green", before={"web": {"blue": 100, "green": 0}}, percent=100, promoted_at=0.0,
        spec_hash=release.candidate_hash("green"), standing=["web/blue", "web/green"],
        deployed={f"web/{name}": version.spec_hash for name, version in release.services["web"].versions.items()},
    )  # fmt: skip


def expected(proof: Plain) -> Plain:
    return {metric["name"]: metric["expect"]["weights"] for metric in proof["metrics"] if "expect" in metric}


def names(proof: Plain) -> list[str]:
    return [metric["name"] for metric in proof["metrics"]]


def test_every_proof_is_what_the_module_analysis_accepts() -> None:
    found = plan(
        services=TWO_SERVICES, gates=[ERRORS], verify={"header": True, "gates": [{"http": {"url": "http://web/"}}]}
    )
    proofs = [found["deploy"]["baseline"], found["verify"]["proof"], found["promote"]["proof"]]
    for proof in (*proofs, *(step["proof"] for step in found["shift"]["steps"])):
        assert proof["metrics"]
        assert len(read_gates(proof["metrics"], "metrics")) == len(set(names(proof)))


def test_before_the_first_write_what_is_live_has_to_be_seen() -> None:
    assert expected(plan()["deploy"]["baseline"]) == {"share": {"blue": 100, "green": 0}}


def test_a_release_that_does_not_say_how_it_is_seen_is_refused() -> None:
    with pytest.raises(SpecError, match=r"^bluegreen\.observe: is required: say how"):
        plan(observe=None)


def test_who_accepts_not_to_see_has_only_the_pods_watched() -> None:
    found = plan(observe="none")
    assert [names(step["proof"]) for step in found["shift"]["steps"]] == [["pods of green"]] * 4
    assert {step["entry"]["verified"] for step in found["shift"]["steps"]} == {"unverified"}
    assert found["deploy"]["baseline"]["metrics"] == []


def test_a_step_has_to_show_its_weights_through_its_pause() -> None:
    step = plan(gates=[ERRORS])["shift"]["steps"][1]
    proof = step["proof"]
    assert names(proof) == ["pods of green", "share", "errors"]
    assert expected(proof) == {"share": {"blue": 75, "green": 25}}
    assert (proof["window"], proof["candidate"], proof["live"]) == (30.0, "green", "blue")
    assert step["entry"]["verified"] == "verified"


def test_a_probe_asks_for_the_host_of_its_service() -> None:
    metrics = plan()["shift"]["steps"][0]["proof"]["metrics"]
    assert metrics[1]["probe"] == {"host": "web.example.com", **PROBE}
    own = plan(observe={"probe": {**PROBE, "host": "other.example.com"}})["shift"]["steps"][0]["proof"]["metrics"]
    assert own[1]["probe"]["host"] == "other.example.com"


def test_every_service_shows_its_own_share_and_its_own_errors() -> None:
    proof = plan(services=TWO_SERVICES, gates=[ERRORS, {"http": {"url": "http://web/"}}])["shift"]["steps"][0]["proof"]
    assert names(proof) == [
        *["pods of web-green", "pods of api-green", "share of web", "share of api"],
        *["errors of web", "errors of api", "http"],
    ]
    hosts = [metric["probe"]["host"] for metric in proof["metrics"] if "probe" in metric]
    assert hosts == ["web.example.com", "api.example.com"]


def test_who_looks_into_proxies_alone_has_seen_no_request() -> None:
    looked = plan(observe="none", gates=[{"proxies": {}}])["shift"]["steps"][0]
    assert "proxies" in looked["proof"]["metrics"][-1]
    assert looked["entry"]["verified"] == "unverified"
    assert plan(gates=[{"proxies": {}}])["shift"]["steps"][0]["entry"]["verified"] == "verified"


def test_proxies_are_told_which_backends_to_look_for() -> None:
    proxies = {"namespace": "istio-system", "selector": "istio=ingressgateway"}
    metrics = plan(observe={"probe": PROBE, "proxies": proxies})["shift"]["steps"][0]["proof"]["metrics"]
    (metric,) = (item for item in metrics if "proxies" in item)
    assert metric["hosts"] == ["web.example.com"]
    assert metric["backends"] == {
        "blue": [{"host": "web-blue.prod.svc.cluster.local", "subset": None}],
        "green": [{"host": "web-green.prod.svc.cluster.local", "subset": None}],
    }


def test_what_is_made_of_a_delegate_is_looked_for_by_its_backends_alone() -> None:
    def looked_for(**seen: Any) -> Any:
        metrics = plan(observe={"probe": PROBE, "proxies": {}}, seen=seen)["shift"]["steps"][0]["proof"]["metrics"]
        return next(metric["routes"] for metric in metrics if "proxies" in metric)

    assert looked_for() == ["prod/web"]
    assert looked_for(delegated=True) == []


@pytest.mark.parametrize(("protocol", "kept"), [("http", None), ("grpc", None), ("tcp", False), ("tls", False)])
def test_where_connections_are_divided_each_request_has_its_own(protocol: str, kept: bool | None) -> None:
    services = {"web": {**ONE_SERVICE["web"], "protocol": protocol}}
    metrics = plan(services=services)["shift"]["steps"][0]["proof"]["metrics"]
    probe = next(metric["probe"] for metric in metrics if "probe" in metric)
    assert probe.get("keep_alive") is kept
    own = plan(services=services, observe={"probe": {**PROBE, "keep_alive": True}})["shift"]["steps"][0]["proof"]
    assert next(metric["probe"] for metric in own["metrics"] if "probe" in metric)["keep_alive"]


def test_the_users_own_tasks_are_told_apart() -> None:
    proof = plan(gates=[{"name": "orders", "tasks": "check_orders.yml"}])["shift"]["steps"][0]["proof"]
    assert proof["tasks"] == [{"name": "orders", "tasks": "check_orders.yml"}]
    assert "orders" not in names(proof)


def test_requests_with_the_test_header_have_to_reach_the_candidate_at_0() -> None:
    verify = plan(verify={"header": "x-test", "gates": [{"http": {"url": "http://web/"}}]})["verify"]
    assert verify["header"]["rule"] == {"name": "x-test", "value": "c0ffee", "version": "green"}
    assert verify["header"]["note"]["routes"] == {"istio/prod/web": {"test_header": "x-test"}}
    share, smoke = verify["proof"]["metrics"]
    assert share["expect"]["weights"] == {"blue": 0, "green": 100}
    assert share["probe"]["headers"] == smoke["http"]["headers"] == {"x-test": "c0ffee"}


def test_without_a_header_only_the_gates_of_the_verification_are_judged() -> None:
    verify = plan(verify={"gates": [{"http": {"url": "http://web/"}}]})["verify"]
    assert verify["header"] is None
    assert names(verify["proof"]) == ["http"]


def test_copies_come_before_the_first_step_and_never_later() -> None:
    mirror = plan(mirror={"percent": 10, "duration": "2m"})["mirror"]
    assert mirror["to"] == {"version": "green", "percent": 10}
    assert mirror["note"]["routes"] == {"istio/prod/web": {"mirror": "green"}}
    assert (names(mirror["proof"]), mirror["proof"]["window"]) == (["pods of green"], 120.0)
    later = plan(under_way(25), {"blue": 75, "green": 25}, mirror={"percent": 10})
    assert later["mirror"]["routes"] == []


def test_a_promotion_proves_what_the_last_step_has_not() -> None:
    assert names(plan(under_way(100), {"blue": 0, "green": 100})["promote"]["proof"]) == ["pods of green"]
    unseen = plan(under_way(25), {"blue": 75, "green": 25}, promote={"gates": [{"http": {"url": "http://web/"}}]})
    assert names(unseen["promote"]["proof"]) == ["pods of green", "share", "http"]
    assert expected(unseen["promote"]["proof"]) == {"share": {"blue": 0, "green": 100}}


def test_the_way_back_is_over_when_the_candidate_is_seen_to_get_nothing() -> None:
    release = read_release(web(to="green", observe={"probe": PROBE}, services=ONE_SERVICE))
    route = ObservedRoute("web", "web", "prod", exists=True, owned=True, weights={"blue": 75, "green": 25})
    rollback = rollback_plan(release, Observed(under_way(25), (route,), 0.0))["rollback"]
    assert expected(rollback["proof"]) == {"share": {"blue": 100, "green": 0}}


def test_nothing_is_retired_before_it_is_seen_to_get_nothing() -> None:
    retire = plan(promoted(), {"blue": 0, "green": 100}, retire="delete")["retire"]
    assert retire["versions"] == ["blue"]
    assert expected(retire["proof"]) == {"share": {"blue": 0, "green": 100}}


def test_a_release_that_looks_into_its_proxies_waits_for_open_requests() -> None:
    observe = {"probe": PROBE, "proxies": {"selector": "app=gateway"}}
    retire = plan(promoted(), {"blue": 0, "green": 100}, retire="delete", drain="20s", observe=observe)["retire"]
    assert retire["drained"]["metrics"] == [
        {
            "name": "open requests to web",
            "proxies": {"namespace": "istio-system", "selector": "app=gateway"},
            "drained": True,
            "backends": {"blue": [{"host": "web-blue.prod.svc.cluster.local", "subset": None}]},
            "deadline": 20.0,
        }
    ]
    assert read_gates(retire["drained"]["metrics"], "metrics")[0].place.drained


def test_gates_of_two_stages_may_have_one_name_and_are_both_asked() -> None:
    other = {"name": "errors", "http": {"url": "http://web/"}}
    gates = plan(gates=[ERRORS], promote={"gates": [other]}, verify={"gates": [ERRORS]})["deploy"]["gates"]
    assert [name for name in names(gates) if "share" not in name] == ["errors", "errors-2"]


def test_whether_a_share_can_be_told_is_asked_for_each_step_before_the_first() -> None:
    gates = plan(steps=[5, 100])["deploy"]["gates"]
    assert expected(gates) == {"share at 5 %": {"blue": 95, "green": 5}, "share at 100 %": {"blue": 0, "green": 100}}


WATCH = {"pods": {"max_restarts": 1}}
TELEMETRY = {"url": "http://prometheus:9090", "query": 'requests_total{version="$version"}'}
IN_POD = {"exec": {"namespace": "prod", "selector": "app=client", "command": ["curl", "web"]}}


class TestWatchedPods:
    """A gate that only says how the candidate's pods are watched."""

    def test_it_changes_how_they_are_watched_and_is_no_gate_beside(self) -> None:
        proof = plan(gates=[{**WATCH, "deadline": "90s"}])["shift"]["steps"][0]["proof"]
        assert names(proof) == ["pods of green", "share"]
        assert proof["metrics"][0]["pods"]["max_restarts"] == 1
        assert proof["metrics"][0]["pods"]["workloads"][0]["name"] == "web-green"
        assert read_gates(proof["metrics"], "metrics")[0].deadline == 90.0

    def test_every_service_is_watched_that_way(self) -> None:
        metrics = plan(services=TWO_SERVICES, gates=[{"name": "calm", **WATCH}])["shift"]["steps"][0]["proof"][
            "metrics"
        ]
        calm = [metric for metric in metrics if "pods" in metric]
        assert [metric["name"] for metric in calm] == ["calm of web-green", "calm of api-green"]
        assert {metric["pods"]["max_restarts"] for metric in calm} == {1}

    def test_the_word_of_a_step_wins(self) -> None:
        steps = [{"percent": 50, "gates": [{"pods": {"max_restarts": 5}}]}, 100]
        found = [step["proof"]["metrics"][0]["pods"] for step in plan(gates=[WATCH], steps=steps)["shift"]["steps"]]
        assert [pods["max_restarts"] for pods in found] == [5, 1]

    def test_what_a_release_says_holds_for_copies_and_the_promotion_too(self) -> None:
        found = plan(gates=[WATCH], mirror={"percent": 10})
        for stage in ("mirror", "promote"):
            assert found[stage]["proof"]["metrics"][0]["pods"]["max_restarts"] == 1

    @pytest.mark.parametrize("header", [True, None])
    def test_where_nothing_is_watched_it_has_the_candidate_watched(self, header: bool | None) -> None:
        proof = plan(verify={"gates": [WATCH], "header": header})["verify"]["proof"]
        watched = proof["metrics"][0]
        assert watched["name"] == "pods of green"
        assert (watched["pods"]["max_restarts"], watched["pods"]["service"]["name"]) == (1, "web-green")

    def test_it_asks_nothing_before_traffic_moves(self) -> None:
        assert not any("pods" in metric for metric in plan(gates=[WATCH])["deploy"]["gates"]["metrics"])

    def test_one_that_names_what_to_watch_stands_beside(self) -> None:
        named = {"name": "cache", "pods": {"workloads": [{"name": "redis", "namespace": "prod"}]}}
        assert names(plan(gates=[named])["shift"]["steps"][0]["proof"]) == ["pods of green", "share", "cache"]

    def test_the_endpoints_of_a_version_without_a_host_are_those_of_where_it_stands(self) -> None:
        versions = {name: {"existing": {"deployment": name}} for name in ("blue", "green")}
        services = {"web": {"route": {"name": "web"}, "versions": versions}}

        def watched(*standing: tuple[str, str | None]) -> Any:
            found = plan(seen={"backends": {"green": standing}}, services=services, observe="none")
            return found["shift"]["steps"][0]["proof"]["metrics"][0]["pods"]["service"]

        host = "shop-green.other.svc.cluster.local"
        assert watched((host, None)) == {"name": "shop-green", "namespace": "other"}
        assert watched((host, "green")) is None
        assert watched((host, None), ("web-green.prod.svc.cluster.local", None)) is None
        assert watched() is None


class TestWhereVersionsStand:
    """What the proxies are asked for."""

    @staticmethod
    def backends(**keys: Any) -> Any:
        observe = {"probe": PROBE, "proxies": {"selector": "app=gateway"}}
        metrics = plan(observe=observe, **keys)["shift"]["steps"][0]["proof"]["metrics"]
        return next(metric["backends"] for metric in metrics if "proxies" in metric)

    def test_is_read_from_the_routes(self) -> None:
        standing = {
            "blue": (("shop.prod.svc.cluster.local", "blue"),),
            "green": (("my-green.prod.svc.cluster.local", None),),
        }
        assert self.backends(seen={"backends": standing}) == {
            "blue": [{"host": "shop.prod.svc.cluster.local", "subset": "blue"}],
            "green": [{"host": "my-green.prod.svc.cluster.local", "subset": None}],
        }

    def test_a_subset_is_of_the_host_in_the_services_own_namespace(self) -> None:
        versions = {name: {"image": "web:1", "subset": name, "namespace": "elsewhere"} for name in ("blue", "green")}
        services = {"web": {"hosts": ["web.example.com"], "versions": versions}}
        assert self.backends(services=services)["green"] == [
            {"host": "web.prod.svc.cluster.local", "subset": "green"},
        ]


class TestVerification:
    """What is judged at 0 %, and on a release that goes on."""

    def test_its_gates_go_by_what_stands(self) -> None:
        share = {"name": "seen", "probe": PROBE}
        verify = plan(under_way(25), {"blue": 75, "green": 25}, verify={"gates": [share]})["verify"]
        assert expected(verify["proof"]) == {"seen": {"blue": 75, "green": 25}}

    def test_only_what_can_send_the_header_goes_by_it(self) -> None:
        gates = [{"telemetry": TELEMETRY}, {"name": "inside", "probe": IN_POD}, {"http": {"url": "http://web/"}}]
        proof = plan(verify={"header": True, "gates": gates})["verify"]["proof"]
        assert expected(proof) == {
            "telemetry": {"blue": 100, "green": 0},
            "inside": {"blue": 100, "green": 0},
            "share": {"blue": 0, "green": 100},
        }
        with_header = [metric["name"] for metric in proof["metrics"] if "c0ffee" in str(metric)]
        assert with_header == ["share", "http"]
        assert len(read_gates(proof["metrics"], "metrics")) == 4

    def test_a_command_sends_the_header_where_it_says_so(self) -> None:
        command = ["curl", "-s", "-H", "$test_header", "http://$service.$namespace/"]
        probe = {"exec": {**IN_POD["exec"], "command": command}}
        found = plan(observe={"probe": probe}, verify={"header": True})
        (asked,) = found["verify"]["proof"]["metrics"]
        assert asked["probe"]["exec"]["command"][3] == "x-bluegreen: c0ffee"
        assert asked["expect"]["weights"] == {"blue": 0, "green": 100}
        assert len(read_gates([asked], "metrics")) == 1
        for step in found["shift"]["steps"]:
            (share,) = [metric for metric in step["proof"]["metrics"] if "probe" in metric]
            assert share["probe"]["exec"]["command"] == [
                "curl",
                "-s",
                "-H",
                "x-bluegreen:",
                "http://$service.$namespace/",
            ]

    @pytest.mark.parametrize("observe", ["none", {"telemetry": TELEMETRY}, {"probe": IN_POD}])
    def test_a_header_that_nobody_sends_is_refused(self, observe: Any) -> None:
        with pytest.raises(
            SpecError, match=r"^bluegreen\.verify\.header: leads requests to the candidate, and nothing"
        ):
            plan(observe=observe, verify={"header": True})
        for gate in ({"http": {"url": "http://web/"}}, {"probe": PROBE}, {"tasks": "ask.yml"}):
            assert plan(observe=observe, verify={"header": True, "gates": [gate]})["verify"]["header"]

    def test_where_no_service_has_headers_there_is_none(self) -> None:
        services = {"web": {"protocol": "tcp", "versions": VERSIONS}}
        found = plan(
            services=services, observe="none", verify={"header": True, "gates": [{"http": {"url": "http://a/"}}]}
        )
        assert found["verify"]["header"] is None
        assert names(found["verify"]["proof"]) == ["http"]
        assert "verify green at 0 %" in found["timeline"]


class TestMirror:
    """Copies of requests."""

    def test_a_mirror_of_the_users_own_is_not_taken_for_ours(self) -> None:
        seen, mirror = {"mirrors": ("green",)}, {"percent": 10}
        for predict in (True, False):
            with pytest.raises(ReleaseError, match="VirtualService prod/web copies requests to green already"):
                plan(seen=seen, mirror=mirror, predict=predict)
        assert plan(seen=seen)["mirror"]["routes"] == []
        assert plan(seen={"mirrors": ("blue",)}, mirror=mirror)["mirror"]["routes"]

    def test_one_that_the_journal_knows_goes_on(self) -> None:
        state = under_way(0)
        state.routes = {"istio/prod/web": {"mirror": "green"}}
        seen, mirror = {"mirrors": ("green",)}, {"percent": 10}
        assert plan(state, seen=seen, mirror=mirror)["mirror"]["routes"]
        state.state = "rolled_back"
        with pytest.raises(ReleaseError, match="copies requests to green already"):
            plan(state, seen=seen, mirror=mirror)

    def test_it_is_announced_only_where_it_comes(self) -> None:
        def announced(found: Plain) -> bool:
            return any(line.startswith("mirror") for line in found["timeline"])

        assert announced(plan(mirror={"percent": 10}))
        assert not announced(plan(under_way(25), {"blue": 75, "green": 25}, mirror={"percent": 10}))


class TestStagesOutOfOrder:
    """A stage that has nothing to go on from says what to do first."""

    def test_nothing_follows_before_the_release_has_begun(self) -> None:
        blocked = plan(predict=False)["blocked"]
        assert set(blocked) == {"verify", "shift", "promote"}
        assert set(blocked.values()) == {
            "the release to green has not begun: run the playbook deploy first, which notes the way back"
        }
        assert plan(predict=True)["blocked"] == plan(under_way(5), predict=False)["blocked"] == {}

    def test_the_first_install_comes_first(self) -> None:
        blocked = plan(seen={"exists": False, "weights": {}}, predict=False)["blocked"]
        assert blocked["shift"].startswith("the first install of blue is still to be done: run the playbook deploy")
        assert "deploy" not in blocked

    def test_after_it_there_is_nothing_more_to_do_unless_the_user_wants_more(self) -> None:
        release = read_release(web(services=ONE_SERVICE))
        deployed = {"web/blue": release.services["web"].versions["blue"].spec_hash}
        installed = State("promoted", 1, "blue", "blue", install=True, deployed=deployed, standing=["web/blue"])
        assert plan(installed, predict=False, to=None)["blocked"] == {}
        assert set(plan(installed, predict=False)["blocked"]) == {"verify", "shift", "promote"}

    def test_a_rollback_that_was_begun_stops_every_stage(self) -> None:
        state = under_way(25)
        state.state = "rolling_back"
        for predict in (True, False):
            blocked = plan(state, {"blue": 75, "green": 25}, predict=predict)["blocked"]
            assert set(blocked) == {"deploy", "verify", "shift", "promote"}
            assert blocked["shift"].startswith("a rollback from green was begun: run the playbook rollback")
