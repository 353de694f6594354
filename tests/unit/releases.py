# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases as their users write them, for tests to change one thing at a time."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.model import Release, read_release


def web(**keys: Any) -> dict[str, Any]:
    """The smallest release worth its name; ``keys`` are put in its place or beside it."""
    return {
        "release": "web",
        "namespace": "prod",
        "observe": "none",
        "services": {"web": {"versions": {"blue": {"image": "web:1.4"}, "green": {"image": "web:1.5"}}}},
        **keys,
    }


def web_service(**keys: Any) -> dict[str, Any]:
    """The same, with keys of its service."""
    release = web()
    release["services"]["web"].update(keys)
    return release


def web_version(**keys: Any) -> dict[str, Any]:
    """The same, with keys of its version blue."""
    release = web()
    release["services"]["web"]["versions"]["blue"].update(keys)
    return release


def read_version(**keys: Any) -> tuple[Release, Any, Any]:
    """The release, the service and the version blue, read."""
    release = read_release(web_version(**keys))
    service = release.services["web"]
    return release, service, service.versions["blue"]


def refusal(bluegreen: object) -> str:
    """What the user is told about a release that is refused."""
    with pytest.raises(SpecError) as refused:
        read_release(bluegreen)
    return refused.value.message
