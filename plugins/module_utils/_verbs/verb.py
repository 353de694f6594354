# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every verb shares: the narrow part of an Ansible module that it uses, its way out, its common options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol

from .._cluster.client import Cluster, NotFound, Ref, auth_argument_spec
from .._core.errors import BlueGreenError
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
    """The router of a route's options, which also says what kind of object it is."""
    router = ROUTERS[route["router"]]
    if route.get("kind") not in (None, router.kind):
        raise BlueGreenError(f"routes.kind: the router {router.name} knows {router.kind}, not {route['kind']}")
    if route.get("api_version") not in (None, *router.api_versions):
        raise BlueGreenError(
            f"routes.api_version: {route['api_version']} is none of {router.kind}'s: {', '.join(router.api_versions)}"
        )
    return router


def ref_of(route: Mapping[str, Any]) -> Ref:
    """Where the object of a route's options is."""
    router = router_of(route)
    return Ref(route.get("api_version") or router.api_versions[0], router.plural, route["namespace"], route["name"])


def find_route(cluster: Cluster, route: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read the object of a route's options: None when only the object is missing, not its kind or its namespace."""
    router, ref = router_of(route), ref_of(route)
    try:
        found = cluster.find(ref)
    except NotFound as missing:
        raise BlueGreenError(
            f"the cluster has no kind {router.kind} in {ref.api_version}: install its CustomResourceDefinitions, or "
            "name the version that it has with api_version"
        ) from missing
    if found is None and cluster.namespace_missing(route["namespace"]):
        raise BlueGreenError(
            f"{router.kind} {route['namespace']}/{route['name']}: the namespace {route['namespace']} does not exist; "
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
        spellings.append(Spelling(name, **spelling))
    return spellings


_SPELLING_KEYS = {"host", "subset", "namespace", "backend"}
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
