# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Helm charts, rendered by Helm itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._core.built import Built, HelmChart, merged_values, with_weights, without_hooks
from .._core.errors import SpecError
from . import programs


def render(chart: HelmChart, directory: Path, weights: Mapping[str, int] | None = None) -> Built:
    """Render a chart as it would be installed; relative paths begin in the directory. Raises SpecError.

    The ``weights`` of a chart with a route are in its values, and no part of what tells it from another.
    """
    helm = programs.find(("helm",), chart.path)
    values = _values(chart, directory)
    local = _local(chart, directory)
    if local is None and chart.version is None and not chart.chart.startswith(("http://", "https://")):
        raise SpecError(
            f"{chart.path}.version",
            f"is required for a chart of a repository, which would be another one tomorrow; {chart.chart} is no "
            f"directory or archive in {directory}",
        )
    found = replace(chart, chart=str(local) if local is not None else chart.chart)
    weighted = with_weights(chart, values, weights or {})
    # The values on standard input: they may hold secrets, and a file would be left behind by a run that is killed.
    text = programs.output(_command(helm, found), chart.path, json.dumps(weighted))
    origin = _digest(local) if local is not None else [chart.chart, chart.repo, chart.version]
    options = [chart.disable_hook, chart.skip_crds]
    source = {"chart": origin, "values": values, "options": options}
    content = {"chart": origin, "values": values, "release": [chart.release_name, *options]}
    return Built(without_hooks(programs.objects(text, chart.path)), content, found.chart, weighted, source)


def _command(helm: str, chart: HelmChart) -> list[str]:
    command = [helm, "template", chart.release_name, chart.chart, "--namespace", chart.namespace, "--values", "-"]
    if chart.repo is not None:
        command += ["--repo", chart.repo]
    if chart.version is not None:
        command += ["--version", chart.version]
    if chart.disable_hook:
        command.append("--no-hooks")
    return command


def _local(chart: HelmChart, directory: Path) -> Path | None:
    """The chart's directory or archive; None for one of a repository."""
    if chart.repo is not None or "://" in chart.chart:
        return None
    path = directory / Path(chart.chart).expanduser()
    if path.exists():
        return path.resolve()
    if chart.chart.startswith((".", "/", "~")):
        raise SpecError(f"{chart.path}.chart", f"there is no chart {path}")
    return None


def _values(chart: HelmChart, directory: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for position, name in enumerate(chart.values_files):
        place = f"{chart.path}.values_files[{position}]"
        path = directory / Path(name).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise SpecError(place, f"{path} cannot be read: {error.strerror}") from None
        for document in programs.objects(text, place)[:1]:
            values = merged_values(values, document)
    return merged_values(values, chart.values)


def _digest(path: Path) -> str:
    """What a chart on this machine holds, whoever has it where."""
    digest = hashlib.sha256()
    files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    for file in files:
        digest.update(f"{file.relative_to(path) if path.is_dir() else ''}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
