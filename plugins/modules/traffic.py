# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``traffic``: its documentation. What it does is in the verb of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: Set the weights of routes, and send tests and copies of requests to a version
description:
  - Divides the traffic of one or more routes among versions.
  - Only the weights of the versions in question are written, in a JSON Patch (RFC 6902) that the API server refuses
    when the object has changed since it was read. Everything else in the object stays as it is.
  - All routes are read and planned before the first is written. When one cannot be written, those that were written
    before it are put back, and the error says so.
  - A version gains weight only while something is ready to answer behind it.
  - For tests of a version that has no weight yet it puts rules before those of the user that send requests with a
    header to it, and for a look at it under real requests it copies a part of them to it. Both go again without a
    trace.
options:
  weights:
    description:
      - The percentage of each version, as whole numbers that sum to 100.
      - They are percentages of what these versions hold together in a rule. Other destinations of the rule keep their
        weights.
      - When a rule's weights are too coarse for a percentage, all weights of the rule are multiplied by the smallest
        factor that makes them whole, which leaves every share as it is. See RV(routes[].rules[].factor).
      - The weights of a VirtualRouter of App Mesh add up to 100 at most. Where no whole numbers below that fit, they
        are refused.
      - Required here or in each of the O(routes), unless O(remove), O(test_header) or O(mirror) is given.
    type: dict
  expect:
    description:
      - The percentages that must stand in every rule in question before anything is written. Versions that are left out
        are expected to have none.
      - When others stand there, somebody else has moved the traffic, and nothing is written.
      - In check mode they are taken as given, since the steps before this one have not been taken. What is predicted is
        then the patch of a run in which they have.
    type: dict
  remove:
    description:
      - Versions whose destinations are taken out of every rule of the routes.
      - A destination that still has weight is an error, and so is one that stands alone in its rule, because such a one
        has all the traffic.
      - A version that is not there is already removed.
      - O(routes[].rules), O(routes[].adopt) and O(expect) have no effect together with it.
    type: list
    elements: str
    default: []
  test_header:
    description:
      - Puts a rule before each rule that carries the versions. It is a copy of that rule with a header added to each of
        its matches, and all of its requests go to one version. Without that header nobody meets it.
      - Timeouts, retries, rewrites, headers, faults and the like are those of the copied rule. Its mirrors are left
        out, since a request of a test belongs to one version alone.
      - A rule carries the versions when it holds all of those that stand in the route, of the ones that
        O(routes[].versions) and O(test_header.version) name. O(routes[].rules) chooses among them.
      - These rules have names that begin with C(bluegreen-test-) and tell their own header. They count neither as rules
        nor as places anywhere else in this collection. Weights are written past them.
      - Rules of TLS and TCP know no headers. They are left alone and reported as C(rule_without_headers). Test the
        version through its own Service there.
    type: dict
    suboptions:
      state:
        description:
          - V(present) leaves just the rules for this header, each directly before its rule. Those of another header or
            value, such as an earlier run may have left, are replaced.
          - V(present) cannot be combined with O(weights), O(remove) and O(mirror).
          - V(absent) takes all of them out of the routes, wherever they stand, and whatever their header. Nothing else
            of the object changes. Together with O(weights), O(remove) or O(mirror) it is part of the same write, and
            it costs nothing when there are none.
        type: str
        choices: [present, absent]
        default: present
      name:
        description:
          - The name of the header. It is written in lower case.
          - A rule that has a condition on this header already is an error.
        type: str
        default: x-bluegreen
      value:
        description:
          - The value that a request has to carry. Take one that nobody guesses, and another one in each run.
          - Required with O(test_header.state=present). With V(absent) it is used in check mode only, see there.
        type: str
      version:
        description:
          - The version that gets these requests.
          - Required with O(test_header.state=present). With V(absent) it is used in check mode only, see there.
        type: str
  mirror:
    description:
      - Copies a percentage of the requests of each rule that carries the versions, see O(test_header), to one of them.
        Its answers are thrown away.
      - It is written as C(mirror) with C(mirrorPercentage), in a rule that has the list C(mirrors) as one more of its
        entries. A rule with a C(mirror) of the user's own is an error, since Istio allows no second one beside it.
      - A mirror to exactly what stands among the destinations of its own rule is taken for one that this module has
        written.
      - Rules of TLS and TCP know no mirrors. They are left alone and reported as C(rule_without_headers).
    type: dict
    suboptions:
      state:
        description:
          - V(present) adds the mirror. It cannot be combined with O(weights) and O(remove). A mirror to the same
            destination with another percentage is an error.
          - V(absent) takes it away, from all rules, in the same write as O(weights), O(remove) and O(test_header).
            Take it away before or together with the destination of its version, because it is told by that. It costs
            nothing when there is none.
        type: str
        choices: [present, absent]
        default: present
      version:
        description:
          - The version that gets the copies.
        type: str
        required: true
      percent:
        description:
          - How many of the requests are copied, more than 0 and at most 100. Envoy knows steps of 0.0001.
          - Required with O(mirror.state=present). With V(absent) it is used in check mode only, see there.
        type: float
  require_ready:
    description:
      - Whether a version has to have ready endpoints before it gains weight, test requests or copies, at least one or
        O(routes[].min_endpoints).
      - This reads the EndpointSlices of the version's Service. For a version that is told apart by a subset it also
        reads the DestinationRules of its namespace, of the route's and of C(istio-system), and the pods that the subset
        selects. Nothing is read for versions that keep or lose weight.
      - For a host that is no Service it reads the ServiceEntries of these namespaces, and counts the endpoints that the
        host's own names, or the pods and WorkloadEntries that it selects. A host without either cannot be seen and is
        refused. Prove it in another way and set this to V(false).
    type: bool
    default: true
notes:
  - Who runs it needs the verbs C(get) and C(patch) for the routes, and with O(require_ready) C(list) for
    C(endpointslices.discovery.k8s.io) and, where subsets are used, for C(destinationrules) and C(pods). For hosts of
    ServiceEntries it is C(serviceentries), C(workloadentries) and C(pods).
  - A route that changes between reading and writing is read and planned again, at most five times. Then the error names
    the field managers who write it.
  - Where weights stand in a VirtualService, what an absent weight means, and how a short host is resolved, is taken
    from U(https://istio.io/latest/docs/reference/config/networking/virtual-service/).
  - It ends when the weights are stored. That the proxies follow is not seen here.
requirements:
  - jsonpatch (Python library, for check mode with O(expect), O(test_header) or O(mirror))
extends_documentation_fragment:
  - bluegreen.kubernetes._attributes
  - bluegreen.kubernetes._k8s_auth
  - bluegreen.kubernetes._routes.weighted
attributes:
  check_mode:
    support: full
    details:
      - It predicts the very patches that a run would send and writes nothing.
      - With O(test_header.state=absent) and the value and version of the test, or O(mirror.state=absent) and its
        percentage, the test rules or the mirror are taken to stand there when they do not. What is predicted is then
        the patch of a run in which an earlier task has added them. A version that stands in no rule is taken to stand
        there too, with O(routes[].adopt).
      - A version without ready endpoints is a warning, since what is deployed before this task is not there yet. So is,
        with O(routes[].adopt), a route that does not exist yet.
  diff_mode:
    support: full
    details:
      - It shows the percentages in each rule before and after, test rules and mirrors that come or go, and the
        operations of the JSON Patch.
  idempotent:
    support: full
    details:
      - What stands already is not written.
seealso:
  - module: bluegreen.kubernetes.traffic_info
  - module: bluegreen.kubernetes.version_ready
  - plugin: bluegreen.kubernetes.weights
    plugin_type: filter
  - name: VirtualService
    description: Istio's reference of the object that holds the weights.
    link: https://istio.io/latest/docs/reference/config/networking/virtual-service/
"""

EXAMPLES = r"""
---
# With nothing but a VirtualService whose destinations are web-blue and web-green, or subsets blue and green.
- name: Give green a tenth of the traffic
  bluegreen.kubernetes.traffic:
    routes: [{router: istio, name: web, namespace: prod}]
    weights: {blue: 90, green: 10}

- name: Go on only from where the last step ended
  bluegreen.kubernetes.traffic:
    routes:
      - name: web
        namespace: prod
    weights: {blue: 75, green: 25}
    expect: {blue: 90, green: 10}

- name: Move two routes or none of them
  bluegreen.kubernetes.traffic:
    routes:
      - name: shop
        namespace: prod
      - name: shop-internal
        namespace: prod
        rules: [checkout, "http[2]"]
        versions:
          blue: {host: shop, subset: v1}
          green: {host: shop, subset: v2}
    weights: {blue: 50, green: 50}

- name: Put a version that is in no rule yet beside the others, without traffic
  bluegreen.kubernetes.traffic:
    routes:
      - name: web
        namespace: prod
        adopt: true
        versions:
          green: {host: web-next.prod.svc.cluster.local}
    weights: {blue: 100, green: 0}

- name: Take it out again once it has no weight
  bluegreen.kubernetes.traffic:
    routes:
      - name: web
        namespace: prod
        versions:
          green: {host: web-next.prod.svc.cluster.local}
    remove: [green]

- name: Send the requests with this header to green, which has no weight yet
  bluegreen.kubernetes.traffic:
    routes: [{name: web, namespace: prod}]
    test_header: {value: "{{ test_value }}", version: green}

- name: Take this away again and let green see a tenth of the requests instead, in one write
  bluegreen.kubernetes.traffic:
    routes: [{name: web, namespace: prod}]
    test_header: {state: absent}
    mirror: {version: green, percent: 10}

- name: Go back to blue and leave nothing behind, in one write
  bluegreen.kubernetes.traffic:
    routes:
      - name: web
        namespace: prod
        min_endpoints: {blue: 4}
    weights: {blue: 100, green: 0}
    test_header: {state: absent}
    mirror: {version: green, state: absent}

# In a job of AWX its credential sets K8S_AUTH_HOST and K8S_AUTH_API_KEY, so the task says nothing of the cluster.
- name: Give each route its own weights
  bluegreen.kubernetes.traffic:
    routes:
      - name: web
        namespace: prod
        weights: {blue: 0, green: 100}
      - name: api
        namespace: prod
        weights: {blue: 80, green: 20}

- name: Say once for all tasks which cluster is meant
  module_defaults:
    group/bluegreen.kubernetes.all:
      kubeconfig: ~/.kube/config
      context: east
  block:
    - name: Send everything back to blue, whatever the state of its pods
      bluegreen.kubernetes.traffic:
        routes:
          - name: web
            namespace: prod
        weights: {blue: 100, green: 0}
        require_ready: false
"""

RETURN = r"""
routes:
  description: What was done to each route, in the order of O(routes).
  returned: success
  type: list
  elements: dict
  contains:
    router:
      description: The router that read the route.
      type: str
    kind:
      description: The kind of the object.
      type: str
    name:
      description: The name of the object.
      type: str
    namespace:
      description: The namespace of the object.
      type: str
    rules:
      description: The rules that hold all the versions. Empty without O(weights).
      type: list
      elements: dict
      contains:
        name:
          description: The rule's name, or its place.
          type: str
        before:
          description: The percentages before.
          type: dict
        after:
          description: The percentages after.
          type: dict
        factor:
          description:
            - What all weights of the rule were multiplied by to stay whole. 1 nearly always.
            - Below 1 where the API bounds the sum of the weights, and they had to become smaller.
          type: float
    overlays:
      description: Test rules and mirrors that come or go.
      type: list
      elements: dict
      contains:
        name:
          description: The name of the test rule, or the rule that is mirrored.
          type: str
        before:
          description: What it was, empty when it was not there.
          type: str
        after:
          description: What it is, empty when it is gone.
          type: str
    patch:
      description:
        - The operations of the JSON Patch, without the one that guards them. Empty when nothing had to be written.
      type: list
      elements: dict
    problems:
      description: Rules that were left alone.
      type: list
      elements: dict
      contains:
        code:
          description:
            - C(rule_pins_version), it holds only some of the versions.
            - C(rule_without_headers), it is no HTTP rule, so it can carry neither a test rule nor a mirror.
          type: str
        path:
          description: The rule.
          type: str
        message:
          description: What is there.
          type: str
  sample:
    - router: istio
      kind: VirtualService
      name: web
      namespace: prod
      rules:
        - name: "http[0]"
          before: {blue: 100, green: 0}
          after: {blue: 90, green: 10}
          factor: 1
      overlays: []
      patch:
        - {op: test, path: /spec/http/0/route/0/weight, value: 100}
        - {op: replace, path: /spec/http/0/route/0/weight, value: 90}
        - {op: test, path: /spec/http/0/route/1/weight, value: 0}
        - {op: replace, path: /spec/http/0/route/1/weight, value: 10}
      problems: []
attempts:
  description: How often the routes were read and planned. More than 1 when somebody else wrote them meanwhile.
  returned: success
  type: int
  sample: 1
diff:
  description:
    - For each route that is changed, what stood and stands there, rule by rule, and the operations of the JSON Patch.
  returned: success
  type: list
  elements: dict
  sample:
    - before_header: VirtualService prod/web
      after_header: VirtualService prod/web
      before: {"http[0]": {blue: 100, green: 0}}
      after: {"http[0]": {blue: 90, green: 10}}
    - prepared: JSON Patch of VirtualService prod/web
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import traffic


def main() -> None:
    traffic.run(AnsibleModule(**traffic.argument_spec()))


if __name__ == "__main__":
    main()
