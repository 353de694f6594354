# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from hypothesis import settings

# An example may take long on a machine that builds something else meanwhile: that says nothing about the code.
settings.register_profile("without-deadline", deadline=None, print_blob=True)
settings.load_profile("without-deadline")
