# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.open_requests import filters, open_now

from tests.unit.plugins.module_utils._routers.test_envoy import SERVICES, SUBSETS, recorded

GREEN = "outbound|80||web-green.proxied.svc.cluster.local"


def clusters(**active: int) -> dict[str, Any]:
    stats = [{"name": name, "type": "GAUGE", "value": str(value)} for name, value in active.items()]
    return {"cluster_statuses": [{"name": GREEN, "host_statuses": [{"stats": stats}, {"stats": stats}]}]}


def test_idle_connections_are_no_requests() -> None:
    found = open_now(recorded("clusters"), recorded("statistics"), SERVICES)
    assert found == {"blue": {"requests": 0, "connections": 9}, "green": {"requests": 0, "connections": 4}}


def test_without_statistics_which_istio_leaves_out_the_clusters_tell() -> None:
    found = open_now(recorded("clusters"), {"stats": []}, SERVICES)
    assert found["green"] == {"requests": 0, "connections": 4}
    open_streams = open_now(clusters(rq_active=3, cx_active=4, rq_pending_active=7), {}, SERVICES)
    assert open_streams == {"blue": {"requests": 0, "connections": 0}, "green": {"requests": 6, "connections": 8}}


def test_a_stream_to_a_pod_that_left_is_only_in_the_statistics() -> None:
    statistics = {"stats": [{"name": f"cluster.{GREEN};.upstream_rq_active", "value": 2}]}
    assert open_now({"cluster_statuses": [{"name": GREEN}]}, statistics, SERVICES)["green"]["requests"] == 2
    older = {"stats": [{"name": f"cluster.{GREEN}.upstream_rq_active", "value": 2}]}
    assert open_now({}, older, SERVICES)["green"]["requests"] == 2


def test_what_belongs_to_nobody_is_left_out() -> None:
    nothing = {"requests": 0, "connections": 0}
    assert open_now(recorded("clusters"), recorded("statistics"), SUBSETS) == {"blue": nothing, "green": nothing}


def test_the_filters_let_through_what_is_read() -> None:
    hosts, statistics = filters({**SERVICES, "red": [("web.proxied.svc.cluster.local", "red")]})
    assert re.search(hosts, GREEN)
    assert not re.search(hosts, "outbound|80||shop.proxied.svc.cluster.local")
    for entry in recorded("statistics")["stats"]:
        assert re.search(statistics, entry["name"])
    assert not re.search(statistics, f"cluster.{GREEN};.upstream_rq_pending_active")
