# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may get wrong in a release, and what is said then: before anything is read or written.

What only shows in the cluster is in tests/acceptance/test_bad_input.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.release import refuse_unwritable

from tests.unit.releases import web, web_service, web_version

Json = dict[str, Any]


def said(bluegreen: object) -> str:
    """What is said of a release when it is read."""
    with pytest.raises(SpecError) as refused:
        refuse_unwritable(read_release(bluegreen))
    return refused.value.message


def of_versions(blue: Json, green: Json, **keys: Any) -> Json:
    return web(services={"web": {"versions": {"blue": blue, "green": green}}}, **keys)


def stateful_set(name: str, *templates: str) -> Json:
    pods = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "db", "image": "db:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {"template": pods, "volumeClaimTemplates": [{"metadata": {"name": name}} for name in templates]},
    }


def test_two_sources_for_one_version() -> None:
    message = said(web_version(existing={"deployment": "web-blue"}))
    assert "bluegreen.services.web.versions.blue: expected just one of image, " in message
    assert message.endswith("; got image and existing")


def test_no_source_for_a_version() -> None:
    assert "to say what it is made of; there is none" in said(of_versions({"image": "web:1"}, {"replicas": 2}))


def test_a_router_that_is_misspelled() -> None:
    message = said(web(router="isto"))
    assert message.startswith("bluegreen.router: expected one of istio, gateway_api, ")
    assert message.endswith(', got "isto"')


def test_half_the_traffic_by_a_router_that_switches() -> None:
    message = said(web(router="service", steps=[50, 100]))
    assert message.startswith("bluegreen.steps[0]: ")
    assert "the steps that are possible are 0 and 100, got 50" in message


def test_one_object_in_two_versions() -> None:
    message = said(of_versions({"manifests": [stateful_set("db")]}, {"manifests": [stateful_set("db")]}))
    assert message == (
        "bluegreen.services.web.versions.green.manifests: StatefulSet prod/db is an object of web.versions.blue too: "
        "each version needs names of its own"
    )


def test_volume_claims_of_two_stateful_sets_that_clash() -> None:
    blue, green = stateful_set("db-main", "data"), stateful_set("main", "data-db")
    message = said(of_versions({"manifests": [blue]}, {"manifests": [green]}))
    assert message.startswith("bluegreen.services.web.versions.green: StatefulSet prod/main uses the volume claim ")
    assert (
        "prod/data-db-main-0, and so does StatefulSet prod/db-main of bluegreen.services.web.versions.blue" in message
    )
    assert "two versions would write one volume; give the StatefulSet, its volumeClaimTemplates" in message


def test_more_pods_than_a_share_can_need() -> None:
    assert said(web(capacity={"min_ready": "120%"})) == (
        "bluegreen.capacity.min_ready: expected integer from 1 to 100, got 120"
    )


def test_a_file_for_weights_that_is_no_name() -> None:
    assert said(web_service(route={"write_back": True})) == (
        "bluegreen.services.web.route.write_back: expected a string, got True"
    )
