# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real requests to a real server, which stands for the mesh: what a probe finds out about it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Cluster
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import BlueGreenError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.probing import Probe, read_probe
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.verdict import Finding
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates import proof
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.probe import (
    Sampler,
    measure,
    preflight,
    prove_share,
)

from tests.unit.plugins.module_utils._gates.entry_server import Entry, Given, entry, named

RATE = 400


def no_cluster() -> Cluster:
    raise AssertionError("requests by URL need no cluster")


def probing(mesh: Entry, **options: Any) -> Probe:
    return read_probe(Section({"url": mesh.url, "rate": RATE, **options}, "probe"))


def proven(mesh: Entry, weights: dict[str, int], deadline: float = 10.0, **options: Any) -> Finding:
    wanted = Wanted(weights, service="web", deadline=deadline)
    return prove_share(probing(mesh, **options), wanted, no_cluster, threading.Event(), "share")


def test_a_share_that_is_right_passes() -> None:
    with entry({"blue": 75, "green": 25}) as mesh:
        finding = proven(mesh, {"blue": 75, "green": 25}, expect={"tolerance": 12})
    assert finding.verdict == "pass"
    details = finding.details
    low, high = details["intervals"]["green"]
    assert low < details["share"]["green"] < high
    assert details["counts"]["other"] == 0
    assert sum(details["counts"].values()) <= details["requests"] <= len(mesh.seen)
    assert details["latency"]["blue"]["p50"] <= details["latency"]["blue"]["p99"] < 1
    assert details["wanted"] == {"blue": 75, "green": 25}
    assert details["tolerance"] == {"blue": 12, "green": 12}


def test_a_share_that_stays_wrong_fails_at_the_deadline() -> None:
    with entry({"blue": 100}) as mesh:
        finding = proven(mesh, {"blue": 75, "green": 25}, deadline=1.0)
    assert finding.verdict == "fail"
    assert 1.0 <= finding.details["waited"] < 3
    assert "green got 0 %" in finding.reason or "blue got 100 %" in finding.reason
    assert mesh.url in finding.reason


def test_it_waits_until_the_proxies_follow() -> None:
    with entry({"blue": 100, "green": 0}) as mesh:

        def follow(count: int) -> None:
            if count == 200:
                mesh.weights = {"blue": 0, "green": 100}

        mesh.on_request = follow
        finding = proven(mesh, {"blue": 0, "green": 100})
    assert finding.verdict == "pass"
    # The answers of before are not part of the decision.
    assert finding.details["counts"] == {"blue": 0, "green": finding.details["counts"]["green"], "other": 0}
    assert finding.details["requests"] > 450


def test_a_slow_version_does_not_seem_to_have_less_of_the_traffic() -> None:
    with entry({"blue": 50, "green": 50}, green=named("green", delay=0.8)) as mesh:
        finding = proven(mesh, {"blue": 50, "green": 50}, deadline=0.5, expect={"tolerance": 20})
    assert finding.verdict == "pass", finding.reason
    assert finding.details["latency"]["green"]["p50"] >= 0.8
    assert finding.details["latency"]["blue"]["p50"] < 0.4


def test_answers_of_an_unknown_version_are_no_pass_and_end_it_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "ASTRAY_PATIENCE", 0.5)
    with entry({"blue": 50, "v7": 50}) as mesh:
        finding = proven(mesh, {"blue": 50, "green": 50}, deadline=30)
    assert finding.verdict == "inconclusive"
    assert finding.details["waited"] < 6
    assert '"web-v7"' in finding.reason
    assert "neither blue nor green" in finding.reason
    assert "identify" in finding.remedy


def test_a_stray_answer_is_no_pass() -> None:
    with entry({"blue": 100}, v7=named("v7")) as mesh:

        def stray(count: int) -> None:
            mesh.weights = {"v7": 1} if count % 250 == 0 else {"blue": 1}

        mesh.on_request = stray
        finding = proven(mesh, {"blue": 100, "green": 0}, deadline=1)
    assert finding.verdict == "inconclusive"
    assert '"web-v7"' in finding.reason


@pytest.mark.parametrize(
    ("identify", "given", "told"),
    [
        ({"header": "x-version"}, Given(body="hello"), "no header x-version (status 200)"),
        ({"regex": "version=([a-z]+)"}, Given(body="hello"), r"nothing that matches version=([a-z]+) (status 200)"),
        ({"json": "build.version"}, Given(body="<html>"), "a body that is not JSON (status 200)"),
        ({"json": "build.version"}, Given(body="{}"), "nothing at build.version in its JSON (status 200)"),
        ({"json": "build"}, Given(body='{"build": {"a": 1}}'), "no single value at build in its JSON (status 200)"),
        ({"pod": "app-pod"}, Given(body="hello"), "no header app-pod and a body that is not JSON (status 200)"),
        ({"header": "x-version"}, Given(302, {"Location": "http://127.0.0.1:9/"}), "no header x-version (status 302)"),
    ],
)
def test_each_way_in_which_an_answer_names_nobody_is_told_apart(
    identify: dict[str, Any], given: Given, told: str
) -> None:
    with entry({"blue": 1}, blue=given) as mesh:
        finding = proven(mesh, {"blue": 50, "green": 50}, deadline=0.3, identify=identify)
    assert finding.verdict == "inconclusive"
    assert f'"{told}"' in finding.reason


def test_nothing_but_errors_is_inconclusive_at_the_deadline() -> None:
    with entry({"blue": 1}, blue=Given(503, body="no healthy upstream")) as mesh:
        finding = proven(mesh, {"blue": 50, "green": 50}, deadline=0.5)
    assert finding.verdict == "inconclusive"
    assert "no answer of any version" in finding.reason
    assert 'times status 503 ("no healthy upstream")' in finding.reason
    assert "endpoints" in finding.remedy
    assert finding.details["errors"] == {"status 503": finding.details["requests"]}
    assert finding.details["share"] == {}
    assert 0.5 <= finding.details["waited"] < 2


def test_a_wrong_host_is_named() -> None:
    with entry({"blue": 1}, blue=Given(404)) as mesh:
        finding = proven(mesh, {"blue": 50, "green": 50}, deadline=0.3, host="wrong.example.com")
    assert finding.verdict == "inconclusive"
    assert "wrong.example.com" in finding.reason
    assert "no route takes these requests" in finding.remedy
    assert {headers["host"] for headers in mesh.seen} == {"wrong.example.com"}


def test_nobody_listens() -> None:
    with entry({"blue": 1}) as mesh:
        pass
    finding = proven(mesh, {"blue": 50, "green": 50}, deadline=0.3)
    assert finding.verdict == "inconclusive"
    assert set(finding.details["errors"]) == {"connection refused"}


def test_an_answer_that_takes_too_long_is_an_error_of_nobody() -> None:
    with entry({"blue": 1}, blue=named("blue", delay=1.0)) as mesh:
        finding = proven(mesh, {"blue": 50, "green": 50}, deadline=0.6, timeout="200ms", rate=50)
    assert finding.verdict == "inconclusive"
    assert set(finding.details["errors"]) == {"timeout"}


def test_errors_of_nobody_beyond_the_tolerance_are_no_pass() -> None:
    with entry({"blue": 80, "broken": 20}, broken=Given(503)) as mesh:
        finding = proven(mesh, {"blue": 100, "green": 0}, deadline=0.5)
    assert finding.verdict == "inconclusive"
    assert "got no answer that names a version" in finding.reason


def test_errors_that_name_their_version_count_in_its_share() -> None:
    with entry({"blue": 50, "green": 50}, green=named("green", status=500)) as mesh:
        finding = proven(mesh, {"blue": 50, "green": 50}, expect={"tolerance": 20})
    assert finding.verdict == "pass"
    assert finding.details["failures"] == {"blue": 0, "green": finding.details["counts"]["green"]}
    assert finding.details["errors"] == {"status 500": finding.details["counts"]["green"]}


def test_what_a_proxy_answers_for_a_version_without_endpoints_is_no_share_of_it() -> None:
    with entry({"blue": 75, "green": 25}, green=named("green", status=503)) as mesh:
        finding = proven(mesh, {"blue": 75, "green": 25}, deadline=0.5)
    assert finding.verdict == "fail"
    assert finding.details["counts"]["green"] == 0
    assert 'times status 503 ("web-green")' in finding.reason


def test_a_version_that_is_to_get_nothing_is_seen_even_by_what_a_proxy_answers_for_it() -> None:
    with entry({"blue": 75, "green": 25}, green=named("green", status=503)) as mesh:
        finding = proven(mesh, {"blue": 100, "green": 0}, deadline=0.5)
    assert finding.verdict == "fail"
    assert "green got" in finding.reason
    assert finding.details["counts"]["green"] >= 1


def test_it_leaves_at_once_when_it_is_stopped() -> None:
    stopped = threading.Event()
    with entry({"blue": 1}, blue=named("blue", delay=2.0)) as mesh:
        mesh.on_request = lambda count: stopped.set() if count == 5 else None
        begun = time.monotonic()
        finding = prove_share(probing(mesh), Wanted({"blue": 50, "green": 50}), no_cluster, stopped, "share")
    assert finding.verdict == "inconclusive"
    assert "stopped" in finding.reason
    assert time.monotonic() - begun < 1.5


def test_what_the_probe_says_itself_wins() -> None:
    with entry({"green": 1}) as mesh:
        own = {"weights": {"green": 100}, "tolerance": 2, "confidence": 0.9}
        finding = proven(mesh, {"blue": 100, "green": 0}, expect=own)
    assert finding.verdict == "pass"
    assert finding.details["wanted"] == {"green": 100}


@pytest.mark.parametrize(
    ("options", "weights", "message"),
    [
        ({"requests": 100}, {"blue": 95, "green": 5}, "probe: 100 requests cannot tell"),
        ({"duration": 5}, {"blue": 95, "green": 5}, "probe.duration: has no meaning where a share is expected"),
        (
            {"identify": {"values": {"gren": "1.5"}}},
            {"blue": 95, "green": 5},
            "probe.identify.values.gren: is no version; there are blue, green",
        ),
        (
            {"identify": {"values": {"green": "blue"}}},
            {"blue": 95, "green": 5},
            'probe.identify.values: "blue" would mean blue as well as green',
        ),
        (
            {"identify": {"values": {"green": "web-blue"}}},
            {"blue": 95, "green": 5},
            'identify.values: "web-blue" would',
        ),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(
    options: dict[str, Any], weights: dict[str, int], message: str
) -> None:
    with entry({"blue": 1}) as mesh, pytest.raises(BlueGreenError) as refused:
        preflight(probing(mesh, **options), Wanted(weights, service="web"))
    assert message in refused.value.message
    assert mesh.seen == []


def test_measuring_counts_who_answers() -> None:
    with entry({"blue": 75, "green": 25}) as mesh:
        probe = probing(mesh, requests=200)
        finding = measure(probe, ["blue", "green", "red"], "web", no_cluster, threading.Event())
    assert finding.verdict == "pass"
    assert finding.details["requests"] == len(mesh.seen) == 200
    assert sum(finding.details["counts"].values()) == 200
    assert finding.details["counts"]["red"] == finding.details["share"]["red"] == 0
    assert 50 < finding.details["share"]["blue"] < 95


def test_measuring_without_versions_takes_what_is_read_for_one() -> None:
    with entry({"blue": 1}) as mesh:
        finding = measure(probing(mesh, duration="500ms"), [], "", no_cluster, threading.Event())
    assert finding.verdict == "pass"
    assert finding.details["counts"] == {"web-blue": 200, "other": 0}
    assert finding.details["share"] == {"web-blue": 100}


def test_measuring_waits_for_slow_answers() -> None:
    with entry({"blue": 1}, blue=named("blue", delay=0.3)) as mesh:
        finding = measure(probing(mesh, requests=20), ["blue"], "web", no_cluster, threading.Event())
    assert finding.details["counts"]["blue"] == 20


def test_measuring_where_nobody_listens_is_no_pass() -> None:
    with entry({"blue": 1}) as mesh:
        pass
    finding = measure(probing(mesh, requests=10), ["blue"], "web", no_cluster, threading.Event())
    assert finding.verdict == "inconclusive"
    assert "10 times connection refused" in finding.reason


def test_a_sampler_goes_on_and_tells_what_came_so_far() -> None:
    enough = threading.Event()
    with entry({"blue": 50, "green": 25, "v7": 25}, green=named("green", status=500)) as mesh:
        mesh.on_request = lambda count: enough.set() if count == 200 else None
        with Sampler(probing(mesh), Wanted({"blue": 50, "green": 50}, service="web"), no_cluster) as sampler:
            assert enough.wait(10)
            first = sampler.snapshot()
            enough.clear()
            mesh.on_request = lambda count: enough.set() if count == 300 else None
            assert enough.wait(10)
            second = sampler.snapshot()
    assert set(first) == {"blue", "green", "other", "none"}
    assert sum(version["total"] for version in second.values()) > sum(version["total"] for version in first.values())
    assert second["blue"]["errors"] == 0
    assert second["green"]["errors"] == second["green"]["total"] > 0
    assert second["other"]["total"] > 0
    for version in first:
        assert second[version]["latencies"][: len(first[version]["latencies"])] == first[version]["latencies"]
        assert len(second[version]["latencies"]) == second[version]["total"]


def test_a_sampler_ends_with_the_step() -> None:
    enough = threading.Event()
    with entry({"blue": 1}) as mesh:
        mesh.on_request = lambda count: enough.set() if count == 50 else None
        with Sampler(probing(mesh), Wanted({"blue": 100}, service="web"), no_cluster):
            assert enough.wait(10)
        ended = [thread for thread in threading.enumerate() if thread.name == "probe"]
        for thread in ended:
            thread.join(10)
        assert not any(thread.is_alive() for thread in ended)
    assert len(mesh.seen) < 100
