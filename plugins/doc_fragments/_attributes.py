# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all modules say about themselves: modes, repetition, the group for their defaults."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Runs in check mode and says what it would do, without doing it.
  diff_mode:
    description: Says in diff mode what is different afterwards.
  idempotent:
    description: Run a second time with the same options it reports no change.
  action_group:
    description: >-
      Takes the defaults that are set with C(module_defaults) for the group C(group/bluegreen.kubernetes.all), such as
      the options of the connection.
    support: full
    membership:
      - bluegreen.kubernetes.all
requirements:
  - kubernetes (Python library)
notes:
  - An action of the same name runs the module within C(ansible-playbook) itself, which spares a Python process for
    every task. With another connection than C(local), and with C(async), C(become) or C(environment), it runs in a
    process of its own, as any other module does. The result is the same.
  - The Python libraries have to be installed where it runs. For the action that is beside ansible-core, on the control
    node.
  - The collection kubernetes.core has to be installed. It gives the options of the connection their meaning.
"""

    # For what only reads.
    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - It only reads, in check mode as well.
  diff_mode:
    support: N/A
    details:
      - It only reads.
  idempotent:
    support: full
    details:
      - It only reads.
"""
