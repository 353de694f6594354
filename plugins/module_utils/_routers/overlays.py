# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is laid over a route for a while: rules that send test requests to one version, and mirrors to it.

Both are told from what users write by the object alone, so that they go whoever finds them. A test rule is named after
its own header, and a mirror copies to a version of the very rule in which it stands.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._core.errors import RouteError
from .._core.observe import PARTS_OF_REQUESTS, is_header_name
from .matching import found_in, named
from .router import Router
from .rules import Change, Destination, Manifest, Operation, Overlay, Rule, Spelling, at

TEST_RULE_PREFIX = "bluegreen-test-"


def name_of_test_rule(rule: Rule, header: str, value: str) -> str:
    """A name that tells the rule in whose front it stands, and by its fingerprint that we wrote it."""
    words = [rule.place] if rule.name == rule.place else [rule.place, rule.name]
    # Plain letters only, see Router.still_there.
    plain = [re.sub(r"[^A-Za-z0-9._]+", "-", word).strip("-") for word in words]
    return TEST_RULE_PREFIX + "-".join([_fingerprint(header, value), *plain])


def is_test_rule(name: str, headers: Sequence[Mapping[str, str]]) -> bool:
    """Whether a rule of this name, whose every match asks for these headers, is one of ours."""
    if not name.startswith(TEST_RULE_PREFIX) or not headers:
        return False
    fingerprint = name.removeprefix(TEST_RULE_PREFIX).split("-", maxsplit=1)[0]
    return all(any(_fingerprint(*header) == fingerprint for header in match.items()) for match in headers)


def with_test_rules(
    router: Router,
    route: Manifest,
    versions: Sequence[Spelling],
    version: str,
    header: str,
    value: str,
    rules: Sequence[str] = (),
) -> Change:
    """The change that puts a test rule before each rule that carries the versions, and takes every other one away."""
    copies: dict[str, tuple[Manifest, Destination]] = {}
    unsuited = []
    chosen, pins = _carrying(router, route, versions, version, rules)
    for rule, destination in chosen:
        copy = router.test_rule(route, rule, destination, header.lower(), value)
        if copy is None:
            unsuited.append(rule.name)
        else:
            copies[rule.path] = (copy, destination)
    added = tuple(
        Overlay(copy["name"], "", f"{header.lower()}: {value} → {version}") for copy, _place in copies.values()
    )
    standing = without_test_rules(router, route)
    if _is_as_wanted(router, route, {path: copy for path, (copy, _place) in copies.items()}):
        return Change((), pins=pins, unsuited=tuple(unsuited))
    operations = list(standing.operations)
    removed = [rule.path for rule in router.test_rules(route)]
    # From the last to the first, and after the removals: no place moves before it is used.
    for path, (copy, destination) in reversed(copies.items()):
        now = _moved(path, removed)
        test = router.still_there(route, destination)
        operations.append({**test, "path": now + test["path"].removeprefix(path)})
        operations.append({"op": "add", "path": now, "value": copy})
    return Change(
        tuple(operations),
        pins=pins,
        backends={version: tuple(destination for _copy, destination in copies.values())},
        gains=(version,) if copies else (),
        overlays=(*standing.overlays, *added),
        unsuited=tuple(unsuited),
    )


def without_test_rules(router: Router, route: Manifest) -> Change:
    """The change that takes all of our test rules out of a route, wherever they stand now."""
    operations: list[Operation] = []
    standing = router.test_rules(route)
    for rule in reversed(standing):
        operations.append({"op": "test", "path": f"{rule.path}/name", "value": rule.name})
        operations.append({"op": "remove", "path": rule.path})
    return Change(
        tuple(operations),
        overlays=tuple(Overlay(rule.name, f"→ {', '.join(map(str, rule.destinations))}", "") for rule in standing),
    )


def with_mirror(
    router: Router,
    route: Manifest,
    versions: Sequence[Spelling],
    version: str,
    percent: float,
    rules: Sequence[str] = (),
) -> Change:
    """The change that copies a percentage of the requests of each rule that carries the versions to one of them."""
    operations: list[Operation] = []
    overlays: list[Overlay] = []
    unsuited: list[str] = []
    chosen, pins = _carrying(router, route, versions, version, rules)
    for rule, destination in chosen:
        added = router.mirroring(route, rule, destination, percent)
        if added is None:
            unsuited.append(rule.name)
        elif added:
            operations += added
            overlays.append(Overlay(_mirror(rule), "", f"{percent:g} % → {version}"))
    return Change(
        tuple(operations),
        pins=pins,
        backends={version: tuple(destination for _rule, destination in chosen)},
        gains=(version,) if operations else (),
        overlays=tuple(overlays),
        unsuited=tuple(unsuited),
    )


def without_mirror(router: Router, route: Manifest, versions: Sequence[Spelling], version: str) -> Change:
    """The change that takes our mirrors to a version away."""
    operations: list[Operation] = []
    overlays: list[Overlay] = []
    for rule, removal in _mirrors(router, route, versions, version):
        operations += removal
        overlays.append(Overlay(_mirror(rule), f"→ {version}", ""))
    return Change(tuple(operations), overlays=tuple(overlays))


def mirrored(router: Router, route: Manifest, versions: Sequence[Spelling]) -> list[str]:
    """The versions to which requests of a rule that they stand in are copied, as our mirrors do it."""
    return [spelling.name for spelling in versions if any(_mirrors(router, route, versions, spelling.name))]


def leftovers(router: Router, route: Manifest, versions: Sequence[Spelling]) -> list[dict[str, str]]:
    """Test rules and mirrors that stand in a route, as problems: right during a test, and left over after it."""
    where = named(router, route)
    found = [
        {
            "code": "leftover_test_rule",
            "path": rule.path,
            "message": f"{where}: {rule.name} sends test requests to {', '.join(map(str, rule.destinations))}; "
            "unless a release is testing now, a run ended before it could take the rule away: run the release again, "
            "roll it back, or use traffic with test_header: {state: absent}",
        }
        for rule in router.test_rules(route)
    ]
    for spelling in versions:
        for rule, _removal in _mirrors(router, route, versions, spelling.name):
            found.append(
                {
                    "code": "leftover_mirror",
                    "path": rule.path,
                    "message": f"{where}, rule {rule.name}: requests are copied to {spelling.name}; unless a release "
                    "is mirroring now or somebody else wrote this, a run ended before it could take the mirror away: "
                    "run the release again, roll it back, or use traffic with "
                    f"mirror: {{version: {spelling.name}, state: absent}}",
                }
            )
    return found


def _carrying(
    router: Router, route: Manifest, versions: Sequence[Spelling], version: str, rules: Sequence[str]
) -> tuple[list[tuple[Rule, Destination]], tuple[tuple[str, str], ...]]:
    """The rules that carry all of the versions that are in the route, with the destination of one of them."""
    present = {spelling.name for spelling in router.present(route, versions, rules)}
    chosen, pins = router.carrying(route, versions, rules, sorted({*present, version}))
    return [(rule, found[version]) for rule, found in chosen], pins


def _mirrors(
    router: Router, route: Manifest, versions: Sequence[Spelling], version: str
) -> Iterator[tuple[Rule, tuple[Operation, ...]]]:
    for rule in router.rules(route):
        for destination in found_in(rule, versions, router, route).get(version, ()):
            removal = router.mirror_removal(route, rule, destination)
            if removal:
                yield rule, removal


def _is_as_wanted(router: Router, route: Manifest, copies: Mapping[str, Manifest]) -> bool:
    """Whether exactly these copies stand before their rules, and none anywhere else."""
    ours = [rule.path for rule in router.test_rules(route)]
    return [(_next(path), at(route, path)) for path in ours] == list(copies.items())


def _moved(path: str, removed: Sequence[str]) -> str:
    """Where a rule stands once others of its list are gone."""
    parent, place = _split(path)
    before = sum(1 for other in removed if _split(other)[0] == parent and _split(other)[1] < place)
    return f"{parent}/{place - before}"


def _next(path: str) -> str:
    parent, place = _split(path)
    return f"{parent}/{place + 1}"


def _split(path: str) -> tuple[str, int]:
    parent, _slash, place = path.rpartition("/")
    return parent, int(place)


def _mirror(rule: Rule) -> str:
    return f"{rule.name} (mirror)"


def _fingerprint(header: str, value: Any) -> str:
    return hashlib.sha256(f"{header}: {value}".encode()).hexdigest()[:8]


def checked_header(name: str, value: str) -> None:
    """Refuse a header that cannot be matched."""
    if not is_header_name(name.lower()):
        raise RouteError(
            f"test_header.name: {name!r} is no name of a header; use letters, digits and hyphens, and none of "
            f"{', '.join(PARTS_OF_REQUESTS)}"
        )
    if not re.fullmatch(r"[!-~]+", value):
        raise RouteError(f"test_header.value: expected visible ASCII characters without spaces, got {value!r}")
