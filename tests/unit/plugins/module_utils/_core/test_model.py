# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release as its user writes it: what is understood, and what is refused before anything is touched."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import (
    ROUTERS,
    Retirement,
    Route,
    read_release,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.observe import Smoke, Verification
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.workloads import WorkloadRef
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers import registry

from tests.unit.releases import read_version, refusal, web, web_service, web_version


def test_the_smallest_release_has_sensible_defaults() -> None:
    release = read_release(web())
    assert (release.name, release.namespace, release.router, release.to) == ("web", "prod", "istio", None)
    assert [step.percent for step in release.steps] == [5, 25, 50, 100]
    assert {step.pause for step in release.steps} == {60.0}
    assert (release.on_failure, release.drain, release.ready_timeout) == ("rollback", 5.0, 300.0)
    assert release.retire == Retirement("delete", 86400.0, written=False)
    assert release.verify == Verification(Smoke("/", ()), header=None, gates=())
    assert (release.gates, release.mirror, release.promotion.gates) == ((), None, ())
    assert release.versions == ("blue", "green")
    service = release.services["web"]
    assert (service.namespace, service.port, service.protocol) == ("prod", 80, "http")
    assert (service.hosts, service.gateways, service.create_gateway) == ((), (), False)
    assert service.routes == (Route(name="web", namespace="prod"),)
    assert not service.routes_are_named
    assert not service.uses_subsets
    blue = service.versions["blue"]
    assert (blue.name, blue.service, blue.namespace, blue.backend) == ("blue", "web", "prod", "web-blue")
    assert blue.existing is None
    assert blue.workload is not None
    assert (blue.workload.image, blue.workload.replicas, blue.workload.port) == ("web:1.4", 1, 80)
    assert (blue.workload.pre_stop, blue.workload.grace_period) == (5, 35)


def test_a_release_that_says_everything() -> None:
    release = read_release(
        {
            "release": "shop",
            "namespace": "prod",
            "router": "istio",
            "to": "v2",
            "services": {
                "web": {
                    "namespace": "front",
                    "port": 8080,
                    "protocol": "http",
                    "hosts": ["web.example.com"],
                    "gateways": ["istio-system/public"],
                    "routes": [
                        {"name": "web"},
                        {
                            "name": "web-internal",
                            "namespace": "mesh",
                            "api_version": "networking.istio.io/v1",
                            "rules": ["http[0]", "api"],
                            "adopt": True,
                        },
                    ],
                    "versions": {
                        "v1": {"existing": {"deployment": "web-old"}, "host": "web-old", "namespace": "legacy"},
                        "v2": {
                            "image": "web:2",
                            "subset": "second",
                            "replicas": 4,
                            "port": 8000,
                            "labels": {"tier": "front"},
                            "annotations": {"owner": "team"},
                            "env": {"MODE": "new"},
                            "resources": {"requests": {"cpu": "100m"}},
                            "probes": {"liveness": {"httpGet": {"path": "/", "port": "http"}}},
                            "command": ["serve"],
                            "args": ["--fast"],
                            "service_account": "web",
                            "pod_security_context": {"fsGroup": 1000},
                            "security_context": {"readOnlyRootFilesystem": True},
                            "pre_stop": 10,
                            "grace_period": 60,
                            "autoscaling": {"max_replicas": 8, "cpu": 70},
                            "disruption_budget": {"max_unavailable": "25%"},
                        },
                    },
                },
                "cart": {
                    "protocol": "tcp",
                    "route": {"name": "carts"},
                    "versions": {"v2": {"image": "cart:2"}, "v1": {"existing": {"stateful_set": "cart"}}},
                },
            },
            "steps": [0, {"percent": 50, "pause": "10m"}, {"weights": {"v1": 0, "v2": 100}}],
            "pause": "30s",
            "observe": "none",
            "on_failure": "hold",
            "retire": {"keep": "2h"},
            "drain": "10s",
            "ready_timeout": "10m",
            "verify": {"path": "/health", "status": [200, 204]},
        }
    )
    assert release.to == "v2"
    assert release.versions == ("v1", "v2"), "in the order of the first service"
    assert [step.pause for step in release.steps] == [30.0, 600.0, 30.0]
    assert release.retire == Retirement("delete", 7200.0, written=False)
    assert release.verify.smoke == Smoke("/health", (200, 204))
    assert (release.on_failure, release.drain, release.ready_timeout) == ("hold", 10.0, 600.0)
    web_service, cart = release.services.values()
    assert web_service.routes == (
        Route(name="web", namespace="front"),
        Route("web-internal", "mesh", "networking.istio.io/v1", ("http[0]", "api"), adopt=True),
    )
    assert web_service.routes_are_named
    assert web_service.uses_subsets
    old, new = web_service.versions.values()
    assert (old.existing, old.namespace, old.host) == (
        WorkloadRef("Deployment", "web-old", "legacy"),
        "legacy",
        "web-old",
    )
    assert (new.namespace, new.subset) == ("front", "second")
    assert new.workload is not None
    assert new.workload.autoscaling == {"min_replicas": 4, "max_replicas": 8, "cpu": 70, "metrics": []}
    assert new.workload.disruption_budget == {"max_unavailable": "25%"}
    assert cart.routes == (Route(name="carts", namespace="prod"),)
    assert cart.versions["v1"].existing == WorkloadRef("StatefulSet", "cart", "prod")


def test_a_release_may_name_every_router_that_there_is() -> None:
    assert set(ROUTERS) == set(registry.ROUTERS)


def test_a_version_may_be_named_by_a_number() -> None:
    release = read_release(web_service(versions={1: {"image": "web:1"}, 2: {"image": "web:2"}}) | {"to": 2})
    assert release.versions == ("1", "2")
    assert release.to == "2"


@pytest.mark.parametrize("mode", ["delete", "scale_to_zero"])
def test_retire_may_say_what_to_do_at_once(mode: str) -> None:
    assert read_release(web(retire=mode)).retire == Retirement(mode, 0.0, written=True)


def test_problems_are_accepted_by_their_names() -> None:
    assert read_release(web()).accept == ()
    assert read_release(web(accept=["rule_shadowed"])).accept == ("rule_shadowed",)
    told = refusal(web(accept=["rule_shadowed", "rule_shaded"]))
    assert told.startswith('bluegreen.accept[1]: "rule_shaded" is no problem; known: duplicate_host, ')


def test_the_smoke_request_can_be_left_out() -> None:
    assert read_release(web(verify="none")).verify.smoke is None


def test_what_autoscaling_starts_from_is_at_least_one_pod() -> None:
    _release, _service, blue = read_version(replicas=0, autoscaling={"max_replicas": 4})
    assert blue.workload.autoscaling["min_replicas"] == 1


def test_the_hash_of_a_candidate_knows_its_content_and_nothing_else() -> None:
    plain = read_release(web())
    reordered = web()
    reordered["services"]["web"]["versions"] = dict(reversed(web()["services"]["web"]["versions"].items()))
    assert read_release(reordered).candidate_hash("blue") == plain.candidate_hash("blue")
    assert read_release(web_version(replicas=2)).candidate_hash("blue") != plain.candidate_hash("blue")
    assert read_release(web_version(replicas=2)).candidate_hash("green") == plain.candidate_hash("green")
    assert read_release(web(pause=5)).candidate_hash("blue") == plain.candidate_hash("blue")


def test_the_hash_bears_keys_of_every_kind() -> None:
    first, second = (web_version(env=env) for env in ({1: "a", "B": "b"}, {"B": "b", 1: "a"}))
    assert read_release(first).candidate_hash("blue") == read_release(second).candidate_hash("blue")


BLUE = "bluegreen.services.web.versions.blue"
ONE = f"{BLUE}: expected just one of image, manifests, helm, kustomize, existing to say what it is made of; "
ONE_WORKLOAD = (
    f"{BLUE}.existing: expected exactly one of deployment, stateful_set, daemon_set, with the name of the object"
)
KEYS = ("existing", "helm", "host", "image", "kustomize", "manifests", "namespace", "selector", "subset")
NO_LABEL = 'is no DNS label: at most 63 lower-case letters, digits and "-", a letter or digit at both ends'


@pytest.mark.parametrize(
    ("bluegreen", "message"),
    [
        (None, "bluegreen: expected a mapping, got None"),
        ([], "bluegreen: expected a mapping, got []"),
        (web(release=None), "bluegreen.release: is required"),
        (web(release="Web"), f'bluegreen.release: "Web" {NO_LABEL}'),
        (web(release="w" * 64), f'bluegreen.release: "{"w" * 64}" {NO_LABEL}'),
        (web(namespace=None), "bluegreen.namespace: is required"),
        (web(namespace="prod/eu"), f'bluegreen.namespace: "prod/eu" {NO_LABEL}'),
        (
            web(router="linkerd"),
            'bluegreen.router: expected one of istio, gateway_api, app_mesh, service, got "linkerd"',
        ),
        (web(pause="soon"), 'bluegreen.pause: expected a duration such as 90, "90s", "10m" or "24h", got \'soon\''),
        (web(on_failure="retry"), 'bluegreen.on_failure: expected one of rollback, hold, got "retry"'),
        (web(to="red"), "bluegreen.to: no version red in every service; known: blue, green"),
        (web(services=None), "bluegreen.services: is required: at least one service with its versions"),
        (web(services=["web"]), "bluegreen.services: expected a mapping, got ['web']"),
        (web(services={"Web": {}}), f'bluegreen.services.Web: "Web" {NO_LABEL}'),
        (
            web(services={"2web": {}}),
            "bluegreen.services.2web: the name of a Service starts with a letter, as most clusters demand",
        ),
        (
            web(services={"web": {"versions": {"none": {"image": "a"}}}}),
            'bluegreen.services.web.versions.none: "none" stands for answers of no version; call it something else',
        ),
        (
            web(services={"web": {"versions": {"other": {"image": "a"}}}}),
            'bluegreen.services.web.versions.other: "other" stands for answers of no version; call it something else',
        ),
        (web(interval=0), "bluegreen.interval: expected 0.1s or more, got 0s"),
        (web(retire="archive"), "bluegreen.retire: expected delete, scale_to_zero or {keep: 24h}, got 'archive'"),
        (web(retire={}), "bluegreen.retire: expected keep, such as {keep: 24h}"),
        (web(retire={"keep": "24h", "hot": True}), "bluegreen.retire.hot: unknown key; known here: keep"),
        (web(verify={"status": 200}), "bluegreen.verify.status: expected a list, got 200"),
        (web(verify={"status": [2000]}), "bluegreen.verify.status[0]: expected integer from 100 to 599, got 2000"),
        (web(verify={"path": "health"}), 'bluegreen.verify.path: expected a path that starts with "/", got "health"'),
    ],
)
def test_a_release_that_is_refused(bluegreen: Any, message: str) -> None:
    assert refusal(bluegreen) == message


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([5, 50, 25], "bluegreen.steps: steps must rise, but 25 follows 50; use rollback to go down"),
        ([50, 101], "bluegreen.steps[1]: expected integer from 0 to 100, got 101"),
        (
            [{"weights": {"blue": 50, "green": 60}}],
            "bluegreen.steps[0].weights: weights must sum to 100, these sum to 110 (blue: 50, green: 60)",
        ),
        (
            [5, {"weights": {"blue": 50, "red": 50}}],
            "bluegreen.steps[1].weights.red: no such version; known: blue, green",
        ),
        (
            [{"weights": {"blue": -50, "green": 150}}],
            "bluegreen.steps[0].weights.blue: expected integer from 0 to 100, got -50",
        ),
    ],
)
def test_steps_are_refused_with_their_path_in_the_release(steps: Any, message: str) -> None:
    assert refusal(web(steps=steps)) == message


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"port": 0}, "port: expected integer from 1 to 65535, got 0"),
        ({"protocol": "udp"}, 'protocol: expected one of http, grpc, tcp, tls, got "udp"'),
        ({"hosts": "web.example.com"}, 'hosts: expected a list, got "web.example.com"'),
        (
            {"create_gateway": True, "gateways": ["public"], "hosts": ["a.example.com"]},
            "create_gateway: the gateways are named already; leave out one of the two",
        ),
        ({"create_gateway": True}, "hosts: is required for a gateway that is created, and for tls: which names?"),
        ({"protocol": "tls"}, "hosts: is required for a gateway that is created, and for tls: which names?"),
        ({"route": {"name": "a"}, "routes": [{"name": "b"}]}, "routes: expected either route or routes"),
        ({"routes": []}, "routes: expected at least one route"),
        ({"routes": [{"name": "a"}, "b"]}, 'routes[1]: expected a mapping, got "b"'),
        ({"routes": [{"nmae": "a"}]}, "routes[0].nmae: unknown key; did you mean name?"),
        ({"route": {"adopt": "yes"}}, 'route.adopt: expected true or false, got "yes"'),
        ({"versions": None}, "versions: is required: at least one version, such as blue: {image: …}"),
        ({"versions": {"Blue": {"image": "web"}}}, f'versions.Blue: "Blue" {NO_LABEL}'),
        ({"versions": {"-x": {"image": "web"}}}, f'versions.-x: "-x" {NO_LABEL}'),
        ({"versions": {"b" * 60: {"image": "web"}}}, f'versions.{"b" * 60}: "web-{"b" * 60}" {NO_LABEL}'),
        ({"versions": {"blue": "web:1.4"}}, 'versions.blue: expected a mapping, got "web:1.4"'),
    ],
)
def test_a_service_that_is_refused(keys: dict[str, Any], message: str) -> None:
    assert refusal(web_service(**keys)) == f"bluegreen.services.web.{message}"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"image": None}, f"{ONE}there is none"),
        ({"existing": {"deployment": "web"}}, f"{ONE}got image and existing"),
        (
            {"image": None, "existing": {}},
            ONE_WORKLOAD,
        ),
        (
            {"image": None, "existing": {"deployment": "a", "stateful_set": "b"}},
            ONE_WORKLOAD,
        ),
        (
            {"image": None, "existing": {"cron_job": "web"}},
            ONE_WORKLOAD,
        ),
        (
            {"image": None, "existing": {"deployment": "web"}, "replicas": 3},
            f"{BLUE}.replicas: unknown key; known here: {', '.join(KEYS)}",
        ),
        ({"replicas": "two"}, f'{BLUE}.replicas: expected integer ≥ 0, got "two"'),
        ({"replicas": -1}, f"{BLUE}.replicas: expected integer ≥ 0, got -1"),
        ({"replcas": 2}, f"{BLUE}.replcas: unknown key; did you mean replicas?"),
        ({"port": 70000}, f"{BLUE}.port: expected integer from 1 to 65535, got 70000"),
        ({"labels": {"public": True}}, f"{BLUE}.labels.public: expected a string, got True; put it in quotes"),
        ({"annotations": ["a"]}, f"{BLUE}.annotations: expected a mapping, got ['a']"),
        ({"env": ["A=b"]}, f"{BLUE}.env: expected a mapping, got ['A=b']"),
        ({"command": "serve --fast"}, f'{BLUE}.command: expected a list, got "serve --fast"'),
        ({"args": [8080]}, f"{BLUE}.args[0]: expected a string, got 8080"),
        ({"probes": {"readyness": {}}}, f"{BLUE}.probes.readyness: unknown key; did you mean readiness?"),
        (
            {"pre_stop": 20, "grace_period": 10},
            f"{BLUE}.grace_period: is below pre_stop (20): the pod would be killed while it drains",
        ),
        ({"autoscaling": {}}, f"{BLUE}.autoscaling.max_replicas: is required"),
        (
            {"replicas": 4, "autoscaling": {"max_replicas": 2}},
            f"{BLUE}.autoscaling.max_replicas: is below min_replicas (4)",
        ),
        (
            {"autoscaling": {"max_replicas": 2, "memory": 80}},
            f"{BLUE}.autoscaling.memory: unknown key; known here: cpu, max_replicas, metrics, min_replicas",
        ),
        ({"disruption_budget": {}}, f"{BLUE}.disruption_budget: expected min_available or max_unavailable"),
        (
            {"disruption_budget": {"min_available": 1, "max_unavailable": 1}},
            f"{BLUE}.disruption_budget.max_unavailable: expected either min_available or max_unavailable",
        ),
        (
            {"disruption_budget": {"min_available": "half"}},
            f'{BLUE}.disruption_budget.min_available: expected integer ≥ 0 or a percentage such as "25%", got "half"',
        ),
        (
            {"subset": "blue", "host": "web-blue"},
            f"{BLUE}.host: with a subset, the host is the service web itself; leave it out",
        ),
    ],
)
def test_a_version_that_is_refused(keys: dict[str, Any], message: str) -> None:
    assert refusal(web_version(**keys)) == message


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((), "bluegreen.nmaespace: unknown key; did you mean namespace?"),
        (("services", "web"), "bluegreen.services.web.nmaespace: unknown key; did you mean namespace?"),
        (
            ("services", "web", "versions", "blue"),
            "bluegreen.services.web.versions.blue.nmaespace: unknown key; did you mean namespace?",
        ),
        (
            ("services", "web", "versions", "blue", "autoscaling"),
            (
                "bluegreen.services.web.versions.blue.autoscaling.nmaespace: unknown key; "
                "known here: cpu, max_replicas, metrics, min_replicas"
            ),
        ),
        (
            ("services", "web", "versions", "blue", "disruption_budget"),
            (
                "bluegreen.services.web.versions.blue.disruption_budget.nmaespace: unknown key; "
                "known here: max_unavailable, min_available"
            ),
        ),
        (("services", "web", "route"), "bluegreen.services.web.route.nmaespace: unknown key; did you mean namespace?"),
        (("verify",), "bluegreen.verify.nmaespace: unknown key; known here: gates, header, path, status"),
    ],
)
def test_unknown_keys_are_refused_anywhere(place: tuple[str, ...], message: str) -> None:
    bluegreen = web_version(autoscaling={"max_replicas": 2}, disruption_budget={"min_available": 1})
    bluegreen["services"]["web"]["route"] = {"name": "web"}
    bluegreen["verify"] = {"path": "/"}
    read_release(bluegreen)
    section = bluegreen
    for key in place:
        section = section[key]
    section["nmaespace"] = "prod"
    assert refusal(bluegreen) == message


def test_services_without_a_common_version_cannot_move_together() -> None:
    services = {
        "web": {"versions": {"blue": {"image": "web"}}},
        "cart": {"versions": {"green": {"image": "cart"}}},
    }
    assert refusal(web(services=services)) == (
        "bluegreen.services: the services have no version in common: a release moves all of them to one name"
    )


def test_scaling_to_zero_would_end_autoscaling() -> None:
    spec = web(retire="scale_to_zero")
    spec["services"]["web"]["versions"]["green"]["autoscaling"] = {"max_replicas": 8}
    assert refusal(spec) == (
        "bluegreen.retire: scale_to_zero ends the autoscaling of web/green for good; use delete or keep"
    )


def test_a_misspelled_key_beside_none_that_is_needed_is_named() -> None:
    assert refusal(web(retire={"kepe": "1h"})) == "bluegreen.retire.kepe: unknown key; did you mean keep?"


def test_a_version_runs_as_what_somebody_else_writes_or_as_our_deployment() -> None:
    assert read_version()[2].runs_as == WorkloadRef("Deployment", "web-blue", "prod")
    assert read_version(image=None, existing={"stateful_set": "web-old"})[2].runs_as == WorkloadRef(
        "StatefulSet", "web-old", "prod"
    )
