# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command in a pod whose output are answers, and what a reply counts as."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import Cluster, NotFound
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.exec import NotAllowed, Ran
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.identity import Identify, Names, Reply
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.probing import read_probe
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.share import Wanted
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.verdict import Finding
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates import asking as asking_gate
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.answers import Answer
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.asking import asking, judged
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.probe import measure, prove_share

from tests.unit.plugins.module_utils._cluster.api_server import ApiServer, Messages, api_server, pod, status_of

EXEC = "/api/v1/namespaces/prod/pods/client-0/exec"
ENDED = b'{"status": "Success"}'


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


def printed(output: str, code: int = 0, error: str = "") -> Messages:
    cause = {"reason": "ExitCode", "message": str(code)}
    ended = json.dumps({"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}).encode()
    return [(1, output.encode()), (2, error.encode()), (3, ended if code else ENDED)]


def measured(api: ApiServer, **options: Any) -> Finding:
    in_pod = {"namespace": "prod", "pod": "client-0", "command": ["who"], **options.pop("exec", {})}
    written = {"exec": in_pod, "requests": 10, "rate": 200, **options}
    return measure(
        read_probe(Section(written, "probe")), ["blue", "green"], "web", lambda: connected(api), threading.Event()
    )


def connected(api: ApiServer) -> Cluster:
    return Cluster({"host": api.url, "api_key": "sesame", "kubeconfig": {"current-context": ""}})


def test_every_line_is_an_answer(api: ApiServer) -> None:
    api.run = lambda command: printed("web-blue\nweb-green\n\nweb-blue\n")
    finding = measured(api)
    assert finding.verdict == "pass"
    assert finding.details["counts"] == {"blue": 20, "green": 10, "other": 0}
    assert finding.details["latency"] == {}
    assert finding.details["where"] == "pod prod/client-0"


def test_a_line_can_be_json(api: ApiServer) -> None:
    api.run = lambda command: printed('{"pod": "web-green-5c9d-x"}\n')
    assert measured(api, identify={"pod": "pod"}).details["counts"]["green"] == 10


def test_all_of_it_is_one_answer_with_status_and_headers(api: ApiServer) -> None:
    api.run = lambda command: printed("HTTP/1.1 500 Oh\r\napp-version: web-green\r\n\r\nline\nline\n")
    finding = measured(api, exec={"answers": "whole"})
    assert finding.details["counts"] == {"blue": 0, "green": 10, "other": 0}
    assert finding.details["failures"] == {"blue": 0, "green": 10}


def test_a_share_is_proven_from_a_pod(api: ApiServer) -> None:
    api.run = lambda command: printed("web-green\n" * 50)
    in_pod = {"namespace": "prod", "pod": "client-0", "command": ["who"]}
    probe = read_probe(Section({"exec": in_pod, "rate": 50}, "probe"))
    wanted = Wanted({"blue": 0, "green": 100}, "web", deadline=10)
    finding = prove_share(probe, wanted, lambda: connected(api), threading.Event(), "share")
    assert finding.verdict == "pass"
    assert finding.details["counts"]["green"] >= 300


def test_a_command_that_fails_is_an_error_beside_what_it_printed(api: ApiServer) -> None:
    api.run = lambda command: printed("web-blue\n", 7, "curl: (7)\n  no route")
    finding = measured(api)
    assert finding.details["counts"]["blue"] == 10
    assert finding.details["errors"] == {"exit code 7 of who": 10}
    assert '10 times exit code 7 of who ("curl: (7) no route")' in finding.reason


def test_a_command_that_prints_nothing_is_an_error(api: ApiServer) -> None:
    api.run = lambda command: printed("")
    finding = measured(api)
    assert finding.verdict == "inconclusive"
    assert '10 times exit code 0 of who ("no output")' in finding.reason


def test_one_of_the_selected_pods_is_asked(api: ApiServer) -> None:
    api.run = lambda command: printed("web-blue\n")
    waiting, leaving = pod("client-a"), pod("client-b", deletionTimestamp="2026-01-01T00:00:00Z")
    waiting["status"]["phase"] = "Pending"
    api.pods["prod:app=client"] = [pod("client-d"), waiting, leaving, pod("client-c")]
    finding = measured(api, exec={"pod": None, "selector": "app=client"})
    assert finding.details["counts"]["blue"] == 10
    assert {path.split("/")[6] for path, _headers in api.requests if "/exec" in path} == {"client-c"}


def test_a_selected_pod_that_goes_away_is_replaced_by_the_next(api: ApiServer) -> None:
    api.run = lambda command: printed("web-blue\n")
    api.pods["prod:app=client"] = [pod("client-0"), pod("client-1")]
    gone = status_of(404, 'pods "client-0" not found')
    gone[1]["details"] = {"name": "client-0"}
    api.refused[EXEC] = gone
    api.run = lambda command: printed("web-blue\n")

    def found_gone() -> None:
        api.pods["prod:app=client"] = [pod("client-1")]

    timer = threading.Timer(0.05, found_gone)
    timer.start()
    finding = measured(api, exec={"pod": None, "selector": "app=client"}, requests=40)
    timer.join()
    assert finding.details["counts"]["blue"] > 0
    assert set(finding.details["errors"]) == {"command not run"}


def test_no_selected_pod_runs(api: ApiServer) -> None:
    finding = measured(api, exec={"pod": None, "selector": "app=client"})
    assert finding.verdict == "inconclusive"
    assert "no pod with app=client runs in prod" in finding.reason


def test_a_pod_that_is_not_there_ends_it_at_once(api: ApiServer) -> None:
    api.refused[EXEC] = status_of(404, 'pods "client-0" not found')
    with pytest.raises(NotFound, match="client-0"):
        measured(api)


def test_a_role_without_exec_ends_it_at_once(api: ApiServer) -> None:
    api.refused[EXEC] = status_of(403, "cannot get pods/exec")
    with pytest.raises(NotAllowed, match="pods/exec"):
        measured(api)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(200, {"app-version": "web-blue"}, ""), Answer(1, "blue", "", "web-blue", 0.5)),
        (Reply(503, {"app-version": "web-blue"}, ""), Answer(1, "blue", "status 503", "web-blue", 0.5)),
        (Reply(404, {"app-version": "web-blue"}, ""), Answer(1, "blue", "", "web-blue", 0.5)),
        (Reply(503, {}, "no  healthy\nupstream"), Answer(1, "none", "status 503", "no healthy upstream", 0.5)),
        (Reply(404, {}, ""), Answer(1, "none", "status 404", "", 0.5)),
        (Reply(302, {}, ""), Answer(1, "other", "", "no header app-version (status 302)", 0.5)),
        (Reply(200, {"app-version": "v7"}, ""), Answer(1, "other", "", "v7", 0.5)),
        (Reply(500, {"app-version": "v7"}, ""), Answer(1, "other", "status 500", "v7", 0.5)),
    ],
)
def test_what_a_reply_counts_as(reply: Reply, expected: Answer) -> None:
    assert judged(reply, Names(Identify(), ["blue", "green"], "web"), 1, 0.5) == expected


def test_a_pod_that_one_worker_gives_up_is_not_lost_to_another(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    probe = read_probe(Section({"exec": {"namespace": "prod", "selector": "app=client", "command": ["who"]}}, "probe"))
    command = asking(probe, Names(probe.identify, ["blue"], "web"), lambda: connected(api))()

    def run(cluster: Cluster, namespace: str, name: str, *about: Any) -> Ran:
        asked.append(name)
        if len(asked) == 1:
            # Meanwhile another worker finds the next pod, and this one has gone.
            api.pods["prod:app=client"] = [pod("client-b")]
            monkeypatch.setattr(command, "_pod", "client-b")
            raise NotFound("gone")
        return Ran("web-blue", "", 0)

    monkeypatch.setattr(asking_gate, "run_in_pod", run)
    api.pods["prod:app=client"] = [pod("client-a")]
    assert [answer.problem for answer in command(1.0)] == ["command not run"]
    # What it has found is kept, and not looked for once more.
    looks = len(api.requests)
    assert [answer.version for answer in command(2.0)] == ["blue"]
    assert (asked, len(api.requests)) == (["client-a", "client-b"], looks)
