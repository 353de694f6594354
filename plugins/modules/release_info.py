# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``release_info``: its documentation. What it does is in the verb of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: Say where a release is, and what is left to do
description:
  - Reads the journal of a release.
  - With the specification of the release it also reads its routes and says, for each stage, what is left to do. That is
    the plan which the roles of this collection carry out.
options:
  release:
    description:
      - The name of the release.
      - Either this and O(namespace), or O(spec), is required.
    type: str
  namespace:
    description:
      - The namespace of the release.
    type: str
  spec:
    description:
      - The release as it stands in the variable C(bluegreen).
      - Anything wrong in it is an error with the path of the key, before anything is read.
    type: dict
  directory:
    description:
      - Where relative paths of charts and kustomizations in O(spec) begin.
      - These are built by C(helm), C(kustomize) or C(kubectl), which have to be on PATH then.
    type: path
    default: .
  percent:
    description:
      - Plan the shift only as far as this percentage, from 0 to 100. A step is put in when none ends there.
      - Less than the candidate has already is an error, since steps only rise.
    type: raw
  rollback:
    description:
      - Plan only the way back, RV(plan.rollback). What keeps a release from going on, such as a changed specification,
        does not forbid it to go back.
      - A release without a way back is an error that says why.
    type: bool
    default: false
  remove:
    description:
      - Plan the removal alone, RV(plan.removal). Needs O(spec).
      - It is an error while the release is unfinished, while a route of somebody else sends traffic to what would be
        deleted, or when nothing in C(observe) of the release counts the requests of its users.
    type: bool
    default: false
  force:
    description:
      - With O(remove), plan the removal whatever forbids it. What an unfinished release has put into routes of somebody
        else still does, because only a rollback takes it out.
    type: bool
    default: false
  capacity:
    description:
      - Read also how many pods the live version has, and which autoscalers target it, so that the plan can hold that
        and give it back. It is one request for each workload and one for each namespace, which only some stages need.
    type: bool
    default: false
  entry:
    description:
      - Find out where requests from outside enter the cluster for each service of O(spec), see RV(entry). It is some
        requests for each service.
      - It is not read with O(rollback).
    type: bool
    default: false
  entry_url:
    description:
      - What RV(entry) says where the cluster does not tell, such as behind a load balancer that it does not know of.
    type: str
  predict:
    description:
      - In check mode, plan what follows the deployment as if the release had begun. The stages before have written
        nothing then, and each is still to say what it would do.
      - Without it, and outside of check mode, that part of the plan is empty until the release has begun.
    type: bool
    default: true
  lint:
    description:
      - Of a release that is about to begin, read also what stands around its routes, and fail with what would make it
        go wrong for certain. What C(accept) of the release names refuses nothing. The rest is warned of.
      - It is about ten requests for each namespace, and none once the release has begun.
      - What it reads, and needs the verb C(list) for, is that of O(bluegreen.kubernetes.traffic_info#module:lint).
    type: bool
    default: true
  stage:
    description:
      - The stage that begins with this reading. When it has nothing to go on from, that is an error, and in check mode
        a warning. See RV(plan.blocked).
    type: str
    choices: [deploy, verify, shift, promote]
  migrate_from:
    description:
      - The release as it was written before it moved to another router. With it RV(migration) takes the place of the
        plan.
      - It is an error while the release is in the middle, and where the old route's weights cannot be told.
    type: dict
notes:
  - Who runs it needs the verb C(get) for C(configmaps), and with O(spec) for the routes. With O(capacity) it needs
    C(get) for C(deployments), C(statefulsets) and C(daemonsets), and C(list) for
    C(horizontalpodautoscalers.autoscaling). With O(entry) it needs C(get) for the gateways of the routes, and C(list)
    for C(services) in their namespaces and in C(istio-system) and C(istio-ingress). What it may not read there, it does
    not find.
  - With O(remove) it needs C(get) and C(list) for every kind that the release may have created, in each of its
    namespaces.
  - A release without a journal is in the state V(none), which is no error.
  - With O(spec), what cannot be decided is an error that says what the user has to say first. Examples are a tie of two
    versions, another release that is under way, or a specification of the live version that has changed.
extends_documentation_fragment:
  - bluegreen.kubernetes._attributes
  - bluegreen.kubernetes._attributes.info
  - bluegreen.kubernetes._k8s_auth
seealso:
  - module: bluegreen.kubernetes.release_record
  - module: bluegreen.kubernetes.traffic_info
  - plugin: bluegreen.kubernetes.release_plan
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Where is the release?
  bluegreen.kubernetes.release_info:
    release: web
    namespace: prod
  register: web

- name: Say it
  ansible.builtin.debug:
    msg: "{{ web.state }}: {{ web.journal.to }} at {{ web.percent }} %"

- name: What would a run do?
  bluegreen.kubernetes.release_info:
    spec: "{{ bluegreen }}"
  register: web

- name: Show it
  ansible.builtin.debug:
    msg: "{{ web.plan.timeline }}"
"""

RETURN = r"""
release:
  description: The name of the release.
  returned: success
  type: str
  sample: web
namespace:
  description: The namespace of the release.
  returned: success
  type: str
  sample: prod
state:
  description:
    - Where the release is.
    - C(none), C(started), C(deployed), C(verified), C(shifting), C(shifted), C(held), C(promoted), C(retired),
      C(rolling_back) or C(rolled_back).
  returned: success
  type: str
  sample: shifting
live:
  description: The version that was live when the attempt began, or that is since it ended. With O(spec) as planned.
  returned: success
  type: str
  sample: blue
step:
  description: The number of the last step that was taken in this attempt, from 1. None before the first.
  returned: success
  type: int
  sample: 2
percent:
  description: What that step gave the candidate.
  returned: success
  type: int
  sample: 25
entries:
  description:
    - The journal entry by entry, the oldest first.
    - Their keys are those of O(bluegreen.kubernetes.release_record#module:entry).
  returned: success
  type: list
  elements: dict
  sample:
    - {event: verified, time: 1782000000.123}
    - {event: step, step: 1, percent: 5, verified: unverified, last: false, time: 1782000065.482}
journal:
  description: All that the entries add up to, as the filter P(bluegreen.kubernetes.release_plan#filter) takes it.
  returned: success
  type: dict
  contains:
    state:
      description: Where the release is.
      type: str
    attempt:
      description: How many attempts there were.
      type: int
    to:
      description: The candidate.
      type: str
    live:
      description: The version that was live when the attempt began, or that is since it ended.
      type: str
    install:
      description: Whether the attempt is the first install.
      type: bool
    spec_hash:
      description: The hash of the candidate's specification.
      type: str
    before:
      description: The weights of each service before the first write, which a rollback restores.
      type: dict
    routes:
      description: What was noted of each route, C(managed_fields) as they were and the versions C(added) to it.
      type: dict
    percent:
      description: What the last step gave the candidate.
      type: int
    step:
      description: The number of the last step.
      type: int
    verified:
      description: How the last step was seen in the data plane.
      type: str
    promoted_at:
      description: When the candidate was promoted, in seconds since 1970.
      type: float
    found:
      description:
        - The hash of the specification of versions that stood before a release saw them, by C(<service>/<version>).
      type: dict
    deployed:
      description: The hash of what was last deployed as each version, by C(<service>/<version>).
      type: dict
    standing:
      description: The versions that were deployed and not retired since, as C(<service>/<version>).
      type: list
      elements: str
    skeleton:
      description: The hash of the chart that each route was last made from, by C(<router>/<namespace>/<name>).
      type: dict
    taken_from:
      description: The version whose source the candidate takes, in the second leg of a release with C(promote.into).
      type: str
    carries:
      description:
        - Of the version of C(promote.into), by C(<service>/<version>), C(source), the hash of the source that was last
          deployed there, and C(written), of the source that was written for it then, where that is another one.
      type: dict
  sample:
    state: shifting
    attempt: 3
    to: green
    live: blue
    install: false
    before: {web: {blue: 100}}
    percent: 5
    step: 1
problems:
  description:
    - What is wrong in the routes. See RV(bluegreen.kubernetes.traffic_info#module:problems).
    - Of a release that is about to begin, with O(lint), also in what stands around them.
  returned: success, with O(spec)
  type: list
  elements: dict
  sample: []
unread:
  description: With O(lint), what could not be read, as RV(bluegreen.kubernetes.traffic_info#module:unread).
  returned: success, with O(spec) and without O(rollback)
  type: list
  elements: str
  sample: []
entry:
  description:
    - Where requests from outside enter the cluster, by the name of the service.
    - It is read from the address that a load balancer has given to the Service of the route's gateway, to a Gateway of
      the Gateway API, or with the router C(service) to the Service itself. Without one it is O(entry_url).
  returned: success, with O(spec) and O(entry), and without O(rollback)
  type: dict
  contains:
    url:
      description: The URL. None where nothing tells it.
      type: str
    host:
      description: The name by which the route is asked. None where it takes any.
      type: str
    source:
      description: What tells the address.
      type: str
    reason:
      description: Why there is no URL.
      type: str
  sample:
    web:
      url: http://203.0.113.7/
      host: web.example.com
      source: Service istio-system/istio-ingressgateway
      reason:
migration:
  description:
    - With O(migrate_from), what is left to do until the new router has the traffic.
  returned: success, with O(migrate_from)
  type: dict
  contains:
    from:
      description: The router that has the traffic now.
      type: str
    to:
      description: The router that is to have it.
      type: str
    weights:
      description: The percentages of each service, as live traffic has them.
      type: dict
    manifests:
      description: The objects that are to be created or kept as they are. A route that exists is none of them.
      type: list
      elements: dict
    proof:
      description: How it is seen that the new route follows, in the form that the role C(prove) takes.
      type: dict
    remove:
      description: The objects of the old router that this collection created.
      type: list
      elements: dict
    says:
      description: What is to do for a person, above all with the callers.
      type: list
      elements: str
    notes:
      description: What differs between the two, where that may be meant.
      type: list
      elements: str
plan:
  description:
    - What is left to do, stage by stage, in the form in which the roles hand it to modules.
    - The part under a stage's name may grow with the collection. What is listed here stays.
  returned: success, with O(spec) and without O(migrate_from)
  type: dict
  contains:
    action:
      description: C(install), C(start), C(resume), C(roll_back) or C(nothing).
      type: str
    reason:
      description: Why.
      type: str
    to:
      description: The candidate.
      type: str
    live:
      description: The version that is live.
      type: str
    weights:
      description: The percentages of each service as they stand.
      type: dict
    timeline:
      description: What is ahead, in lines for a person.
      type: list
      elements: str
    problems:
      description: What may keep live's capacity from being held, with O(capacity). Each is a warning too.
      type: list
      elements: dict
    blocked:
      description: The stages that have nothing to go on from, each with what comes first.
      type: dict
    status:
      description: Where the release is, for a person.
      type: dict
    shift:
      description: C(steps), the steps that are left.
      type: dict
    rollback:
      description: The way back. Empty when there is none.
      type: dict
    removal:
      description:
        - Only with O(remove), what is left to delete in the order in which it goes. C(entry) is what users call,
          C(versions) what runs, C(rest) what stands between, C(journal) the record of the release.
        - C(stays) names what somebody else owns.
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
      - "step 1: 50 % to green, then 1m of verification"
      - "step 2: 100 % to green, then 1m of verification"
      - promote green
      - "retire blue: deleted after 24h without traffic"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import release_info


def main() -> None:
    release_info.run(AnsibleModule(**release_info.argument_spec()))


if __name__ == "__main__":
    main()
