# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``traffic_info``: its documentation. What it does is in the verb of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic_info
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: Read the weights of routes
description:
  - Says which versions stand in routes, with which percentages, who is live, and what is wrong.
  - What is asked for is the weights that are written in the objects, which is not the share of the traffic that a
    version is seen to get.
options:
  lint:
    description:
      - Whether to look for what would make a release of these routes go wrong, in the routes and in what stands around
        them, such as another route for the same host, subsets that nobody has defined, or policies that know only the
        live version.
      - The table in C(docs/lint.md) of the collection has all of it, see RV(problems[].code).
    type: bool
    default: false
  unused:
    description:
      - Versions that must not get traffic from anywhere. The task fails when any rule, test rule or mirror of any route
        in the namespaces of O(routes) still sends them some, and names those places.
      - Ask this before a version is taken down. They have to be among O(routes[].versions).
    type: list
    elements: str
    default: []
notes:
  - Who runs it needs the verb C(get) for the routes, and with O(unused) or O(lint) C(list).
  - With O(lint) it also lists C(services), C(pods), C(horizontalpodautoscalers), C(poddisruptionbudgets),
    C(networkpolicies), and Istio's C(destinationrules), C(sidecars), C(authorizationpolicies) and
    C(peerauthentications), in the namespaces of the routes and of the Services behind them. What may not be listed is
    left out and told as RV(unread).
  - A namespace that is missing, or a cluster without the kind of the route, is an error. A route that is missing is a
    problem with the code C(route_missing).
  - What an absent weight means, and how a short host is resolved, is taken from
    U(https://istio.io/latest/docs/reference/config/networking/virtual-service/).
extends_documentation_fragment:
  - bluegreen.kubernetes._attributes
  - bluegreen.kubernetes._attributes.info
  - bluegreen.kubernetes._k8s_auth
  - bluegreen.kubernetes._routes
seealso:
  - module: bluegreen.kubernetes.traffic
  - plugin: bluegreen.kubernetes.live_version
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: See who gets how much
  bluegreen.kubernetes.traffic_info:
    routes:
      - name: web
        namespace: prod
  register: web

- name: Say it
  ansible.builtin.debug:
    msg: "{{ web.live }} is live ({{ web.weights }})"

- name: Read two routes that are spelled differently, and look for mistakes
  bluegreen.kubernetes.traffic_info:
    routes:
      - name: web
        namespace: prod
        versions: {blue: {}, green: {}}
      - name: web-internal
        namespace: prod
        versions:
          blue: {host: web, subset: v1}
          green: {host: web, subset: v2}
    lint: true
  register: web

- name: Stop when they disagree
  ansible.builtin.assert:
    that: web.consistent
    fail_msg: "{{ web.problems | map(attribute='message') | join('; ') }}"

- name: Make sure that nothing is sent to blue before it is deleted
  bluegreen.kubernetes.traffic_info:
    routes:
      - name: web
        namespace: prod
        versions: {blue: {}}
    unused: [blue]
"""

RETURN = r"""
weights:
  description:
    - The percentage of each version in the first route that has any.
    - Without O(routes[].versions) every backend counts as a version, by the name of its subset, else of its host.
  returned: success
  type: dict
  sample: {blue: 90, green: 10}
live:
  description: The version with the largest weight. None at a tie, and when nothing has weight.
  returned: success
  type: str
  sample: blue
candidate:
  description: The other version, when there is just one beside live.
  returned: success
  type: str
  sample: green
consistent:
  description: Whether all rules of all routes carry the same percentages.
  returned: success
  type: bool
  sample: true
routes:
  description: What stands in each route, in the order of O(routes).
  returned: success
  type: list
  elements: dict
  contains:
    router:
      description: The router that read the route.
      type: str
    name:
      description: The name of the object.
      type: str
    namespace:
      description: The namespace of the object.
      type: str
    exists:
      description: Whether the object is there.
      type: bool
    owned:
      description: Whether this collection has created it, which its label C(app.kubernetes.io/managed-by) says.
      type: bool
    weights:
      description: The percentage of each version in the first rule that holds them. Empty when they cannot be read.
      type: dict
    rules:
      description: The name, or place, and the percentages of each rule that holds all the versions that are there.
      type: list
      elements: dict
    consistent:
      description: Whether these rules carry the same percentages.
      type: bool
    missing:
      description: For each version that is in no rule, what would have to be added for it.
      type: dict
    refused:
      description: What the controller of a parent has to say against the route as it stands. Null for nothing.
      type: str
    backends:
      description: The full host and the subset of each destination of a version, by the version's name.
      type: dict
    mirrors:
      description: The versions to which requests of a rule that they stand in are copied.
      type: list
      elements: str
    delegated:
      description: Whether the route gets its requests from another one, which has the hosts.
      type: bool
    managed_fields:
      description: The object's C(metadata.managedFields), which say who wrote what in it.
      type: list
      elements: dict
    problems:
      description: What is wrong in this route. See RV(problems).
      type: list
      elements: dict
  sample:
    - router: istio
      name: web
      namespace: prod
      exists: true
      owned: false
      weights: {blue: 90, green: 10}
      rules:
        - name: "http[0]"
          weights: {blue: 90, green: 10}
      consistent: true
      missing: {}
      backends:
        blue: [{host: web-blue.prod.svc.cluster.local, subset: null}]
        green: [{host: web-green.prod.svc.cluster.local, subset: null}]
      mirrors: []
      delegated: false
      refused: null
      managed_fields: []
      problems: []
problems:
  description: What is wrong in any of the routes.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description:
        - C(route_missing), the object does not exist.
        - C(weights_unreadable), no rule holds the versions, or one holds a version twice.
        - C(rule_pins_version), a rule holds only some of the versions and is left alone by
          M(bluegreen.kubernetes.traffic).
        - C(leftover_test_rule), a rule of M(bluegreen.kubernetes.traffic) sends test requests to a version. During a
          test this is as it should be.
        - C(leftover_mirror), requests of a rule are copied to a version that stands in it. During a mirror stage this
          is as it should be.
        - With O(lint) also C(host_not_full), a host that Istio takes as a full name, C(rule_without_weights),
          C(rule_delegates), a rule that hands its requests to another route, and C(route_refused), which is said by the
          controller of a parent.
        - With O(lint) also what stands around the route, C(duplicate_host), C(twin_service), C(subset_missing),
          C(subset_without_pods), C(weights_do_not_sum), C(rule_shadowed), C(pinned_sessions), C(hpa_below_share),
          C(pdb_blocks_retire), C(policy_fits_only_live) and C(owned_by_controller). The table in C(docs/lint.md) of the
          collection explains each.
      type: str
    path:
      description: Where, as a JSON pointer (RFC 6901) or the name of a rule.
      type: str
    message:
      description: What is there, for a person.
      type: str
    remedy:
      description: What to do about it.
      type: str
    refuses:
      description: Whether a release refuses to begin with it, unless C(accept) of the release names its code.
      type: bool
  sample:
    - code: rule_pins_version
      path: canary
      message: rule canary holds only green
      remedy: leave the rule as it is if that is meant, else add the other version to it
      refuses: false
unread:
  description: With O(lint), the kinds and namespaces that could not be read, each with the reason.
  returned: success
  type: list
  elements: str
  sample: ["Sidecar in prod: the cluster has no such kind in networking.istio.io/v1"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import traffic_info


def main() -> None:
    traffic_info.run(AnsibleModule(**traffic_info.argument_spec()))


if __name__ == "__main__":
    main()
