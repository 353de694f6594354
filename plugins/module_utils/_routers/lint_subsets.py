# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DestinationRules of the versions' hosts: subsets that are missing or empty, and sessions that are pinned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._core.problems import Problem, problem
from .lint_subject import GATEWAY_API, Subject, Surroundings, destination_rules, label_of
from .rules import Destination, Manifest, Rule, at


def subsets(subject: Subject, surroundings: Surroundings) -> list[Problem]:
    """Subsets that get traffic, or are to get it, and are not there or have no pods."""
    if subject.router.subsets is None:
        return []
    found = {}
    for destination, name in _needed(subject):
        version = subject.versions.get(name or "")
        planned = version is not None and version.planned
        if destination.subset is None or (planned and subject.writes_subsets):
            continue
        rules = destination_rules(subject, surroundings, destination.host)
        if not any(_subset(rule, destination.subset) is not None for rule in rules):
            if not _is_unread(subject, surroundings, destination):
                found[destination.path] = _missing(subject, destination, rules)
        elif surroundings.pods.get((destination.host, destination.subset)) == 0 and not planned:
            message = f"{subject.name} sends to {destination}, which selects no pod"
            found[destination.path] = problem("subset_without_pods", destination.path, message)
    return list(found.values())


def _needed(subject: Subject) -> Iterator[tuple[Destination, str | None]]:
    """The destinations whose subset has to be there: of the versions that are to get traffic, and all that get any."""
    for rule in subject.carrying():
        for destination, weight, name in subject.versions_of(rule):
            if weight or name in subject.wanted:
                yield destination, name
        for mirror in rule.mirrors:
            yield mirror, None
        yield from ((added, subject.candidate) for added in _added(subject, rule))


def _added(subject: Subject, rule: Rule) -> list[Destination]:
    """The destination that the release adds to a rule for its candidate, where the route has none yet."""
    if not subject.candidate or subject.hosts(subject.candidate):
        return []
    model = rule.destinations[0].path
    return [
        subject.router.parsed(
            subject.router.destination(spelling, at(subject.route, model), 0),
            f"{model.rpartition('/')[0]}/-",
            subject.namespace,
        )
        for spelling in subject.spellings
        if spelling.name == subject.candidate
    ]


def _missing(subject: Subject, destination: Destination, rules: list[Manifest]) -> Problem:
    if rules:
        rule = label_of("DestinationRule", rules[0])
        known = ", ".join(item["name"] for item in _entries(rules[0])) or "none"
        message = (
            f"{subject.name} sends to {destination}, and {rule} has no such subset (it has {known}): it answers 503"
        )
    else:
        rule = f"a DestinationRule for {destination.host}"
        message = f"{subject.name} sends to {destination}, and no DestinationRule has that host: it answers 503"
    remedy = f"add {{name: {destination.subset}, labels: {{…}}}} to the subsets of {rule}"
    return problem("subset_missing", destination.path, message, remedy)


def _is_unread(subject: Subject, surroundings: Surroundings, destination: Destination) -> bool:
    """Whether the DestinationRule may stand where nobody could look."""
    service = subject.router.service_of(destination.host)
    namespaces = {subject.namespace, *([service[1]] if service else [])}
    return any(("DestinationRule", namespace) in surroundings.unread for namespace in namespaces)


def pinned(subject: Subject, surroundings: Surroundings) -> list[Problem]:
    """What binds a user's requests to one pod, or to one version."""
    found = []
    for host in subject.backends():
        for rule in destination_rules(subject, surroundings, host):
            for path, policy in _policies(rule, {item.subset for item in _destinations(subject)}):
                by = ((policy.get("loadBalancer") or {}).get("consistentHash")) or {}
                key = next((str(name) for name in by if name.startswith("http") or name == "useSourceIp"), None)
                if key is None:
                    continue
                name = label_of("DestinationRule", rule)
                message = (
                    f"{name} pins a user to one pod of a version by {key}. Weights divide requests, not users: a "
                    "session that lives in a pod is lost whenever a request goes to the other version"
                )
                remedy = "keep what a session needs outside of the pods, or take consistentHash out for the release"
                found.append(problem("pinned_sessions", f"{name}: {path}", message, remedy))
    if subject.router.name == GATEWAY_API:
        for rule_ in subject.carrying():
            if subject.entry(rule_).get("sessionPersistence"):
                message = (
                    f"{subject.name}, rule {rule_.name}: sessions persist, so a user stays with the version of the "
                    "first request: weights are percentages of new sessions, not of requests"
                )
                found.append(problem("pinned_sessions", f"{rule_.path}/sessionPersistence", message))
    return list({(item["path"], item["message"]): item for item in found}.values())


def _policies(rule: Manifest, names: set[str | None]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every traffic policy of a DestinationRule that these subsets follow, with its place."""
    policies = [("/spec/trafficPolicy", (rule.get("spec") or {}).get("trafficPolicy") or {})]
    for place, entry in enumerate(_entries(rule)):
        if entry.get("name") in names:
            policies.append((f"/spec/subsets/{place}/trafficPolicy", entry.get("trafficPolicy") or {}))
    for path, policy in policies:
        yield path, policy
        for place, port in enumerate(policy.get("portLevelSettings") or []):
            yield f"{path}/portLevelSettings/{place}", port


def _destinations(subject: Subject) -> list[Destination]:
    return [destination for rule in subject.carrying() for destination in rule.destinations]


def _entries(rule: Manifest) -> list[Manifest]:
    return list((rule.get("spec") or {}).get("subsets") or [])


def _subset(rule: Manifest, name: str) -> Manifest | None:
    return next((entry for entry in _entries(rule) if entry.get("name") == name), None)


def subset_selectors(subject: Subject, surroundings: Surroundings) -> dict[tuple[str, str], dict[str, str]]:
    """What selects the pods of each subset in the route: the selector of its Service, and the subset's labels."""
    found = {}
    for destination in _destinations(subject):
        service = subject.router.service_of(destination.host)
        for rule in destination_rules(subject, surroundings, destination.host):
            entry = _subset(rule, destination.subset) if destination.subset else None
            if entry is None or service is None:
                continue
            for item in surroundings.of("Service", service[1]):
                selector = (item.get("spec") or {}).get("selector")
                if item["metadata"]["name"] == service[0] and selector:
                    found[destination.host, str(destination.subset)] = {**selector, **(entry.get("labels") or {})}
    return found
