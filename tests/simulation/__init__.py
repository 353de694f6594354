# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error rates of the statistical decisions: computed exactly where they can be, simulated where not."""

from __future__ import annotations

import sys
from pathlib import Path

# The decisions under test are the collection's own, which Python finds in the tree that `make` has laid out.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".tree"))
