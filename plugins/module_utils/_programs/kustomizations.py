# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kustomizations, built by kustomize itself, or by the one that kubectl holds."""

from __future__ import annotations

from pathlib import Path

from .._core.built import Built, Kustomization, substituted
from . import programs


def build(kustomization: Kustomization, directory: Path) -> Built:
    """Build a kustomization; a relative path begins in the directory. Raises SpecError."""
    program = programs.find(("kustomize", "kubectl"), kustomization.path)
    verb = "build" if Path(program).name == "kustomize" else "kustomize"
    place = kustomization.directory
    if "://" not in place:
        local = directory / Path(place).expanduser()
        # What is no directory here may be a repository that kustomize fetches, such as github.com/owner/name.
        place = str(local) if local.exists() or place.startswith((".", "/", "~")) else place
    text = programs.output([program, verb, place], kustomization.path)
    objects = substituted(kustomization, programs.objects(text, kustomization.path))
    return Built(objects, list(objects), source=list(objects))
