# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``shift_steps``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: shift_steps
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: The steps of a release
description:
  - Expands the steps of a release, in whichever of their spellings they are written, to one list.
  - The whole release is checked on the way, so a mistake anywhere in it is an error here.
options:
  _input:
    description:
      - The release as it stands in the variable C(bluegreen).
    type: dict
    required: true
seealso:
  - plugin: bluegreen.kubernetes.weights
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Show what is ahead
  ansible.builtin.debug:
    msg: "{{ bluegreen | bluegreen.kubernetes.shift_steps | map(attribute='percent') | join(' % → ') }} %"

- name: Four equal steps
  ansible.builtin.debug:
    msg: "{{ bluegreen | combine({'steps': {'linear': 25}}) | bluegreen.kubernetes.shift_steps }}"
  # percent: 25, 50, 75, 100
"""

RETURN = r"""
_value:
  description: The steps in the order in which they are taken.
  type: list
  elements: dict
  contains:
    percent:
      description: What the candidate gets, in percent. None in a step that is written as whole weights.
      type: int
    weights:
      description: The percentage of each version. Only in a step that is written so.
      type: dict
    pause:
      description: The verification pause after the step, in seconds.
      type: float
    approval:
      description: Whether somebody has to approve before the step.
      type: bool
    gates:
      description: The gates of this step, beside those of the release.
      type: list
      elements: dict
  sample:
    - {percent: 25, pause: 60.0, approval: false, gates: []}
    - {percent: 100, pause: 60.0, approval: false, gates: []}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils.filters import as_filter

if TYPE_CHECKING:
    from collections.abc import Callable


@as_filter
def shift_steps(bluegreen: object) -> list[dict[str, Any]]:
    return [step.plain() for step in read_release(bluegreen).steps]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"shift_steps": shift_steps}
