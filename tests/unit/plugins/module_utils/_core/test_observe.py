# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.gates import share_gates
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.observe import Mirroring, gates_of_step

from tests.unit.releases import refusal, web

PROBE: dict[str, Any] = {"url": "http://web.example.com/"}
PROXIES: dict[str, Any] = {"namespace": "istio-system", "selector": "istio=ingressgateway"}
PODS: dict[str, Any] = {"name": "calm", "pods": {"max_restarts": 0}}


def names_of_step(number: int, **keys: Any) -> list[str]:
    release = read_release(web(**keys))
    step = release.steps[number]
    return [gate.name for gate in gates_of_step(release.observe or (), release.gates, step.gates)]


def test_a_release_says_once_how_its_traffic_is_seen() -> None:
    release = read_release(web(observe={"probe": PROBE, "deadline": "8s"}))
    assert release.observe is not None
    (share,) = release.observe
    assert (share.name, share.kind, share.deadline) == ("share", "probe", 8.0)


def test_several_ways_of_seeing_are_told_apart() -> None:
    release = read_release(web(observe={"probe": PROBE, "proxies": PROXIES}))
    assert [gate.name for gate in release.observe or ()] == ["share by probe", "share by proxies"]


def test_the_probe_of_a_gate_is_how_traffic_is_seen_when_nothing_else_is_said() -> None:
    release = read_release(web(observe=None, gates=[PODS, {"name": "mine", "probe": PROBE}]))
    assert [gate.name for gate in release.observe or ()] == ["mine"]


def test_what_proxies_hold_does_not_say_how_traffic_is_seen() -> None:
    assert read_release(web(observe=None, gates=[{"proxies": PROXIES}])).observe is None
    release = read_release(web(observe=None, gates=[{"proxies": PROXIES}, {"probe": PROBE}]))
    assert [gate.name for gate in release.observe or ()] == ["probe"]


def test_whether_nothing_is_seen_or_nothing_is_said_makes_a_difference() -> None:
    assert read_release(web(observe="none")).observe == ()
    assert read_release(web(observe=None)).observe is None


@pytest.mark.parametrize(
    ("observe", "told"),
    [
        ({}, "bluegreen.observe: expected none, or one of probe, proxies, telemetry"),
        ({"deadline": "8s"}, "bluegreen.observe: expected none, or one of probe, proxies, telemetry"),
        ({"prob": PROBE}, "bluegreen.observe: expected none, or one of probe, proxies, telemetry"),
        ({"probe": PROBE, "dedline": "8s"}, "bluegreen.observe.dedline: unknown key; did you mean deadline?"),
        ({"probe": {"host": "web"}}, "bluegreen.observe.probe"),
        ({"proxies": {"namespace": "istio-system"}}, "retire has to see: add probe or telemetry"),
        ("yes", "bluegreen.observe: expected a mapping"),
    ],
)
def test_a_way_of_seeing_that_cannot_be_is_refused(observe: Any, told: str) -> None:
    assert told in refusal(web(observe=observe))


def test_a_step_has_its_own_gates_and_those_of_the_release() -> None:
    own = [{"name": "calm", "pods": {"max_restarts": 2}}, {"name": "more", "pods": {}}]
    steps = [10, {"percent": 50, "gates": own}]
    keys = {"observe": {"probe": PROBE}, "gates": [PODS], "steps": steps}
    assert names_of_step(0, **keys) == ["share", "calm"]
    assert names_of_step(1, **keys) == ["share", "calm", "more"]
    release = read_release(web(**keys))
    (calm, _more) = release.steps[1].gates
    assert calm in gates_of_step(release.observe or (), release.gates, release.steps[1].gates)
    assert release.gates[0] not in gates_of_step(release.observe or (), release.gates, release.steps[1].gates)


def test_a_share_gate_of_the_users_own_replaces_the_default_one() -> None:
    keys = {"observe": {"probe": PROBE}, "gates": [{"name": "mine", "probe": {**PROBE, "rate": 200}}]}
    assert names_of_step(0, **keys) == ["mine"]
    assert [gate.name for gate in share_gates(read_release(web(**keys)).gates)] == ["mine"]


def test_a_look_at_the_proxies_stands_beside_how_traffic_is_seen() -> None:
    keys = {"observe": {"probe": PROBE}, "gates": [{"proxies": PROXIES}]}
    assert names_of_step(0, **keys) == ["share", "proxies"]


def queried(metric: str) -> dict[str, Any]:
    judge = {"fail_when": "candidate > `1`"}
    return {"prometheus": {"url": "http://prometheus:9090", "query": f'{metric}{{v="$version"}}', "judge": judge}}


def test_a_gate_without_a_name_takes_nobodys_place() -> None:
    steps = [10, {"percent": 50, "gates": [queried("errors"), {"name": "prometheus-2", "pods": {}}]}]
    keys = {"gates": [queried("latency")], "steps": steps}
    assert names_of_step(0, **keys) == ["prometheus"]
    assert names_of_step(1, **keys) == ["prometheus", "prometheus-3", "prometheus-2"]


def test_a_gate_of_a_step_takes_the_place_of_the_one_that_it_is_named_after() -> None:
    steps = [10, {"percent": 50, "gates": [{"name": "prometheus", "pods": {}}]}]
    release = read_release(web(gates=[queried("latency")], steps=steps))
    assert [gate.kind for gate in gates_of_step((), release.gates, release.steps[1].gates)] == ["pods"]


def test_a_gate_that_is_called_like_how_traffic_is_seen_is_another() -> None:
    assert names_of_step(0, observe={"probe": PROBE}, gates=[{"name": "share", "pods": {}}]) == ["share-2", "share"]


@pytest.mark.parametrize(("given", "header"), [(True, "x-bluegreen"), ("X-T", "x-t"), (False, None), (None, None)])
def test_the_header_of_the_test_at_0(given: Any, header: str | None) -> None:
    assert read_release(web(verify={"header": given})).verify.header == header


def test_a_header_is_a_name() -> None:
    assert refusal(web(verify={"header": "x-test: 1"})) == (
        'bluegreen.verify.header: expected true or the name of a request header such as x-bluegreen, got "x-test: 1"'
    )


@pytest.mark.parametrize("name", ["-x", "x-", "uri", "method", "Authority"])
def test_a_header_is_one_that_routes_can_match(name: str) -> None:
    assert refusal(web(verify={"header": name})).startswith("bluegreen.verify.header: expected true or the name")


def test_a_header_has_letters_that_a_request_can_have() -> None:
    assert refusal(web(verify={"header": "x-tést"})).startswith("bluegreen.verify.header: expected true or the name")


def test_mirroring_is_asked_for() -> None:
    assert read_release(web()).mirror is None
    assert read_release(web(mirror={})).mirror == Mirroring(100, 60.0)
    assert read_release(web(mirror={"percent": 10, "duration": "5m"})).mirror == Mirroring(10, 300.0)
    assert refusal(web(mirror={"percent": 0})) == "bluegreen.mirror.percent: expected integer from 1 to 100, got 0"


def test_gates_of_the_promotion_and_of_the_verification_are_read_strictly() -> None:
    release = read_release(web(promote={"gates": [PODS]}, verify={"gates": [PODS]}))
    assert [gate.name for gate in (*release.promotion.gates, *release.verify.gates)] == ["calm", "calm"]
    assert refusal(web(promote={"gates": [{"name": "calm", "pod": {}}]})).startswith("bluegreen.promote.gates[0]")
