# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``with_weights``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: with_weights
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: A file of manifests with other weights
description:
  - Changes the weights of routes in the text of a file of manifests, and leaves every other byte as it is, comments,
    order, indentation and quotes included.
  - Nothing is read from or written to a cluster or a disk.
  - An object that is not in the text, or stands in it twice, is an error, and so is a template that is no YAML yet.
positional: file, routes
options:
  _input:
    description:
      - The text of the file, with one or more YAML documents, or JSON.
    type: str
    required: true
  file:
    description:
      - The name of the file, for messages.
    type: str
    required: true
  routes:
    description:
      - The routes whose weights are to change, with the options of
        O(bluegreen.kubernetes.traffic#module:routes). Each has its C(weights), and in C(versions) all of their names.
      - An object of the text that names no namespace is taken for the one that is meant.
    type: list
    elements: dict
    required: true
seealso:
  - module: bluegreen.kubernetes.traffic
"""

EXAMPLES = r"""
---
- name: Let the checkout say what the cluster has
  ansible.builtin.copy:
    dest: "{{ file }}"
    content: "{{ text | bluegreen.kubernetes.with_weights(file, routes) }}"
    mode: "0644"
  vars:
    text: "{{ lookup('ansible.builtin.file', file, rstrip=false) }}"
    file: ~/checkout/prod/web.yaml
    routes:
      - router: istio
        name: web
        namespace: prod
        weights: {blue: 0, green: 100}
"""

RETURN = r"""
_value:
  description: The text with the weights.
  type: str
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.weights import checked_weights
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers import write_back
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers.registry import ROUTERS
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils.filters import as_filter

if TYPE_CHECKING:
    from collections.abc import Callable


@as_filter
def with_weights(text: object, file: object, routes: object) -> str:
    if not isinstance(routes, list):
        raise SpecError("routes", f"expected a list of routes, got {routes!r}")
    return write_back.with_weights(
        str(text), str(file), [_checked(route, f"routes[{at}]") for at, route in enumerate(routes)]
    )


def _checked(route: object, path: str) -> dict[str, Any]:
    if not isinstance(route, Mapping):
        raise SpecError(path, f"expected a mapping, got {route!r}")
    for key in ("name", "namespace", "weights"):
        if not route.get(key):
            raise SpecError(f"{path}.{key}", "is required")
    router = route.get("router") or "istio"
    if router not in ROUTERS:
        raise SpecError(f"{path}.router", f"expected one of {', '.join(sorted(ROUTERS))}, got {router!r}")
    if route.get("kind") not in (None, *ROUTERS[router].kinds):
        known = ", ".join(ROUTERS[router].kinds)
        raise SpecError(f"{path}.kind", f"the router {router} knows {known}, not {route['kind']}")
    weights = checked_weights(route["weights"], f"{path}.weights")
    versions = {**dict.fromkeys(weights), **(route.get("versions") or {})}
    return {**route, "router": router, "weights": weights, "versions": versions}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"with_weights": with_weights}
