# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from tests.tools import prepare
from tests.tools.prepare import Missing

PROGRAMS = ("ip", "unshare", "nsenter", "setsid", "go")


def programs(directory: Path, *, without: str = "", go: str = "go1.26.8", unshare: int = 0) -> None:
    """Stand-ins for what the lab takes from the machine."""
    says = {"go": f"echo go version {go} linux/amd64", "unshare": f"exit {unshare}"}
    for name in PROGRAMS:
        if name != without:
            path = directory / name
            path.write_text(f"#!/bin/sh\n{says.get(name, 'exit 0')}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("without", "install"),
    [
        ("ip", "iproute2"),
        ("unshare", "util-linux"),
        ("nsenter", "util-linux"),
        ("go", "Go >= 1.26 is missing: install"),
    ],
)
def test_a_missing_program_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: str, install: str
) -> None:
    programs(tmp_path, without=without)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match=install) as missing:
        prepare.check_lab_programs()
    assert "\n" not in str(missing.value)


def test_an_old_go_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, go="go1.24.1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match=r"found 1\.24: install"):
        prepare.check_lab_programs()


def test_closed_namespaces_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, unshare=1)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match="user namespaces are switched off: allow them with"):
        prepare.check_lab_programs()


def test_a_complete_machine_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    prepare.check_lab_programs()


def test_an_old_python_is_refused() -> None:
    prepare.check_python((3, 11))
    with pytest.raises(Missing, match=r"found 3\.10: install python3\.11"):
        prepare.check_python((3, 10))


@pytest.mark.parametrize(
    ("output", "found"),
    [("go version go1.26.8 linux/amd64", (1, 26)), ("go version go1.27rc1 darwin/arm64", (1, 27))],
)
def test_go_says_its_version(output: str, found: tuple[int, int]) -> None:
    assert prepare.go_version(output) == found


def test_an_environment_is_built_anew_only_for_another_python(tmp_path: Path) -> None:
    requirements, constraints = tmp_path / "requirements.txt", tmp_path / "constraints.txt"
    requirements.write_text("ansible-core==2.19.14\n")
    constraints.write_text("PyYAML==6.0.3\n")
    first = prepare.environment_stamp("python3.11", [requirements], constraints)
    assert prepare.environment_stamp("python3.11", [requirements], constraints) == first
    other_python = prepare.environment_stamp("python3.12", [requirements], constraints)
    constraints.write_text("PyYAML==6.0.2\n")
    other_pins = prepare.environment_stamp("python3.11", [requirements], constraints)
    assert other_python.splitlines()[0] != first.splitlines()[0]
    assert other_pins.splitlines()[0] == first.splitlines()[0]
    assert other_pins.splitlines()[1] != first.splitlines()[1]


def test_only_the_wanted_collection_leaves_the_bundle(tmp_path: Path) -> None:
    wheel = tmp_path / "ansible.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("ansible_collections/kubernetes/core/MANIFEST.json", "{}")
        archive.writestr("ansible_collections/kubernetes/core_extra/MANIFEST.json", "{}")
    prepare.extract_collection(wheel, tmp_path / "tree")
    files = [path for path in (tmp_path / "tree").rglob("*") if path.is_file()]
    assert files == [tmp_path / "tree/ansible_collections/kubernetes/core/MANIFEST.json"]


def test_a_bundle_without_the_collection_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "ansible.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("ansible_collections/community/dns/MANIFEST.json", "{}")
    with pytest.raises(Missing, match="delete it and run again"):
        prepare.extract_collection(wheel, tmp_path / "tree")
