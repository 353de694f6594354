# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from tests.lab.application_host.names import hosts

ADDRESS = "127.0.1.1"


def known(leads_to: dict[tuple[str, str], str]) -> dict[str, str]:
    """The address of each name."""
    lines = (line.split() for line in hosts(ADDRESS, leads_to).splitlines())
    return {name: address for address, name in lines}


def test_the_gateway_is_known_by_all_names_of_its_service() -> None:
    names = known({})
    assert names["localhost"] == "127.0.0.1"
    for name in ("istio-ingressgateway.istio-system", "istio-ingressgateway.istio-system.svc.cluster.local"):
        assert names[name] == ADDRESS


def test_an_external_name_leads_there() -> None:
    names = known({("default", "httpbin"): "istio-ingressgateway.istio-system.svc.cluster.local."})
    assert [names[f"httpbin.default{rest}"] for rest in ("", ".svc", ".svc.cluster.local")] == [ADDRESS] * 3


def test_one_that_leads_elsewhere_is_not_known() -> None:
    assert "shop.default" not in known({("default", "shop"): "shop.example.com"})
