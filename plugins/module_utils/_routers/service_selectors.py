# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which labels of a Service's selector tell versions apart, and what the selector is for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._core.errors import RouteError
from .._core.manifests import VERSION_LABEL
from .rules import Spelling

Labels = dict[str, str]


def text_of(selector: Mapping[str, str]) -> str:
    """A selector in the notation of requests, the same for the same labels whatever their order."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


def labels_of(where: str, selector: Mapping[str, str], versions: Sequence[Spelling]) -> dict[str, Labels]:
    """The labels that tell each version from the others: as they are spelled, else the one that holds its name.

    Raises RouteError where a switch by these labels would not lead to exactly one of the versions.
    """
    spelled = {spelling.name: dict(spelling.selector) for spelling in versions if spelling.selector}
    keys = sorted(next(iter(spelled.values()))) if spelled else [_key(where, selector, versions)]
    found: dict[str, Labels] = {}
    for spelling in versions:
        own = spelled.get(spelling.name) or ({keys[0]: spelling.name} if len(keys) == 1 else {})
        if sorted(own) != keys:
            raise RouteError(
                f"{where}: versions.{spelling.name}.selector has to name the labels {', '.join(keys)}, as the other "
                f"versions do; got {text_of(own) or 'nothing'}"
            )
        twin = next((name for name, labels in found.items() if labels == own), None)
        if twin is not None:
            raise RouteError(
                f"{where}: {twin} and {spelling.name} have the same labels ({text_of(own)}), and one selector would "
                f"lead to both; tell them apart with versions.{spelling.name}.selector"
            )
        found[spelling.name] = own
    return found


def selected(where: str, selector: Mapping[str, str], labels: Mapping[str, Mapping[str, str]]) -> str:
    """The version to which a selector leads now; raises RouteError when it is none of them."""
    for name, own in labels.items():
        if own.items() <= selector.items():
            return name
    raise RouteError(
        f"{where} selects {text_of(selector)}, which is none of {', '.join(labels)}: lead it to one of them first, or "
        "spell the versions with versions.NAME.selector: {LABEL: VALUE}"
    )


def _key(where: str, selector: Mapping[str, str], versions: Sequence[Spelling]) -> str:
    """The label of a selector whose value is the name of a version."""
    names = [spelling.name for spelling in versions]
    keys = sorted(key for key, value in selector.items() if value in names)
    if VERSION_LABEL in keys:
        return VERSION_LABEL
    if len(keys) == 1:
        return keys[0]
    standing = text_of(selector) or "nothing"
    if keys:
        raise RouteError(
            f"{where} selects {standing}, and {' and '.join(keys)} both hold the name of a version; say which tells "
            f"them apart with versions.{names[0]}.selector: {{{keys[0]}: {selector[keys[0]]}}}"
        )
    raise RouteError(
        f"{where} selects {standing}, and no label of it holds the name of a version ({', '.join(names) or 'none'}): "
        f"add one to it that live's pods have, such as {VERSION_LABEL}, or spell the versions with "
        "versions.NAME.selector: {LABEL: VALUE}"
    )
