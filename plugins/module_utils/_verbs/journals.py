# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ConfigMap that holds a release's journal."""

from __future__ import annotations

from typing import Any

from .._cluster.client import MERGE_PATCH, Cluster, Conflict, Ref
from .._core.errors import BlueGreenError, ReleaseError
from .._core.journal import Entry, Journal, read_journal
from .._core.model import MANAGED_BY

ATTEMPTS = 5


def journal_ref(release: str, namespace: str) -> Ref:
    """Where the journal of a release is."""
    return Ref("v1", "configmaps", namespace, f"bluegreen-{release}")


def load(cluster: Cluster, release: str, namespace: str) -> Journal:
    """Read a journal; an empty one when there is none."""
    found = cluster.find(journal_ref(release, namespace))
    return read_journal(found.get("data") if found else None)


def append(cluster: Cluster, release: str, namespace: str, entry: Entry, dry_run: bool) -> tuple[Journal, bool]:
    """Append an entry unless it changes nothing; return the journal and whether it grew.

    Two writers never overwrite each other: who comes second reads again and appends to what the first one wrote.
    """
    ref = journal_ref(release, namespace)
    for _attempt in range(ATTEMPTS):
        found = cluster.find(ref)
        journal = read_journal(found.get("data") if found else None)
        # When nothing may be written, the start was not either.
        if not (journal.state.attempt or dry_run) and entry["event"] != "started":
            raise ReleaseError(f"{release} was never started in {namespace}: record the event started first")
        grown = journal.appended(entry)
        if grown is journal or dry_run:
            return grown, grown is not journal
        data = grown.pruned().data()
        try:
            if found is None:
                cluster.create(ref, _config_map(ref, release, data))
            else:
                version = found["metadata"]["resourceVersion"]
                cluster.patch(ref, {"metadata": {"resourceVersion": version}, "data": data}, MERGE_PATCH)
        except Conflict:
            continue
        return grown, True
    raise BlueGreenError(
        f"the journal {namespace}/{ref.name} changed {ATTEMPTS} times while it was being written: another run of this "
        "release is under way; let it end, then run again"
    )


def _config_map(ref: Ref, release: str, data: dict[str, str]) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": MANAGED_BY, "app.kubernetes.io/part-of": release}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": ref.name, "namespace": ref.namespace, "labels": labels},
        "data": data,
    }
