# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``with_weights``."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bluegreen.kubernetes.plugins.filter.with_weights import FilterModule

with_weights = FilterModule().filters()["with_weights"]

TEXT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: prod}
spec:
  http:
    - route:  # by version
        - {destination: {host: web-blue}, weight: 100}
        - {destination: {host: web-green}, weight: 0}
"""
ROUTE = {"name": "web", "namespace": "prod", "weights": {"blue": 75, "green": "25"}}


def test_the_router_is_istio_and_the_versions_are_those_with_weights() -> None:
    assert with_weights(TEXT, "web.yaml", [ROUTE]) == TEXT.replace("100", "75").replace("weight: 0", "weight: 25")


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ({}, "routes: expected a list of routes"),
        (["web"], r"routes\[0\]: expected a mapping"),
        ([{**ROUTE, "name": ""}], r"routes\[0\].name: is required"),
        ([{**ROUTE, "weights": {"blue": 75}}], r"routes\[0\].weights.* must sum to 100"),
        ([{**ROUTE, "router": "isto"}], r"routes\[0\].router: expected one of .*istio.*, got 'isto'"),
        ([{**ROUTE, "kind": "Ingress"}], r"routes\[0\].kind: the router istio knows VirtualService, not Ingress"),
        ([{**ROUTE, "name": "wbe"}], "web.yaml has no VirtualService prod/wbe, but VirtualService prod/web"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(routes: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        with_weights(TEXT, "web.yaml", routes)
