# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is linted: a route, what a release wants with it, and the objects that stand around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .hosts import is_named
from .matching import found_in, named, namespace_of
from .router import Router
from .rules import Destination, Manifest, Rule, Spelling, at

ISTIO = "istio"
GATEWAY_API = "gateway_api"
APP_MESH = "app_mesh"
SERVICE = "service"


@dataclass(frozen=True)
class LintedVersion:
    """A version's workload as it stands, or as it is going to be written; None where it is not known.

    ``autoscaler`` is its HorizontalPodAutoscaler in the same sense. What is ``planned`` has no pods yet.
    """

    namespace: str
    workload: Manifest | None = None
    autoscaler: Manifest | None = None
    planned: bool = False

    @property
    def labels(self) -> Mapping[str, str] | None:
        """The labels of its pods."""
        if self.workload is None:
            return None
        template = (self.workload.get("spec") or {}).get("template") or {}
        labels: Mapping[str, str] = (template.get("metadata") or {}).get("labels") or {}
        return labels

    @property
    def account(self) -> str:
        """The service account that its pods run as."""
        template = ((self.workload or {}).get("spec") or {}).get("template") or {}
        return str((template.get("spec") or {}).get("serviceAccountName") or "default")

    @property
    def replicas(self) -> int:
        """How many pods it is to have."""
        found = ((self.workload or {}).get("spec") or {}).get("replicas")
        return 1 if found is None else int(found)


@dataclass(frozen=True)
class Subject:
    """One route, and of the release that is to move its weights: where to, from where, and how fast.

    Without a candidate all versions are looked at as if each were one. ``first`` and ``last`` are the shares of the
    candidate in the first step that gives it traffic and in the last one; ``retires`` says whether live goes in the
    end, ``writes_subsets`` whether the release itself writes the subsets of its versions.
    """

    router: Router
    route: Manifest
    spellings: tuple[Spelling, ...]
    rules: tuple[str, ...] = ()
    versions: Mapping[str, LintedVersion] = field(default_factory=dict)
    candidate: str | None = None
    live: str | None = None
    first: int = 0
    last: int = 0
    retires: bool = False
    writes_subsets: bool = False

    @property
    def name(self) -> str:
        """The route for a person."""
        return named(self.router, self.route)

    @property
    def namespace(self) -> str:
        """The namespace of the route."""
        return namespace_of(self.route)

    @property
    def wanted(self) -> set[str]:
        """The versions that are to get traffic."""
        return {self.candidate} if self.candidate else {spelling.name for spelling in self.spellings}

    def carrying(self) -> list[Rule]:
        """The rules whose weights are to be moved: those that hold several versions, else those that hold any."""
        rules = [
            (rule, len(found_in(rule, self.spellings, self.router, self.route)))
            for rule in self.router.rules(self.route)
            if not self.rules or rule.name in self.rules or rule.place in self.rules
        ]
        most = [rule for rule, versions in rules if versions > 1]
        return most or [rule for rule, versions in rules if versions]

    def versions_of(self, rule: Rule) -> Iterator[tuple[Destination, int, str | None]]:
        """Each destination of a rule with its weight, and the version that it belongs to."""
        found = found_in(rule, self.spellings, self.router, self.route)
        for destination, weight in zip(rule.destinations, rule.effective(), strict=True):
            yield destination, weight, next((name for name, theirs in found.items() if destination in theirs), None)

    def hosts(self, name: str) -> list[str]:
        """The full hosts of a version in the route."""
        return list(dict.fromkeys(host for host, _subset in self.router.backends(self.route, self.spellings, name)))

    def backends(self) -> list[str]:
        """The full hosts of all versions in the route."""
        return list(dict.fromkeys(host for spelling in self.spellings for host in self.hosts(spelling.name)))

    def entry(self, rule: Rule) -> Manifest:
        """A rule as it is written."""
        found: Manifest = at(self.route, rule.path)
        return found


@dataclass(frozen=True)
class Surroundings:
    """The objects around a route by kind, and the kinds and namespaces that could not be read.

    ``pods`` is how many pods each subset of a host selects.
    """

    objects: Mapping[str, Sequence[Manifest]] = field(default_factory=dict)
    unread: frozenset[tuple[str, str]] = frozenset()
    pods: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def of(self, kind: str, namespace: str | None = None) -> list[Manifest]:
        """All objects of a kind, or those of one namespace."""
        return [
            item
            for item in self.objects.get(kind, ())
            if namespace is None or item["metadata"]["namespace"] == namespace
        ]


def label_of(kind: str, item: Manifest) -> str:
    """An object for a person."""
    return f"{kind} {item['metadata']['namespace']}/{item['metadata']['name']}"


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector of the API fits; an empty one fits everything.

    See U(https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements).
    """
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(item, labels) for item in selector.get("matchExpressions") or [])


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(str(expression.get("operator")), False)


def destination_rules(subject: Subject, surroundings: Surroundings, host: str) -> list[Manifest]:
    """The DestinationRules that are about a host, by its name or by a wildcard."""
    return [
        item
        for item in surroundings.of("DestinationRule")
        if is_named(str((item.get("spec") or {}).get("host", "")), item["metadata"]["namespace"], host)
    ]
