# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab tells its user when it cannot go on."""

from __future__ import annotations


class LabError(Exception):
    """Names the thing that failed and the remedy; shown without a traceback."""
