# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.traffic import Gateway, Load, load


def pytest_configure() -> None:
    """Give each of several workers a cluster of its own, so that their tests never meet."""
    worker, file = os.environ.get("PYTEST_XDIST_WORKER"), os.environ.get("BLUEGREEN_LAB_STATUS")
    if worker is None or file is None:
        return
    clusters = sorted(json.loads(Path(file).read_text())["clusters"].items())
    number = int(worker.removeprefix("gw"))
    if number >= len(clusters):
        pytest.exit(f"worker {worker} has no cluster: the lab has {', '.join(name for name, _found in clusters)}", 2)
    os.environ["KUBECONFIG"] = os.environ["K8S_AUTH_KUBECONFIG"] = clusters[number][1]["kubeconfig"]


@pytest.fixture(scope="session")
def lab() -> dict[str, Any]:
    """The status of the lab's cluster that the tests were started for."""
    file = os.environ.get("BLUEGREEN_LAB_STATUS")
    if file is None:
        pytest.exit("run inside the lab: .venv/bin/python -m tests.lab run -- pytest tests/acceptance", returncode=2)
    clusters: dict[str, Any] = json.loads(Path(file).read_text())["clusters"]
    wanted = os.environ["KUBECONFIG"]
    return next({"name": name, **found} for name, found in clusters.items() if found["kubeconfig"] == wanted)


@pytest.fixture(scope="session")
def cluster(lab: dict[str, Any]) -> Cluster:
    return Cluster(lab)


@pytest.fixture(scope="session")
def gateway(lab: dict[str, Any]) -> Gateway:
    return Gateway(lab)


@pytest.fixture(scope="session")
def sidecar(lab: dict[str, Any]) -> Gateway:
    """A caller's own proxy inside the mesh."""
    return Gateway(lab, "sidecar_proxy_url")


@contextmanager
def fresh_namespace(cluster: Cluster, test: str) -> Iterator[str]:
    """A namespace named after a test; the end of its deletion is nobody's concern."""
    words = re.sub(r"[^a-z0-9]+", "-", test.removeprefix("test_").lower())
    name = f"{words[:30].strip('-')}-{uuid.uuid4().hex[:6]}"
    cluster.create_namespace(name)
    try:
        yield name
    finally:
        cluster.delete_namespace(name)


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own."""
    with fresh_namespace(cluster, request.node.originalname) as name:
        yield name


@pytest.fixture(scope="module")
def shared_web(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """What ``web`` makes, once for tests that leave it as it is."""
    with fresh_namespace(cluster, request.node.path.stem) as name:
        deploy_web(cluster, name)
        yield name


def deploy_web(cluster: Cluster, namespace: str) -> None:
    cluster.apply([*objects.workload(namespace, "web", "blue"), *objects.workload(namespace, "web", "green")])
    cluster.apply([objects.route(namespace, "web", {"blue": 100, "green": 0})])
    cluster.wait_until_ready(namespace, "web-blue", "web-green")


@pytest.fixture
def host(namespace: str) -> str:
    """The name under which the test's service is called: all tests share one gateway and never meet."""
    return f"{namespace}.example.com"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Keep a figure that was measured, for the end of the run."""
    return lambda figure: record_property("figure", figure)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tests measured."""
    terminalreporter.section("measured")
    for report in terminalreporter.getreports("passed"):
        if isinstance(report, pytest.TestReport) and report.when == "call":
            for _name, figure in report.user_properties:
                terminalreporter.line(f"{report.nodeid.rpartition('::')[2]}: {figure}")


@pytest.fixture
def playbooks(tmp_path: Path) -> Playbooks:
    return Playbooks(tmp_path)


@pytest.fixture
def traffic_to(gateway: Gateway, tmp_path: Path) -> Callable[[str], AbstractContextManager[Load]]:
    """Start the load on a host."""
    return lambda host: load(gateway, host, tmp_path / f"requests-{uuid.uuid4().hex[:6]}.jsonl")


@pytest.fixture
def web(cluster: Cluster, namespace: str) -> str:
    """The namespace with two ready Deployments and the owner's route, all weight on blue."""
    deploy_web(cluster, namespace)
    return namespace
