# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns the fields of a route after a release is who owned them before."""

from __future__ import annotations

from typing import Any

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.ownership import handed_back, other_managers


def entry(manager: str, *fields: str, operation: str = "Apply") -> dict[str, Any]:
    owned: dict[str, Any] = {f"f:{field}": {} for field in fields}
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": {"f:spec": owned}}


OWNER = entry("helm", "hosts", "http")
OWNER_WITHOUT_RULES = entry("helm", "hosts")
OURS = entry("bluegreen.kubernetes", "http", operation="Update")


def route(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "web", "managedFields": list(entries)}, "spec": {}}


def test_the_owner_gets_the_rules_back() -> None:
    assert handed_back(route(OWNER_WITHOUT_RULES, OURS), [OWNER]) == [OWNER]


def test_nothing_is_written_when_nothing_is_ours() -> None:
    assert handed_back(route(OWNER), [OWNER]) is None


def test_who_came_in_the_meantime_keeps_what_is_theirs() -> None:
    visitor = entry("kubectl-label", "gateways", operation="Update")
    assert handed_back(route(OWNER_WITHOUT_RULES, OURS, visitor), [OWNER]) == [OWNER, visitor]


def test_the_same_manager_by_another_operation_is_somebody_else() -> None:
    edited = entry("helm", "hosts", operation="Update")
    assert handed_back(route(OWNER_WITHOUT_RULES, edited, OURS), [OWNER]) == [OWNER, edited]


def test_others_are_named_without_us() -> None:
    assert other_managers(route(OWNER, OURS)) == ["helm"]
    assert other_managers({"metadata": {"name": "web"}}) == []
