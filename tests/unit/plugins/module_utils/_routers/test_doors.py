# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where requests from outside come to a route, by what stands in the objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.doors import Door, url
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS

Json = dict[str, Any]
HOSTS = ["web.example.com"]
ISTIO = Door("Gateway", "networking.istio.io/v1", "gateways", "infra", "public")
GATEWAY_API = Door("Gateway", "gateway.networking.k8s.io/v1", "gateways", "infra", "public")


def route(**spec: Any) -> Json:
    return {"metadata": {"name": "web", "namespace": "prod"}, "spec": spec}


def server(number: int, protocol: str, *hosts: str, **more: Any) -> Json:
    return {"port": {"number": number, "protocol": protocol}, "hosts": list(hosts or ("*",)), **more}


def istio(*servers: Json) -> Json:
    return {"spec": {"selector": {"istio": "ingressgateway"}, "servers": list(servers)}}


def service(ports: list[Json], *ingress: Json, name: str = "gateway") -> Json:
    status = {"loadBalancer": {"ingress": list(ingress)} if ingress else {}}
    return {"metadata": {"name": name, "namespace": "infra"}, "spec": {"ports": ports}, "status": status}


HTTP: Json = {"port": 80, "targetPort": 8080}
HTTPS: Json = {"port": 443, "targetPort": 8443}


class TestDoors:
    """What a route names."""

    @pytest.mark.parametrize(
        ("gateways", "doors"),
        [
            (["infra/public"], ["Gateway infra/public"]),
            (["own", "mesh"], ["Gateway prod/own"]),
            (["mesh"], []),
            (None, []),
        ],
    )
    def test_of_a_virtual_service(self, gateways: list[str] | None, doors: list[str]) -> None:
        found = ROUTERS["istio"].doors(route(gateways=gateways))
        assert ([str(door) for door in found], all(door.needs_services for door in found)) == (doors, True)

    def test_of_a_route_of_the_gateway_api(self) -> None:
        parents = [
            {"name": "web", "kind": "Service"},
            {"name": "own", "sectionName": "https"},
            {"name": "public", "namespace": "infra", "port": 8080},
        ]
        found = ROUTERS["gateway_api"].doors(route(parentRefs=parents))
        assert [(str(door), door.section, door.port, door.needs_services) for door in found] == [
            ("Gateway prod/own", "https", None, False),
            ("Gateway infra/public", None, 8080, False),
        ]

    def test_of_a_service_it_is_itself(self) -> None:
        assert [str(door) for door in ROUTERS["service"].doors(route())] == ["Service prod/web"]


class TestGatewayOfIstio:
    """The address is that of a Service with the labels of the pods."""

    @pytest.mark.parametrize(
        ("ingress", "address"),
        [({"ip": "203.0.113.7"}, "203.0.113.7"), ({"hostname": "lb.test", "ip": "::1"}, "lb.test")],
    )
    def test_by_name_or_number(self, ingress: Json, address: str) -> None:
        found = url(ISTIO, istio(server(80, "HTTP")), [service([HTTP], ingress)], HOSTS)
        assert found == (f"http://{address}/", "Service infra/gateway")

    def test_a_number_of_version_six_stands_in_brackets(self) -> None:
        found = url(ISTIO, istio(server(80, "HTTP")), [service([HTTP], {"ip": "2001:db8::7"})], HOSTS)
        assert found == ("http://[2001:db8::7]/", "Service infra/gateway")

    @pytest.mark.parametrize(
        ("servers", "expected"),
        [
            ([server(8080, "HTTP")], "http://lb.test/"),
            ([server(443, "HTTPS")], "https://lb.test/"),
            ([server(8443, "TLS")], "https://lb.test/"),
            ([server(80, "HTTPS")], "https://lb.test:80/"),
            ([server(80, "HTTP", tls={"httpsRedirect": True}), server(443, "HTTPS")], "https://lb.test/"),
            ([server(80, "HTTP", "shop.example.com"), server(443, "HTTPS", "prod/*.example.com")], "https://lb.test/"),
            ([server(80, "TCP")], "tcp://lb.test:80/"),
        ],
    )
    def test_the_server_for_the_host_says_how_and_the_service_where(self, servers: list[Json], expected: str) -> None:
        found = url(ISTIO, istio(*servers), [service([HTTP, HTTPS], {"hostname": "lb.test"})], HOSTS)
        assert found is not None
        assert found[0] == expected

    @pytest.mark.parametrize(
        "found",
        [
            url(ISTIO, istio(server(80, "HTTP")), [], HOSTS),
            url(ISTIO, istio(server(80, "HTTP")), [service([HTTP])], HOSTS),
            url(ISTIO, istio(server(9000, "HTTP")), [service([HTTP], {"ip": "203.0.113.7"})], HOSTS),
            url(ISTIO, istio(server(80, "HTTP", "shop.test")), [service([HTTP], {"ip": "203.0.113.7"})], HOSTS),
        ],
        ids=["no Service", "no address", "no such port", "no such host"],
    )
    def test_what_leads_nowhere_has_none(self, found: object) -> None:
        assert found is None

    def test_a_service_inside_is_passed_over(self) -> None:
        services = [service([HTTP], name="inside"), service([HTTP], {"ip": "203.0.113.7"}, name="outside")]
        found = url(ISTIO, istio(server(80, "HTTP")), services, [])
        assert found == ("http://203.0.113.7/", "Service infra/outside")


class TestGatewayApi:
    """A Gateway says itself where it is."""

    LISTENERS = (
        {"name": "http", "port": 80, "protocol": "HTTP", "hostname": "*.example.com"},
        {"name": "https", "port": 8443, "protocol": "HTTPS"},
    )

    @pytest.mark.parametrize(
        ("section", "port", "hosts", "expected"),
        [
            (None, None, HOSTS, "http://lb.test/"),
            ("https", None, HOSTS, "https://lb.test:8443/"),
            (None, 8443, HOSTS, "https://lb.test:8443/"),
            (None, None, ["web.test"], "https://lb.test:8443/"),
        ],
    )
    def test_by_the_listener_that_the_route_is_at(
        self, section: str | None, port: int | None, hosts: list[str], expected: str
    ) -> None:
        door = replace(GATEWAY_API, section=section, port=port)
        gateway = {"spec": {"listeners": list(self.LISTENERS)}, "status": {"addresses": [{"value": "lb.test"}]}}
        assert url(door, gateway, [], hosts) == (expected, "Gateway infra/public")

    def test_without_an_address_there_is_none(self) -> None:
        assert url(GATEWAY_API, {"spec": {"listeners": list(self.LISTENERS)}, "status": {}}, [], HOSTS) is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (service([HTTP], {"ip": "203.0.113.7"}), ("http://203.0.113.7/", "Service infra/gateway")),
        (service([HTTPS], {"ip": "203.0.113.7"}), ("https://203.0.113.7/", "Service infra/gateway")),
        (service([HTTP]), None),
    ],
)
def test_a_service_with_an_address_of_its_own(found: Json, expected: object) -> None:
    assert url(Door("Service", "v1", "services", "prod", "web"), found, [], []) == expected
