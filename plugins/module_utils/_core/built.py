# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions whose objects a program builds on the control node: a Helm chart, a kustomization.

What is read here says what to build. Building it touches files and starts programs, so that it is done elsewhere, and
its outcome is read like objects that the user has written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import SpecError
from .section import Section

HOOK = "helm.sh/hook"

# What Helm takes as the name of a release.
_RELEASE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST_RELEASE_NAME = 53
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class HelmChart:
    """A Helm release: which chart, with which values, under which name. ``path`` is its key, for messages.

    Of one that holds a route, ``weight_values`` say for each version where in the values its weight stands.
    """

    path: str
    chart: str
    release_name: str
    namespace: str
    version: str | None = None
    repo: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    values_files: tuple[str, ...] = ()
    disable_hook: bool = False
    skip_crds: bool = False
    weight_values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kustomization:
    """A directory that kustomize builds, and what stands for the placeholders in it."""

    path: str
    directory: str
    substitute: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Built:
    """What was built: the objects, and ``content``, which differs when what is deployed would differ.

    ``source`` is as much of the content as would be the same for a version in another place.
    Of a Helm release, ``chart`` is where Helm finds it and ``values`` are all of them, of files and of the release.
    """

    objects: tuple[Mapping[str, Any], ...]
    content: Any
    chart: str = ""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    source: Any = field(default=None, repr=False)


def read_chart(section: Section, default_name: str, namespace: str, versions: Sequence[str] = ()) -> HelmChart:
    """Read what Helm is to install; ``versions`` are those whose weights it holds, where it holds a route."""
    with section:
        weight_values = section.strings("weight_values") if versions else {}
        chart = HelmChart(
            path=section.path,
            chart=section.text("chart"),
            release_name=section.text("release_name", default_name),
            namespace=namespace,
            version=section.optional_text("version"),
            repo=section.optional_text("repo"),
            values=section.mapping("values"),
            values_files=section.texts("values_files"),
            disable_hook=section.flag("disable_hook", False),
            skip_crds=section.flag("skip_crds", False),
            weight_values=weight_values,
        )
        if set(weight_values) != set(versions):
            raise section.error(
                "weight_values",
                f"expected the place of each version's weight in the values, for {', '.join(versions)}: any other "
                "would be reset when the chart is installed again",
            )
        if len(chart.release_name) > _LONGEST_RELEASE_NAME or not _RELEASE_NAME.fullmatch(chart.release_name):
            raise section.error(
                "release_name",
                f'"{chart.release_name}" is no name of a Helm release: at most {_LONGEST_RELEASE_NAME} lower-case '
                'letters, digits and "-"',
            )
        return chart


def read_kustomization(versions: Section, key: str) -> Kustomization:
    """Read which directory is built: its path alone, or with what stands for its placeholders."""
    value = versions.raw(key)
    if isinstance(value, str):
        return Kustomization(versions.at(key), value)
    with versions.section(key) as section:
        substitute = section.mapping("substitute")
        for name, item in substitute.items():
            if not _PLACEHOLDER.fullmatch(f"${{{name}}}"):
                raise SpecError(f"{section.at('substitute')}.{name}", "is no name that a placeholder ${…} can have")
            if item is not None and not isinstance(item, (str, int, float, bool)):
                raise SpecError(f"{section.at('substitute')}.{name}", "expected a string, a number, true or false")
        return Kustomization(versions.at(key), section.text("path"), substitute)


def without_hooks(objects: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The objects that stand as long as a Helm release: its hooks and tests come and go."""
    return tuple(
        item for item in objects if HOOK not in ((item.get("metadata") or {}).get("annotations") or {})
    )  # fmt: skip


def merged_values(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others over them, as Helm does it: mapping by mapping, everything else replaced."""
    merged = dict(base)
    for key, value in own.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            value = merged_values(before, value)
        merged[key] = value
    return merged


def with_weights(chart: HelmChart, values: Mapping[str, Any], weights: Mapping[str, int]) -> dict[str, Any]:
    """The values of a chart with a route, with a weight for each of its versions."""
    for version, place in chart.weight_values.items():
        own: Any = weights.get(version, 0)
        for key in reversed(place.split(".")):
            own = {key: own}
        values = merged_values(values, own)
    return dict(values)


def substituted(kustomization: Kustomization, objects: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The objects with values for their placeholders; raises SpecError for one that has none.

    A string that is nothing but a placeholder becomes the value as it was written, a number or not. Without
    ``substitute`` only names have to be free of placeholders: a script in a ConfigMap may well have its own.
    """
    found = []
    for item in objects:
        if kustomization.substitute:
            item = _substituted(kustomization, item)
        for key in ("name", "namespace"):
            left = _PLACEHOLDER.search(str((item.get("metadata") or {}).get(key) or ""))
            if left:
                raise _without_value(kustomization, left.group(1))
        found.append(item)
    return tuple(found)


def _substituted(kustomization: Kustomization, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            _substituted(kustomization, key): _substituted(kustomization, item) for key, item in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [_substituted(kustomization, item) for item in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole:
        return _value_of(kustomization, whole.group(1))
    return _PLACEHOLDER.sub(lambda match: str(_value_of(kustomization, match.group(1))), value)


def _value_of(kustomization: Kustomization, name: str) -> Any:
    if name not in kustomization.substitute:
        raise _without_value(kustomization, name)
    value = kustomization.substitute[name]
    return f"${{{name}}}" if value is None else value


def _without_value(kustomization: Kustomization, name: str) -> SpecError:
    return SpecError(
        kustomization.path,
        f"what it builds holds ${{{name}}}, which has no value: write substitute: {{{name}: …}}, or "
        f"{{{name}: null}} where it is meant as it stands",
    )
