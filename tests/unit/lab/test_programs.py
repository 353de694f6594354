# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab import programs
from tests.lab.errors import LabError
from tests.lab.programs import SOURCES, Binary, Programs, cache_directory, names_version, on_path, pinned, provide

KWOK = Binary("kwok", "0.8.0", "kwok", "sigs.k8s.io/kwok/cmd/kwok", (), (), ("--version",))


@pytest.mark.parametrize(
    ("output", "fits"),
    [
        ("Kubernetes v1.36.3", True),
        ("Client Version: v1.36.3\nKustomize Version: v5.7.1", True),
        ("1.36.3", True),
        ("etcd Version: 1.36.3\nGit SHA: 1", True),
        ("v1.36.30", False),
        ("v11.36.3", False),
        ("v1.36.3-rc.1", False),
        ("v1.36.3+k3s1", False),
        ("v1.36.2", False),
        ("", False),
    ],
)
def test_only_exactly_the_pinned_version_fits(output: str, fits: bool) -> None:
    assert names_version(output, "1.36.3") is fits


def test_every_version_is_the_one_that_its_module_pins() -> None:
    required = {
        "etcd": "go.etcd.io/etcd/server/v3",
        "kubernetes": "k8s.io/kubernetes",
        "kwok": "sigs.k8s.io/kwok",
        "helm": "helm.sh/helm/v3",
    }
    for binary in pinned().binaries:
        modules = (SOURCES / binary.module / "go.mod").read_text()
        assert f"{binary.package}\n" in modules, f"{binary.name}: its package is no tool of its go.mod"
        # Istio's module has no version of its own to compare with.
        if binary.module in required:
            assert re.search(rf"{re.escape(required[binary.module])} v{re.escape(binary.version)}\s", modules)


def test_files_are_named_by_the_module_that_holds_them() -> None:
    found = {file.name: (file.module, file.source_module, file.path) for file in pinned().files}
    assert found == {
        "istio-crds.yaml": ("istio", "istio.io/istio", "manifests/charts/base/files/crd-all.gen.yaml"),
        "gateway-api-crds.yaml": ("istio", "sigs.k8s.io/gateway-api", "config/crd/standard"),
    }


def test_the_cache_lies_where_its_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BLUEGREEN_LAB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "bluegreen.kubernetes"
    monkeypatch.setenv("BLUEGREEN_LAB_CACHE", str(tmp_path / "own"))
    assert cache_directory() == tmp_path / "own"


@pytest.mark.parametrize(("version", "taken"), [("0.8.0", True), ("0.7.0", False)])
def test_a_program_on_path_is_taken_when_its_version_fits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, taken: bool
) -> None:
    program = tmp_path / "kwok"
    program.write_text(f"#!/bin/sh\necho kwok version v{version} go1.26\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert on_path(KWOK) == (program if taken else None)


def test_nothing_is_built_when_the_cache_holds_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted = pinned()
    for folder in ("bin", "files"):
        (tmp_path / folder).mkdir()
    for binary in wanted.binaries:
        (tmp_path / "bin" / f"{binary.name}-{binary.version}").touch()
    for file in wanted.files:
        (tmp_path / "files" / f"{Path(file.name).stem}-{file.version}.yaml").touch()
    monkeypatch.setenv("BLUEGREEN_LAB_CACHE", str(tmp_path))
    said: list[str] = []
    provided = provide(said.append)
    assert said == []
    assert isinstance(provided, Programs)
    assert provided.binaries["kubectl"] == tmp_path / "bin" / "kubectl-1.36.3"


def test_without_go_a_missing_program_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BLUEGREEN_LAB_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    with pytest.raises(LabError, match=r"etcd 3\.6\.14 .* install Go"):
        provide(said.append)
    assert said == ["building etcd 3.6.14 (1 of 10) …"]
    assert not list((tmp_path / "bin").iterdir())


@pytest.mark.parametrize(("seconds", "text"), [(3.4, "3 s"), (59.6, "1 min 00 s"), (282, "4 min 42 s")])
def test_elapsed_time_reads_well(seconds: float, text: str) -> None:
    assert programs._spell(seconds) == text
