# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `ansible-test sanity` without containers, on a copy of the tree.

ansible-test wants a real directory `ansible_collections/<namespace>/<name>` around the collection, and its own HOME, in
which it keeps one virtual environment per test.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.tools.parts import clean_environment
from tests.tools.prepare import ROOT, TREE, cache_directory

COPY = ROOT / ".sanity" / "ansible_collections"
COLLECTION = COPY / "bluegreen" / "kubernetes"

# The name under which the pinned ansible-test looks for its pip; it prints another one when that changes.
PIP_SCRIPT = "get_pip_24_2.py"


def tracked_and_new_files() -> list[Path]:
    """What git has or would take, without what is deleted in the working tree."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = sorted(set(filter(None, listing.split("\0"))))
    return [Path(name) for name in names if (ROOT / name).is_symlink() or (ROOT / name).is_file()]


def copy_tree(files: Sequence[Path]) -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    for name in files:
        target = COLLECTION / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    # A repository of its own, or ansible-test asks the one around it, which ignores this copy.
    subprocess.run(["git", "init", "--quiet"], cwd=COLLECTION, check=True)
    (COPY / "kubernetes").symlink_to(TREE / "ansible_collections" / "kubernetes")


def prepare_home() -> Path:
    home = cache_directory() / f"ansible-test-{ansible_core_version()}"
    script = home / ".ansible" / "test" / "cache" / PIP_SCRIPT
    script.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("ansible_test_pip.py"), script)
    configuration = home / ".config" / "pip" / "pip.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.touch(mode=0o600)
    configuration.write_text(pip_configuration())
    return home


def ansible_core_version() -> str:
    return version("ansible-core")


def pip_configuration() -> str:
    """The caller's own pip settings (a mirror, a certificate), which another HOME and ansible-test would hide."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    settings = (line.partition("=") for line in listing.stdout.splitlines())
    lines = {name.rpartition(".")[2]: ast.literal_eval(value) for name, _equals, value in settings if value}
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in lines.items()), ""])


def main(arguments: Sequence[str] | None = None) -> int:
    copy_tree(tracked_and_new_files())
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ["ansible-test", "sanity", "--python", python, *(sys.argv[1:] if arguments is None else arguments)]
    environment = {"HOME": str(prepare_home())}
    return subprocess.run(command, cwd=COLLECTION, env=clean_environment(environment), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
