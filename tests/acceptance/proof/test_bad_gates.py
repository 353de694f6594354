# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates that cannot work are named before any traffic has moved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cluster import Cluster, Json, weights_of
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.proof.scene import Scene
from tests.acceptance.traffic import Gateway

# What is wrong here is wrong from the first request on.
DEADLINE = "3s"


@pytest.fixture
def still(
    cluster: Cluster, gateway: Gateway, playbooks: Playbooks, shared_web: str, lab: Json, tmp_path: Path
) -> Iterator[Scene]:
    """Two versions and a route; after the test the route is as it was, and no weight has ever moved."""
    scene = Scene(cluster, gateway, playbooks, shared_web, f"{shared_web}.example.com", lab, tmp_path)
    gateway.wait_until_served(scene.host)
    before = scene.route_spec()
    with cluster.history(shared_web) as history:
        yield scene
        assert scene.route_spec() == before
    if scene.events()[-1:] == ["held"]:
        scene.playbooks.run("rollback", scene.spec()).succeeded()
    # A test header is a rule of its own in front of the one that was there.
    assert {tuple(weights_of(route, -1).items()) for route in history} == {(("web-blue", 100), ("web-green", 0))}


def observing(scene: Scene, **probe: Any) -> Json:
    return {"observe": {"probe": scene.probe(**probe), "deadline": DEADLINE}}


def judged(scene: Scene, gate: Json) -> Json:
    return {"gates": [gate]}


def a_judge_without_a_source(_scene: Scene) -> Json:
    return {"gates": [{"name": "errors", "judge": {"max_ratio_to_live": 1.2}}]}


def a_query_of_several_series(scene: Scene) -> Json:
    query = 'envoy_cluster_upstream_cx_active{version!="$version"}'
    source = {"url": scene.prometheus_url, "query": query, "judge": {"pass_when": "candidate >= `0`"}}
    return {"gates": [{"name": "requests", "prometheus": source}]}


def a_regex_that_matches_nothing(scene: Scene) -> Json:
    return observing(scene, identify={"regex": r"running version (\S+)"})


def versions_that_look_alike(scene: Scene) -> Json:
    alike = {"json": "labels.app", "values": {"blue": "web"}}
    return {**observing(scene, identify=alike), "verify": {"header": True}}


def two_values_that_are_one(scene: Scene) -> Json:
    return observing(scene, identify={"header": "app-version", "values": {"blue": "1.4", "green": "1.4"}})


def answers_of_neither_version(scene: Scene) -> Json:
    return observing(scene, identify={"json": "labels.app"})


def a_tolerance_that_needs_more_requests(scene: Scene) -> Json:
    return observing(scene, requests=500, expect={"tolerance": 1})


def a_job_that_never_starts(_scene: Scene) -> Json:
    job = {"image": "registry.example.com/missing:1", "command": ["/check"]}
    return {"verify": {"gates": [{"name": "smoke", "job": job, "deadline": "5s"}]}}


def a_host_that_no_route_serves(scene: Scene) -> Json:
    return observing(scene, host=f"nobody.{scene.host}")


def the_address_of_a_pod(scene: Scene) -> Json:
    """It answers as live does, and always will."""
    pods = scene.cluster.items("pods", scene.namespace)
    [address] = [pod["status"]["podIP"] for pod in pods if pod["metadata"]["name"].startswith("web-blue")]
    return {**observing(scene, url=f"http://{address}:8080/"), "verify": {"header": True}}


@pytest.mark.parametrize(
    ("mistake", "parts"),
    [
        (a_judge_without_a_source, ["bluegreen.gates[0]", "expected just one source", "prometheus"]),
        (a_query_of_several_series, ["requests", "series", "sum("]),
        (a_regex_that_matches_nothing, ["nothing that matches", "running version"]),
        (versions_that_look_alike, ["blue got 100 %", "wanted 0 ± 0 %"]),
        (two_values_that_are_one, ["identify.values", 'blue and green are both "1.4"']),
        (answers_of_neither_version, ["name neither blue nor green", '"web"']),
        (a_tolerance_that_needs_more_requests, ["500 requests cannot tell", "allow"]),
        (a_job_that_never_starts, ["smoke", "missing"]),
        (a_host_that_no_route_serves, ["nobody.", "404"]),
        (the_address_of_a_pod, ["wanted 0 ± 0 %", "take the route"]),
    ],
    ids=lambda value: value.__name__.replace("_", "-") if callable(value) else "",
)
def test_before_any_traffic_moves(still: Scene, mistake: Callable[[Scene], Json], parts: list[str]) -> None:
    spec = still.spec(**{**observing(still), **mistake(still)})
    run = still.release(spec).refused(*parts)
    assert run.seconds < 30
    assert "step" not in still.events()


@contextmanager
def outside() -> Iterator[str]:
    """A server that answers everything, and is no part of the mesh; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_an_address_outside_the_mesh(still: Scene) -> None:
    with outside() as url:
        still.release(still.spec(**observing(still, url=url))).refused(url, "app-version")
    assert "step" not in still.events()
