# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who owns which fields of an object, as the API server tells it in ``metadata.managedFields``.

See U(https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management). A list such as a
VirtualService's http rules is owned whole: who changes one weight in it takes it over from who applied it, and the
owner's next apply then meets a conflict. Putting the noted entries back is how the list is handed back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .model import MANAGED_BY

Entry = Mapping[str, Any]


def handed_back(manifest: Mapping[str, Any], noted: Sequence[Entry]) -> list[Entry] | None:
    """The entries as they were noted, with those of managers who came since; None when we own nothing."""
    current: list[Entry] = manifest["metadata"].get("managedFields") or []
    if not any(entry.get("manager") == MANAGED_BY for entry in current):
        return None
    known = {_identity(entry) for entry in noted}
    since = [entry for entry in current if entry.get("manager") != MANAGED_BY and _identity(entry) not in known]
    return [*noted, *since]


def other_managers(manifest: Mapping[str, Any]) -> list[str]:
    """The names of all managers but ourselves."""
    entries: list[Entry] = manifest["metadata"].get("managedFields") or []
    return [str(entry.get("manager")) for entry in entries if entry.get("manager") != MANAGED_BY]


def _identity(entry: Entry) -> tuple[object, ...]:
    return tuple(entry.get(key) for key in ("manager", "operation", "subresource", "apiVersion"))
