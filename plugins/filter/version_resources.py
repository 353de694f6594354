# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``version_resources``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: version_resources
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: The manifests of a version
description:
  - Writes the objects of one version of a service, in the order to apply them.
  - These are a Deployment and a Service named C(<service>-<version>) and, when the version asks for them, a
    HorizontalPodAutoscaler and a PodDisruptionBudget.
  - Pods meet the Pod Security Standard C(restricted) as they are. Each of its settings can be replaced by
    C(pod_security_context) and C(security_context) of the version, key by key; null takes one away.
  - A pod that ends goes on answering for C(pre_stop) seconds, until nobody sends it anything any more. This needs
    Kubernetes 1.30 or later.
  - With C(autoscaling) the Deployment says nothing about its C(replicas); they belong to the HorizontalPodAutoscaler.
  - Values of C(env) stand in the result as they are. Mind where it is shown.
positional: service, version
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
  version:
    description:
      - The name of the version.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Look at what would be applied
  ansible.builtin.debug:
    msg: "{{ bluegreen | bluegreen.kubernetes.version_resources('web', 'green') }}"

- name: Keep the manifests in a file, for a repository that somebody else applies
  ansible.builtin.copy:
    content: "{{ {'apiVersion': 'v1', 'kind': 'List', 'items': manifests} | ansible.builtin.to_nice_yaml }}"
    dest: web-green.yml
    mode: "0644"
  vars:
    manifests: "{{ bluegreen | bluegreen.kubernetes.version_resources('web', 'green') }}"
"""

RETURN = r"""
_value:
  description:
    - The manifests.
    - Empty for a version that is C(existing), of which nothing is written.
  type: list
  elements: dict
  sample:
    - apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web-green, namespace: prod}
    - apiVersion: v1
      kind: Service
      metadata: {name: web-green, namespace: prod}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core import manifests
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import ROOT, read_release, refuse_unbuilt
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils.filters import as_filter

if TYPE_CHECKING:
    from collections.abc import Callable


@as_filter
def version_resources(bluegreen: object, service: object, version: object) -> list[dict[str, Any]]:
    release = read_release(bluegreen)
    refuse_unbuilt(release)
    path = f"{ROOT}.services"
    if str(service) not in release.services:
        raise SpecError(path, f"no service {service}; known: {', '.join(release.services)}")
    found = release.services[str(service)]
    if str(version) not in found.versions:
        raise SpecError(f"{path}.{service}.versions", f"no version {version}; known: {', '.join(found.versions)}")
    return manifests.version_resources(found, found.versions[str(version)], release.name)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"version_resources": version_resources}
