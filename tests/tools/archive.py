# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the archive that Galaxy would get and installs it, offline, into an empty tree.

The examples and the molecule scenarios then run from that tree: what they prove holds for what is published.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

import yaml

from tests.tools.parts import clean_environment
from tests.tools.prepare import ROOT, TREE

ARCHIVES = ROOT / ".build" / "archive"
INSTALLED = ROOT / ".build" / "installed"

# Ansible loads a collection from these; the rest is what a person reads or Galaxy asks for.
EXPECTED = frozenset({"meta", "playbooks", "plugins", "roles", "changelogs", "docs", "examples", "tests"})
EXPECTED_FILES = frozenset({"CHANGELOG.md", "COPYING", "FILES.json", "MANIFEST.json", "README.md", "requirements.yml"})


def unexpected(names: Iterable[str]) -> list[str]:
    """What has no place in the archive."""
    return sorted(name for name in names if not is_expected(Path(name)))


def is_expected(path: Path) -> bool:
    if len(path.parts) == 1:
        return path.name in EXPECTED_FILES | EXPECTED
    if path.parts[0] == "tests":
        return path.parts[1] == "sanity"
    return path.parts[0] in EXPECTED and not any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def run(*command: str | Path, tree: Path = TREE) -> None:
    print("$", *command, flush=True)
    environment = clean_environment({"ANSIBLE_COLLECTIONS_PATH": str(tree)})
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def build() -> Path:
    shutil.rmtree(ARCHIVES, ignore_errors=True)
    run("ansible-galaxy", "collection", "build", "--output-path", ARCHIVES)
    (archive,) = ARCHIVES.glob("bluegreen-kubernetes-*.tar.gz")
    with tarfile.open(archive) as content:
        surplus = unexpected(content.getnames())
    if surplus:
        raise SystemExit(f"{archive.name} holds what should not be published: {', '.join(surplus)}")
    return archive


def install(archive: Path) -> None:
    """kubernetes.core, a dependency, comes out of the prepared tree instead of from a server."""
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir(parents=True)
    dependency = TREE / "ansible_collections" / "kubernetes" / "core"
    requirements = ARCHIVES / "requirements.yml"
    sources = [{"name": str(dependency), "type": "dir"}, {"name": str(archive), "type": "file"}]
    requirements.write_text(yaml.safe_dump({"collections": sources}))
    run("ansible-galaxy", "collection", "install", "--offline", "-r", requirements, "-p", INSTALLED, tree=INSTALLED)


def prove() -> None:
    """Every plugin documents itself and every playbook parses, from the installed files alone."""
    ours = INSTALLED / "ansible_collections" / "bluegreen" / "kubernetes"
    for kind, directory in (("module", "modules"), ("filter", "filter")):
        names = sorted(path.stem for path in (ours / "plugins" / directory).glob("[a-z]*.py"))
        if names:
            run("ansible-doc", "-t", kind, *(f"bluegreen.kubernetes.{name}" for name in names), tree=INSTALLED)
    playbooks = sorted(path.stem for path in (ours / "playbooks").glob("*.yml"))
    for name in playbooks:
        run("ansible-playbook", "-i", "localhost,", "--syntax-check", f"bluegreen.kubernetes.{name}", tree=INSTALLED)
    if not playbooks:
        raise SystemExit("the archive holds no playbook")


def main() -> int:
    try:
        install(build())
        prove()
    except subprocess.CalledProcessError as error:
        print(f"`{' '.join(str(word) for word in error.cmd)}` ended with {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
