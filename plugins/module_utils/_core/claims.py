# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that pods of two versions would both use: what one writes, the other reads or overwrites.

A StatefulSet names the claims of its pods ``<template>-<name of the StatefulSet>-<ordinal>``, see
U(https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#volume-claim-templates). The name of another
object, or of another template, can come to the very same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import SpecError

Objects = Sequence[Mapping[str, Any]]

# With these, pods on several nodes may use one volume at the same time.
SHARED_MODES = ("ReadWriteMany", "ReadOnlyMany")


@dataclass(frozen=True)
class Claim:
    """A claim that an object's pods use: of that name, or where it is one for each pod, of that name and a number."""

    namespace: str
    name: str
    each: bool
    user: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}{'-0' if self.each else ''}"

    def meets(self, other: Claim) -> bool:
        """Whether both can be one claim."""
        if self.namespace != other.namespace or self.each == other.each:
            return (self.namespace, self.name) == (other.namespace, other.name)
        exact, numbered = (other, self) if self.each else (self, other)
        return re.fullmatch(rf"{re.escape(numbered.name)}-\d+", exact.name) is not None


def refuse_clashing_claims(versions: Iterable[tuple[str, Objects]]) -> None:
    """Raise SpecError when pods of two versions would use one volume; each has its path, and its objects.

    A claim that is given and may be used by many at the same time is meant to be.
    """
    given = list(versions)
    known = {
        (item["metadata"]["namespace"], item["metadata"]["name"]): _is_shared(item)
        for _path, objects in given
        for item in objects
        if item["kind"] == "PersistentVolumeClaim"
    }
    seen: list[tuple[str, Claim]] = []
    for path, objects in given:
        mine = [claim for item in objects for claim in _claims(item)]
        for claim in mine:
            for other_path, other in seen:
                # Of a claim that is not given, it is written in the cluster whether many may use it.
                meant = not claim.each and not other.each and known.get((claim.namespace, claim.name), True)
                if meant or not claim.meets(other):
                    continue
                raise SpecError(
                    path,
                    f"{claim.user} uses the volume claim {claim if other.each else other}, and so does {other.user} of "
                    f"{other_path}: two versions would write one volume; give the StatefulSet, its "
                    "volumeClaimTemplates or the claim another name, or a claim that is to be shared the access mode "
                    f"{SHARED_MODES[0]}",
                )
        seen += [(path, claim) for claim in mine]


def _is_shared(claim: Mapping[str, Any]) -> bool:
    modes = (claim.get("spec") or {}).get("accessModes") or []
    return any(mode in SHARED_MODES for mode in modes)


def _claims(item: Mapping[str, Any]) -> Iterator[Claim]:
    """The claims that the pods of an object use."""
    name, namespace = item["metadata"]["name"], item["metadata"]["namespace"]
    user = f"{item['kind']} {namespace}/{name}"
    spec = _mapping(item.get("spec"))
    if item["kind"] == "StatefulSet":
        for template in spec.get("volumeClaimTemplates") or []:
            yield Claim(namespace, f"{_mapping(_mapping(template).get('metadata')).get('name')}-{name}", True, user)
    for volume in _mapping(_mapping(spec.get("template")).get("spec")).get("volumes") or []:
        claim = _mapping(_mapping(volume).get("persistentVolumeClaim")).get("claimName")
        if claim:
            yield Claim(namespace, str(claim), False, user)


def _mapping(value: Any) -> Mapping[str, Any]:
    """What is no mapping is for the API server to refuse."""
    return value if isinstance(value, Mapping) else {}
