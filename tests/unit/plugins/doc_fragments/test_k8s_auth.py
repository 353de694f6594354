# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the connection are documented as kubernetes.core defines them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from ansible_collections.bluegreen.kubernetes.plugins.doc_fragments._k8s_auth import ModuleDocFragment
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

DOCUMENTED = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]


def shape(option: Mapping[str, Any], below: str) -> dict[str, Any]:
    """What has to agree of an option, whether it is documented or defined."""
    found = {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "aliases": sorted(option.get("aliases", [])),
        "default": option.get("default"),
        "required": option.get("required", False),
        "choices": option.get("choices"),
    }
    return {**found, "below": {name: shape(item, below) for name, item in option.get(below, {}).items()}}


def test_the_same_options_are_documented() -> None:
    assert set(DOCUMENTED) == set(AUTH_ARG_SPEC)


@pytest.mark.parametrize("name", sorted(AUTH_ARG_SPEC))
def test_an_option_is_documented_as_it_is_defined(name: str) -> None:
    assert shape(DOCUMENTED[name], "suboptions") == shape(AUTH_ARG_SPEC[name], "options")


@pytest.mark.parametrize("name", sorted(set(AUTH_ARG_SPEC) - {"proxy_headers"}))
def test_the_environment_variable_of_an_option_is_named(name: str) -> None:
    assert f"E(K8S_AUTH_{name.upper()})" in " ".join(DOCUMENTED[name]["description"])
