# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``release_record``: its documentation. What it does is in the verb of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_record
author:
  - bluegreen.kubernetes contributors (@bluegreen-kubernetes)
version_added: 0.1.0
short_description: Append to the journal of a release
description:
  - Appends one entry to the journal of a release, a ConfigMap named C(bluegreen-<release>). A journal that is not there
    yet is created.
  - An entry that adds nothing to what the journal says is not written, so a stage may be run again.
  - Two runs that write at the same time do not overwrite each other. Who comes second reads again and appends to what
    the first one wrote.
  - The newest ten attempts are kept entry by entry. What older ones have left behind is kept as a base.
  - The roles of this collection write the journal themselves. The module is for who puts stages of their own beside
    them.
options:
  release:
    description:
      - The name of the release.
    type: str
    required: true
  namespace:
    description:
      - The namespace of the release.
    type: str
    required: true
  entry:
    description:
      - What happened. The key C(event) says what it was, the others depend on it. The time is added.
      - V(started) has C(to), the candidate, C(before), the weights of each service before the first write, and
        C(spec_hash), the hash of the candidate's specification. It may have C(live), the version that was live,
        C(install), whether it is the first install, C(routes), what is to be remembered of each route, C(capacity),
        the pods of live versions and what scales them, C(found), the hashes of versions that stand already, and
        C(taken_from), the version whose source the candidate takes.
      - V(skeleton) has C(charts), the hash of the chart that a route was made from, by C(<router>/<namespace>/<name>).
      - V(added) has C(routes), for each route what it is about to hold of ours. That is C(added), the versions that
        are added to it, C(test_header), the name of the header of its test rule, or C(mirror), the version that gets
        copies.
      - V(capacity) has C(returned), a list of C(<service>/<version>) whose autoscalers are their own again.
      - V(deployed) has C(versions), the hash of the specification of each version, by C(<service>/<version>). It may
        have C(carries), hashes of the sources of those that take others', by the same keys.
      - V(verified) and V(rolling_back) have nothing else. V(held) may have C(reason).
      - V(step) has C(percent) and C(step), the number of the step, and may have C(verified), how the step was seen, and
        C(last), whether it is the last.
      - V(promoted) has C(live), the version that is live now.
      - V(retired) has C(versions), a list of C(<service>/<version>).
      - V(rolled_back) may have C(live).
      - An entry of another kind, or that lacks a key, is an error that names it.
    type: dict
    required: true
  findings:
    description:
      - What the gates found before it happened, see RV(bluegreen.kubernetes.analysis#module:metrics).
      - The name, kind, verdict and reason of each are kept with the entry.
    type: list
    elements: dict
    default: []
notes:
  - Who runs it needs the verbs C(get), C(create) and C(patch) for C(configmaps).
  - No secrets belong here. The specification of a version is noted as a hash only.
extends_documentation_fragment:
  - bluegreen.kubernetes._attributes
  - bluegreen.kubernetes._k8s_auth
attributes:
  check_mode:
    support: full
    details:
      - It says where the release would be with the entry and writes nothing.
  diff_mode:
    support: none
    details:
      - The journal is about the release, and no part of what it changes.
  idempotent:
    support: full
    details:
      - The journal does not count as a change. See RV(recorded) for whether the entry was written.
seealso:
  - module: bluegreen.kubernetes.release_info
"""

EXAMPLES = r"""
---
- name: Note that the first step was taken
  bluegreen.kubernetes.release_record:
    release: web
    namespace: prod
    entry:
      event: step
      step: 1
      percent: 5

- name: Note that somebody has stopped the release by hand
  bluegreen.kubernetes.release_record:
    release: web
    namespace: prod
    entry: {event: held}
"""

RETURN = r"""
recorded:
  description: Whether the entry was written, or would be in check mode. It is not when it adds nothing.
  returned: success
  type: bool
  sample: true
state:
  description: Where the release is now.
  returned: success
  type: str
  sample: shifting
journal:
  description: All that the entries add up to. See RV(bluegreen.kubernetes.release_info#module:journal).
  returned: success
  type: dict
  sample:
    state: shifting
    attempt: 3
    to: green
    live: blue
    percent: 5
    step: 1
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import release_record


def main() -> None:
    release_record.run(AnsibleModule(**release_record.argument_spec()))


if __name__ == "__main__":
    main()
