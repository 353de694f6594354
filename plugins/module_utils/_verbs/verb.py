# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every verb shares: the narrow part of an Ansible module that it uses, its way out, its common options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol

from .._cluster.client import Cluster, NotFound, Ref, auth_argument_spec
from .._core.durations import seconds
from .._core.errors import BlueGreenError, SpecError
from .._core.workloads import WORKLOAD_KINDS
from .._routers.registry import ROUTERS
from .._routers.router import Router
from .._routers.rules import Spelling

Result = dict[str, Any]


class Module(Protocol):
    """The part of AnsibleModule that verbs may use; the in-process action offers the same."""

    params: dict[str, Any]
    check_mode: bool
    no_log_values: set[str]

    def warn(self, warning: str) -> None:
        """Show a warning to the user."""

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """End with a result."""

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """End with a failure."""


def finish(module: Module, work: Callable[[Module], Result]) -> NoReturn:
    """Do the work and leave: with its result, or with the message of the error that it raised."""
    try:
        result = work(module)
    except BlueGreenError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(**result)


def with_auth(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a verb together with those of the connection."""
    return {**auth_argument_spec(), **options}


def connect(module: Module) -> Cluster:
    """Connect with the module's options; secrets inside an inline kubeconfig become secret to the output too."""
    names = auth_argument_spec()
    kubeconfig = module.params.get("kubeconfig")
    if isinstance(kubeconfig, Mapping):
        module.no_log_values.update(_secrets(kubeconfig))
    return Cluster({name: module.params.get(name) for name in names if module.params.get(name) is not None})


def duration(params: Mapping[str, Any], name: str) -> float:
    """An option in seconds; raises SpecError."""
    try:
        return seconds(params[name])
    except ValueError as error:
        raise SpecError(name, str(error)) from None


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options without those that were left out, at any depth."""
    return {
        key: given(value) if isinstance(value, Mapping) else value
        for key, value in options.items()
        if value is not None and value != []
    }


# Headers whose values are credentials, by the usual words in their names.
_CREDENTIAL = re.compile(r"auth|cookie|token|secret|password|api[-_]?key", re.IGNORECASE)
# A shorter word is no secret, and would be cut out of every other that it is a part of.
SHORTEST_SECRET = 6


def credentials(headers: Mapping[str, Any]) -> set[str]:
    """What of a request's headers must not be seen.

    Without its scheme, such as "Bearer", too: what an application repeats of it may be the token alone.
    """
    found: set[str] = set()
    for name, value in headers.items():
        if value and _CREDENTIAL.search(str(name)):
            alone = str(value).rpartition(" ")[2]
            found |= {str(value), *([alone] if len(alone) >= SHORTEST_SECRET else [])}
    return found


NAMED: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
}
WORKLOADS: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {**NAMED, "kind": {"type": "str", "default": "Deployment", "choices": list(WORKLOAD_KINDS)}},
}

ROUTE_OPTIONS: dict[str, Any] = {
    "router": {"type": "str", "default": "istio", "choices": sorted(ROUTERS)},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "kind": {"type": "str"},
    "api_version": {"type": "str"},
    "rules": {"type": "list", "elements": "str", "default": []},
    "versions": {"type": "dict"},
}


def router_of(route: Mapping[str, Any]) -> Router:
    """The router of a route's options; raises BlueGreenError when it does not know the kind or its API version."""
    router = ROUTERS[route["router"]]
    kind = kind_of(route)
    if kind not in router.kinds:
        known = ", ".join(router.kinds)
        raise BlueGreenError(f"routes.kind: the router {router.name} knows {known}, not {kind}")
    versions = router.kinds[kind].api_versions
    if route.get("api_version") not in (None, *versions):
        raise BlueGreenError(f"routes.api_version: {route['api_version']} is none of {kind}'s: {', '.join(versions)}")
    return router


def kind_of(route: Mapping[str, Any]) -> str:
    """The kind of the object of a route's options."""
    return str(route.get("kind") or ROUTERS[route["router"]].kind)


def ref_of(route: Mapping[str, Any]) -> Ref:
    """Where the object of a route's options is."""
    kind = router_of(route).kinds[kind_of(route)]
    return Ref(route.get("api_version") or kind.api_versions[0], kind.plural, route["namespace"], route["name"])


def find_route(cluster: Cluster, route: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read the object of a route's options: None when only the object is missing, not its kind or its namespace."""
    kind, ref = kind_of(route), ref_of(route)
    try:
        found = cluster.find(ref)
    except NotFound as missing:
        raise BlueGreenError(
            f"the cluster has no kind {kind} in {ref.api_version}: install its CustomResourceDefinitions, or "
            "name the version that it has with api_version"
        ) from missing
    if found is None and cluster.namespace_missing(route["namespace"]):
        raise BlueGreenError(
            f"{kind} {route['namespace']}/{route['name']}: the namespace {route['namespace']} does not exist; "
            "create it first"
        )
    return found


def spellings_of(route: Mapping[str, Any], names: Mapping[str, Any]) -> list[Spelling]:
    """How the versions are written in a route: as its options say, by the usual patterns where they say nothing."""
    given = route.get("versions") or {}
    spellings = []
    for name in {**{str(name): None for name in names}, **{str(name): None for name in given}}:
        spelling = given.get(name) or {}
        if not isinstance(spelling, Mapping) or set(spelling) - _SPELLING_KEYS:
            raise BlueGreenError(
                f"routes.versions.{name}: expected a mapping of {', '.join(sorted(_SPELLING_KEYS))}, got {spelling!r}"
            )
        selector = spelling.get("selector") or {}
        if not isinstance(selector, Mapping) or not all(isinstance(value, str) for value in selector.values()):
            raise BlueGreenError(
                f"routes.versions.{name}.selector: expected labels with strings as their values, got {selector!r}"
            )
        spellings.append(Spelling(name, **spelling))
    return spellings


_SPELLING_KEYS = {"host", "subset", "namespace", "backend", "selector"}
_SECRET_KEYS = {
    "token",
    "password",
    "client-key-data",
    "client-certificate-data",
    "access-token",
    "refresh-token",
    "id-token",
}


def _secrets(value: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(value, Mapping):
        for key, item in value.items():
            found |= {item} if key in _SECRET_KEYS and isinstance(item, str) else _secrets(item)
    elif isinstance(value, list):
        for item in value:
            found |= _secrets(item)
    return found
