# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left to delete of a release, whatever a run before has deleted, and what keeps it from going."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import ReleaseError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.gates import read_gates
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import State
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.manifests import version_resources
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import (
    MANAGED_BY,
    Release,
    read_release,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.removal import (
    described,
    kinds_to_list,
    namespaces,
    removal_plan,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.releases import web

Plain = dict[str, Any]

TELEMETRY = {"telemetry": {"url": "http://prometheus:9090", "query": 'requests_total{version="$version"}'}}
PROMOTED = State(state="promoted", attempt=1, to="green", live="green")


def release(**keys: Any) -> Release:
    return read_release(web(observe=TELEMETRY, **keys))


def journal_of(spec: Release) -> Manifest:
    labels = {"app.kubernetes.io/managed-by": MANAGED_BY, "app.kubernetes.io/part-of": spec.name}
    metadata = {"name": f"bluegreen-{spec.name}", "namespace": spec.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def standing(spec: Release) -> list[Manifest]:
    """All that stands once both versions are deployed."""
    return [*described(spec), journal_of(spec)]


def foreign(item: Manifest) -> Manifest:
    return {**item, "metadata": {**item["metadata"], "labels": {"app.kubernetes.io/managed-by": "Helm"}}}


def removal(spec: Release, found: list[Manifest], state: State = PROMOTED, **more: Any) -> Plain:
    plan = removal_plan(spec, state, found, **more)
    assert json.loads(json.dumps(plan)) == plan
    part: Plain = plan["removal"]
    return part


def refused(*arguments: Any, **more: Any) -> str:
    with pytest.raises(ReleaseError) as error:
        removal(*arguments, **more)
    return error.value.message


def names(items: list[Manifest]) -> list[str]:
    return [f"{item['kind']} {item['metadata']['name']}" for item in items]


def all_of(plan: Plain) -> list[Manifest]:
    return [*plan["entry"], *plan["versions"], *plan["rest"], *plan["journal"]]


def test_users_lose_their_entry_first_and_the_journal_goes_last() -> None:
    plan = removal(release(), standing(release()))
    assert names(plan["entry"]) == ["VirtualService web"]
    assert names(plan["versions"]) == ["Deployment web-blue", "Deployment web-green"]
    assert sorted(names(plan["rest"])) == ["Service web", "Service web-blue", "Service web-green"]
    assert names(plan["journal"]) == ["ConfigMap bluegreen-web"]


@pytest.mark.parametrize("router", sorted(ROUTERS))
def test_nothing_of_ours_is_left_by_any_router(router: str) -> None:
    steps = {"steps": [100]} if router == "service" else {}
    spec = release(router=router, **steps)
    plan = removal(spec, standing(spec))
    assert len(plan["entry"]) == 1
    assert sorted(names(all_of(plan))) == sorted(names(standing(spec)))
    listed = kinds_to_list(spec)
    assert {item["kind"] for item in standing(spec)} <= set(listed)


def test_subsets_go_after_the_pods() -> None:
    versions = {name: {"image": f"web:{name}", "subset": name} for name in ("blue", "green")}
    spec = read_release(web(observe=TELEMETRY, services={"web": {"versions": versions}}))
    plan = removal(spec, standing(spec))
    assert "DestinationRule web" in names(plan["rest"])


def test_what_is_not_ours_stays_and_is_named() -> None:
    spec = release()
    found = [foreign(item) if item["metadata"]["name"] == "web-blue" else item for item in standing(spec)]
    plan = removal(spec, found)
    assert plan["stays"] == ["Deployment prod/web-blue", "Service prod/web-blue"]
    assert not {"Deployment web-blue", "Service web-blue"} & set(names(all_of(plan)))


def test_an_object_of_another_release_stays() -> None:
    spec = release()
    other = read_release(web(release="shop", observe=TELEMETRY))
    assert all_of(removal(spec, standing(other))) == []


def test_workloads_that_somebody_else_writes_stay() -> None:
    versions = {name: {"existing": {"deployment": f"web-{name}"}} for name in ("blue", "green")}
    spec = read_release(web(observe=TELEMETRY, services={"web": {"versions": versions}}))
    plan = removal(spec, [journal_of(spec)])
    assert plan["stays"] == ["Deployment prod/web-blue", "Deployment prod/web-green"]
    assert names(all_of(plan)) == ["ConfigMap bluegreen-web"]


@pytest.mark.parametrize("state", ["started", "shifting", "shifted", "held", "rolling_back"])
def test_an_unfinished_release_is_refused_with_its_state(state: str) -> None:
    spec = release()
    unfinished = State(state=state, attempt=1, to="green", percent=50)
    message = refused(spec, standing(spec), unfinished)
    assert f"green is unfinished ({state}, 50 %)" in message
    assert "bluegreen_force: true" in message
    assert removal(spec, standing(spec), unfinished, force=True)["entry"]


def test_what_was_put_into_a_route_of_somebody_else_is_for_a_rollback() -> None:
    spec = release()
    state = State(state="shifting", attempt=1, to="green", routes={"istio/prod/web": {"test_header": "x-bluegreen"}})
    found = [foreign(item) if item["kind"] == "VirtualService" else item for item in standing(spec)]
    assert "VirtualService prod/web is not ours and stays" in refused(spec, found, state, force=True)
    assert removal(spec, standing(spec), state, force=True)["entry"]


def test_a_route_of_somebody_else_that_still_sends_there_is_refused_by_its_place() -> None:
    spec = release()
    destination = {"host": "web-green.prod.svc.cluster.local"}
    shop = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "shop", "namespace": "prod"},
        "spec": {"http": [{"name": "all", "route": [{"destination": destination}]}]},
    }
    message = refused(spec, standing(spec), routes=[shop])
    assert "VirtualService prod/shop, all (weight 1" in message
    assert "to web-green" in message
    assert removal(spec, standing(spec), routes=[shop], force=True)["entry"]
    # A version that was retired gets nothing, whatever the route says.
    gone = [item for item in standing(spec) if item["metadata"]["name"] != "web-green"]
    assert removal(spec, gone, routes=[shop])["entry"]


def test_who_cannot_count_requests_is_told_what_to_do() -> None:
    probe = {"probe": {"url": "http://edge.example.com/"}}
    for observe in ("none", probe):
        spec = read_release(web(observe=observe))
        message = refused(spec, standing(spec))
        assert "add proxies or telemetry" in message
        assert removal(spec, standing(spec), force=True)["quiet"] == []
        # Once the entry is gone nobody can call.
        without_entry = [item for item in standing(spec) if item["kind"] != "VirtualService"]
        assert removal(spec, without_entry)["quiet"] == []


def test_requests_are_counted_as_the_release_sees_them() -> None:
    spec = read_release(web(observe={"probe": {"url": "http://edge.example.com/"}, "proxies": {}}, drain="8s"))
    plan = removal(spec, standing(spec))
    (metric,) = plan["quiet"]
    assert metric["quiet"] == 8.0
    assert metric["proxies"] == {"namespace": "istio-system", "selector": "istio=ingressgateway"}
    assert metric["backends"]["blue"] == [{"host": "web-blue.prod.svc.cluster.local", "subset": None}]
    assert read_gates(plan["quiet"], "metrics")[0].place.quiet == 8.0
    (drained,) = plan["drained"]
    assert read_gates([drained], "metrics")[0].place.drained
    assert plan["drain"] == 0.0


@pytest.mark.parametrize(
    ("versions", "stray"),
    [
        ({"blue": {"image": "web:1"}}, {"host": "web-green.prod.svc.cluster.local", "subset": None}),
        ({"blue": {"image": "web:1", "subset": "blue"}}, {"host": "web.prod.svc.cluster.local", "subset": "green"}),
    ],
)
def test_a_version_that_the_specification_names_no_more_may_still_be_called(versions: Plain, stray: Plain) -> None:
    subset = {"subset": "green"} if stray["subset"] else {}
    both = {**versions, "green": {"image": "web:2", **subset}}
    observe = {"proxies": {}, "probe": {"url": "http://edge.example.com/"}}
    stands = standing(read_release(web(observe=observe, services={"web": {"versions": both}})))
    plan = removal(read_release(web(observe=observe, services={"web": {"versions": versions}}, to="blue")), stands)
    for metric in (*plan["quiet"], *plan["drained"]):
        assert [stray] in metric["backends"].values()


def test_without_proxies_the_drain_time_is_waited_for() -> None:
    plan = removal(release(drain="7s"), standing(release()))
    assert (plan["drain"], plan["drained"]) == (7.0, [])


def test_every_namespace_of_the_release_is_looked_into() -> None:
    versions = {"blue": {"image": "web:1", "namespace": "stage"}, "green": {"image": "web:2"}}
    spec = read_release(web(services={"web": {"versions": versions, "route": {"namespace": "edge"}}}))
    assert set(namespaces(spec)) == {"prod", "stage", "edge"}


@given(st.sets(st.integers(0, 7)), st.booleans())
def test_a_run_that_was_killed_anywhere_is_finished_by_the_next(gone: set[int], force: bool) -> None:
    """Whatever a run has deleted already, the next one deletes all the rest, and one after it nothing."""
    spec = release()
    found = [item for position, item in enumerate(standing(spec)) if position not in gone]
    plan = removal(spec, found, force=force)
    assert sorted(names(all_of(plan))) == sorted(names(found))
    after = removal(spec, [], State(), force=force)
    assert all_of(after) == []
    assert (after["quiet"], after["drained"], after["drain"]) == ([], [], 0.0)


def test_the_manifests_of_a_version_are_all_described() -> None:
    spec = release()
    for service in spec.services.values():
        for version in service.versions.values():
            for manifest in version_resources(service, version, spec.name):
                assert manifest in described(spec)
