# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Job of a gate."""

from __future__ import annotations

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.jobs import job_manifest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import owned_labels
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.sources import Job

OURS = owned_labels("shop", "web")


def test_no_service_takes_the_pods_of_a_job_for_its_own() -> None:
    manifest = job_manifest(Job(image="smoke:1"), "smoke-1", "prod", OURS, 60.0)
    assert manifest["metadata"]["labels"] == OURS
    assert manifest["spec"]["template"]["metadata"]["labels"] == {
        "sidecar.istio.io/inject": "false",
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/managed-by": "bluegreen.kubernetes",
    }


def test_labels_that_the_user_gives_the_pods_stay() -> None:
    labels = {"app.kubernetes.io/name": "smoke", "sidecar.istio.io/inject": "true"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "b"}]}}
    manifest = job_manifest(Job(manifest={"spec": {"template": template}}), "smoke-1", "prod", OURS, 60.0)
    assert manifest["spec"]["template"]["metadata"]["labels"].items() >= labels.items()
