# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import RouteError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.service_entries import (
    addresses,
    entry_of,
    label,
    pod_labels,
)


def entry(name: str, *hosts: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "prod"}, "spec": {"hosts": list(hosts), **spec}}


def test_a_host_is_found_by_its_name_before_any_wildcard() -> None:
    wide, exact = entry("wide", "*.example.internal"), entry("exact", "a.test", "v2.example.internal")
    assert entry_of([wide, exact], "v2.example.internal") is exact
    assert entry_of([wide, exact], "v3.example.internal") is wide
    assert entry_of([wide, exact], "v3.example.com") is None


def test_addresses_are_those_that_it_names() -> None:
    given = [{"address": "192.0.2.1"}, {"address": "192.0.2.2"}]
    assert addresses(entry("vms", "v2.test", resolution="STATIC", endpoints=given)) == ["192.0.2.1", "192.0.2.2"]
    assert addresses(entry("vms", "v2.test", resolution="STATIC")) == []


@pytest.mark.parametrize("spec", [{"resolution": "DNS", "endpoints": [{"address": "vm.test"}]}, {}])
def test_what_only_dns_knows_cannot_be_seen(spec: dict[str, Any]) -> None:
    with pytest.raises(RouteError, match=r"ServiceEntry prod/vms leaves its endpoints to resolution: (DNS|NONE), and"):
        addresses(entry("vms", "v2.test", **spec))


def test_pods_are_chosen_by_their_labels() -> None:
    chosen = entry("pods", "v2.test", workloadSelector={"labels": {"app": "web"}})
    assert pod_labels(chosen) == {"app": "web"}
    assert pod_labels(entry("vms", "v2.test")) is None
    assert label(chosen) == "ServiceEntry prod/pods"
