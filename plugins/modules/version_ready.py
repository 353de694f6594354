# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``version_ready``: its documentation. What it does is in the verb of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: version_ready
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: Wait until a version can take traffic
description:
  - Waits until the workloads of a version are complete and its Service has enough ready endpoints.
  - It watches, so it ends at the moment when that is so.
  - It ends at once, as a failure with its cause and remedy, when waiting is of no use. That is an image that cannot be
    pulled, a container that keeps crashing or cannot be configured, a pod that fits on no node, a quota that is used
    up, or a workload that is scaled to 0. Pods of an older specification, which are being replaced, do not count.
options:
  version:
    description:
      - The name of the version, for messages. By default the names of the workloads.
    type: str
  workloads:
    description:
      - What runs the version's pods.
      - At least one of O(workloads) and O(service) is required.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description:
          - The kind of the object.
        type: str
        choices:
          - Deployment
          - StatefulSet
          - DaemonSet
        default: Deployment
      name:
        description:
          - The name of the object.
        type: str
        required: true
      namespace:
        description:
          - The namespace of the object.
        type: str
        required: true
  service:
    description:
      - The version's own Service, whose ready endpoints are counted.
    type: dict
    suboptions:
      name:
        description:
          - The name of the Service.
        type: str
        required: true
      namespace:
        description:
          - The namespace of the Service.
        type: str
        required: true
  min_endpoints:
    description:
      - How many ready endpoints the Service must have.
    type: int
    default: 1
  timeout:
    description:
      - How long to wait for a cause that may still heal, in seconds, or with a unit such as V(10m).
    type: raw
    default: 5m
  request:
    description:
      - One C(GET) request to O(service) at the end, sent through the API server, so that it also reaches a version that
        has no traffic yet.
      - A pod that has only just become ready is given 10 seconds to open its port. An answer has to come within 5
        seconds.
    type: dict
    suboptions:
      port:
        description:
          - The port of the Service.
        type: int
        required: true
      path:
        description:
          - The path to ask for.
        type: str
        default: /
      status:
        description:
          - The status codes that are an answer of a healthy version. By default every one from 200 to 499.
        type: list
        elements: int
        default: []
notes:
  - Who runs it needs the verb C(get) for the workloads, C(list) and C(watch) for C(deployments), C(statefulsets),
    C(replicasets), C(pods) and C(endpointslices.discovery.k8s.io) as far as they concern the version, and with
    O(request) C(get) for C(services/proxy).
  - What does not heal by waiting is told by the kubelet's and the controllers' own words for it, see
    U(https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/).
  - A workload that does not exist is an error at once. A Service that does not exist has no endpoints, which is waited
    for.
extends_documentation_fragment:
  - bluegreen.kubernetes._attributes
  - bluegreen.kubernetes._attributes.info
  - bluegreen.kubernetes._k8s_auth
attributes:
  check_mode:
    support: full
    details:
      - It looks once and says how things stand, without waiting or O(request).
      - What is not there, or not ready, is no error then, since what is deployed before this task is not there yet.
seealso:
  - module: bluegreen.kubernetes.traffic
  - module: kubernetes.core.k8s
"""

EXAMPLES = r"""
---
- name: Wait until green can take traffic
  bluegreen.kubernetes.version_ready:
    version: green
    workloads:
      - name: web-green
        namespace: prod
    service:
      name: web-green
      namespace: prod
    min_endpoints: 4
    timeout: 2m

- name: See that it answers before anybody is sent there
  bluegreen.kubernetes.version_ready:
    service:
      name: web-green
      namespace: prod
    request:
      port: 80
      path: /healthz
      status: [200]

- name: Wait for something else than a Deployment
  bluegreen.kubernetes.version_ready:
    version: green
    workloads:
      - kind: StatefulSet
        name: queue-green
        namespace: prod

- name: Wait for each version in the cluster of an inventory host
  bluegreen.kubernetes.version_ready:
    kubeconfig: "{{ bluegreen_cluster.kubeconfig }}"
    context: "{{ bluegreen_cluster.context }}"
    workloads:
      - name: "web-{{ item }}"
        namespace: prod
  loop: [blue, green]
"""

RETURN = r"""
ready:
  description: Whether the version can take traffic.
  returned: when the version was looked at, on failure too
  type: bool
  sample: true
reason:
  description: Why, or what is still missing.
  returned: when the version was looked at, on failure too
  type: str
  sample: "Deployment prod/web-green: 4 of 4 pods ready"
pods:
  description:
    - The version's pods.
    - Empty for a version that is ready at the first look, which needs no look at its pods, and in check mode.
  returned: when the version was looked at, on failure too
  type: list
  elements: dict
  contains:
    name:
      description: The name of the pod.
      type: str
    ready:
      description: Whether it is ready.
      type: bool
    reason:
      description: What its containers wait for, else its phase.
      type: str
  sample:
    - {name: web-green-7d4b9c6f5-x2x8q, ready: false, reason: ImagePullBackOff}
endpoints:
  description: How many ready endpoints O(service) has.
  returned: when the version was looked at, on failure too
  type: int
  sample: 4
waited:
  description: How long it took, in seconds.
  returned: success, outside check mode
  type: float
  sample: 3.482
request:
  description: What was asked, and the status of the answer.
  returned: with O(request), on success
  type: dict
  sample:
    url: prod/web-green:80/healthz
    status: 200
status:
  description: The status of an answer that is not that of a healthy version.
  returned: when the answer to O(request) is refused
  type: int
  sample: 503
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import version_ready


def main() -> None:
    version_ready.run(AnsibleModule(**version_ready.argument_spec()))


if __name__ == "__main__":
    main()
