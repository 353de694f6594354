# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A version that takes the source of another, and what the journal then says of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.built import Built, HelmChart
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import ReleaseError, SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.journal import State
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import Release, read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.taking import (
    carries,
    current_leg,
    is_as_deployed,
    is_carried,
    refuse_untakable,
    taken_key,
    taking,
)

from tests.unit.releases import refusal, web

PROD = {"image": "web:1.4", "replicas": 4, "namespace": "front", "env": {"OLD": "1"}, "pre_stop": 3}
STAGE = {
    "image": "web:1.5",
    "replicas": 1,
    "namespace": "stage",
    "args": ["--quick"],
    "autoscaling": {"max_replicas": 2},
}


def written(**keys: Any) -> dict[str, Any]:
    versions = copy.deepcopy({"prod": PROD, "stage": STAGE})
    return web(services={"web": {"versions": versions}}, **{"promote": {"into": "prod"}, **keys})


def release(prod: dict[str, Any] | None = None, stage: dict[str, Any] | None = None, **keys: Any) -> Release:
    spec = written(**keys)
    versions = spec["services"]["web"]["versions"]
    versions["prod"].update(prod or {})
    versions["stage"].update(stage or {})
    return read_release(spec)


def manifests(namespace: str | None = None, name: str = "app") -> list[dict[str, Any]]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    service: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {}}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": {}}}
    return [deployment, service]


def of_manifests(prod: list[dict[str, Any]], stage: list[dict[str, Any]]) -> Release:
    versions = {
        "prod": {"namespace": "front", "manifests": prod},
        "stage": {"namespace": "stage", "manifests": stage},
    }
    return read_release(web(services={"web": {"versions": versions}}, promote={"into": "prod"}))


def journal(spec: Release, **keys: Any) -> State:
    """Stage was deployed after prod, and promoted."""
    deployed = {f"web/{name}": version.spec_hash for name, version in spec.services["web"].versions.items()}
    return State(**{"state": "promoted", "attempt": 2, "to": "stage", "deployed": deployed, **keys})


class TestTaking:
    """What comes with a source, and what stays where it is."""

    def test_the_source_comes_whole_and_the_place_stays(self) -> None:
        taken = taking(release(), "prod", "stage").services["web"].versions["prod"]
        workload = taken.workload
        assert workload is not None
        assert (workload.image, workload.args, workload.env, workload.pre_stop) == ("web:1.5", ("--quick",), {}, 5)
        assert (taken.namespace, taken.backend, workload.replicas, workload.autoscaling) == ("front", "web-prod", 4, {})

    def test_what_is_not_written_of_a_place_comes_from_nowhere(self) -> None:
        spec = written()
        del spec["services"]["web"]["versions"]["prod"]["namespace"]
        taken = taking(read_release(spec), "prod", "stage").services["web"].versions["prod"]
        assert taken.namespace == "prod"

    def test_the_release_is_one_to_the_place(self) -> None:
        leg = taking(release(to="stage", steps=[10, 100]), "prod", "stage")
        assert (leg.to, leg.taken_from, [step.percent for step in leg.steps]) == ("prod", "stage", [100])

    def test_it_has_steps_of_its_own_when_they_are_written(self) -> None:
        leg = taking(release(promote={"into": "prod", "steps": [50, 100]}), "prod", "stage")
        assert [step.percent for step in leg.steps] == [50, 100]

    def test_who_writes_out_what_was_taken_writes_the_same(self) -> None:
        taken = taking(release(), "prod", "stage").services["web"].versions["prod"]
        out = {key: STAGE[key] for key in ("image", "args")} | {key: PROD[key] for key in ("replicas", "namespace")}
        spec = written()
        spec["services"]["web"]["versions"]["prod"] = out
        assert read_release(spec).services["web"].versions["prod"].spec_hash == taken.spec_hash

    def test_every_service_takes_its_own(self) -> None:
        service = written()["services"]["web"]
        other = copy.deepcopy(service)
        other["versions"]["stage"]["image"] = "shop:7"
        spec = read_release(web(services={"web": service, "shop": other}, promote={"into": "prod"}))
        found = {name: part.versions["prod"].workload for name, part in taking(spec, "prod", "stage").services.items()}
        assert {name: workload.image for name, workload in found.items() if workload} == {
            "web": "web:1.5",
            "shop": "shop:7",
        }

    def test_objects_go_into_the_namespace_of_the_place(self) -> None:
        spec = of_manifests(manifests(), manifests())
        refuse_untakable(spec)
        given = taking(spec, "prod", "stage").services["web"].versions["prod"].given
        assert given is not None
        assert {item["metadata"]["namespace"] for item in given.objects} == {"front"}


class TestRefused:
    """Bad input, with what to do about it."""

    @pytest.mark.parametrize(
        ("keys", "message"),
        [
            ({"promote": {"into": "pord"}}, "bluegreen.promote.into: no version pord in every service; known: prod, "),
            ({"to": "prod"}, "bluegreen.promote.into: prod is the candidate itself (to: prod): name the version that"),
            ({"promote": {"steps": [50]}}, "bluegreen.promote.steps: are those that lead into another version: say "),
            ({"promote": {"into": "prod", "steps": [50]}}, "bluegreen.promote.steps: expected percentages that end "),
            ({"promote": {"into": "prod", "steps": [70, 30]}}, "bluegreen.promote.steps: steps must rise, but 30 "),
        ],
    )
    def test_where_nothing_could_go(self, keys: dict[str, Any], message: str) -> None:
        assert refusal(written(**keys)).startswith(message)

    def test_an_existing_version(self) -> None:
        spec = written()
        spec["services"]["web"]["versions"]["prod"] = {"existing": {"deployment": "web"}}
        assert refusal(spec).startswith("bluegreen.promote.into: prod of web is existing, and the release deploys ")

    def test_sources_of_two_kinds(self) -> None:
        spec = written()
        spec["services"]["web"]["versions"]["prod"] = {"manifests": manifests()}
        with pytest.raises(SpecError, match=r"versions\.stage: prod is to take it \(promote\.into\) and is made of "):
            refuse_untakable(read_release(spec))

    @pytest.mark.parametrize("stage", [manifests("stage"), manifests(name="other")])
    def test_objects_that_would_be_elsewhere(self, stage: list[dict[str, Any]]) -> None:
        with pytest.raises(SpecError, match=r"give the objects of both the same names, without a namespace, and each"):
            refuse_untakable(of_manifests(manifests(), stage))

    def test_what_exists_may_stand_beside(self) -> None:
        spec = written()
        spec["services"]["web"]["versions"]["old"] = {"existing": {"deployment": "web"}}
        refuse_untakable(read_release(spec))


class TestLeg:
    """Which of the two it is that goes on."""

    def test_what_is_live_is_taken_when_the_release_to_it_is_over(self) -> None:
        spec = release()
        leg = current_leg(spec, journal(spec), {"web": {"prod": 0, "stage": 100}})
        assert (leg.to, leg.taken_from) == ("prod", "stage")

    @pytest.mark.parametrize("weights", [{"prod": 100, "stage": 0}, {"prod": 50, "stage": 50}, {}])
    def test_nothing_is_taken_while_nothing_else_is_live(self, weights: dict[str, int]) -> None:
        spec = release()
        assert current_leg(spec, journal(spec), {"web": weights}) is spec

    def test_nothing_is_taken_that_was_never_deployed(self) -> None:
        spec = release()
        assert current_leg(spec, journal(spec, deployed={}), {"web": {"prod": 0, "stage": 100}}) is spec

    def test_a_candidate_that_is_named_goes_first(self) -> None:
        spec = written(to="next")
        spec["services"]["web"]["versions"]["next"] = {"image": "web:1.6"}
        read = read_release(spec)
        assert current_leg(read, journal(read), {"web": {"prod": 0, "stage": 100}}) is read

    def test_pods_with_traffic_are_never_replaced(self) -> None:
        spec = release()
        with pytest.raises(ReleaseError, match=r"prod is to take what stage has, and still has 30 % of web: "):
            current_leg(spec, journal(spec), {"web": {"prod": 30, "stage": 70}})

    def test_a_leg_under_way_goes_on_whatever_is_written(self) -> None:
        spec = release(promote={})
        under_way = journal(spec, state="shifting", to="prod", taken_from="stage")
        leg = current_leg(spec, under_way, {"web": {"prod": 50, "stage": 50}})
        assert (leg.to, leg.taken_from) == ("prod", "stage")

    def test_the_first_leg_is_the_release_that_is_written(self) -> None:
        spec = release()
        assert current_leg(spec, journal(spec, state="shifting"), {"web": {"prod": 0, "stage": 100}}) is spec

    def test_what_is_being_taken_has_to_stay_in_the_file(self) -> None:
        spec = release()
        under_way = journal(spec, state="shifting", to="prod", taken_from="canary")
        with pytest.raises(ReleaseError, match=r"prod is taking what canary has, and canary is no longer among the "):
            current_leg(spec, under_way, {"web": {"prod": 50, "stage": 50}})
        under_way.state = "rolling_back"
        assert current_leg(spec, under_way, {"web": {"prod": 50, "stage": 50}}) is spec


class TestCarried:
    """What a version carries, and what is written for it."""

    @pytest.fixture
    def taken(self) -> State:
        """The journal of a release whose prod has taken what stage had."""
        spec = release()
        version = taking(spec, "prod", "stage").services["web"].versions["prod"]
        return State(deployed={"web/prod": version.spec_hash}, carries={"web/prod": carries(spec, version)})

    @pytest.mark.parametrize("prod", [{}, {"replicas": 6}, {"namespace": "elsewhere"}])
    def test_its_own_source_may_stay_in_the_file_and_its_place_may_change(
        self, taken: State, prod: dict[str, Any]
    ) -> None:
        assert is_as_deployed(release(prod=prod).services["web"].versions["prod"], taken)

    def test_what_it_has_taken_may_be_written_for_it(self, taken: State) -> None:
        spec = written()
        spec["services"]["web"]["versions"]["prod"] = {"image": "web:1.5", "args": ["--quick"], "replicas": 4}
        assert is_as_deployed(read_release(spec).services["web"].versions["prod"], taken)

    def test_anything_else_is_a_change(self, taken: State) -> None:
        assert not is_as_deployed(release(prod={"image": "web:1.6"}).services["web"].versions["prod"], taken)

    def test_what_was_taken_is_carried_in_any_place(self, taken: State) -> None:
        assert is_carried(release(), taken, "stage")
        assert is_carried(release(stage={"replicas": 2}), taken, "stage")
        assert not is_carried(release(stage={"image": "web:1.6"}), taken, "stage")
        assert not is_carried(release(promote={}), taken, "stage")

    def test_a_version_that_never_takes_anything_is_compared_whole(self) -> None:
        spec = release()
        stage = spec.services["web"].versions["stage"]
        assert carries(spec, stage) == {}
        known = State(deployed={"web/stage": stage.spec_hash})
        assert is_as_deployed(stage, known)
        assert not is_as_deployed(release(stage={"replicas": 2}).services["web"].versions["stage"], known)


class TestBuilt:
    """Versions that a program builds: what is the same in another place, and what is not."""

    @staticmethod
    def charts(prod: str = "v1", stage: str = "v2") -> dict[str, Any]:
        versions = {
            "prod": {"namespace": "front", "helm": {"chart": "app", "release_name": "app", "values": {"tag": prod}}},
            "stage": {
                "namespace": "stage",
                "helm": {"chart": "app", "release_name": "trial", "values": {"tag": stage}},
            },
        }
        return web(services={"web": {"versions": versions}}, promote={"into": "prod"})

    @staticmethod
    def built(release: Release) -> dict[tuple[str, str], Built]:
        """As helm renders it: the content tells the Helm release, the source does not."""
        found = {}
        for key, leg, name in [
            (("web", "prod"), release, "prod"),
            (("web", "stage"), release, "stage"),
            (taken_key("web", "prod", "stage"), taking(release, "prod", "stage"), "prod"),
        ]:
            chart = leg.services["web"].versions[name].source
            assert isinstance(chart, HelmChart)
            content = [chart.values, chart.release_name]
            found[key] = Built(tuple(manifests()), content, source=chart.values)
        return found

    def read(self, **tags: str) -> Release:
        spec = self.charts(**tags)
        return read_release(spec, self.built(read_release(spec)))

    def test_the_helm_release_stays_with_the_place(self) -> None:
        taken = taking(self.read(), "prod", "stage").services["web"].versions["prod"]
        chart = taken.source
        assert isinstance(chart, HelmChart)
        assert (chart.release_name, chart.namespace, chart.values) == ("app", "front", {"tag": "v2"})
        assert taken.given is not None
        assert taken.built is not None

    def test_without_a_name_it_has_the_usual_one_of_the_place(self) -> None:
        spec = self.charts()
        del spec["services"]["web"]["versions"]["prod"]["helm"]["release_name"]
        chart = taking(read_release(spec), "prod", "stage").services["web"].versions["prod"].source
        assert isinstance(chart, HelmChart)
        assert chart.release_name == "web-prod"

    def test_what_was_taken_is_known_under_any_name(self) -> None:
        spec = self.read()
        version = taking(spec, "prod", "stage").services["web"].versions["prod"]
        taken = State(deployed={"web/prod": version.spec_hash}, carries={"web/prod": carries(spec, version)})
        assert is_carried(spec, taken, "stage")
        assert is_as_deployed(spec.services["web"].versions["prod"], taken)
        assert not is_carried(self.read(stage="v3"), taken, "stage")
        assert is_as_deployed(self.read(prod="v2").services["web"].versions["prod"], taken)
        assert not is_as_deployed(self.read(prod="v3").services["web"].versions["prod"], taken)
