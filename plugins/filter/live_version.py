# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``live_version``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: live_version
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: The version with the largest weight
description:
  - Names the version that gets the largest part of the traffic.
  - At a tie, or when nothing has weight, there is none. Who decides then is not this filter's to guess.
options:
  _input:
    description:
      - A mapping of version to weight, such as M(bluegreen.kubernetes.traffic_info) returns it.
    type: dict
    required: true
seealso:
  - plugin: bluegreen.kubernetes.weights
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: See who has the traffic
  bluegreen.kubernetes.traffic_info:
    routes:
      - {router: istio, name: web, namespace: prod}
  register: web

- name: Stop when nobody is ahead
  ansible.builtin.assert:
    that: web.weights | bluegreen.kubernetes.live_version is not none
    fail_msg: "No version has the largest weight: {{ web.weights }}"
"""

RETURN = r"""
_value:
  description: The version's name, or none.
  type: str
  sample: blue
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core import weights as core
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import integer
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils.filters import as_filter

if TYPE_CHECKING:
    from collections.abc import Callable


@as_filter
def live_version(weights: object) -> str | None:
    if not isinstance(weights, Mapping):
        raise SpecError("live_version", f"expected a mapping of version to weight, got {weights!r}")
    return core.live_version({str(name): integer(weight, f"weights.{name}") for name, weight in weights.items()})


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"live_version": live_version}
