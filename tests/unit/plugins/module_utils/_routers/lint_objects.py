# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects around a route as the API server returns them, for the tests of what is found wrong in them."""

from __future__ import annotations

from typing import Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.problems import Problem
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.lint import lint
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.lint_subject import (
    LintedVersion,
    Subject,
    Surroundings,
)
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.rules import Manifest, Spelling

BOTH = (Spelling("blue"), Spelling("green"))


def named(name: str, namespace: str = "prod", /, spec: Manifest | None = None, **metadata: Any) -> Manifest:
    return {"metadata": {"name": name, "namespace": namespace, **metadata}, "spec": spec or {}}


def destination(host: str, weight: int | None, subset: str | None = None) -> Manifest:
    target = {"host": host, **({"subset": subset} if subset else {})}
    return {"destination": target, **({} if weight is None else {"weight": weight})}


def weighted(blue: int = 100, green: int = 0) -> list[Manifest]:
    return [destination("web-blue", blue), destination("web-green", green)]


def by_subset(blue: int = 100, green: int = 0) -> list[Manifest]:
    return [destination("web", blue, "blue"), destination("web", green, "green")]


def rule(*match: Manifest, name: str = "main", route: list[Manifest] | None = None) -> Manifest:
    return {"name": name, "route": weighted() if route is None else route, **({"match": list(match)} if match else {})}


def virtual_service(
    *http: Manifest, name: str = "web", namespace: str = "prod", born: int = 5, **spec: Any
) -> Manifest:
    """At a public gateway, and as old as it is told to be."""
    written = {"hosts": ["web.example.com"], "gateways": ["infra/public"], "http": list(http) or [rule()], **spec}
    return named(name, namespace, written, creationTimestamp=f"2026-01-01T00:00:0{born}Z")


def http_route(*rules: Manifest, **metadata: Any) -> Manifest:
    return {"kind": "HTTPRoute", **named("web", spec={"rules": list(rules)}, **metadata)}


def backends(*names: str, **more: Any) -> Manifest:
    return {"backendRefs": [{"name": name, "port": 80, "weight": 1} for name in names], **more}


def destination_rule(host: str = "web", *subsets: str, name: str = "web", **more: Any) -> Manifest:
    entries = [{"name": subset, "labels": {"version": subset}} for subset in subsets]
    return named(name, spec={"host": host, "subsets": entries, **more})


def version(name: str, replicas: int = 4, autoscaler: Manifest | None = None, **more: Any) -> LintedVersion:
    """A Deployment of the version, and what scales it."""
    pod = {"metadata": {"labels": {"app": "web", "version": name}}, "spec": {"serviceAccountName": f"web-{name}"}}
    scaler = named(f"web-{name}", spec=autoscaler) if autoscaler else None
    workload = named(f"web-{name}", spec={"replicas": replicas, "template": pod})
    return LintedVersion("prod", workload, scaler, **more)


def subject(route: Manifest, router: str = "istio", **more: Any) -> Subject:
    """A route whose traffic is to go from blue to green."""
    known: dict[str, Any] = {
        "router": ROUTERS[router],
        "route": route,
        "spellings": BOTH,
        "versions": {"blue": version("blue"), "green": version("green")},
        "candidate": "green",
        "live": "blue",
        "first": 25,
        "last": 100,
        "retires": True,
    }
    return Subject(**{**known, **more})


def around(**objects: list[Manifest]) -> Surroundings:
    """Objects by their kinds."""
    return Surroundings(objects)


def problems(code: str, wanted: Subject, surroundings: Surroundings | None = None) -> list[Problem]:
    """Those of one code."""
    return [found for found in lint(wanted, surroundings or Surroundings()) if found["code"] == code]
