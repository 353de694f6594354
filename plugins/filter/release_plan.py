# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``release_plan``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: release_plan
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: What is left to do in a release
description:
  - Works out, from a release and from what was seen in its cluster, what each stage has left to do.
  - It touches no cluster. The same release and the same observation always give the same plan.
    M(bluegreen.kubernetes.release_info) reads the observation from the cluster and gives this plan with it.
positional: observed, percent
options:
  _input:
    description:
      - The release as it stands in the variable C(bluegreen).
    type: dict
    required: true
  observed:
    description:
      - What was seen in the cluster. With nothing, it is the plan of a first install.
      - Any other key, here or below, is an error.
    type: dict
    default: {}
    suboptions:
      journal:
        description:
          - All that the entries of the release's journal add up to, as
            RV(bluegreen.kubernetes.release_info#module:journal) gives it.
        type: dict
        default: {}
      routes:
        description:
          - The routes as RV(bluegreen.kubernetes.traffic_info#module:routes) gives them, each with the key C(service)
            beside, the name of the service that it belongs to. By default that is the route's own name.
          - C(name) is required. C(namespace) is by default that of the service, C(exists) and C(consistent) are
            V(true), C(owned) is V(false), and all others are empty.
        type: list
        elements: dict
        default: []
      now:
        description:
          - The time to plan for, in seconds since 1970. By default it is now.
        type: float
  percent:
    description:
      - Plan the shift only as far as this percentage, from 0 to 100. A step is put in when none ends there.
    type: int
seealso:
  - module: bluegreen.kubernetes.release_info
  - plugin: bluegreen.kubernetes.shift_steps
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Show what a first install does, without a cluster
  ansible.builtin.debug:
    msg: "{{ (bluegreen | bluegreen.kubernetes.release_plan).timeline }}"

- name: Show what a release from blue would do
  ansible.builtin.debug:
    msg: "{{ (bluegreen | bluegreen.kubernetes.release_plan(observed)).timeline }}"
  vars:
    observed: {routes: [{name: web, weights: {blue: 100}}]}

- name: Read the journal
  bluegreen.kubernetes.release_info:
    release: web
    namespace: prod
  register: release

- name: Read the route, with the versions by their names in the release
  bluegreen.kubernetes.traffic_info:
    routes:
      - name: web
        namespace: prod
        versions: {blue: {}, green: {}}
  register: traffic

- name: Show what is left to do until green has a quarter of the traffic
  ansible.builtin.debug:
    msg: "{{ (bluegreen | bluegreen.kubernetes.release_plan(observed, percent=25)).timeline }}"
  vars:
    observed:
      journal: "{{ release.journal }}"
      routes: "{{ traffic.routes }}"
"""

RETURN = r"""
_value:
  description:
    - The plan. Its keys are described at RV(bluegreen.kubernetes.release_info#module:plan).
  type: dict
  sample:
    action: start
    reason: from blue to green
    to: green
    live: blue
    weights: {web: {blue: 100}}
    timeline:
      - deploy green and wait until it is ready (at most 5m)
      - verify green at 0 %
      - "step 1: 100 % to green, then 1m of verification"
      - promote green
"""

import time
from typing import TYPE_CHECKING, Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import read_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.observation import ROOT, observed_release
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section, integer
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._routers import release as planning
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils.filters import as_filter

if TYPE_CHECKING:
    from collections.abc import Callable


@as_filter
def release_plan(bluegreen: object, observed: object = None, percent: object = None) -> dict[str, Any]:
    release = read_release(bluegreen)
    limit = None if percent is None else integer(percent, "percent", 0, 100)
    with Section({} if observed is None else observed, ROOT) as section:
        journal = section.mapping("journal")
        routes = section.items("routes")
        now = _moment(section)
    return planning.release_plan(release, observed_release(release, journal, routes, now), limit)


def _moment(section: Section) -> float:
    now = section.raw("now")
    if now is None:
        return time.time()
    if not isinstance(now, (int, float)) or isinstance(now, bool):
        raise section.error("now", f"expected seconds since 1970, got {now!r}")
    return float(now)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"release_plan": release_plan}
