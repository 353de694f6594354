# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name by which callers in the cluster reach a gateway, and where it is taken already."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.release import (
    refuse_unwritable,
    route_resources,
)

from tests.unit.releases import web_service

GATEWAY = "istio-ingressgateway.istio-system.svc.cluster.local"


@pytest.mark.parametrize("router", ["istio", "gateway_api"])
def test_every_router_with_gateways_writes_it(router: str) -> None:
    spec = {**web_service(gateways=["istio-system/public"], external_name=GATEWAY), "router": router}
    release = read_release(spec)
    refuse_unwritable(release)
    services = [item for item in route_resources(release, "web", {"blue": 100}) if item["kind"] == "Service"]
    assert [item["spec"]["externalName"] for item in services] == [GATEWAY]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "the route is bound to none"),
        ({"gateways": ["istio-system/public", "mesh"]}, "the route is bound to none"),
        (
            {"gateways": ["istio-system/public"], "versions": {"blue": {"image": "web:1", "subset": "blue"}}},
            "the Service web is what the subsets are of",
        ),
    ],
    ids=["in the mesh", "in the mesh too", "subsets"],
)
def test_a_name_that_is_taken(keys: dict[str, Any], message: str) -> None:
    release = read_release(web_service(external_name=GATEWAY, **keys))
    with pytest.raises(SpecError) as refused:
        refuse_unwritable(release)
    assert refused.value.message.startswith("bluegreen.services.web.external_name: ")
    assert message in refused.value.message


def test_a_plain_service_is_reached_by_its_own_name() -> None:
    release = read_release({**web_service(external_name=GATEWAY), "router": "service", "steps": [100]})
    with pytest.raises(SpecError):
        ROUTERS["service"].refuse(release.services["web"])
