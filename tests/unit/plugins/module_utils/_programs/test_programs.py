# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How programs are called that build objects, and what becomes of what they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.built import HelmChart, Kustomization
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._programs import charts, kustomizations, programs

Program = Callable[[str, str], Path]

# Says how it was called in the object that it prints.
ECHO = """
import json, sys
given = "" if sys.stdin.isatty() else sys.stdin.read()
print(json.dumps({"kind": "Echo", "called": sys.argv[1:], "given": given}))
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A program on PATH, the only one there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(name: str, text: str) -> Path:
        found = folder / name
        found.write_text(f"#!{sys.executable}\n{text}")
        found.chmod(0o755)
        return found

    return write


def chart(folder: Path, **options: object) -> HelmChart:
    (folder / "web").mkdir(exist_ok=True)
    (folder / "web" / "Chart.yaml").write_text("name: web\n")
    return HelmChart("helm", **{"chart": "web", "release_name": "web-blue", "namespace": "prod", **options})  # type: ignore[arg-type]


def test_helm_gets_the_values_of_files_and_release_where_nobody_sees_them(program: Program, tmp_path: Path) -> None:
    program("helm", ECHO)
    (tmp_path / "common.yaml").write_text("image: {name: web, tag: '1'}\nday: 2026-01-02\n")
    built = charts.render(
        chart(tmp_path, values={"image": {"tag": "2"}}, values_files=("common.yaml",), disable_hook=True), tmp_path
    )
    called = built.objects[0]
    where = str(tmp_path / "web")
    assert called["called"] == [
        "template", "web-blue", where, "--namespace", "prod", "--values", "-", "--no-hooks"
    ]  # fmt: skip
    assert json.loads(called["given"]) == built.values == {"image": {"name": "web", "tag": "2"}, "day": "2026-01-02"}
    assert built.chart == where


def test_what_differs_in_the_chart_is_another_content(program: Program, tmp_path: Path) -> None:
    program("helm", ECHO)
    contents = []
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        contents.append(charts.render(chart(tmp_path / place), tmp_path / place).content)
    assert contents[0] == contents[1]
    (tmp_path / "b" / "web" / "more.yaml").write_text("kind: Service\n")
    assert charts.render(HelmChart("helm", "web", "web-blue", "prod"), tmp_path / "b").content != contents[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chart": "./nowhere"}, "helm.chart: there is no chart "),
        ({"chart": "charts/web"}, "helm.version: is required for a chart of a repository"),
        ({"chart": "oci://example.com/web"}, "helm.version: is required for a chart of a repository"),
        ({"repo": "https://example.com"}, "helm.version: is required for a chart of a repository"),
        ({"values_files": ("nowhere.yaml",)}, "helm.values_files[0]: "),
    ],
)
def test_charts_that_are_refused(program: Program, tmp_path: Path, options: dict[str, object], message: str) -> None:
    program("helm", ECHO)
    with pytest.raises(SpecError) as refused:
        charts.render(chart(tmp_path, **options), tmp_path)
    assert refused.value.message.startswith(message)


def test_a_chart_of_a_repository_is_told_by_its_version(program: Program, tmp_path: Path) -> None:
    program("helm", ECHO)
    built = charts.render(chart(tmp_path, repo="https://example.com", version="1.2.3"), tmp_path)
    assert built.objects[0]["called"][-4:] == ["--repo", "https://example.com", "--version", "1.2.3"]
    assert built.chart == "web"


@pytest.mark.parametrize(("name", "verb"), [("kustomize", "build"), ("kubectl", "kustomize")])
def test_a_kustomization_is_built_by_whatever_can(program: Program, tmp_path: Path, name: str, verb: str) -> None:
    program(name, ECHO)
    (tmp_path / "app").mkdir()
    built = kustomizations.build(Kustomization("kustomize", "app"), tmp_path)
    assert built.objects[0]["called"] == [verb, str(tmp_path / "app")]
    elsewhere = kustomizations.build(Kustomization("kustomize", "github.com/owner/name"), tmp_path)
    assert elsewhere.objects[0]["called"] == [verb, "github.com/owner/name"]


def test_a_program_that_fails_is_told_in_its_own_words(program: Program, tmp_path: Path) -> None:
    program("kubectl", "import sys; sys.exit('error: no such resource')")
    with pytest.raises(SpecError) as refused:
        kustomizations.build(Kustomization("green.kustomize", "."), tmp_path)
    assert refused.value.message == "green.kustomize: error: no such resource"


def test_a_program_that_is_missing_is_named_with_the_remedy(program: Program, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"^helm: needs helm on PATH, where the release is read: install it there$"):
        charts.render(chart(tmp_path), tmp_path)


@pytest.mark.parametrize(("text", "message"), [("a: [", "is no YAML"), ("words", "is no Kubernetes object: words")])
def test_what_is_no_object_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        programs.objects(text, "helm")
