# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.proxies import Proxies, read_proxies
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section


def test_everything_has_a_default() -> None:
    assert read_proxies(Section({}, "proxies")) == Proxies()


def test_labels_become_a_selector() -> None:
    options = read_proxies(Section({"selector": {"istio": "ingressgateway", "track": "a"}}, "proxies"))
    assert options.selector == "istio=ingressgateway,track=a"


def test_a_command_of_ones_own() -> None:
    given = {"via": "exec", "container": "envoy", "command": ["curl", "-s", "http://127.0.0.1:9901/$path"]}
    options = read_proxies(Section({**given, "timeout": "2s", "namespace": "edge"}, "proxies"))
    assert (options.via, options.container, options.timeout) == ("exec", "envoy", 2.0)
    assert options.command == ("curl", "-s", "http://127.0.0.1:9901/$path")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"via": "ssh"}, 'proxies.via: expected one of port_forward, exec, got "ssh"'),
        ({"container": "envoy"}, "proxies.container: only means something with via: exec"),
        ({"via": "exec", "command": ["curl", "/stats"]}, "proxies.command: has to ask for $path"),
        ({"selector": {}}, "proxies.selector: holds no label"),
        ({"admin_port": 0}, "proxies.admin_port: expected integer from 1 to 65535, got 0"),
        ({"timeout": 0}, "proxies.timeout: expected 0.001s or more, got 0s"),
        ({"admin": 15000}, "proxies.admin: unknown key; did you mean admin_port?"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_proxies(Section(given, "proxies"))
    assert str(refused.value).startswith(message)
