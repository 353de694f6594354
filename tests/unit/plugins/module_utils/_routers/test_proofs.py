# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each stage of a release has proven, as the module analysis takes it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
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


def plan(state: State | None = None, weights: Plain | None = None, **keys: Any) -> Plain:
    """The plan of a release to green, while blue has everything."""
    given = {"to": "green", "observe": {"probe": PROBE}, "services": ONE_SERVICE, "pause": "30s", **keys}
    release = read_release(web(**given))
    routes = tuple(
        ObservedRoute(name, name, "prod", exists=True, owned=True, weights=weights or {"blue": 100, "green": 0})
        for name in release.services
    )
    return release_plan(release, Observed(state or State(), routes, 0.0), predict=True, token="c0ffee")  # noqa: S106


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


def test_proxies_are_told_which_backends_to_look_for() -> None:
    proxies = {"namespace": "istio-system", "selector": "istio=ingressgateway"}
    metrics = plan(observe={"probe": PROBE, "proxies": proxies})["shift"]["steps"][0]["proof"]["metrics"]
    (metric,) = (item for item in metrics if "proxies" in item)
    assert metric["hosts"] == ["web.example.com"]
    assert metric["backends"] == {
        "blue": [{"host": "web-blue.prod.svc.cluster.local", "subset": None}],
        "green": [{"host": "web-green.prod.svc.cluster.local", "subset": None}],
    }


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
