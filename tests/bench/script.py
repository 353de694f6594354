# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bare script that the collection is measured against: connect, GET, JSON PATCH; nothing is checked or told."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from kubernetes import client, config

NAMESPACE, NAME, BLUE, GREEN = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

started = time.perf_counter()
api = client.CustomObjectsApi(config.new_client_from_config())
address = ("networking.istio.io", "v1", NAMESPACE, "virtualservices", NAME)
route: Any = api.get_namespaced_custom_object(*address)
patch = [
    {"op": "replace", "path": "/metadata/resourceVersion", "value": route["metadata"]["resourceVersion"]},
    {"op": "replace", "path": "/spec/http/0/route/0/weight", "value": BLUE},
    {"op": "replace", "path": "/spec/http/0/route/1/weight", "value": GREEN},
]
written: Any = api.patch_namespaced_custom_object(*address, patch, _content_type="application/json-patch+json")
seconds = time.perf_counter() - started
if [item["weight"] for item in written["spec"]["http"][0]["route"]] != [BLUE, GREEN]:
    sys.exit("the weights were not written")
print(json.dumps({"seconds": seconds}))
