# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is built for a release whose candidate goes to another place in the end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import Release, read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.taking import taking
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._programs.sources import build

from tests.unit.releases import web

# A chart whose objects are called after the Helm release, or a kustomization called after its directory.
PROGRAM = """
import json, sys
given = json.load(sys.stdin) if "--values" in sys.argv else {}
pods = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web"}]}}
spec = {"selector": {"matchLabels": {"app": "web"}}, "template": pods}
called = {"given": json.dumps(given), "called": " ".join(sys.argv[1:])}
name = sys.argv[2] if sys.argv[1] == "template" else "web"
metadata = {"name": name, "annotations": called}
print(json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}))
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chart and two kustomizations, and the only programs on PATH, which build them."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    for name in ("helm", "kustomize"):
        (programs / name).write_text(f"#!{sys.executable}\n{PROGRAM}")
        (programs / name).chmod(0o755)
    for folder in ("chart", "old", "new"):
        (tmp_path / folder).mkdir()
    (tmp_path / "chart" / "Chart.yaml").write_text("name: web\n")
    return tmp_path


def read(directory: Path, prod: dict[str, Any], stage: dict[str, Any]) -> Release:
    versions = {"prod": {"namespace": "front", **prod}, "stage": {"namespace": "stage", **stage}}
    written = web(services={"web": {"versions": versions}}, promote={"into": "prod"})
    return read_release(written, build(read_release(written), str(directory)))


def printed(release: Release, version: str) -> dict[str, str]:
    given = release.services["web"].versions[version].given
    assert given is not None
    found: dict[str, str] = given.objects[0]["metadata"]["annotations"]
    return found


def test_a_chart_is_rendered_for_the_place_that_takes_it(directory: Path) -> None:
    release = read(
        directory,
        {"helm": {"chart": "chart", "release_name": "app", "values": {"tag": "v1"}}},
        {"helm": {"chart": "chart", "release_name": "trial", "values": {"tag": "v2"}}},
    )
    leg = taking(release, "prod", "stage")
    taken = printed(leg, "prod")
    assert taken["given"] == printed(release, "stage")["given"] == '{"tag": "v2"}'
    assert taken["called"] == printed(release, "prod")["called"]
    assert "template app " in taken["called"]
    assert "--namespace front" in taken["called"]
    assert printed(leg, "stage") == printed(release, "stage")


def test_a_chart_is_the_same_source_in_both_places_and_not_the_same_deployment(directory: Path) -> None:
    release = read(directory, {"helm": {"chart": "chart"}}, {"helm": {"chart": "chart"}})
    stage = release.services["web"].versions["stage"]
    taken = taking(release, "prod", "stage").services["web"].versions["prod"]
    assert taken.source_hash == stage.source_hash
    assert taken.spec_hash != stage.spec_hash


@pytest.mark.parametrize("changed", [{"disable_hook": True}, {"skip_crds": True}, {"values": {"tag": "v3"}}])
def test_what_a_chart_is_installed_with_is_part_of_the_source(directory: Path, changed: dict[str, Any]) -> None:
    before = read(directory, {"helm": {"chart": "chart"}}, {"helm": {"chart": "chart"}})
    after = read(directory, {"helm": {"chart": "chart"}}, {"helm": {"chart": "chart", **changed}})
    hashes = {release.services["web"].versions["stage"].source_hash for release in (before, after)}
    assert len(hashes) == 2


def test_a_kustomization_goes_to_the_place_as_it_was_built(directory: Path) -> None:
    release = read(directory, {"kustomize": "old"}, {"kustomize": "new"})
    leg = taking(release, "prod", "stage")
    assert printed(leg, "prod") == printed(release, "stage") != printed(release, "prod")
    given = leg.services["web"].versions["prod"].given
    assert given is not None
    assert given.objects[0]["metadata"]["namespace"] == "front"
