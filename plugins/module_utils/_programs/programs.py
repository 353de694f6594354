# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of others on the control node that build objects and print them."""

from __future__ import annotations

import shutil
import subprocess
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from .._core.errors import BlueGreenError, SpecError

try:
    import yaml

    YAML_IMPORT_ERROR: str | None = None
except ImportError:
    YAML_IMPORT_ERROR = traceback.format_exc()

# A chart of a repository is fetched meanwhile.
DEADLINE = 120.0
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


def find(names: Sequence[str], path: str) -> str:
    """The first of these programs that is on PATH; raises SpecError."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise SpecError(path, f"needs {' or '.join(names)} on PATH, where the release is read: install it there")


def output(command: Sequence[str], path: str, given: str = "") -> str:
    """What a program prints; raises SpecError with its own words when it fails."""
    try:
        ended = subprocess.run(
            list(command), input=given, capture_output=True, text=True, timeout=DEADLINE, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SpecError(path, f"{command[0]} did not end within {DEADLINE:g} s") from None
    except OSError as error:
        raise SpecError(path, f"{command[0]} cannot be started: {error}") from None
    if ended.returncode != 0:
        raise SpecError(path, (ended.stderr or ended.stdout).strip() or f"{command[0]} ended with {ended.returncode}")
    return ended.stdout


def documents(text: str, path: str) -> list[Any]:
    """The YAML documents of a text, without empty ones; raises SpecError."""
    if YAML_IMPORT_ERROR is not None:
        raise BlueGreenError(f"PyYAML is missing where the release is read: {YAML_IMPORT_ERROR}")
    try:
        return [item for item in yaml.load_all(text, Loader=_loader()) if item is not None]
    except yaml.YAMLError as error:
        raise SpecError(path, f"is no YAML: {error}") from None


def objects(text: str, path: str) -> list[Mapping[str, Any]]:
    """The objects that a program has printed; raises SpecError for what is none."""
    found = documents(text, path)
    for item in found:
        if not isinstance(item, Mapping):
            raise SpecError(path, f"builds something that is no Kubernetes object: {str(item)[:80]}")
    return found


def _loader() -> Any:
    """Reads what JSON knows: what looks like a date is a string for Kubernetes."""
    resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag != _TIMESTAMP]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": resolvers})
