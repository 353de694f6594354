# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.lab.app_mesh import files
from tests.lab.app_mesh.envoy import Resources
from tests.lab.app_mesh.files import Files


@pytest.fixture
def written(tmp_path: Path) -> Files:
    """What writes there, for an Envoy that does not run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Files(tmp_path, port)


def resources(*clusters: str, weight: int = 100) -> Resources:
    return Resources(
        clusters=[{"name": name} for name in clusters],
        endpoints={name: [("10.244.0.2", 9080)] for name in clusters},
        routes={"name": "routes", "weight": weight},
    )


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def clusters_in(folder: Path) -> list[str]:
    return [cluster["name"] for cluster in read(folder / "clusters.json")["resources"]]


def test_envoy_finds_clusters_endpoints_and_routes(written: Files, tmp_path: Path) -> None:
    asyncio.run(written.write(resources("one")))
    (endpoints,) = read(tmp_path / "endpoints" / "one.json")["resources"]
    assert endpoints["cluster_name"] == "one"
    assert clusters_in(tmp_path) == ["one"]
    assert read(tmp_path / "routes.json")["resources"] == [{"name": "routes", "weight": 100}]


def test_what_has_not_changed_is_not_written_again(written: Files, tmp_path: Path) -> None:
    asyncio.run(written.write(resources("one")))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    asyncio.run(written.write(resources("one", weight=50)))
    changed = {path.name for path in before if path.stat().st_mtime_ns != before[path]}
    assert changed == {"routes.json"}


def test_a_cluster_outlives_its_last_route(written: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(written.write(resources("one", "two")))
    asyncio.run(written.write(resources("one")))
    assert clusters_in(tmp_path) == ["one", "two"]
    assert written.lingers()
    monkeypatch.setattr(files, "CLUSTER_LINGERS", 0.0)
    asyncio.run(written.write(resources("one")))
    assert clusters_in(tmp_path) == ["one"]
    assert not written.lingers()
    assert not (tmp_path / "endpoints" / "two.json").exists()
