# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cluster import Cluster
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.proof.faults import Mesh
from tests.acceptance.proof.scene import Scene
from tests.acceptance.traffic import Gateway


@pytest.fixture
def empty_scene(
    cluster: Cluster,
    gateway: Gateway,
    playbooks: Playbooks,
    namespace: str,
    host: str,
    lab: dict[str, Any],
    tmp_path: Path,
) -> Scene:
    """A namespace in which nothing is yet."""
    return Scene(cluster, gateway, playbooks, namespace, host, lab, tmp_path)


@pytest.fixture
def scene(empty_scene: Scene, web: str) -> Scene:
    """Two ready Deployments and the owner's route, which the gateway serves, all weight on blue."""
    empty_scene.gateway.wait_until_served(empty_scene.host)
    return empty_scene


@pytest.fixture
def mesh(lab: dict[str, Any]) -> Mesh:
    return Mesh(lab["name"])
