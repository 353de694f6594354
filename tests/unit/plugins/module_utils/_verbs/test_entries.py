# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where requests from outside enter a cluster, as far as it may be read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Forbidden, NotFound, Ref
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs.entries import find_entries, shown

Json = dict[str, Any]
ROUTE = {"service": "web", "router": "istio", "name": "web", "namespace": "prod"}
LABELS = {"istio": "ingressgateway"}


def named(name: str, namespace: str, **more: Any) -> Json:
    return {"metadata": {"name": name, "namespace": namespace, "labels": LABELS}, **more}


def balanced(namespace: str) -> Json:
    status = {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}
    return named("gateway", namespace, spec={"ports": [{"port": 80}]}, status=status)


class FakeCluster:
    """Objects by plural; an error in their place is raised, one of a namespace only there."""

    def __init__(self, **lists: Any) -> None:
        servers = [{"port": {"number": 80, "protocol": "HTTP"}, "hosts": ["*"]}]
        self.lists = {
            "virtualservices": [named("web", "prod", spec={"hosts": ["web.test"], "gateways": ["infra/public"]})],
            "gateways": [named("public", "infra", spec={"selector": LABELS, "servers": servers})],
            "services": [balanced("istio-system")],
            **lists,
        }
        self.closed: tuple[str, ...] = ()

    def find(self, ref: Ref) -> Json | None:
        found = self.lists[ref.plural]
        if isinstance(found, Exception):
            raise found
        key = (ref.name, ref.namespace)
        return next((item for item in found if key == (item["metadata"]["name"], item["metadata"]["namespace"])), None)

    def items(self, ref: Ref, label_selector: str | None = None) -> Json:
        assert label_selector == "istio=ingressgateway"
        if ref.namespace in self.closed:
            raise Forbidden(f"services in {ref.namespace} may not be listed")
        return {"items": [item for item in self.lists[ref.plural] if item["metadata"]["namespace"] == ref.namespace]}

    def namespace_missing(self, namespace: str) -> bool:
        return False


def line(cluster: FakeCluster, given: str | None = None) -> str:
    cluster_: Any = cluster
    return shown(find_entries(cluster_, [ROUTE], given)["web"])


@pytest.mark.parametrize("namespace", ["infra", "istio-system", "istio-ingress"])
def test_the_gateways_service_is_found_beside_it_or_where_gateways_are(namespace: str) -> None:
    found = line(FakeCluster(services=[balanced(namespace)]), given="http://unused.test/")
    assert found == f"http://203.0.113.7/, host web.test (from Service {namespace}/gateway)"


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        ({"virtualservices": []}, "there is no route yet"),
        ({"virtualservices": [named("web", "prod", spec={"hosts": ["web"]})]}, "its route is at no gateway"),
        ({"gateways": []}, "Gateway infra/public does not exist"),
        ({"gateways": Forbidden("gateways in infra may not be read")}, "gateways in infra may not be read"),
        ({"gateways": NotFound("there is no such kind")}, "there is no such kind"),
        ({"services": []}, "no load balancer has given Gateway infra/public an address"),
    ],
)
def test_what_the_cluster_does_not_tell_the_user_may(lists: Json, reason: str) -> None:
    expected = f"unknown: {reason}; say it with the variable bluegreen_entry_url"
    assert line(FakeCluster(**lists)) == expected
    assert "https://web.test/" in line(FakeCluster(**lists), given="https://web.test/")
    assert "from bluegreen_entry_url" in line(FakeCluster(**lists), given="https://web.test/")


def test_a_namespace_that_is_closed_hides_no_other() -> None:
    cluster = FakeCluster()
    cluster.closed = ("infra",)
    assert line(cluster).startswith("http://203.0.113.7/")
    cluster.closed = ("istio-system",)
    assert line(cluster).startswith("unknown: services in istio-system may not be listed; ")


def test_of_several_routes_the_first_with_an_entry_is_the_services() -> None:
    cluster: Any = FakeCluster()
    cluster.lists["virtualservices"].append(named("inside", "prod", spec={"hosts": ["web"]}))
    found = find_entries(cluster, [{**ROUTE, "name": "inside"}, ROUTE], None)
    assert {name: entry["url"] for name, entry in found.items()} == {"web": "http://203.0.113.7/"}
