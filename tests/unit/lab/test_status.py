# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from tests.lab import status


def lab(**parts: str) -> dict[str, Any]:
    cluster = {
        "parts": {"etcd": "up", "gateway": "up", **parts},
        "gateway_url": "http://127.0.0.1:20080",
        "kubeconfig": "/somewhere/kubeconfig.yaml",
    }
    return {"clusters": {"east": cluster}}


def test_a_lab_without_a_cluster_is_not_up() -> None:
    assert not status.is_up({"clusters": {}})
    assert "without a cluster" in status.text({"clusters": {}})


def test_a_lab_is_up_when_every_part_is() -> None:
    assert status.is_up(lab())
    assert status.text(lab()).splitlines() == [
        "east: up",
        "  gateway       http://127.0.0.1:20080",
        "  kubeconfig    /somewhere/kubeconfig.yaml",
    ]


def test_what_is_not_up_is_named_with_its_state() -> None:
    found = lab(istiod="killed by SIGKILL", etcd="not running")
    assert not status.is_up(found)
    assert status.text(found).splitlines()[0] == "east: etcd not running, istiod killed by SIGKILL"
