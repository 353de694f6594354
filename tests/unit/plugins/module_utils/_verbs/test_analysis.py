# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``analysis``: gates side by side, against real servers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any, NoReturn

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates import metrics
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import analysis

from tests.unit.plugins.module_utils._gates.entry_server import Given, entry
from tests.unit.plugins.module_utils._gates.web_server import Request, prometheus, web

CLOSED = "http://127.0.0.1:9"
ERRORS, TOTAL = 'errors{v="$version"}[$window]', 'total{v="$version"}[$window]'


class Left(Exception):
    """How the verb has left."""


class Task:
    """A task with the verb's options, as a module or an action hands them over."""

    def __init__(self, check_mode: bool = False, **options: Any) -> None:
        specification = {key: value for key, value in analysis.argument_spec().items() if key != "supports_check_mode"}
        validated = ArgumentSpecValidator(**specification).validate(options)
        assert not validated.error_messages
        self.params = validated.validated_parameters
        self.check_mode = check_mode
        self.no_log_values: set[str] = set()
        self.result: dict[str, Any] = {}
        self.warnings: list[str] = []

    def warn(self, warning: str) -> None:
        self.warnings.append(warning)

    def exit_json(self, **kwargs: Any) -> NoReturn:
        self.result = kwargs
        raise Left

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        self.result = {**kwargs, "msg": msg, "failed": True}
        raise Left


def analyse(*metrics: dict[str, Any], **options: Any) -> dict[str, Any]:
    task = Task(**{"metrics": list(metrics), "interval": "100ms", "candidate": "green", "live": "blue", **options})
    with pytest.raises(Left):
        analysis.run(task)
    return {**task.result, "warnings": task.warnings} if task.warnings else task.result


def found(result: dict[str, Any], name: str) -> dict[str, Any]:
    (finding,) = [item for item in result["metrics"] if item["name"] == name]
    return dict(finding)


def store(url: str, judge: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"prometheus": {"url": url, **(keys or {"query": 'x{v="$version"}'}), "judge": judge}}


def counted(url: str, **judge: Any) -> dict[str, Any]:
    return store(url, judge, errors=ERRORS, total=TOTAL)


def by_version(**numbers: float | None) -> Callable[[Request], Any]:
    """Numbers for queries, by a word that stands in them."""

    def value(request: Request) -> Any:
        return next((number for word, number in numbers.items() if f'v="{word}"' in request.query["query"]), None)

    return value


def of_counts(green: tuple[float | None, float], blue: tuple[float | None, float]) -> Callable[[Request], Any]:
    def value(request: Request) -> Any:
        errors, total = green if 'v="green"' in request.query["query"] else blue
        return errors if request.query["query"].startswith("errors") else total

    return value


def test_a_number_of_each_version_is_compared() -> None:
    with prometheus(by_version(green=1.5, blue=1.0)) as url:
        result = analyse(store(url, {"max_ratio_to_live": 1.6}))
        worse = analyse(store(url, {"max_ratio_to_live": 1.4}))
    assert (result["verdict"], result["metrics"][0]["measurements"][0]["live"]) == ("pass", 1.0)
    assert (worse["verdict"], worse["failed"]) == ("fail", True)
    assert worse["msg"].startswith(
        "prometheus: candidate 1.5, live 1, ratio 1.5, difference 0.5; at most 1.4 times live"
    )


def test_live_is_not_asked_for_when_nothing_is_compared() -> None:
    asked: list[str] = []

    def value(request: Request) -> float:
        asked.append(request.query["query"])
        return 1.0

    with prometheus(value) as url:
        analyse(store(url, {"pass_when": "candidate < `2`"}, query="up"))
        assert asked == ["up"]


def test_errors_that_are_empty_are_none_while_there_are_requests() -> None:
    with prometheus(of_counts((None, 1000), (None, 3000))) as url:
        result = analyse(counted(url, max_ratio_to_live=1.2))
    assert result["verdict"] == "pass"
    assert result["metrics"][0]["measurements"][0]["candidate"] == {"errors": 0.0, "total": 1000.0}


@pytest.mark.parametrize(
    "value",
    [
        of_counts((0, 20), (0, 3000)),
        of_counts((float("nan"), 1000), (0, 3000)),
        of_counts((0, 0), (0, 0)),
        lambda request: None,
        lambda request: float("nan"),
    ],
    ids=["too few", "errors are no number", "no requests", "empty", "no number"],
)
def test_no_data_is_never_a_pass(value: Callable[[Request], Any]) -> None:
    with prometheus(value) as url:
        result = analyse(counted(url, max_ratio_to_live=1.2), deadline="0.2s")
    assert (result["verdict"], result["failed"]) == ("inconclusive", True)


def test_a_store_that_is_down_is_inconclusive_and_named() -> None:
    begun = time.monotonic()
    result = analyse(store(CLOSED, {"fail_when": "candidate > `1`", "consecutive_errors": 2}), window=60)
    assert result["verdict"] == "inconclusive"
    assert f"Prometheus at {CLOSED} cannot be reached" in result["msg"]
    assert "(3 times in a row)" in result["msg"]
    assert time.monotonic() - begun < 5


def test_a_store_that_comes_back_is_asked_again() -> None:
    calls = count()

    def value(request: Request) -> Any:
        return None if next(calls) < 3 else 0.5

    with prometheus(value) as url:
        result = analyse(store(url, {"fail_when": "candidate > `1`"}, query="x"))
    assert [("missing" in item) for item in result["metrics"][0]["measurements"]] == [True, True, True, False]
    assert result["verdict"] == "pass"


def test_several_series_are_a_mistake_that_ends_it_at_once() -> None:
    with prometheus(lambda request: [1, 2]) as url:
        result = analyse(store(url, {"fail_when": "candidate > `1`"}), window=60)
    assert result["verdict"] == "inconclusive"
    assert "gives 2 series where one number is needed" in result["msg"]


def test_the_window_grows_in_whole_seconds() -> None:
    windows: list[str] = []

    def value(request: Request) -> float:
        windows.append(request.query["query"])
        return 1.0

    with prometheus(value) as url:
        gate = store(url, {"pass_when": "candidate < `2`"}, query="x[$window]", interval="1s")
        fixed = store(url, {"pass_when": "candidate < `2`"}, query="y[$window]", window="2m")
        analyse({**gate, "name": "grows"}, {**fixed, "name": "fixed"}, window="2s", interval="1s")
    assert windows.count("y[120s]") == len([word for word in windows if word.startswith("y")])
    assert [word for word in windows if word.startswith("x")] == ["x[1s]", "x[2s]"]


def test_live_without_traffic_is_judged_by_what_it_did_before() -> None:
    begun = time.time()
    asked: dict[str, str] = {}

    def value(request: Request) -> float:
        version = "green" if 'v="green"' in request.query["query"] else "blue"
        asked[version] = f"{request.query['query']} at {request.query.get('time', '')}"
        return 1.0

    gate = store("", {"max_ratio_to_live": 2}, query='x{v="$version"}[$window]')
    with prometheus(value) as url:
        gate["prometheus"]["url"] = url
        result = analyse(gate, expect={"weights": {"blue": 0, "green": 100}})
    assert result["verdict"] == "pass"
    assert asked["green"] == 'x{v="green"}[1s] at '
    query, when = asked["blue"].split(" at ")
    assert query == 'x{v="blue"}[60s]'
    assert begun <= float(when) <= time.time()


def test_words_are_filled_in() -> None:
    paths: list[str] = []

    def answer(request: Request) -> tuple[int, Any]:
        paths.append(request.path)
        return 200, {"host": request.headers["host"]}

    with web(answer) as url:
        gate = {"http": {"url": f"{url}/$namespace/$service/$version/$release", "host": "$service.example.com"}}
        result = analyse(gate, service="web", namespace="prod", release="web-1.5")
        analyse({**gate, "service": "api", "candidate": "red"}, service="web", namespace="prod", release="web-1.5")
    assert paths == ["/prod/web/green/web-1.5", "/prod/api/red/web-1.5"]
    assert result["metrics"][0]["measurements"][0]["answer"]["json"] == {"host": "web.example.com"}


def test_a_smoke_test_is_one_answer() -> None:
    with web(lambda request: (200, {"database": "up"})) as url:
        judge = {"pass_when": "json.database == 'up' && headers.\"content-length\" == '18'"}
        result = analyse({"http": {"url": url, "judge": judge}}, window="300ms")
        wrong = analyse({"http": {"url": url, "judge": {"pass_when": "json.database == 'down'"}}})
        status = analyse({"http": {"url": url, "status": [204]}})
    assert result["verdict"] == "pass"
    assert len(result["metrics"][0]["measurements"]) == 1
    assert "set-cookie" not in result["metrics"][0]["measurements"][0]["answer"]["headers"]
    assert wrong["msg"].startswith("http: the status is 200; pass_when does not hold: json.database == 'down' (")
    assert status["msg"].startswith('http: the status is 200, wanted 204 ({"database": "up"}); ')


def test_a_smoke_test_is_asked_again_until_there_is_an_answer() -> None:
    result = analyse({"http": {"url": CLOSED}, "deadline": "1.2s"})
    assert result["verdict"] == "inconclusive"
    assert len(result["metrics"][0]["measurements"]) > 1
    assert f"GET {CLOSED}" in result["msg"]


def test_a_number_in_json_is_measured() -> None:
    depths = {"green": 5, "blue": 4}

    def answer(request: Request) -> tuple[int, Any]:
        return 200, {"queue": {"depth": depths[request.path.strip("/")]}}

    with web(answer) as url:
        gate = {"http": {"url": f"{url}/$version", "value": "queue.depth", "judge": {"max_difference_to_live": 1}}}
        assert analyse(gate)["verdict"] == "pass"
        depths["green"] = 9
        assert analyse(gate)["verdict"] == "fail"
        missing = {"http": {**gate["http"], "value": "queue.length"}}
        result = analyse(missing, deadline=0)
    assert result["msg"].startswith("http: candidate: queue.length gives None in the answer, and no number")


def test_a_failure_ends_the_others_at_once() -> None:
    with prometheus(by_version(green=5, blue=1)) as url:
        begun = time.monotonic()
        result = analyse(
            {"name": "slow", **store(url, {"fail_when": "candidate > `9`"})},
            {"name": "bad", **store(url, {"fail_when": "candidate > `2`"})},
            window=60,
        )
        took = time.monotonic() - begun
    assert took < 2
    assert result["verdict"] == "fail"
    assert (found(result, "bad")["finished"], found(result, "slow")["finished"]) == (True, False)
    assert "slow" not in result["msg"]


def test_a_server_that_hangs_keeps_nobody_from_failing() -> None:
    hang = threading.Event()

    def answer(request: Request) -> tuple[int, Any]:
        hang.wait(10)
        return 200, {}

    with web(answer) as slow, prometheus(by_version(green=5)) as url:
        begun = time.monotonic()
        result = analyse(
            {"name": "hangs", "http": {"url": slow}},
            {"name": "bad", **store(url, {"fail_when": "candidate > `2`"}, query='x{v="green"}')},
            window=60,
        )
        took = time.monotonic() - begun
        hang.set()
    assert took < 2
    assert found(result, "hangs")["reason"] == "it had not begun when the analysis ended"
    assert result["verdict"] == "fail"


def test_on_fail_is_read_before_anything_is_judged() -> None:
    samples = {"samples": {"candidate": [5]}, "judge": {"fail_when": "candidate > `1`"}}
    result = analyse(samples, on_fail=[{"name": "web", "namespace": "prod"}])
    assert (result["msg"], "verdict" in result) == (
        "on_fail: weights: is required, here or in each of the routes: {blue: 90, green: 10}",
        False,
    )
    result = analyse(samples, on_fail=[{"name": "web", "wait": 5, "weights": {"blue": 100}}])
    assert result["msg"].startswith("on_fail: ")
    assert {"namespace", "wait"} <= set(re.findall(r"\w+", result["msg"]))


@pytest.mark.parametrize(("limit", "verdict"), [(1, "fail"), (9, "pass")])
def test_what_cannot_be_written_on_a_failure_leaves_the_verdict_as_it_is(limit: int, verdict: str) -> None:
    samples = {"samples": {"candidate": [5]}, "judge": {"fail_when": f"candidate > `{limit}`"}}
    routes = [{"name": "web", "namespace": "prod", "weights": {"blue": 100, "green": 0}}]
    result = analyse(samples, on_fail=routes, host=CLOSED, api_key="sesame", kubeconfig={"current-context": ""})
    assert (result["verdict"], result["changed"]) == (verdict, False)
    warned = [warning.partition(":")[0] for warning in result.get("warnings", [])]
    assert warned == (["on_fail"] if verdict == "fail" else [])


def test_all_that_is_wrong_is_told_the_worst_first() -> None:
    samples = [
        {"name": "unknown", "samples": {"candidate": [float("nan")]}, "judge": {"fail_when": "candidate > `1`"}},
        {"name": "bad", "samples": {"candidate": [5]}, "judge": {"fail_when": "candidate > `1`"}},
    ]
    result = analyse(*samples)
    assert result["verdict"] == "fail"
    assert result["msg"].startswith("bad: candidate 5; fail_when holds: candidate > `1`; look at the candidate's log")


def test_what_was_measured_is_judged_again_to_the_same_verdict() -> None:
    with prometheus(of_counts((400, 1000), (3, 3000))) as url:
        first = analyse(counted(url, max_ratio_to_live=1.2))
    again = analyse({"samples": first["metrics"][0]["measurements"], "judge": {"max_ratio_to_live": 1.2}})
    for key in ("verdict", "reason", "statistics", "measurements"):
        assert again["metrics"][0][key] == first["metrics"][0][key]
    assert again["verdict"] == "fail"


def test_the_window_begins_when_the_data_plane_follows() -> None:
    followed: list[float] = []
    asked: list[float] = []

    def value(request: Request) -> float:
        asked.append(time.monotonic())
        return 1.0

    with entry({"blue": 1.0, "green": 0.0}) as running, prometheus(value) as url:

        def follow(requests: int) -> None:
            if requests == 200:
                running.weights = {"blue": 0.5, "green": 0.5}
                followed.append(time.monotonic())

        running.on_request = follow
        result = analyse(
            {"probe": {"url": running.url, "rate": 1000, "identify": {"header": "app-version"}}},
            store(url, {"pass_when": "candidate < `2`"}, query="x"),
            service="web",
            expect={"weights": {"blue": 50, "green": 50}, "tolerance": 10},
            window="300ms",
        )
    assert result["verdict"] == "pass"
    assert followed
    assert asked[0] > followed[0]
    assert [item["at"] for item in found(result, "prometheus")["measurements"]][-1] >= 0.3


def test_a_data_plane_that_does_not_follow_fails_before_anything_is_measured() -> None:
    with entry({"blue": 1.0, "green": 0.0}) as running:
        result = analyse(
            {"probe": {"url": running.url, "rate": 1000}},
            {"http": {"url": running.url}},
            service="web",
            expect={"weights": {"blue": 50, "green": 50}},
            deadline="1s",
        )
    assert (result["verdict"], found(result, "probe")["verdict"]) == ("fail", "fail")
    assert found(result, "http") == {
        "name": "http",
        "kind": "http",
        "verdict": "inconclusive",
        "reason": "nothing was measured",
        "remedy": "look at its source, or give the step a longer pause",
        "measurements": [],
        "statistics": {},
        "finished": False,
    }


def probe_judged(weights: dict[str, int], judge: dict[str, Any], **answers: Any) -> dict[str, Any]:
    with entry(weights, **answers) as running:
        return analyse(
            {"probe": {"url": running.url, "rate": 300, "judge": judge}},
            service="web",
            expect={"weights": weights, "tolerance": 15},
            window="1s",
            deadline="20s",
        )


def test_a_probe_goes_on_to_judge_errors() -> None:
    judge = {"max_ratio_to_live": 1.2, "min_samples": 100}
    assert probe_judged({"blue": 50, "green": 50}, judge)["verdict"] == "pass"
    bad = Given(500, {"app-version": "web-green"})
    result = probe_judged({"blue": 50, "green": 50}, judge, green=bad)
    assert result["verdict"] == "fail"
    assert "known to be worse" in result["msg"]
    again = analyse({"samples": result["metrics"][0]["measurements"], "judge": judge})
    assert again["metrics"][0]["statistics"] == result["metrics"][0]["statistics"]


def test_a_probe_goes_on_to_judge_latency() -> None:
    judge = {"not_slower": {"quantile": 0.5, "by": 1.5}}
    slow = Given(200, {"app-version": "web-green"}, delay=0.3)
    result = probe_judged({"blue": 50, "green": 50}, judge, green=slow)
    assert result["verdict"] == "fail"
    assert "times live's" in result["msg"]


def test_a_version_without_traffic_is_not_compared() -> None:
    result = probe_judged({"blue": 0, "green": 100}, {"max_ratio_to_live": 1.2})
    assert result["verdict"] == "pass"
    assert "errors and latency are not judged" in result["reason"]


@pytest.mark.parametrize(
    ("metrics", "options", "message"),
    [
        ([], {}, "metrics: there is nothing to judge by"),
        ([{"tasks": "a.yml"}], {}, "metrics.tasks: a gate of tasks is run by the roles"),
        ([{"pods": {}}], {}, "metrics.pods.pods: names no workloads and no service, and watch is empty"),
        ([], {"watch": [{"version": "green"}]}, "watch: there is nothing to watch"),
        ([{"http": {"url": CLOSED}}], {"window": "x"}, 'window: expected a duration such as 90, "90s"'),
        ([{"http": {"url": CLOSED}}], {"interval": 0}, "interval: expected 0.1s or more, got 0s"),
        ([store(CLOSED, {"max_ratio_to_live": 1})], {"live": None}, "live: is required: prometheus compares"),
        ([store(CLOSED, {"fail_when": "candidate > `1`"})], {"candidate": None}, "candidate: is required"),
        ([{"probe": {"url": CLOSED}}], {}, "probe: which share is wanted? name the weights in expect.weights"),
    ],
)
def test_what_cannot_be_judged_is_refused(metrics: list[Any], options: dict[str, Any], message: str) -> None:
    assert message in analyse(*metrics, **options)["msg"]


def test_check_mode_judges_nothing() -> None:
    result = analyse({"http": {"url": CLOSED}}, check_mode=True)
    assert result == {"changed": False, "metrics": [], "reason": "check mode: 1 gates are not judged"}


def test_before_traffic_moves_it_is_seen_what_cannot_be_asked() -> None:
    with prometheus(lambda request: [1, 2] if "many" in request.query["query"] else None) as url:
        judge = {"fail_when": "candidate > `1`"}
        fine = analyse({"name": "no data yet", **store(url, judge)}, preflight=True)
        result = analyse(
            {"name": "many", **store(url, judge, query='many{v="$version"}')},
            {"name": "down", **store(CLOSED, judge)},
            {"name": "closed", "http": {"url": CLOSED}},
            {"name": "fine", **store(url, judge)},
            preflight=True,
        )
    assert fine["problems"] == []
    assert "failed" not in fine
    assert [problem.split(":")[0] for problem in result["problems"]] == ["many", "down", "closed"]
    assert "verdict" not in result


def test_secrets_are_kept_out_of_the_output() -> None:
    gates = [
        {"http": {"url": CLOSED, "headers": {"Authorization": "Bearer abc", "accept": "text/html"}}},
        {"job": {"image": "a", "env": {"PASSWORD": "hunter2-hunter2", "LEVEL": "1"}}},
        {
            "name": "manifest",
            "job": {
                "manifest": {
                    "spec": {
                        "template": {
                            "spec": {"containers": [{"name": "a", "env": [{"name": "KEY", "value": "very-secret"}]}]}
                        }
                    }
                }
            },
        },
    ]
    task = Task(metrics=gates, check_mode=True)
    with pytest.raises(Left):
        analysis.run(task)
    assert task.no_log_values == {"Bearer abc", "hunter2-hunter2", "very-secret"}


def test_a_mistake_of_ours_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> NoReturn:
        raise ZeroDivisionError

    with prometheus(by_version(green=1)) as url:
        gate = store(url, {"fail_when": "candidate > `1`"}, query="x")
        task = Task(metrics=[gate], candidate="green")
        monkeypatch.setattr("json.JSONDecoder.decode", broken)
        with pytest.raises(ZeroDivisionError):
            analysis.run(task)


PROXIES = {"proxies": {"namespace": "edge", "selector": "app=entry"}}


@pytest.mark.parametrize("more", [{"drained": True}, {"expect": {"weights": {"blue": 0, "green": 100}}}])
def test_proxies_have_to_know_what_the_versions_are_called(more: dict[str, Any]) -> None:
    result = analyse({**PROXIES, **more}, host=CLOSED, api_key="sesame", kubeconfig={"current-context": ""})
    assert "verdict" not in result
    assert result["msg"].startswith("metrics.proxies.backends: is required: ")


def test_what_a_share_gate_is_to_see_goes_for_every_gate_of_its_service() -> None:
    asked: list[str] = []

    def value(request: Request) -> float:
        asked.append("before" if "time" in request.query else "now")
        return 1.0

    share = {"samples": {"candidate": [1]}, "judge": {"fail_when": "candidate > `1`"}}
    share["expect"] = {"weights": {"blue": 0, "green": 100}}
    with prometheus(value) as url:
        result = analyse(share, {"service": "web", **store(url, {"max_ratio_to_live": 2})}, service="web")
    assert (result["verdict"], sorted(asked)) == ("pass", ["before", "now"])


@pytest.mark.parametrize(("method", "sent"), [("GET", 1), ("HEAD", 1), ("POST", 0), ("DELETE", 0)])
def test_before_traffic_moves_nothing_is_done_by_a_request(method: str, sent: int) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> tuple[int, Any]:
        seen.append(request)
        return 200, {}

    with web(answer) as url:
        assert analyse({"http": {"url": url, "method": method}}, preflight=True)["problems"] == []
    assert len(seen) == sent


def test_before_traffic_moves_counters_are_asked_for_by_the_shares_that_are_wanted() -> None:
    asked: list[str] = []

    def value(request: Request) -> Any:
        asked.append(request.query["query"])

    with prometheus(value) as url:
        gate = {"telemetry": {"url": url, "query": 'x{service="$service",v="$version"}'}}
        nobody = {"candidate": None, "live": None}
        weights = {"weights": {"v1": 50, "v2": 25, "v3": 25}}
        assert analyse(gate, preflight=True, service="web", expect=weights, **nobody)["problems"] == []
        told = analyse(gate, preflight=True, **nobody)
    assert told["problems"] == ["telemetry: which share is wanted? name the weights in expect.weights"]
    assert len(asked) == 1
    assert all(f'x{{service="web",v="v{number}"}}' in asked[0] for number in (1, 2, 3))


def test_one_answer_is_waited_for_as_long_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "RETRY", 0.1)
    gate = {"http": {"url": CLOSED}, "deadline": "20s"}
    result = analyse({**gate, "judge": {"pass_when": "status == `200`", "consecutive_errors": 1}})
    assert (result["verdict"], result["waited"] < 10) == ("inconclusive", True)
    assert "(2 times in a row)" in result["msg"]
    again = analyse(
        {
            "samples": result["metrics"][0]["measurements"],
            "judge": {"fail_when": "candidate > `1`", "consecutive_errors": 1},
        }
    )
    assert again["metrics"][0]["statistics"] == result["metrics"][0]["statistics"]
    patient = analyse({**gate, "deadline": "1s"})
    assert len(patient["metrics"][0]["measurements"]) > 5


@pytest.mark.parametrize(
    ("gate", "secrets"),
    [
        ({"http": {"url": CLOSED, "body": {"env": "production"}}}, set()),
        ({"http": {"url": CLOSED, "body": {"env": ["production"]}}}, set()),
        ({"http": {"url": CLOSED, "body": {"env": 5}}}, set()),
        ({"job": {"image": "a", "env": ["PASSWORD=hunter2-hunter2"]}}, {"hunter2-hunter2"}),
        ({"http": {"url": CLOSED, "headers": {"X-Vault-Token": "hvs.secret"}}}, {"hvs.secret"}),
        ({"http": {"url": CLOSED, "headers": {"Private-Token": "glpat-1"}}}, {"glpat-1"}),
        ({"http": {"url": CLOSED, "headers": {"apikey": "abc"}}}, {"abc"}),
        ({"http": {"url": CLOSED, "headers": {"Authorization": "Bearer s3cr3t"}}}, {"Bearer s3cr3t", "s3cr3t"}),
    ],
)
def test_what_may_be_secret_is_known_by_where_it_stands(gate: dict[str, Any], secrets: set[str]) -> None:
    task = Task(metrics=[gate], check_mode=True)
    with pytest.raises(Left):
        analysis.run(task)
    assert task.no_log_values == secrets
