# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``route_resources``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: route_resources
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: The manifests that route the traffic of a service
description:
  - Writes the objects that divide the traffic of a service by the given weights, in the order to apply them.
  - For Istio these are a VirtualService and, as far as the release asks for them, the Service whose name callers in the
    mesh use, a Gateway, and a DestinationRule with subsets.
  - They are meant for a service that has no route yet. Applied over a route that exists, they reset its weights, which
    is why M(bluegreen.kubernetes.traffic) is there.
positional: service, weights
options:
  _input:
    description:
      - The release as it stands in the variable C(bluegreen).
    type: dict
    required: true
  service:
    description:
      - The name of the service.
    type: str
    required: true
  weights:
    description:
      - The percentage of each version, as whole numbers that sum to 100.
      - A version that is not named gets no destination. One that is named with 0 gets one.
    type: dict
    required: true
seealso:
  - plugin: bluegreen.kubernetes.version_resources
    plugin_type: filter
  - module: bluegreen.kubernetes.traffic
"""

EXAMPLES = r"""
---
- name: Look at what would route everything to blue
  ansible.builtin.debug:
    msg: "{{ bluegreen | bluegreen.kubernetes.route_resources('web', {'blue': 100}) }}"

- name: Keep the manifests in a file, for a repository that somebody else applies
  ansible.builtin.copy:
    content: "{{ {'apiVersion': 'v1', 'kind': 'List', 'items': manifests} | ansible.builtin.to_nice_yaml }}"
    dest: web-route.yml
    mode: "0644"
  vars:
    manifests: "{{ bluegreen | bluegreen.kubernetes.route_resources('web', {'blue': 100, 'green': 0}) }}"
"""

RETURN = r"""
_value:
  description: The manifests.
  type: list
  elements: dict
  sample:
    - apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: prod}
    - apiVersion: networking.istio.io/v1
      kind: VirtualService
      metadata: {name: web, namespace: prod}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import ROOT, read_release, refuse_unbuilt
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.weights import checked_weights
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers import release as routing
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils.filters import as_filter

if TYPE_CHECKING:
    from collections.abc import Callable


@as_filter
def route_resources(bluegreen: object, service: object, weights: object) -> list[dict[str, Any]]:
    release = read_release(bluegreen)
    refuse_unbuilt(release)
    name = str(service)
    if name not in release.services:
        raise SpecError(f"{ROOT}.services", f"no service {name}; known: {', '.join(release.services)}")
    found = release.services[name]
    divided = checked_weights(weights, "weights")
    for version in divided:
        if version not in found.versions:
            raise SpecError(f"weights.{version}", f"no version {version} of {name}; known: {', '.join(found.versions)}")
    return routing.route_resources(release, name, divided)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"route_resources": route_resources}
