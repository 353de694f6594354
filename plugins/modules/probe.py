# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``probe``: its documentation. What it does is in the verb of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: probe
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: Send requests and see which version answers
description:
  - Sends requests to an entry of the mesh and counts which version answers them. What a route says and what the
    proxies do are two things, and this sees the second.
  - With O(expect) it decides whether the versions get the shares that they should. It stops as soon as that is known
    at the confidence asked for, and the task fails when the verdict is not V(pass).
  - Without O(expect) it only measures.
options:
  url:
    description:
      - Where requests are sent, from where the module runs.
      - Redirects are not followed. An answer that redirects is an answer.
      - Proxies that the environment names, as in E(HTTP_PROXY), are not used. What they do with connections would be
        seen in place of what the mesh does.
      - One of O(url) and O(exec) is required.
    type: str
  headers:
    description:
      - Headers of the requests.
      - C(Host) says which host of the entry is meant when O(url) holds an address. With HTTP/2 it is C(:authority),
        and with https it is also the name that the TLS handshake asks for and that the certificate is checked
        against. The module's option O(host) is the address of the Kubernetes API, as in every other module.
      - Values of headers for credentials, as C(Authorization) or C(Cookie), do not appear in the output.
    type: dict
  method:
    description:
      - The method of the requests. By default C(GET).
    type: str
  http_version:
    description:
      - The version of HTTP. By default V(1.1).
      - With V(2) and an http URL, HTTP/2 is spoken at once (prior knowledge, also called h2c). With an https URL it
        is negotiated. It needs the Python library httpcore2.
    type: str
    choices:
      - "1.1"
      - "2"
  keep_alive:
    description:
      - Whether a connection carries one request after the other. By default V(true).
      - With V(false) each request has a connection of its own, as it must be where connections are divided by weights
        and not requests, behind a route for TCP or TLS. A release does so by itself for a service whose C(protocol) is
        C(tcp) or C(tls).
    type: bool
  tls:
    description:
      - How the connection to an https URL is made. The options of the same names outside of it are those of the
        connection to the Kubernetes API.
    type: dict
    suboptions:
      validate_certs:
        description:
          - Whether the certificate of the entry is checked.
        type: bool
        default: true
      ca_cert:
        description:
          - A file with the certificates that are trusted. By default those of the operating system.
        type: path
      client_cert:
        description:
          - A file with the certificate by which the requests say who they are. It may hold the key as well.
        type: path
      client_key:
        description:
          - A file with the key of O(tls.client_cert). It must not be encrypted.
        type: path
  exec:
    description:
      - A command that is run in a pod, through the Kubernetes API, in place of requests from here. So a host can be
        asked that is known inside of the mesh only.
      - Who runs it needs the verbs C(get) and C(create) for C(pods/exec), and with O(exec.selector) C(list) for
        C(pods).
      - A run that ends with another exit code than 0, or prints nothing, counts as an error beside what it has
        printed.
    type: dict
    suboptions:
      namespace:
        description:
          - The namespace of the pod.
        type: str
        required: true
      pod:
        description:
          - The name of the pod. One of O(exec.pod) and O(exec.selector) is required.
        type: str
      selector:
        description:
          - Labels of pods. The first running one of them by name is taken.
        type: str
      container:
        description:
          - The container. By default the pod's first, or the one that the pod says is its default.
        type: str
      command:
        description:
          - The program and its arguments. It should end within O(timeout).
        type: list
        elements: str
        required: true
      answers:
        description:
          - With V(lines) every line that it prints is an answer. Without O(identify) the line says who answered, and
            with it O(identify.json), O(identify.regex) and O(identify.pod) are applied to the line.
          - With V(whole) all that it prints is one answer. When that begins with a status line and headers, as with
            C(curl --include), these are read as such.
        type: str
        choices:
          - lines
          - whole
        default: lines
  identify:
    description:
      - Where an answer says which version gave it. At most one of O(identify.header), O(identify.json),
        O(identify.regex) and O(identify.pod). By default the header C(app-version), which routes of this collection
        add.
      - What is read there is the name of a version, or that of its backend, which is O(service) and the version with
        a hyphen between, or stands in O(identify.values). Anything else counts as C(other).
    type: dict
    suboptions:
      header:
        description:
          - The name of a header of the answer.
        type: str
      json:
        description:
          - An expression in JMESPath, applied to the body, as V(build.version). It needs the Python library jmespath.
        type: str
      regex:
        description:
          - A regular expression that is searched for in the body. What its first group matches is taken.
        type: str
      pod:
        description:
          - A header, or if there is none of that name an expression in JMESPath, that holds the name of the pod. It
            belongs to the version whose name, or whose backend's or value's, it begins with, up to a hyphen.
        type: str
      values:
        description:
          - How versions are spelled there, for each its spelling, as V(1.5) for C(green).
        type: dict
  requests:
    description:
      - With O(expect) the most answers that one decision may use. By default 2,500, or more where the tolerance needs
        more. Too few for the tolerance is an error before anything is sent.
      - Without it the number of requests. By default 300, unless there is a O(duration).
    type: int
  rate:
    description:
      - Requests per second, or runs of the command of O(exec). By default 100 requests, or 10 runs.
      - Each is sent when it is due, whatever became of those before it. So a slow answer does not keep others from
        being sent, and latency counts from when a request was due.
    type: float
  duration:
    description:
      - For how long requests are sent, in seconds, or with a unit such as V(90s).
      - Not together with O(expect), where the answers decide.
    type: raw
  timeout:
    description:
      - How long an answer may take, in seconds, or with a unit such as V(500ms). By default 5 seconds.
    type: raw
  expect:
    description:
      - The shares that the versions should get.
    type: dict
    suboptions:
      weights:
        description:
          - The percentage of each version, as whole numbers that sum to 100.
        type: dict
        required: true
      tolerance:
        description:
          - How many points a share may lie beside its percentage. By default 5.
          - At a percentage of w it is at most w/2 and at most (100 - w)/2. A version at 0 may not answer at all in
            300 answers.
        type: float
      confidence:
        description:
          - How sure a decision has to be. By default 0.99, which is at most 1 wrong V(pass) in 100.
        type: float
  deadline:
    description:
      - How long the proxies have to follow, in seconds, or with a unit such as V(30s). By default 30 seconds.
      - A decision against the expectation that ends earlier is thrown away, and what is sent from then on is judged
        anew. One that has begun earlier may end later.
    type: raw
  service:
    description:
      - The name of the service. With it a version is recognised by its backend's name too, as C(web-green).
    type: str
  versions:
    description:
      - The names of the versions. Without O(expect) only. By default those of O(identify.values), and without these
        everything that is read is taken for a version.
    type: list
    elements: str
    default: []
notes:
  - A request without an answer, and an answer with status 400 or above that names nobody, is an error. Errors are
    counted by kind and are no part of the share, because a proxy without a route or an endpoint answers so.
  - An answer with status 500 or above that names its version is counted in the share as well as in the errors. With
    O(expect), one with status 502, 503 or 504 is an error only, because a proxy gives these answers in the name of a
    version without endpoints. For a version that is expected at 0 they count in its share too, since it still gets
    requests.
  - When more of the requests end in such an error than the tolerance allows, the verdict is V(inconclusive).
  - Answers of no known version are never ignored. With one of them the verdict is not V(pass), and from 20 of them
    on, if they are a fifth of all, it is V(inconclusive) within seconds.
  - It uses at least eight connections in turn, and each for at most 500 requests. All of them may still end at the
    same one of several proxies, so this is no proof that every proxy follows.
  - The share is decided by a sequential test that may look at every answer, so it may stop early without becoming
    less sure.
requirements:
  - httpcore2 with its extra http2 (Python library, for HTTP/2)
  - jmespath (Python library, for JSON)
extends_documentation_fragment:
  - bluegreen.kubernetes._attributes
  - bluegreen.kubernetes._k8s_auth
attributes:
  check_mode:
    support: partial
    details:
      - It checks its options and sends nothing, because what would have been written before it is not there. There is
        no verdict then.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
    details:
      - It never reports a change. What the requests do is up to who answers them.
seealso:
  - module: bluegreen.kubernetes.traffic
  - module: bluegreen.kubernetes.traffic_info
"""

EXAMPLES = r"""
---
- name: See that the mesh sends a quarter of the requests to green
  bluegreen.kubernetes.probe:
    url: http://192.0.2.10/
    headers: {Host: web.example.com}
    service: web
    expect: {weights: {blue: 75, green: 25}}

- name: See who answers, whoever it is
  bluegreen.kubernetes.probe:
    url: https://web.example.com/version
    identify: {json: build.version}
    duration: 10s
  register: seen

- name: Show it
  ansible.builtin.debug:
    msg: "{{ seen.share }} of {{ seen.requests }} requests, 95 % within {{ seen.latency | dict2items }}"

- name: Prove a step of one percent, which needs more answers, over HTTP/2
  bluegreen.kubernetes.probe:
    url: http://192.0.2.10/
    headers: {Host: web.example.com, Authorization: "Bearer {{ token }}"}
    http_version: "2"
    identify: {pod: app-pod}
    service: web
    rate: 500
    expect: {weights: {blue: 99, green: 1}}
    deadline: 1m

- name: Tell the versions apart by what stands in a page, with a certificate of our own
  bluegreen.kubernetes.probe:
    url: https://192.0.2.10/about
    headers: {Host: web.example.com}
    tls: {ca_cert: /etc/pki/mesh.pem}
    identify:
      regex: 'release ([0-9.]+)'
      values: {blue: "1.4", green: "1.5"}
    expect: {weights: {blue: 0, green: 100}}

- name: Ask from inside of the mesh, fifty times a run
  bluegreen.kubernetes.probe:
    exec:
      namespace: prod
      selector: app=client
      command:
        - sh
        - -c
        - for i in $(seq 50); do curl -s -o /dev/null -w '%header{app-version}\n' http://web/; done
    service: web
    expect: {weights: {blue: 50, green: 50}, tolerance: 7}
"""

RETURN = r"""
verdict:
  description:
    - V(pass), V(fail) or V(inconclusive). With O(expect), anything but V(pass) fails the task.
    - Without O(expect) it is V(pass) when somebody has answered, and nobody but versions.
  returned: outside check mode, on failure too
  type: str
  sample: pass
reason:
  description: What was seen, in a sentence with the numbers.
  returned: always
  type: str
  sample: >-
    blue got 74.38 % (598 of 804), wanted 75 %; green got 25.62 % (206 of 804), wanted 25 %; seen from
    http://192.0.2.10/ (host web.example.com)
remedy:
  description: What to do about it. Empty when the verdict is V(pass).
  returned: outside check mode, on failure too
  type: str
  sample: ""
share:
  description:
    - The percentage of each version in the answers that name one. Empty when none does.
    - With O(expect) this and all other figures but RV(requests) and RV(waited) are those of the decision that the
      verdict stands on.
  returned: outside check mode, on failure too
  type: dict
  sample: {blue: 74.38, green: 25.62}
intervals:
  description: Between which percentages each share lies, at the confidence asked for.
  returned: outside check mode, on failure too
  type: dict
  sample: {blue: [70.3, 78.2], green: [21.8, 29.7]}
counts:
  description: How many answers each version gave, and how many, as C(other), name none of them.
  returned: outside check mode, on failure too
  type: dict
  sample: {blue: 598, green: 206, other: 0}
errors:
  description: How many requests ended in which error, whoever was to answer them.
  returned: outside check mode, on failure too
  type: dict
  sample: {"status 503": 2, timeout: 1}
failures:
  description: How many answers of each version have status 500 or above.
  returned: outside check mode, on failure too
  type: dict
  sample: {blue: 0, green: 2}
latency:
  description: How long the answers of each version took, in seconds. Without O(exec) only.
  returned: outside check mode, on failure too
  type: dict
  sample:
    blue: {p50: 0.0021, p95: 0.0042, p99: 0.0107}
    green: {p50: 0.0022, p95: 0.0045, p99: 0.0112}
requests:
  description: How many requests were answered or failed, those of earlier decisions included.
  returned: outside check mode, on failure too
  type: int
  sample: 804
waited:
  description: How long it took, in seconds.
  returned: outside check mode, on failure too
  type: float
  sample: 8.062
where:
  description: Where it was seen, which is the URL and the host, or the pod.
  returned: always
  type: str
  sample: http://192.0.2.10/ (host web.example.com)
wanted:
  description: The percentages that were expected.
  returned: with O(expect), outside check mode, on failure too
  type: dict
  sample: {blue: 75, green: 25}
tolerance:
  description: How many points each share was allowed to lie beside them.
  returned: with O(expect), outside check mode, on failure too
  type: dict
  sample: {blue: 5.0, green: 5.0}
name:
  description: C(probe).
  returned: outside check mode, on failure too
  type: str
  sample: probe
kind:
  description: C(probe).
  returned: outside check mode, on failure too
  type: str
  sample: probe
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import probe


def main() -> None:
    probe.run(AnsibleModule(**probe.argument_spec()))


if __name__ == "__main__":
    main()
