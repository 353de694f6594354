# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages one by one: what stands in the way of each is said before it writes, and what a user brings is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json, until
from tests.acceptance.playbooks import Playbooks, Run


@pytest.fixture
def spec(playbooks: Playbooks, namespace: str) -> Json:
    """A release to green, where blue is installed."""
    spec = objects.release(namespace, to="green")
    playbooks.run("release", {**spec, "to": "blue"}).succeeded()
    return spec


def outcomes(run: Run, name: str) -> list[str]:
    return [task.outcome for task in run.tasks if task.name.endswith(name)]


class TestTasksOfTheUsersOwn:
    """A gate of tasks, in a file with a relative path."""

    @staticmethod
    def gated(spec: Json, path: str) -> Json:
        return {**spec, "gates": [{"name": "orders", "tasks": path}]}

    def test_are_found_where_ansible_was_started(
        self, playbooks: Playbooks, cluster: Cluster, spec: Json, tmp_path: Path
    ) -> None:
        judged = {"name": "Look at the orders", "ansible.builtin.set_fact": {"orders": "{{ bluegreen_step.percent }}"}}
        (tmp_path / "gates").mkdir()
        (tmp_path / "gates" / "orders.yml").write_text(yaml.safe_dump([judged]))
        run = playbooks.run("release", self.gated(spec, "gates/orders.yml")).succeeded()
        assert outcomes(run, "Look at the orders") == ["skipped", "ok", "ok"]
        assert set(cluster.weights(spec["namespace"])) == {"web-green"}

    def test_that_are_not_there_end_the_release_before_it_writes(
        self, playbooks: Playbooks, cluster: Cluster, spec: Json
    ) -> None:
        before = cluster.versions(spec["namespace"])
        playbooks.run("release", self.gated(spec, "gates/orders.yml")).refused(
            "orders: there is no file gates/orders.yml in ", "put it into one of these places"
        )
        assert cluster.versions(spec["namespace"]) == before

    def test_that_cannot_be_read_end_it_too(
        self, playbooks: Playbooks, cluster: Cluster, spec: Json, tmp_path: Path
    ) -> None:
        (tmp_path / "orders.yml").write_text("- name: No task\n  no_such_module_anywhere: {}\n")
        before = cluster.versions(spec["namespace"])
        run = playbooks.run("release", self.gated(spec, "orders.yml"))
        assert run.code != 0, run.output
        assert "no_such_module_anywhere" in run.output
        assert cluster.versions(spec["namespace"]) == before

    def test_that_go_under_way_take_the_release_back(
        self, playbooks: Playbooks, cluster: Cluster, spec: Json, tmp_path: Path
    ) -> None:
        gate = tmp_path / "orders.yml"
        task = {"name": "Go", "ansible.builtin.file": {"path": str(gate), "state": "absent"}}
        gate.write_text(yaml.safe_dump([task]))
        before = cluster.route(spec["namespace"])["spec"]
        playbooks.run("release", self.gated(spec, "orders.yml")).refused("Run the gates that are tasks")
        assert cluster.route(spec["namespace"])["spec"] == before


def test_a_stage_before_its_time_says_what_comes_first(playbooks: Playbooks, cluster: Cluster, spec: Json) -> None:
    before = cluster.versions(spec["namespace"])
    for stage in ("verify", "shift", "promote"):
        playbooks.run(stage, spec).refused("the release to green has not begun: run the playbook deploy first")
        checked = playbooks.run(stage, spec, "--check").unchanged()
        assert "the release to green has not begun" in " ".join(checked.output.split())
    assert cluster.versions(spec["namespace"]) == before
    playbooks.run("deploy", spec).succeeded()
    playbooks.run("verify", spec).succeeded()


def test_every_stage_says_that_a_rollback_was_begun(playbooks: Playbooks, spec: Json) -> None:
    playbooks.run("deploy", spec).succeeded()
    playbooks.run("shift", spec, bluegreen_percent=50).succeeded()
    rolling_back = {"release": "web", "namespace": spec["namespace"], "entry": {"event": "rolling_back"}}
    playbooks.task("release_record", rolling_back).succeeded()
    for stage in ("deploy", "verify", "shift", "promote"):
        playbooks.run(stage, spec).refused("a rollback from green was begun: run the playbook rollback")
    playbooks.run("rollback", spec).succeeded()
    playbooks.run("deploy", spec).succeeded()


def test_the_status_of_what_may_not_go_on(playbooks: Playbooks, spec: Json) -> None:
    playbooks.run("deploy", spec).succeeded()
    playbooks.run("shift", spec, bluegreen_percent=50).succeeded()
    spec["services"]["web"]["versions"]["green"]["image"] = "registry.example.com/web:1.6"
    run = playbooks.run("status", spec).succeeded()
    said = run.tasks[-1].result["msg"]
    assert (said["state"], said["candidate"]) == ("shifted", "green at 50 %")
    assert said["refused"].startswith("the specification of green has changed since it got traffic")


@contextmanager
def only(cluster: Cluster, namespace: str, group: str, kind: str, expression: str) -> Iterator[None]:
    """Nothing of a kind may be updated in the namespace but as the expression says."""
    name = f"deny-{namespace}"
    meta: Json = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rule = {"apiGroups": [group], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": [kind]}
    spaces = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = {
        **meta,
        "kind": "ValidatingAdmissionPolicy",
        "spec": {
            "matchConstraints": {"resourceRules": [rule], "namespaceSelector": spaces},
            "validations": [{"expression": expression, "message": "not today"}],
        },
    }
    bound = {"policyName": name, "validationActions": ["Deny"]}
    binding = {**meta, "kind": "ValidatingAdmissionPolicyBinding", "spec": bound}
    cluster.apply([policy, binding])
    try:
        yield
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            assert cluster.kubectl("delete", kind, name).returncode == 0


def test_the_weights_go_back_though_live_may_not_be_scaled_up(
    playbooks: Playbooks, cluster: Cluster, spec: Json
) -> None:
    namespace = spec["namespace"]
    before = cluster.route(namespace)["spec"]
    playbooks.run("deploy", spec).succeeded()
    playbooks.run("shift", spec, bluegreen_percent=50).succeeded()
    scale = ("scale", "deployment/web-blue", "-n", namespace)
    assert cluster.kubectl(*scale, "--replicas=1").returncode == 0
    cluster.wait_until_ready(namespace, "web-blue")
    small = "object.metadata.name != 'web-blue' || object.spec.replicas < 2"
    with only(cluster, namespace, "apps", "deployments", small):
        again = ("patch", "deployment/web-blue", "-n", namespace, "-p", '{"spec":{"replicas":2}}', "--dry-run=server")
        until(lambda: cluster.kubectl(*again).returncode, "the policy holds")
        run = playbooks.run("rollback", spec).succeeded()
    assert cluster.route(namespace)["spec"] == before
    said = [str(task.result.get("msg")) for task in run.tasks if task.name.endswith("Say what was denied")]
    assert len(said) == 1
    assert "not today" in said[0]


def test_what_went_wrong_first_is_said_though_the_way_back_fails_too(
    playbooks: Playbooks, cluster: Cluster, spec: Json, tmp_path: Path
) -> None:
    namespace = spec["namespace"]
    gate = tmp_path / "orders.yml"
    gate.write_text(yaml.safe_dump([{"name": "Look", "ansible.builtin.fail": {"msg": "the orders are wrong"}}]))
    gated = {**spec, "gates": [{"name": "orders", "tasks": str(gate)}]}
    away = "oldObject.spec.http[0].route[0].weight != 50 || object.spec.http[0].route[0].weight == 50"
    with only(cluster, namespace, "networking.istio.io", "virtualservices", away):
        playbooks.run("release", gated).refused(
            "Look: the orders are wrong; the way back is not finished: ", "not today"
        )
    playbooks.run("rollback", gated).succeeded()
