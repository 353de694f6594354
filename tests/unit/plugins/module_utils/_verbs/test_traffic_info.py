# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``traffic_info``: what it sees in one route."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.observation import observed_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.release import routes_to_read
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs.traffic_info import observe

from tests.unit.releases import web

BLUE = {"destination": {"host": "shop", "subset": "blue"}, "weight": 100}
GREEN = {"destination": {"host": "my-green.other.svc.cluster.local"}, "weight": 0}


def seen(*rules: dict[str, Any]) -> dict[str, Any]:
    """A route of somebody else's as it is seen for a release whose versions are not spelled."""
    metadata = {"name": "web", "namespace": "prod", "managedFields": []}
    found = {"kind": "VirtualService", "metadata": metadata, "spec": {"http": list(rules)}}
    versions = {name: {"existing": {"deployment": name}} for name in ("blue", "green")}
    release = read_release(web(services={"web": {"versions": versions, "route": {"name": "web"}}}))
    (route,) = routes_to_read(release)
    cluster: Any = SimpleNamespace(find=lambda _ref: found)
    result = observe(cluster, route)
    # What is seen is what a plan is made from.
    observed = observed_release(release, {}, [{"service": "web", **result}], 0.0).routes[0]
    assert {
        name: [{"host": host, "subset": subset} for host, subset in backends]
        for name, backends in observed.backends.items()
    } == result["backends"]
    assert list(observed.mirrors) == result["mirrors"]
    return result


def test_where_each_version_stands_once_however_many_rules_name_it() -> None:
    found = seen({"name": "api", "route": [BLUE, GREEN]}, {"name": "main", "route": [BLUE, GREEN]})
    assert found["backends"] == {
        "blue": [{"host": "shop.prod.svc.cluster.local", "subset": "blue"}],
        "green": [{"host": "my-green.other.svc.cluster.local", "subset": None}],
    }
    assert found["mirrors"] == []


def test_a_version_that_stands_nowhere_has_no_backend() -> None:
    assert "green" not in seen({"route": [BLUE]})["backends"]


def test_copies_of_requests_to_a_version_are_seen() -> None:
    mirror = {"mirror": GREEN["destination"], "mirrorPercentage": {"value": 5}}
    assert seen({"route": [BLUE, GREEN], **mirror})["mirrors"] == ["green"]
