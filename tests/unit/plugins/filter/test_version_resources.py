# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``version_resources``."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bluegreen.kubernetes.plugins.filter.version_resources import FilterModule

from tests.unit.releases import web, web_service, web_version

version_resources = FilterModule().filters()["version_resources"]


def test_the_manifests_of_a_version_belong_to_the_release() -> None:
    manifests = version_resources(web(release="shop"), "web", "green")
    assert [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests] == [
        ("Deployment", "web-green"),
        ("Service", "web-green"),
    ]
    assert {manifest["metadata"]["labels"]["app.kubernetes.io/part-of"] for manifest in manifests} == {"shop"}


def test_a_version_named_by_a_number_is_found() -> None:
    assert version_resources(web_service(versions={1: {"image": "web:1"}}), "web", 1)


@pytest.mark.parametrize(
    ("service", "version", "message"),
    [
        ("wbe", "blue", "bluegreen.services: no service wbe; known: web"),
        ("web", "red", "bluegreen.services.web.versions: no version red; known: blue, green"),
    ],
)
def test_what_is_not_in_the_release_is_refused(service: str, version: str, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        version_resources(web(), service, version)
    assert str(refused.value) == message


def test_a_value_that_may_be_secret_is_in_no_message() -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        version_resources(web_version(env={"TOKEN": ["hunter2"]}), "web", "blue")
    assert "hunter2" not in str(refused.value)
