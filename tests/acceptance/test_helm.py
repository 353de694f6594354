# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions that are Helm releases: installed by Helm, moved between by us, uninstalled by Helm."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import yaml

from tests.acceptance import objects
from tests.acceptance.cluster import Cluster, Json
from tests.acceptance.playbooks import Playbooks
from tests.acceptance.traffic import ROOT, Gateway, Load, nothing_failed

CHART = ROOT / "examples" / "istio-helm" / "chart"
IMAGE = "registry.example.com/telephone"


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A copy of the example's chart, to be edited."""
    return Path(shutil.copytree(CHART, tmp_path / "chart"))


def release(namespace: str, chart: Path, green: Json | None = None) -> Json:
    spec = objects.release(namespace, steps=[50, 100], pause="0s")
    versions = {
        name: {
            "helm": {"chart": str(chart), "release_name": name, "values": {"image": f"{IMAGE}:{name}", "replicas": 1}}
        }
        for name in ("blue", "green")
    }
    versions["green"]["helm"] |= green or {}
    service = spec["services"].pop("web")
    return {**spec, "services": {"telephone": {**service, "versions": versions}}}


def helm_releases(namespace: str) -> dict[str, str]:
    """The Helm releases of a namespace, with their states."""
    command = ["helm", "list", "--all", "--namespace", namespace, "--output", "json"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {item["name"]: item["status"] for item in json.loads(listed)}


def test_helm_installs_each_version_and_takes_it_down(
    playbooks: Playbooks,
    cluster: Cluster,
    gateway: Gateway,
    namespace: str,
    host: str,
    chart: Path,
    traffic_to: Callable[[str], AbstractContextManager[Load]],
    tell: Callable[[str], None],
) -> None:
    spec = release(namespace, chart)
    playbooks.run("release", spec).succeeded()
    assert helm_releases(namespace) == {"blue": "deployed"}
    gateway.wait_until_served(host)
    with traffic_to(host) as load:
        predicted = playbooks.run("release", {**spec, "to": "green"}, "--check").succeeded()
        assert predicted.changed > 0
        assert helm_releases(namespace) == {"blue": "deployed"}
        playbooks.run("release", {**spec, "to": "green"}).succeeded()
        assert helm_releases(namespace) == {"green": "deployed"}
        assert cluster.names("deployments,services", namespace) == {
            "deployment.apps/telephone-green",
            "service/telephone-green",
        }
        playbooks.run("release", {**spec, "to": "green"}).unchanged()
        asleep = {**spec, "to": "blue", "retire": "scale_to_zero"}
        playbooks.run("release", asleep).succeeded()
        assert cluster.get("deployment", namespace, "telephone-green")["spec"]["replicas"] == 0
        # Helm has nothing to do for it, and its pods are there again.
        playbooks.run("release", {**asleep, "to": "green"}).succeeded()
        assert cluster.weights(namespace, "telephone") == {"telephone-green": 100}
        assert helm_releases(namespace) == {"blue": "deployed", "green": "deployed"}
    tell(nothing_failed(load))


def test_what_a_chart_cannot_be_is_refused_before_anything_is_touched(
    playbooks: Playbooks, cluster: Cluster, namespace: str, chart: Path
) -> None:
    before = cluster.versions(namespace)
    green = "bluegreen.services.telephone.versions.green"
    template = chart / "templates" / "broken.yaml"
    template.write_text("kind: {{ .Values.missing.kind }}")
    playbooks.run("release", release(namespace, chart)).refused("telephone.versions.blue.helm", "nil pointer")
    template.unlink()
    both = release(namespace, chart)
    both["services"]["telephone"]["versions"]["green"]["image"] = IMAGE
    playbooks.run("release", both).refused(f"{green}: expected just one of", "got image and helm")
    playbooks.run("release", release(namespace, chart, {"chart": "./nowhere"})).refused(
        f"{green}.helm.chart: there is no chart"
    )
    playbooks.run("release", release(namespace, chart, {"chart": "charts/web"})).refused(
        f"{green}.helm.version: is required"
    )
    assert cluster.versions(namespace) == before
    assert helm_releases(namespace) == {}


def test_a_chart_that_changed_under_the_same_version_is_told(
    playbooks: Playbooks, cluster: Cluster, namespace: str, chart: Path, tmp_path: Path
) -> None:
    spec = {**release(namespace, chart), "retire": {"keep": "1h"}}
    playbooks.run("release", spec).succeeded()
    playbooks.run("deploy", {**spec, "to": "green"}).succeeded()
    template = chart / "templates" / "version.yaml"
    template.write_text(template.read_text().replace("maxUnavailable: 0", "maxUnavailable: 1"))
    blue = spec["services"]["telephone"]["versions"]["blue"]["helm"]
    # Blue is live, and what it was made of is not to change: it stays with the chart that it had.
    blue["chart"] = str(shutil.copytree(CHART, tmp_path / "before"))
    playbooks.run("deploy", {**spec, "to": "green"}).refused("green.helm: the chart makes other objects", "Chart.yaml")
    chart_file = chart / "Chart.yaml"
    chart_file.write_text(yaml.safe_dump({**yaml.safe_load(chart_file.read_text()), "version": "1.0.1"}))
    playbooks.run("deploy", {**spec, "to": "green"}).succeeded()
    standing = cluster.get("deployment", namespace, "telephone-green")["spec"]["strategy"]["rollingUpdate"]
    assert standing["maxUnavailable"] == 1
