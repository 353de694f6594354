# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong is named, with what to do about it, and nothing in the cluster has changed."""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster
from tests.acceptance.playbooks import Playbooks

Json = dict[str, Any]
# How long a release may wait for a version that may still become ready: by default much longer than for a hopeless one.
READY_TIMEOUT = 300


def traffic(namespace: str, weights: Json, **route: Any) -> Json:
    return {"routes": [{"router": "istio", "name": "web", "namespace": namespace, **route}], "weights": weights}


@pytest.fixture
def untouched(cluster: Cluster, shared_web: str) -> Iterator[str]:
    """The namespace with two versions and a route; after the test, everything in it is as it was."""
    before = cluster.versions(shared_web)
    yield shared_web
    assert cluster.versions(shared_web) == before


@pytest.mark.parametrize(
    ("weights", "parts"),
    [
        pytest.param({"blue": 70, "green": 20}, ["must sum to 100", "sum to 90", "blue: 70, green: 20"], id="sum"),
        pytest.param({"blue": 120, "green": -20}, ["weights.blue", "from 0 to 100", "got 120"], id="above"),
        pytest.param({"green": -20, "blue": 120}, ["weights.green", "from 0 to 100", "got -20"], id="negative"),
        pytest.param({"blue": "half", "green": 50}, ["weights.blue", "integer", '"half"'], id="word"),
        pytest.param(
            {"blue": 90, "purple": 10},
            ["no destination for purple", "web-blue", "web-green", "add {", "adopt: true"],
            id="version-nowhere",
        ),
    ],
)
def test_weights(playbooks: Playbooks, untouched: str, weights: Json, parts: list[str]) -> None:
    playbooks.task("traffic", traffic(untouched, weights)).refused(*parts)


def test_a_version_that_matches_twice(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    destinations = [
        {"destination": {"host": host}, "weight": weight}
        for host, weight in {"web-blue": 90, "old-green": 5, "web-green": 5}.items()
    ]
    cluster.patch_route(web, {"spec": {"http": [{"route": destinations}]}})
    before = cluster.versions(web)
    playbooks.task("traffic", traffic(web, {"blue": 50, "green": 50})).refused(
        "green matches 2 destinations", f"old-green.{web}", f"web-green.{web}", "versions.green.host"
    )
    assert cluster.versions(web) == before


@pytest.mark.parametrize(
    ("steps", "parts"),
    [
        pytest.param([50, 25, 100], ["bluegreen.steps", "25 follows 50", "rollback"], id="falling"),
        pytest.param([50, 150], ["bluegreen.steps[1]", "from 0 to 100", "got 150"], id="past-100"),
        pytest.param([{"percent": 50, "pasue": "1m"}], ["bluegreen.steps[0].pasue", "did you mean pause"], id="key"),
        pytest.param({"linear": 0}, ["bluegreen.steps.linear", "from 1 to 100"], id="linear"),
    ],
)
def test_steps(playbooks: Playbooks, untouched: str, steps: Any, parts: list[str]) -> None:
    playbooks.run("release", objects.existing(untouched, steps=steps)).refused(*parts)


@pytest.mark.parametrize(
    ("path", "value", "hint"),
    [
        ("stpes", [50, 100], "did you mean steps"),
        ("services.web.prot", 80, "did you mean port"),
        ("services.web.versions.green.replcias", 2, "did you mean replicas"),
        ("services.web.versions.blue.probes.ready", {}, "readiness"),
        ("services.web.route.adpot", True, "did you mean adopt"),
        ("retire.kepe", "1h", "did you mean keep"),
        ("verify.pth", "/", "did you mean path"),
    ],
)
def test_unknown_keys(playbooks: Playbooks, untouched: str, path: str, value: Any, hint: str) -> None:
    spec = objects.release(untouched, retire={"keep": "1h"})
    *parents, last = path.split(".")
    place = spec
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    playbooks.run("release", spec).refused(f"bluegreen.{path}: unknown key", hint)


def test_a_value_of_the_wrong_type(playbooks: Playbooks, untouched: str) -> None:
    spec = objects.release(untouched)
    spec["services"]["web"]["versions"]["green"]["replicas"] = "two"
    playbooks.run("release", spec).refused(
        'bluegreen.services.web.versions.green.replicas: expected integer ≥ 0, got "two"'
    )


def test_a_missing_route(playbooks: Playbooks, untouched: str) -> None:
    playbooks.task("traffic", traffic(untouched, {"blue": 50, "green": 50}, name="wbe")).refused(
        f"VirtualService {untouched}/wbe does not exist", "create it", "routes.name"
    )
    spec = objects.existing(untouched, to="green")
    spec["services"]["web"]["route"] = {"name": "wbe"}
    playbooks.run("release", spec).refused(
        f"VirtualService {untouched}/wbe of web is missing", "create it", "route: {name, namespace}"
    )


def test_a_missing_namespace(playbooks: Playbooks) -> None:
    playbooks.task("traffic", traffic("nowhere", {"blue": 50, "green": 50})).refused(
        "the namespace nowhere does not exist", "create it first"
    )
    playbooks.run("release", objects.release("nowhere")).refused(
        "the namespace nowhere does not exist", "create it first"
    )


@pytest.mark.parametrize(
    "http",
    [
        pytest.param({"redirect": {"uri": "/elsewhere"}}, id="redirect"),
        pytest.param({"delegate": {"name": "other"}}, id="delegate"),
    ],
)
def test_a_route_without_weights(playbooks: Playbooks, cluster: Cluster, web: str, http: Json) -> None:
    cluster.patch_route(web, {"spec": {"http": [{"name": "only", **http}]}})
    before = cluster.versions(web)
    said = [f"VirtualService {web}/web has no weighted destination", "only", "name the object that carries the weights"]
    playbooks.task("traffic", traffic(web, {"blue": 50, "green": 50})).refused(*said)
    playbooks.run("release", objects.existing(web, to="green")).refused(*said)
    assert cluster.versions(web) == before


@pytest.fixture
def without_istio() -> Iterator[str]:
    """An API server that has none of Istio's kinds: it says so in a real one's words."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = "/apis/" not in self.path
            body = b'{"kind": "Status", "details": {"name": "bluegreen-web"}}' if known else b"404 page not found\n"
            self.send_response(404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_missing_kind(playbooks: Playbooks, without_istio: str) -> None:
    connection = {"host": without_istio, "api_key": "of-no-meaning"}
    said = ["the cluster has no kind VirtualService in networking.istio.io/v1", "install its CustomResourceDefinitions"]
    playbooks.task("traffic", {**connection, **traffic("web", {"blue": 50, "green": 50})}).refused(*said)
    playbooks.run("release", objects.release("web"), bluegreen_cluster=connection).refused(*said)


def test_an_unreachable_cluster(playbooks: Playbooks) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host = f"https://127.0.0.1:{closed.getsockname()[1]}"
    connection = {"host": host, "api_key": "of-no-meaning"}
    said = [f"the cluster at {host} does not answer", "check its address"]
    run = playbooks.task("traffic", {**connection, **traffic("web", {"blue": 50, "green": 50})}).refused(*said)
    assert run.seconds < 20
    playbooks.run("release", objects.release("web"), bluegreen_cluster=connection).refused(*said)


def test_wrong_credentials(playbooks: Playbooks, cluster: Cluster, untouched: str) -> None:
    token = "a-token-that-nobody-issued"  # noqa: S105
    connection = {"host": cluster.url, "api_key": token, "validate_certs": False}
    said = [f"the cluster at {cluster.url} does not accept the credentials (401)", "renew the token"]
    run = playbooks.task("traffic", {**connection, **traffic(untouched, {"blue": 50, "green": 50})}, "-vvv")
    assert token not in run.refused(*said).output
    playbooks.run("release", objects.release(untouched), bluegreen_cluster=connection).refused(*said)


def test_a_version_without_a_ready_endpoint(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    assert cluster.kubectl("scale", "deployment/web-green", "-n", web, "--replicas=0").returncode == 0
    cluster.wait_until_ready(web, "web-green")
    before = cluster.versions(web)
    playbooks.task("traffic", traffic(web, {"blue": 90, "green": 10})).refused(
        "green may not get traffic yet", f"Service {web}/web-green: 0 ready endpoints", "require_ready: false"
    )
    playbooks.run("release", objects.existing(web, to="green")).refused(
        "green", f"Deployment {web}/web-green is scaled to 0 replicas", "scale it up"
    )
    assert cluster.weights(web) == {"web-blue": 100, "web-green": 0}
    after = cluster.versions(web)
    # The release notes its failed attempt; nothing that was there has been touched.
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        pytest.param("registry.example.com/web-missing:1.5", ["ImagePull", "image's name or tag"], id="image-pull"),
        pytest.param("registry.example.com/web-crashing:1.5", ["CrashLoopBackOff", "container's log"], id="crash-loop"),
    ],
)
def test_a_candidate_that_never_gets_ready_ends_the_release_in_seconds(
    playbooks: Playbooks, cluster: Cluster, namespace: str, image: str, parts: list[str], tell: Callable[[str], None]
) -> None:
    spec = objects.release(namespace, to="green")
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    route = cluster.route(namespace)
    failing = copy.deepcopy(spec)
    failing["services"]["web"]["versions"]["green"]["image"] = image
    run = playbooks.run("release", failing).refused("green will not become ready", "web-green-", *parts)
    assert run.seconds < READY_TIMEOUT / 4
    assert cluster.route(namespace)["spec"] == route["spec"]
    tell(f"{image}: the release ended after {run.seconds:.1f} s")


def stateful_version(name: str, claim: str) -> Json:
    """A version whose pods have a volume each."""
    spec = {"template": {"spec": {"containers": []}}, "volumeClaimTemplates": [{"metadata": {"name": claim}}]}
    return {"manifests": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": spec}]}


def test_what_a_version_is_made_of(playbooks: Playbooks, untouched: str) -> None:
    spec = objects.release(untouched, to="green")
    spec["services"]["web"]["versions"]["green"]["existing"] = {"deployment": "web-green"}
    playbooks.run("release", spec).refused("bluegreen.services.web.versions.green", "got image and existing")
    spec = objects.release(untouched, to="green")
    spec["services"]["web"]["versions"] = {
        "blue": stateful_version("db-main", "data"),
        "green": stateful_version("main", "data-db"),
    }
    playbooks.run("release", spec).refused(
        "bluegreen.services.web.versions.green", "StatefulSet", "data-db-main-0", "another name"
    )


def test_a_router_that_nobody_knows(playbooks: Playbooks, untouched: str) -> None:
    playbooks.run("release", objects.release(untouched, router="isto")).refused(
        "bluegreen.router", "istio, gateway_api", '"isto"'
    )


def test_a_share_that_too_few_pods_would_carry(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    spec = objects.existing(web, to="green", pause="0s", capacity={"min_ready": 2})
    playbooks.run("release", spec).refused(
        "green may not get traffic yet", "1 ready endpoints, 2 wanted for 50 %", "scale it up", "capacity.min_ready"
    )
    assert cluster.weights(web) == {"web-blue": 100, "web-green": 0}
