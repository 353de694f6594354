# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan says of versions and routes that are Helm releases."""

from __future__ import annotations

from typing import Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.built import Built
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import State
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import Release, read_release, route_key
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.plan import Observed, ObservedRoute
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.helm_releases import route_weights
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.release import release_plan

from tests.unit.releases import web

Json = dict[str, Any]

OBJECTS: dict[str, tuple[Json, ...]] = {
    name: (
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": f"web-{name}"},
            "spec": {"replicas": 3, "template": {}},
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"web-{name}"}},
    )
    for name in ("blue", "green")
}


def release(skeleton: str = "", **keys: Any) -> Release:
    """Both versions are charts; with ``skeleton``, what its content is, the route is one, too."""
    versions = {name: {"helm": {"chart": name, "release_name": name}} for name in OBJECTS}
    service: Json = {"versions": versions}
    built = {("web", name): Built(objects, name, f"/charts/{name}", {"a": 1}) for name, objects in OBJECTS.items()}
    if skeleton:
        service["route"] = {"helm": {"chart": "web", "weight_values": {"blue": "blue", "green": "green"}}}
        built[route_key("web", "prod", "web")] = Built((), skeleton, "/charts/web", {"blue": 100, "green": 0})
    return read_release(web(services={"web": service}, **keys), built)


def plan(of: Release, state: State, capacity: tuple[Json, ...] = (), **weights: int) -> Json:
    route = ObservedRoute("web", "web", "prod", exists=bool(weights), weights=weights)
    return release_plan(of, Observed(state, (route,), 1000.0, capacity))


def promoted(**more: Any) -> State:
    return State(
        state="promoted",
        attempt=1,
        to="blue",
        live="blue",
        install=True,
        promoted_at=1.0,
        deployed={"web/blue": release().services["web"].versions["blue"].spec_hash},
        standing=["web/blue"],
        **more,
    )


def test_the_candidate_is_installed_by_helm_and_waited_for() -> None:
    found = plan(release(to="green"), promoted(), blue=100)
    assert found["deploy"]["manifests"] == []
    (chart,) = found["deploy"]["charts"]
    assert chart == {
        "path": "bluegreen.services.web.versions.green.helm",
        "release_name": "green",
        "release_namespace": "prod",
        "chart_ref": "/charts/green",
        "chart_version": None,
        "chart_repo_url": None,
        "release_values": {"a": 1},
        "disable_hook": False,
        "skip_crds": False,
        "is_new": True,
        "objects": list(OBJECTS["green"]),
    }
    (waited,) = found["deploy"]["versions"]
    assert waited["workloads"] == [{"kind": "Deployment", "name": "web-green", "namespace": "prod"}]
    assert waited["service"] == {"name": "web-green", "namespace": "prod"}
    assert waited["min_endpoints"] == 3


def test_what_was_deployed_already_is_not_new() -> None:
    deployed = {"web/green": release().services["web"].versions["green"].spec_hash}
    state = promoted()
    state.deployed.update(deployed)
    assert not plan(release(to="green"), state, blue=100)["deploy"]["charts"][0]["is_new"]


def test_what_a_retirement_left_without_pods_is_scaled_up() -> None:
    seen = {"key": "web/green", "exists": True, "replicas": 0, "ready": 0, "ours": False, "autoscalers": []}
    (patch,) = plan(release(to="green"), promoted(), (seen,), blue=100)["deploy"]["scale"]
    assert (patch["kind"], patch["metadata"]["name"], patch["spec"]) == ("Deployment", "web-green", {"replicas": 3})
    seen["replicas"] = 2
    assert plan(release(to="green"), promoted(), (seen,), blue=100)["deploy"]["scale"] == []


def retired(**keys: Any) -> Json:
    state = State(
        state="promoted",
        attempt=2,
        to="green",
        live="green",
        promoted_at=1.0,
        before={"web": {"blue": 100}},
        standing=["web/blue", "web/green"],
    )
    state.deployed = {f"web/{name}": release().services["web"].versions[name].spec_hash for name in OBJECTS}
    found: Json = plan(release(**keys), state, blue=0, green=100)["retire"]
    return found


def test_what_has_done_its_service_is_uninstalled_or_scaled() -> None:
    deleted = retired(retire="delete")
    assert deleted["uninstall"] == [{"release_name": "blue", "release_namespace": "prod"}]
    assert deleted["delete"] == deleted["scale"] == []
    asleep = retired(retire="scale_to_zero")
    assert asleep["uninstall"] == asleep["delete"] == []
    assert [(item["metadata"]["name"], item["spec"]) for item in asleep["scale"]] == [("web-blue", {"replicas": 0})]


def test_a_routes_chart_is_installed_when_something_else_than_its_weights_differs() -> None:
    one = release("one", to="green")
    skeleton = plan(one, promoted(), blue=50, green=50)["skeleton"]
    assert [chart["release_values"] for chart in skeleton["charts"]] == [{"blue": 100, "green": 0}]
    state = promoted()
    state.skeleton = skeleton["entry"]["charts"]
    assert plan(one, state, blue=50, green=50)["skeleton"] == {"manifests": [], "charts": [], "entry": None}
    assert plan(release("two", to="green"), state, blue=50, green=50)["skeleton"]["charts"]


def test_the_weights_of_a_routes_chart_are_those_that_stand() -> None:
    def weights(state: State, **standing: int) -> Json:
        route = ObservedRoute("web", "web", "prod", exists=bool(standing), weights=standing)
        return dict(route_weights(release("one"), Observed(state, (route,), 1000.0)))

    assert weights(State()) == {"web": {"blue": 100}}
    assert weights(promoted(), blue=25, green=75) == {"web": {"blue": 25, "green": 75}}
