# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What selects the pods of a workload."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._gates.version import label_selector


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"matchLabels": {"app": "web", "version": "green"}}, "app=web,version=green"),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "shop"]}]}, "app in (web,shop)"),
        ({"matchExpressions": [{"key": "old", "operator": "DoesNotExist"}]}, "!old"),
        (
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [
                    {"key": "tier", "operator": "NotIn", "values": ["test"]},
                    {"key": "version", "operator": "Exists"},
                ],
            },
            "app=web,tier notin (test),version",
        ),
    ],
)
def test_labels_and_expressions_select_together(selector: dict[str, Any], expected: str) -> None:
    assert label_selector({"spec": {"selector": selector}}) == expected
