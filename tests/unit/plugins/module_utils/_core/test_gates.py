# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gates: what is read of them, and what is refused with which path."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.gates import Gate, distinct, read_gates
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.sources import (
    Exec,
    Http,
    Job,
    Pods,
    Prometheus,
)

URL = "http://prometheus:9090"
BY_VERSION = 'up{version="$version"}'
JUDGED = {"fail_when": "candidate > `1`"}


def read(*entries: Any, samples: bool = False) -> tuple[Gate, ...]:
    return read_gates(list(entries), "gates", samples)


def refusal(*entries: Any) -> str:
    with pytest.raises(SpecError) as refused:
        read(*entries)
    return refused.value.message


def prometheus(**keys: Any) -> dict[str, Any]:
    return {"prometheus": {"url": URL, "query": BY_VERSION, "judge": JUDGED, **keys}}


def http(**keys: Any) -> dict[str, Any]:
    return {"http": {"url": "http://web/", **keys}}


@pytest.mark.parametrize(
    ("entry", "kind", "options"),
    [
        ({"pods": {"max_restarts": 2}}, "pods", Pods(max_restarts=2)),
        ({"exec": {"command": ["true"]}}, "exec", Exec(command=("true",))),
        ({"job": {"image": "test:1", "args": ["--all"]}}, "job", Job(image="test:1", args=("--all",))),
        (http(status=[200, 204]), "http", Http(url="http://web/", status=(200, 204))),
        ({"tasks": "smoke.yml"}, "tasks", "smoke.yml"),
    ],
)
def test_each_kind_is_read(entry: dict[str, Any], kind: str, options: Any) -> None:
    (gate,) = read(entry)
    assert (gate.kind, gate.name, gate.options) == (kind, kind, options)


def test_a_judge_stands_in_its_source_or_beside_it() -> None:
    beside = {"prometheus": {"url": URL, "query": BY_VERSION}, "judge": JUDGED}
    assert [gate.judge for gate in read(prometheus())] == [gate.judge for gate in read(beside)]
    assert refusal({**prometheus(), "judge": JUDGED}) == (
        "gates[0].judge: stands in gates[0].prometheus.judge too; one is enough"
    )


def test_the_plain_form_is_read_again_as_the_same() -> None:
    entry = {**prometheus(), "deadline": "2m", "service": "web", "expect": {"weights": {"blue": 75, "green": 25}}}
    (gate,) = read(entry)
    plain = json.loads(json.dumps(gate.plain()))
    assert plain == {"name": "prometheus", **entry}
    assert read(plain) == (gate,)


def test_a_gate_without_a_name_is_called_after_its_kind_and_numbered() -> None:
    gates = read({"pods": {}}, {"name": "pods-2", "pods": {}}, {"pods": {}}, {"pods": {}})
    assert [gate.name for gate in gates] == ["pods", "pods-2", "pods-3", "pods-4"]


def test_a_name_that_was_given_stays_with_its_gate() -> None:
    assert [gate.name for gate in read({"pods": {}}, {"name": "pods", "pods": {}})] == ["pods-2", "pods"]
    (unnamed,), (named, numbered) = read({"pods": {}}), read({"name": "pods", **http()}, {"name": "pods-2", **http()})
    assert [gate.name for gate in distinct([unnamed, named, numbered])] == ["pods-3", "pods", "pods-2"]
    assert [gate.name for gate in distinct([named, named, unnamed])] == ["pods", "pods-2", "pods-3"]


def test_a_name_is_given_once() -> None:
    message = refusal({"name": "smoke", "pods": {}}, {"name": "smoke", **http()})
    assert message == 'gates[1].name: "smoke" is the name of gates[0] too; names are unique'


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "x"}, "gates[0]: expected just one source, of probe, "),
        ({"pods": {}, **http()}, "gates[0]: expected just one source, of probe, "),
        ({"pods": {"max_restart": 1}}, "gates[0].pods.max_restart: unknown key; did you mean max_restarts?"),
        ({"pods": {}, "deadlin": 5}, "gates[0].deadlin: unknown key; did you mean deadline?"),
        ({"pods": {}, "judge": JUDGED}, "gates[0].judge: this source judges by itself; leave the judge out"),
        (prometheus(judge=None), "gates[0].prometheus.judge: is required: what is measured is nothing without"),
        (prometheus(judge={}), "gates[0].prometheus.judge.pass_when: is required, or another of pass_when,"),
        (prometheus(query=None), "gates[0].prometheus: expected either query, or errors and total"),
        (prometheus(errors="e"), "gates[0].prometheus: expected either query, or errors and total"),
        (prometheus(query=None, errors="e"), "gates[0].prometheus.total: is required"),
        (
            prometheus(query="up", judge={"max_ratio_to_live": 1.2}),
            "gates[0].prometheus.judge: compares the candidate with live, but $version stands nowhere",
        ),
        (http(value="depth"), "gates[0].http.judge: is required"),
        (http(value="depth["), 'gates[0].http.value: "depth[" is no valid JMESPath'),
        (http(status=[20]), "gates[0].http.status[0]: expected integer from 100 to 599, got 20"),
        (http(url="web"), 'gates[0].http.url: expected http://… or https://…, got "web"'),
        (http(judge={"max_ratio_to_live": 2}), "gates[0].http.judge.max_ratio_to_live: cannot be judged from"),
        ({"exec": {}}, "gates[0].exec.command: is required"),
        ({"exec": {"command": ["x"], "pod": "a", "selector": "b"}}, "gates[0].exec.selector: stands beside pod"),
        ({"job": {}}, "gates[0].job.image: is required"),
        ({"job": {"manifest": {"kind": "Pod"}}}, "gates[0].job.manifest.kind: expected a Job of batch/v1"),
        ({"job": {"manifest": {"spec": {}}}}, "gates[0].job.manifest.spec.template.spec.containers: is required"),
        ({"job": {"image": "a", "manifest": {"spec": {}}}}, "gates[0].job.image: stands beside manifest"),
        ({"samples": {"candidate": [1]}, "judge": JUDGED}, "gates[0]: expected just one source"),
        ({"pods": {}, "expect": {"tolerance": 0}}, "gates[0].expect.tolerance: expected a number > 0 and < 100, got 0"),
        ({"pods": {}, "expect": {"weights": {"blue": 9}}}, "gates[0].expect.weights"),
        ("pods", 'gates[0]: expected a mapping, got "pods"'),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(entry: Any, message: str) -> None:
    assert refusal(entry).startswith(message)


def test_gates_are_a_list() -> None:
    with pytest.raises(SpecError, match="gates: expected a list of gates"):
        read_gates({"pods": {}}, "gates")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("candidate < 0.5", "is no valid JMESPath"),
        ("candidate <", "is no valid JMESPath"),
        ("candidate", "gives 1.0 and not true or false"),
        ("candidat < `1`", "gives None and not true or false"),
        ("'always'", "gives 'always' and not true or false"),
    ],
)
def test_a_condition_that_decides_nothing_is_refused(condition: str, message: str) -> None:
    found = refusal(prometheus(judge={"pass_when": condition}))
    assert found.startswith(f'gates[0].prometheus.judge.pass_when: "{condition}" {message}')
    assert "candidate < `0.01`" in found


@pytest.mark.parametrize(
    ("judge", "compares"),
    [
        ({"pass_when": "candidate < `1`"}, False),
        ({"pass_when": "candidate < `1`", "fail_when": "candidate > `2` || ratio > `3`"}, True),
        ({"pass_when": "avg(values) < `1`"}, False),
        ({"pass_when": "candidate <= live"}, True),
        ({"max_difference_to_live": 0}, True),
    ],
)
def test_a_judge_knows_whether_it_compares_with_live(judge: dict[str, Any], compares: bool) -> None:
    (gate,) = read(prometheus(judge=judge))
    assert gate.judge is not None
    assert gate.judge.compares is compares


def test_the_names_in_an_answer_are_not_ours() -> None:
    (gate,) = read(http(judge={"pass_when": "json.live == `true`"}))
    assert gate.judge is not None
    assert not gate.judge.compares


def test_a_judge_keeps_what_needs_no_live() -> None:
    judge = {"pass_when": "candidate < `1`", "fail_when": "ratio > `2`", "max_ratio_to_live": 1.5}
    (gate,) = read(prometheus(judge=judge))
    assert gate.judge is not None
    alone = gate.judge.without_live()
    assert alone is not None
    assert (alone.pass_when, alone.fail_when, alone.max_ratio_to_live) == (gate.judge.pass_when, None, None)
    (comparing,) = read(prometheus(judge={"max_ratio_to_live": 1.5}))
    assert comparing.judge is not None
    assert comparing.judge.without_live() is None


def test_counts_are_asked_for_with_two_queries() -> None:
    (gate,) = read(prometheus(query=None, errors="e", total='t{v="$version"}', judge={"max_ratio_to_live": 1.2}))
    assert isinstance(gate.options, Prometheus)
    assert (gate.options.errors, gate.judge and gate.judge.shape) == ("e", "counts")


def test_a_deadline_is_that_of_the_gate_its_kind_or_the_analysis() -> None:
    pods, job, short = read({"pods": {}}, {"job": {"image": "a"}}, {"name": "b", "job": {"image": "b"}, "deadline": 8})
    assert [gate.deadline_or(30.0) for gate in (pods, job, short)] == [30.0, 600.0, 8.0]


def test_what_a_gate_is_about_may_differ_from_the_analysis() -> None:
    (gate,) = read(
        {
            "proxies": {"selector": "app=gateway", "namespace": "istio-system"},
            "service": "api",
            "backends": {"green": [{"host": "api-green.prod.svc.cluster.local"}, {"host": "api", "subset": "green"}]},
            "hosts": ["api.example.com"],
            "expect": {"weights": {"blue": 95, "green": 5}, "tolerance": 2},
        }
    )
    assert gate.place.service == "api"
    assert gate.place.backends == {"green": (("api-green.prod.svc.cluster.local", None), ("api", "green"))}
    assert (gate.place.hosts, gate.place.expect.weights) == (("api.example.com",), {"blue": 95, "green": 5})
    assert gate.is_share
