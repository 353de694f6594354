# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's programs: taken from PATH when their version fits, else built once and kept outside the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError

SOURCES = Path(__file__).parent / "binaries"
PROGRESS_EVERY = 15.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Binary:
    """One program: where its source is pinned, and how to ask an installed copy for its version."""

    name: str
    version: str
    module: str
    package: str
    link: tuple[str, ...]
    tags: tuple[str, ...]
    probe: tuple[str, ...]


@dataclass(frozen=True)
class SourceFile:
    """One file out of a Go module's source."""

    name: str
    version: str
    module: str
    source_module: str
    path: str


@dataclass(frozen=True)
class Pinned:
    binaries: tuple[Binary, ...]
    files: tuple[SourceFile, ...]


@dataclass(frozen=True)
class Programs:
    """Where everything lies after `provide`."""

    binaries: dict[str, Path]
    files: dict[str, Path]
    versions: dict[str, str]


def pinned(path: Path = SOURCES / "versions.toml") -> Pinned:
    binaries: list[Binary] = []
    files: list[SourceFile] = []
    for module, table in tomllib.loads(path.read_text()).items():
        version = table["version"]
        probes = table.get("probe", {})
        for name, package in table["binaries"].items():
            probe = tuple(probes.get(name, ["--version"]))
            link, tags = tuple(table["link"]), tuple(table.get("tags", []))
            binaries.append(Binary(name, version, module, package, link, tags, probe))
        for name, location in table.get("files", {}).items():
            source_module, _separator, within = location.partition("//")
            files.append(SourceFile(name, version, module, source_module, within))
    return Pinned(tuple(binaries), tuple(files))


def cache_directory() -> Path:
    chosen = os.environ.get("BLUEGREEN_LAB_CACHE")
    if chosen:
        return Path(chosen).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "bluegreen.kubernetes"


def names_version(output: str, version: str) -> bool:
    """True when the output names exactly this version: 1.36.3 is neither 1.36.30 nor 1.36.3-rc.1."""
    return re.search(rf"(?<![\w.]){'v?'}{re.escape(version)}(?![\w.+-])", output) is not None


def on_path(binary: Binary) -> Path | None:
    found = shutil.which(binary.name)
    if found is None:
        return None
    try:
        answer = subprocess.run([found, *binary.probe], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(found) if names_version(answer.stdout + answer.stderr, binary.version) else None


def provide(progress: Progress) -> Programs:
    """Every program and file of the lab; builds what is missing."""
    wanted = pinned()
    cache = cache_directory()
    found = {binary.name: _present(binary, cache) for binary in wanted.binaries}
    missing = [binary for binary in wanted.binaries if found[binary.name] is None]
    for number, binary in enumerate(missing, start=1):
        found[binary.name] = _build(binary, cache, f"{number} of {len(missing)}", progress)
    return Programs(
        binaries={name: path for name, path in found.items() if path is not None},
        files={file.name: _file(file, cache, progress) for file in wanted.files},
        versions={binary.name: binary.version for binary in wanted.binaries},
    )


def _present(binary: Binary, cache: Path) -> Path | None:
    cached = _cached(binary, cache)
    return cached if cached.exists() else on_path(binary)


def _cached(binary: Binary, cache: Path) -> Path:
    return cache / "bin" / f"{binary.name}-{binary.version}"


def _build(binary: Binary, cache: Path, position: str, progress: Progress) -> Path:
    target = _cached(binary, cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    what = f"{binary.name} {binary.version}"
    progress(f"building {what} ({position}) …")
    flags = " ".join(["-s", "-w", *(f"-X {variable}" for variable in binary.link)])
    command = ["build", "-trimpath", "-tags", ",".join(binary.tags), "-ldflags", flags]
    started = time.monotonic()
    try:
        for elapsed in _go([*command, "-o", str(unfinished), binary.package], binary.module, what):
            progress(f"building {what} ({position}) … {_spell(elapsed)}")
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
    progress(f"built {what} in {_spell(time.monotonic() - started)}")
    return target


def _file(file: SourceFile, cache: Path, progress: Progress) -> Path:
    target = cache / "files" / f"{Path(file.name).stem}-{file.version}{Path(file.name).suffix}"
    if target.exists():
        return target
    progress(f"taking {file.name} {file.version} from the source of {file.source_module} …")
    target.parent.mkdir(parents=True, exist_ok=True)
    for _progress in _go(["mod", "download", file.source_module], file.module, file.name):
        pass
    listed = subprocess.run(
        [_go_program(file.name), "list", "-m", "-f", "{{.Dir}}", file.source_module],
        cwd=SOURCES / file.module, capture_output=True, text=True, check=True,
    )  # fmt: skip
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    source = Path(listed.stdout.strip()) / file.path
    parts = sorted(source.glob("*.yaml")) if source.is_dir() else [source]
    unfinished.write_text("\n---\n".join(part.read_text() for part in parts))
    unfinished.rename(target)
    return target


def _go_program(what: str) -> str:
    found = shutil.which("go")
    if found is None:
        raise LabError(
            f"{what} has to be built and there is no Go: install Go 1.26 or newer (https://go.dev/dl) and run again"
        )
    return found


def _go(arguments: list[str], module: str, what: str) -> Iterator[float]:
    """Runs go in the pinned module; yields the elapsed seconds now and then."""
    started = time.monotonic()
    with subprocess.Popen(
        [_go_program(what), *arguments],
        cwd=SOURCES / module,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            while True:
                try:
                    _output, errors = process.communicate(timeout=PROGRESS_EVERY)
                    break
                except subprocess.TimeoutExpired:
                    yield time.monotonic() - started
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        last = "\n".join(errors.strip().splitlines()[-10:])
        raise LabError(f"go {arguments[0]} of {what} failed (in {SOURCES / module}):\n{last}")


def _spell(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
