# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies that name what only live has: the candidate then is reached, or reaches others, by other rules than live."""

from __future__ import annotations

from collections.abc import Iterator

from .._core.problems import Problem, problem
from .lint_subject import LintedVersion, Subject, Surroundings, label_of, selects
from .rules import Manifest

_WORDS = {
    "AuthorizationPolicy": "who may call it",
    "PeerAuthentication": "whether it takes plain text",
    "NetworkPolicy": "which connections it has",
}


def policies(subject: Subject, surroundings: Surroundings) -> list[Problem]:
    """Policies that fit live and not the candidate."""
    candidate, live = subject.versions.get(subject.candidate or ""), subject.versions.get(subject.live or "")
    if candidate is None or live is None or subject.candidate == subject.live:
        return []
    return [
        *_selecting(subject, surroundings, candidate, live),
        *_peers(subject, surroundings, candidate, live),
        *_principals(subject, surroundings, candidate, live),
        *_egress(subject, surroundings),
    ]


def _found(subject: Subject, name: str, path: str, says: str) -> Problem:
    message = f"{name} {says} {subject.live} and not {subject.candidate}"
    return problem("policy_fits_only_live", f"{name}: {path}", message)


def _selecting(
    subject: Subject, surroundings: Surroundings, candidate: LintedVersion, live: LintedVersion
) -> Iterator[Problem]:
    """Policies for pods by their labels."""
    if candidate.labels is None or live.labels is None:
        return
    for kind, about in _WORDS.items():
        key = "podSelector" if kind == "NetworkPolicy" else "selector"
        for item in surroundings.of(kind, live.namespace):
            selector = (item.get("spec") or {}).get(key) or {}
            also = candidate.namespace == live.namespace and selects(selector, candidate.labels)
            # Without labels it is about the whole namespace.
            narrow = bool(selector.get("matchLabels") or selector.get("matchExpressions"))
            if narrow and selects(selector, live.labels) and not also:
                same = any(
                    _is_same(item, other, key, candidate) for other in surroundings.of(kind, candidate.namespace)
                )
                if not same:
                    yield _found(subject, label_of(kind, item), f"/spec/{key}", f"says {about} of the pods of")


def _is_same(item: Manifest, other: Manifest, key: str, candidate: LintedVersion) -> bool:
    """Whether another policy says the same for the candidate."""
    mine = {name: value for name, value in (item.get("spec") or {}).items() if name != key}
    theirs = {name: value for name, value in (other.get("spec") or {}).items() if name != key}
    selector = (other.get("spec") or {}).get(key) or {}
    return other is not item and mine == theirs and selects(selector, candidate.labels or {})


def _peers(
    subject: Subject, surroundings: Surroundings, candidate: LintedVersion, live: LintedVersion
) -> Iterator[Problem]:
    """NetworkPolicies of others that let live's pods in, or out to them."""
    if candidate.labels is None or live.labels is None:
        return
    for item in surroundings.of("NetworkPolicy", live.namespace):
        spec = item.get("spec") or {}
        for direction, side in (("ingress", "from"), ("egress", "to")):
            peers = [
                peer["podSelector"]
                for rule in spec.get(direction) or []
                for peer in rule.get(side) or []
                # One with a namespaceSelector is about other namespaces.
                if "podSelector" in peer and "namespaceSelector" not in peer
            ]
            fits_live = any(selects(peer, live.labels) for peer in peers)
            beside = candidate.namespace == live.namespace
            if fits_live and not (beside and any(selects(peer, candidate.labels) for peer in peers)):
                yield _found(subject, label_of("NetworkPolicy", item), f"/spec/{direction}", "allows connections with")


def _principals(
    subject: Subject, surroundings: Surroundings, candidate: LintedVersion, live: LintedVersion
) -> Iterator[Problem]:
    """AuthorizationPolicies of others that name live's service account."""
    if candidate.workload is None or live.workload is None:
        return
    accounts = [f"ns/{version.namespace}/sa/{version.account}" for version in (live, candidate)]
    for item in surroundings.of("AuthorizationPolicy"):
        named = [
            str(principal)
            for rule in (item.get("spec") or {}).get("rules") or []
            for peer in rule.get("from") or []
            for principal in (peer.get("source") or {}).get("principals") or []
        ]
        fits = [any(_is_account(principal, account) for principal in named) for account in accounts]
        if fits == [True, False]:
            name = label_of("AuthorizationPolicy", item)
            yield _found(subject, name, "/spec/rules", "names the service account of")


def _is_account(principal: str, account: str) -> bool:
    if principal == "*":
        return True
    if principal.endswith("*"):
        return f"cluster.local/{account}".startswith(principal[:-1])
    return principal.endswith(f"/{account}")


def _egress(subject: Subject, surroundings: Surroundings) -> Iterator[Problem]:
    """Sidecars whose clients know live's host and not the candidate's."""
    live, candidate = subject.hosts(subject.live or ""), subject.hosts(subject.candidate or "")
    for item in surroundings.of("Sidecar"):
        listed = [
            str(host)
            for listener in (item.get("spec") or {}).get("egress") or []
            for host in listener.get("hosts") or []
        ]
        own = item["metadata"]["namespace"]
        knows = [
            bool(hosts) and all(_is_known(subject, host, listed, own) for host in hosts) for hosts in (live, candidate)
        ]
        if listed and candidate and knows == [True, False]:
            yield _found(subject, label_of("Sidecar", item), "/spec/egress", "lets its pods know the host of")


def _is_known(subject: Subject, host: str, listed: list[str], own: str) -> bool:
    service = subject.router.service_of(host)
    namespace = service[1] if service else subject.namespace
    for entry in listed:
        where, _slash, name = entry.rpartition("/")
        there = where in ("*", "", namespace) or (where == "." and own == namespace)
        if there and (name == host or (name.startswith("*") and host.endswith(name[1:]))):
            return True
    return False
