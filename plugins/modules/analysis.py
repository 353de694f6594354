# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``analysis``: its documentation. What it does is in the verb of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: analysis
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: Judge a candidate by gates, against the live version
description:
  - Runs several gates at once and says with one verdict whether a step of a release may stand. The verdict is V(pass),
    V(fail) or V(inconclusive), and the worst of all gates counts.
  - First come the gates that see whether the data plane follows the weights, C(probe), C(proxies) and C(telemetry).
    Once all of them have passed the window begins, through which the others measure and watch.
  - The first gate that ends without a pass ends the task, since the analysis cannot pass any more. What the other gates
    had found until then is in the result.
  - Missing data, a number that is none, too few samples and a source that does not answer are never a pass.
  - The task fails unless the verdict is V(pass), and says why, the worst first. RV(verdict) tells a failure from not
    knowing.
options:
  metrics:
    description:
      - The gates. Each is a mapping with just one of the sources below, and may have a C(name), which is the name of
        its source by default. Names are unique. An unknown key is refused with its path.
      - C(probe) sends requests and sees which version answers, with the options of the module
        M(bluegreen.kubernetes.probe). With a judge it goes on sending through the window, and errors and
        latencies of the versions are judged.
      - C(proxies) reads from every ready proxy of the entry which weights it holds. It takes C(selector), C(namespace),
        C(via) (V(port_forward) or V(exec)), C(admin_port), C(container), C(command), C(timeout), C(istiod_namespace)
        and C(istiod_port), and beside itself C(backends) (a list of C({host, subset}) for each version), which is
        required, and C(hosts), C(routes) (C(namespace/name)) and C(rules), which say where to look.
      - C(telemetry) compares request counters in Prometheus. It takes C(url), C(query), C(interval), C(patience),
        C(headers), C(validate_certs), C(ca_cert) and C(timeout).
      - C(prometheus) asks Prometheus. It takes C(url), and either C(query) for one number of a version, or C(errors)
        and C(total) for counts of requests, and further C(window), C(interval), C(headers), C(validate_certs),
        C(ca_cert) and C(timeout). It needs a judge.
      - C(http) sends one request. It takes C(url), C(host), C(headers), C(method), C(body), C(status) (a list, by
        default V([200])), C(validate_certs), C(ca_cert), C(timeout) and C(interval). With C(value), a JMESPath
        expression, the number that it finds in the answer is measured through the window, which needs a judge. Without
        it one answer is enough, and its judge is about C(status), C(headers), C(text) and C(json).
      - C(job) runs a Kubernetes Job, with its logs in the result, and deletes it afterwards. It takes C(image),
        C(command), C(args), C(env), C(service_account) and C(backoff_limit) (V(0)), or a whole C(manifest), and further
        C(namespace), C(log_lines) (V(50)) and C(keep) (V(false)).
      - C(exec) runs a command in a pod. It takes C(command), a list, and one of C(pod), C(selector) and C(version), by
        default a ready pod of O(candidate), and further C(namespace), C(container), C(timeout) and C(pass_when), a
        JMESPath condition over C(status) (the exit code), C(stdout), C(stderr) and C(json). Without it the exit code 0
        is a pass.
      - C(pods) watches pods and endpoints, see O(watch). It takes C(version), C(workloads), C(service),
        C(min_endpoints) and C(max_restarts). One without workloads and service says with C(max_restarts) how O(watch)
        is watched.
      - C(samples) is what was measured elsewhere. It is C({candidate, live}), each a list of numbers or C({errors,
        total, latencies}), or a list that is RV(metrics[].measurements) of an earlier result. It needs a judge.
      - A C(judge) stands in the source or beside it. It takes C(pass_when) and C(fail_when), JMESPath conditions over
        C(candidate), C(live), C(ratio), C(difference) and C(values), with numbers in backticks, C(max_ratio_to_live),
        C(max_difference_to_live), C(not_slower) (C({quantile, by})), C(confidence) (V(0.99)), C(min_samples),
        C(failure_limit) (V(0)) and C(consecutive_errors) (V(4); one answer is waited for until the deadline).
      - Beside a source there may be C(deadline), which replaces O(deadline) for this gate, and C(service),
        C(namespace), C(candidate), C(live) and C(expect), which replace the options of the same name.
      - C($version), C($service), C($namespace), C($release) and C($window) are filled in everywhere.
      - At least one of O(metrics) and O(watch) is required.
    type: list
    elements: dict
    default: []
  candidate:
    description:
      - The version that is judged.
    type: str
  live:
    description:
      - The version that it is compared with. It is required by judges that compare.
    type: str
  service:
    description:
      - The name of the service, for C($service) and for messages.
    type: str
  namespace:
    description:
      - The namespace for C($namespace), and for C(job) and C(exec) where they name none.
    type: str
  release:
    description:
      - The name of the release, for C($release), and for the name and labels of a Job.
    type: str
  expect:
    description:
      - What the share gates are to see.
    type: dict
    suboptions:
      weights:
        description:
          - The percentage of each version, as whole numbers that sum to 100. A share gate needs them.
          - A version with V(0) cannot be measured at this step. Of live, Prometheus is then asked how it did before the
            task, and a probe leaves out what compares with it.
        type: dict
      tolerance:
        description:
          - How far a share may be from its percentage, in points. It shrinks towards 0 and 100 per cent, see
            M(bluegreen.kubernetes.probe). By default 5.
        type: float
      confidence:
        description:
          - How sure a share gate has to be, from 0.5 to below 1. By default 0.99.
        type: float
  watch:
    description:
      - The versions whose pods and endpoints must stay well, from the beginning of the task to the end of the window.
      - A restart above the limit, a cause that does not heal by waiting, and a moment without any ready endpoint or pod
        are a failure at once. A pod that is being replaced at the end of the window has until the deadline.
    type: list
    elements: dict
    default: []
    suboptions:
      version:
        description:
          - The name of the version, for messages. By default the names of the workloads.
        type: str
      workloads:
        description:
          - What runs the version's pods.
          - At least one of this and O(watch[].service) is required.
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
          - How many ready endpoints the Service must have at the end. None at all is a failure at once, unless this is
            V(0).
        type: int
        default: 1
      max_restarts:
        description:
          - How many restarts of all the version's containers together are tolerated.
        type: int
        default: 0
  window:
    description:
      - How long measuring and watching goes on once the data plane follows, in seconds, or with a unit such as V(10m).
      - With V(0) everything is looked at once.
    type: raw
    default: 0
  interval:
    description:
      - How often there is a look, in seconds, or with a unit. There is always one at the end of the window.
    type: raw
    default: 5s
  deadline:
    description:
      - How long the data plane has to follow, and after the window how long what is inconclusive has to become clear,
        in seconds, or with a unit.
      - C(job) has 10 minutes and C(exec) one minute from the beginning of the window, unless the gate itself says
        otherwise.
    type: raw
    default: 30s
  preflight:
    description:
      - Only see whether the gates can be asked. It is for the moment before any traffic moves.
      - Prometheus and URLs are asked once, a Job is judged by the API server without being created, for a command its
        pod is looked up. A request with another method than C(GET), C(HEAD) or C(OPTIONS) is not sent. That there is no
        data yet is fine. What cannot work is a failure, with all that was found.
    type: bool
    default: false
  on_fail:
    description:
      - What to write as soon as a gate has failed, before the other gates are waited for and before the task ends. Each
        is a route as O(bluegreen.kubernetes.traffic#module:routes) takes it, with its own C(weights).
      - Nothing is written for any other verdict. When it cannot be written that is a warning, and the verdict stands.
      - The playbook C(bluegreen.kubernetes.release) gives the traffic back by it. A task after this one would be a
        fifth of a second later.
    type: list
    elements: dict
    default: []
notes:
  - What is judged, by which statistics, and with which errors, is in the collection's C(docs/gates.md).
  - "Who runs it needs what its gates need. For O(watch) it is C(list) and C(watch) for C(deployments), C(statefulsets),
    C(replicasets), C(pods) and C(endpointslices.discovery.k8s.io). For C(job) it is C(create), C(delete), C(list) and
    C(watch) for C(jobs.batch), C(list) and C(watch) for C(pods), C(get) for C(pods/log), and C(list) for C(events). For
    C(exec) it is C(list) for C(pods) and C(get) and C(create) for C(pods/exec)."
  - Requests, also those to Prometheus, leave from where the task runs.
  - The values of C(env) and of headers that carry credentials are kept out of the output.
extends_documentation_fragment:
  - bluegreen.kubernetes._attributes
  - bluegreen.kubernetes._k8s_auth
attributes:
  check_mode:
    support: full
    details:
      - It reads its options, judges nothing and writes nothing. There is no RV(verdict) then.
  diff_mode:
    support: none
    details:
      - What O(on_fail) has written is in RV(put_back).
  idempotent:
    support: N/A
    details:
      - It measures anew each time. Only what O(on_fail) writes is a change.
seealso:
  - module: bluegreen.kubernetes.probe
  - module: bluegreen.kubernetes.traffic
  - module: bluegreen.kubernetes.version_ready
"""

EXAMPLES = r"""
---
- name: See that the data plane follows, then judge errors and pods for ten minutes
  bluegreen.kubernetes.analysis:
    candidate: green
    live: blue
    service: web
    namespace: prod
    expect:
      weights: {blue: 75, green: 25}
    metrics:
      - probe:
          url: http://gateway.example.com/
          host: web.example.com
      - name: errors
        prometheus:
          url: http://prometheus.example.com:9090
          errors: sum(increase(requests_total{version="$version",code=~"5.."}[$window]))
          total: sum(increase(requests_total{version="$version"}[$window]))
          judge: {max_ratio_to_live: 1.2, min_samples: 500}
    watch:
      - version: green
        workloads: [{name: web-green, namespace: prod}]
        service: {name: web-green, namespace: prod}
    window: 10m

- name: Compare errors and latency of the requests of a probe
  bluegreen.kubernetes.analysis:
    candidate: green
    live: blue
    expect:
      weights: {blue: 90, green: 10}
    metrics:
      - probe:
          url: http://gateway.example.com/
          host: web.example.com
          rate: 200
          judge: {max_ratio_to_live: 1.2, not_slower: {quantile: 0.95, by: 1.3}}
    window: 2m

- name: Smoke tests before anybody is sent to the candidate
  bluegreen.kubernetes.analysis:
    candidate: green
    service: web
    namespace: prod
    metrics:
      - name: health
        http:
          url: http://gateway.example.com/health
          host: web.example.com
          headers: {x-bluegreen: "{{ test_header }}"}
          judge: {pass_when: "json.database == 'up' && json.version == '1.5'"}
      - name: cart
        job:
          image: registry.example.com/cart-test:3
          args: ["--target", "http://web-$version.prod"]
        deadline: 5m
      - name: migrations
        exec:
          command: [/app/manage, migrations, --check]
          container: app

- name: Tell a failure from not knowing
  bluegreen.kubernetes.analysis:
    candidate: green
    metrics:
      - prometheus:
          url: http://prometheus.example.com:9090
          query: histogram_quantile(0.99, sum by (le) (rate(latency_bucket{version="$version"}[$window])))
          judge: {pass_when: "candidate < `0.5`"}
    window: 5m
  register: judged
  failed_when: judged.verdict | default('fail') == 'fail'

- name: Judge again what an earlier task has measured, more strictly
  bluegreen.kubernetes.analysis:
    metrics:
      - samples: "{{ judged.metrics[0].measurements }}"
        judge: {pass_when: "candidate < `0.4`"}
"""

RETURN = r"""
verdict:
  description: The worst verdict of all gates. V(pass), V(fail) or V(inconclusive).
  returned: when gates were judged, on failure too
  type: str
  sample: pass
reason:
  description: Why, the worst first, each with what to do.
  returned: always, on failure when gates were judged
  type: str
  sample: "errors: candidate 31 errors of 1204, live 22 errors of 3702; look at the candidate's log and its metrics"
metrics:
  description: What each gate found, in the order of the gates. Those of O(watch) come first.
  returned: always, on failure when gates were judged
  type: list
  elements: dict
  contains:
    name:
      description: The name of the gate.
      type: str
    kind:
      description: Its source.
      type: str
    verdict:
      description: What it found. V(pass), V(fail) or V(inconclusive).
      type: str
    reason:
      description: Why, with the numbers.
      type: str
    remedy:
      description: What to do. Empty after a pass.
      type: str
    finished:
      description: Whether it came to its own end. It did not when another gate ended the analysis before.
      type: bool
    measurements:
      description:
        - What was measured, in its order, enough to come to the same verdict again.
        - C(at) is in seconds since the window began. C(latencies) are those since the measurement before, in seconds,
          with how often each was, to within one per cent.
      returned: by gates with a judge, and by C(http) and C(exec)
      type: list
      elements: dict
    statistics:
      description: The numbers that the verdict rests on.
      returned: by gates with a judge, and by C(http) and C(exec)
      type: dict
    pods:
      description: The pods, for a Job with the end of their logs.
      returned: by C(pods) and C(job)
      type: list
      elements: dict
  sample:
    - name: errors
      kind: prometheus
      verdict: pass
      reason: candidate 2 errors of 1204, live 6 errors of 3702
      remedy: ""
      finished: true
      measurements:
        - {at: 60.0, candidate: {errors: 2.0, total: 1204.0}, live: {errors: 6.0, total: 3702.0}}
      statistics: {candidate_errors: 2.0, candidate_total: 1204.0, looks: 1, failures: 0}
problems:
  description: What keeps the gates from being asked.
  returned: with O(preflight), on failure too
  type: list
  elements: str
  sample: []
put_back:
  description:
    - What M(bluegreen.kubernetes.traffic) returns, for the routes of O(on_fail).
    - Empty when nothing was to be written, or nothing could be.
  returned: when the verdict is not V(pass)
  type: dict
  sample: {}
waited:
  description: How long it took, in seconds.
  returned: when gates were judged, on failure too
  type: float
  sample: 61.204
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import analysis


def main() -> None:
    analysis.run(AnsibleModule(**analysis.argument_spec()))


if __name__ == "__main__":
    main()
