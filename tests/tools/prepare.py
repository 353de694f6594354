# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares a clone for work: the virtual environment and the tree in which Ansible finds the collections.

Needs the standard library only, because it runs before anything is installed. What is already there is left alone,
so that a second run takes a fraction of a second.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "requirements"
TREE = ROOT / ".tree"

OLDEST_PYTHON = (3, 11)
NEWEST_CORE_PYTHON = (3, 12)
OLDEST_GO = (1, 26)

# The community bundle carries kubernetes.core as plain files: one package from PyPI, no Galaxy server.
BUNDLE = "ansible==14.5.0"
BUNDLE_PYTHON = "3.12"
BUNDLED_COLLECTION = "ansible_collections/kubernetes/core/"


class Missing(Exception):
    """Something that this machine lacks; the message says what to install."""


def cache_directory() -> Path:
    """Where downloads and builds outlive the clone."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "bluegreen.kubernetes"


def say(text: str) -> None:
    print(f"[setup] {text}", flush=True)


def digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def environment_stamp(python: str, requirements: Sequence[Path], constraints: Path) -> str:
    """Two lines: with another first one the environment is built anew, with another second one completed."""
    contents = [path.read_text() for path in [*requirements, constraints]]
    return f"{digest([python, str(ROOT)])}\n{digest(contents)}\n"


def check_python(found: tuple[int, int]) -> None:
    if found < OLDEST_PYTHON:
        raise Missing(
            f"Python >= 3.11 is needed, found {found[0]}.{found[1]}: install python3.11 and python3.11-venv (or newer)"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        raise Missing("Python's venv module is missing: install python3-venv for the Python in use") from error


def go_version(output: str) -> tuple[int, int]:
    """Reads `go version go1.26.8 linux/amd64`."""
    match = re.search(r"\bgo(\d+)\.(\d+)", output)
    if match is None:
        raise Missing(
            f"Go >= 1.26 is needed, but `go version` says {output.strip()!r}: install it from https://go.dev/dl"
        )
    return int(match[1]), int(match[2])


def check_lab_programs() -> None:
    """Everything the lab takes from the machine, so that it is missed here and not ten minutes into a build."""
    packages = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "setsid": "util-linux"}
    for program, package in packages.items():
        if shutil.which(program) is None:
            raise Missing(f"`{program}` is missing: install the package {package}")
    if shutil.which("go") is None:
        raise Missing("Go >= 1.26 is missing: install it from https://go.dev/dl")
    found = go_version(subprocess.run(["go", "version"], capture_output=True, text=True, check=False).stdout)
    if found < OLDEST_GO:
        raise Missing(f"Go >= 1.26 is needed, found {found[0]}.{found[1]}: install a newer one from https://go.dev/dl")
    namespaces = ["unshare", "--user", "--map-root-user", "--net", "true"]
    if subprocess.run(namespaces, capture_output=True, check=False).returncode:
        raise Missing(
            "unprivileged user namespaces are switched off: allow them with "
            "`sudo sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0`"
        )


def make_environment(directory: Path, python: str, requirements: Sequence[Path]) -> None:
    constraints = REQUIREMENTS / "constraints.txt"
    stamp = directory / "stamp"
    wanted = environment_stamp(python, requirements, constraints)
    found = stamp.read_text() if stamp.is_file() else ""
    if found == wanted:
        return
    say(f"{directory.name}: installing {', '.join(str(path.relative_to(ROOT)) for path in requirements)}")
    if found.partition("\n")[0] != wanted.partition("\n")[0]:
        run([python, "-m", "venv", "--clear", str(directory)])
    stamp.unlink(missing_ok=True)
    install = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for path in requirements:
        install += ["-r", str(path)]
    run([*install, "-c", str(constraints)])
    stamp.write_text(wanted)


def make_tree() -> None:
    """Lays out `ansible_collections` as Ansible wants it: kubernetes.core as files, ours as a link to the clone."""
    ours = TREE / "ansible_collections" / "bluegreen" / "kubernetes"
    stamp = TREE / "stamp"
    wanted = digest([BUNDLE])
    if stamp.is_file() and stamp.read_text() == wanted and ours.is_symlink():
        return
    wheel = bundle_wheel()
    say(f".tree: kubernetes.core out of {wheel.name}")
    shutil.rmtree(TREE, ignore_errors=True)
    ours.parent.mkdir(parents=True)
    extract_collection(wheel, TREE)
    ours.symlink_to(Path("..") / ".." / "..", target_is_directory=True)
    # An empty configuration, so that nobody's own one decides what the tests do.
    (TREE / "ansible.cfg").touch()
    stamp.write_text(wanted)


def bundle_wheel() -> Path:
    directory = cache_directory() / "wheels"
    name, version = BUNDLE.split("==")
    wheel = directory / f"{name}-{version}-py3-none-any.whl"
    if not wheel.is_file():
        say(f"downloading {BUNDLE} (50 MB) into {directory}")
        directory.mkdir(parents=True, exist_ok=True)
        pip = [str(ROOT / ".venv" / "bin" / "python"), "-m", "pip", "download", "--quiet", "--no-deps"]
        run([*pip, "--only-binary=:all:", "--python-version", BUNDLE_PYTHON, "-d", str(directory), BUNDLE])
    return wheel


def extract_collection(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(BUNDLED_COLLECTION)]
        if not names:
            raise Missing(f"{wheel} holds no {BUNDLED_COLLECTION}: delete it and run again")
        archive.extractall(target, names)


def newest_python() -> str | None:
    """A Python for the newest ansible-core: on PATH, or among pyenv's versions, whose shims may be switched off."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    installed = sorted(pyenv.glob("3.*/bin/python"), key=str, reverse=True)
    candidates = ["python3.13", *(str(path) for path in installed), "python3.14", "python3.12", "python3"]
    for candidate in candidates:
        probe = [candidate, "-c", "import ensurepip, sys, venv; print(*sys.version_info[:2])"]
        try:
            answer = subprocess.run(probe, capture_output=True, text=True, check=True).stdout.split()
        except (OSError, subprocess.CalledProcessError):
            continue
        if (int(answer[0]), int(answer[1])) >= NEWEST_CORE_PYTHON:
            return candidate
    return None


def run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, cwd=ROOT)
    except subprocess.CalledProcessError as error:
        raise Missing(f"`{' '.join(command)}` ended with {error.returncode}; its output stands above") from error


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lab", action="store_true", help="also check what the lab takes from this machine")
    parser.add_argument("--newest", action="store_true", help="also prepare .venv-newest, with the newest ansible-core")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        check_python(sys.version_info[:2])
        if options.lab:
            check_lab_programs()
        lab_requirements = ROOT / "tests" / "lab" / "requirements.txt"
        make_environment(ROOT / ".venv", own_python(), [REQUIREMENTS / "development.txt", lab_requirements])
        make_tree()
        if options.newest:
            make_newest_environment()
    except Missing as problem:
        print(f"[setup] {problem}", file=sys.stderr)
        return 1
    elapsed = time.monotonic() - started
    if elapsed > 1:
        say(f"ready after {elapsed:.0f} s")
    return 0


def own_python() -> str:
    """The Python behind a virtual environment that happens to be active."""
    return str(getattr(sys, "_base_executable", sys.executable))


def make_newest_environment() -> None:
    python = newest_python()
    if python is None:
        say("no Python >= 3.12 found: the unit tests run on the oldest supported ansible-core only")
        return
    make_environment(ROOT / ".venv-newest", python, [REQUIREMENTS / "newest.txt"])


if __name__ == "__main__":
    sys.exit(main())
