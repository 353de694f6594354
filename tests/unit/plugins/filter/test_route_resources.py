# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``route_resources``."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bluegreen.kubernetes.plugins.filter.route_resources import FilterModule

from tests.unit.releases import web, web_service

route_resources = FilterModule().filters()["route_resources"]


def test_the_route_has_a_destination_for_each_version_that_is_named() -> None:
    *_others, route = route_resources(web(), "web", {"blue": 90, "green": 10})
    assert (route["kind"], route["metadata"]["name"], route["metadata"]["namespace"]) == (
        "VirtualService",
        "web",
        "prod",
    )
    assert [
        (entry["destination"]["host"], entry["weight"]) for rule in route["spec"]["http"] for entry in rule["route"]
    ] == [("web-blue.prod.svc.cluster.local", 90), ("web-green.prod.svc.cluster.local", 10)]


def test_what_the_release_asks_for_stands_beside_it() -> None:
    release = web_service(hosts=["web.example.com"], create_gateway=True)
    assert [manifest["kind"] for manifest in route_resources(release, "web", {"blue": 100})] == [
        "Gateway",
        "VirtualService",
    ]


def test_weights_may_come_as_text() -> None:
    assert route_resources(web(), "web", {"blue": "100"}) == route_resources(web(), "web", {"blue": 100})


@pytest.mark.parametrize(
    ("service", "weights", "message"),
    [
        ("wbe", {"blue": 100}, "bluegreen.services: no service wbe; known: web"),
        ("web", {"red": 100}, "weights.red: no version red of web; known: blue, green"),
        ("web", {"blue": 90}, "weights: weights must sum to 100, these sum to 90 (blue: 90)"),
        ("web", {"blue": 101, "green": -1}, "weights.blue: expected integer from 0 to 100, got 101"),
        ("web", [], "weights: expected a mapping of version to percentage, got []"),
    ],
)
def test_what_cannot_be_is_refused(service: str, weights: object, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        route_resources(web(), service, weights)
    assert str(refused.value) == message
