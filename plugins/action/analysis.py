# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module analysis, run in the controller's own process."""

from __future__ import annotations

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs import analysis
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """See the module's documentation."""

    verb = analysis
