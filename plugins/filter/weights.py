# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``weights``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: weights
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: The weights of a step
description:
  - Gives the candidate its percentage and divides the rest among the other versions as they shared it before.
  - The weights are whole and sum to 100. Fractions go by the largest remainder, so none is a whole percent off.
positional: to, percent, live
options:
  _input:
    description:
      - The versions of the service, as a list of names or as the mapping that stands in the release.
    type: raw
    required: true
  to:
    description:
      - The candidate.
    type: str
    required: true
  percent:
    description:
      - What the candidate gets, from 0 to 100.
    type: int
    required: true
  live:
    description:
      - Who had the traffic before, as the name of the only version, or as weights.
    type: raw
    required: true
seealso:
  - plugin: bluegreen.kubernetes.live_version
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: A quarter for green
  bluegreen.kubernetes.traffic:
    routes:
      - {router: istio, name: web, namespace: prod}
    weights: "{{ ['blue', 'green'] | bluegreen.kubernetes.weights('green', 25, 'blue') }}"
  # blue: 75, green: 25

- name: With three versions, the others keep their proportions
  ansible.builtin.debug:
    msg: "{{ ['v1', 'v2', 'v3'] | bluegreen.kubernetes.weights(to='v3', percent=50, live={'v1': 80, 'v2': 20}) }}"
  # v1: 40, v2: 10, v3: 50
"""

RETURN = r"""
_value:
  description: The percentage of each version, in the order in which the versions were given.
  type: dict
  sample: {blue: 75, green: 25}
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import integer
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.weights import Weights, weights_at
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils.filters import as_filter

if TYPE_CHECKING:
    from collections.abc import Callable


@as_filter
def weights(versions: object, to: object, percent: object, live: object) -> Weights:
    names = _names(versions)
    before = _before(live)
    for name in before:
        if name not in names:
            raise SpecError("live", f"no version {name}; known: {', '.join(names)}")
    return weights_at(names, str(to), integer(percent, "percent", 0, 100), before)


def _names(versions: object) -> list[str]:
    if not isinstance(versions, (Mapping, Sequence)) or isinstance(versions, str) or not versions:
        raise SpecError("weights", f"expected a list or a mapping of versions, got {versions!r}")
    return [str(version) for version in versions]


def _before(live: object) -> Weights:
    if isinstance(live, Mapping):
        return {str(version): integer(weight, f"live.{version}") for version, weight in live.items()}
    if isinstance(live, (str, int)) and not isinstance(live, bool):
        return {str(live): 100}
    raise SpecError("live", f"expected the name of a version or weights, got {live!r}")


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"weights": weights}
