# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb ``probe``: who answers, and do the versions get the shares that they should?"""

from __future__ import annotations

import threading
from typing import Any

from .._cluster.client import Cluster
from .._core.errors import BlueGreenError
from .._core.probing import read_probe
from .._core.section import Section
from .._core.share import Wanted
from .._core.verdict import PASS
from .._gates.probe import measure, preflight, prove_share
from .verb import Module, Result, connect, credentials, finish, given, with_auth

_OF_THE_PROBE = (
    "url headers method http_version keep_alive tls exec identify requests rate duration timeout expect deadline"
).split()


def argument_spec() -> dict[str, Any]:
    """The module's options and rules."""
    tls = {
        "validate_certs": {"type": "bool", "default": True},
        "ca_cert": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path"},
    }
    command = {
        "namespace": {"type": "str", "required": True},
        "pod": {"type": "str"},
        "selector": {"type": "str"},
        "container": {"type": "str"},
        "command": {"type": "list", "elements": "str", "required": True},
        "answers": {"type": "str", "default": "lines", "choices": ["lines", "whole"]},
    }
    identify = {
        "header": {"type": "str"},
        "json": {"type": "str"},
        "regex": {"type": "str"},
        "pod": {"type": "str"},
        "values": {"type": "dict"},
    }
    expect = {
        "weights": {"type": "dict", "required": True},
        "tolerance": {"type": "float"},
        "confidence": {"type": "float"},
    }
    return {
        "argument_spec": with_auth(
            {
                "url": {"type": "str"},
                "headers": {"type": "dict"},
                "method": {"type": "str"},
                "http_version": {"type": "str", "choices": ["1.1", "2"]},
                "keep_alive": {"type": "bool"},
                "tls": {"type": "dict", "options": tls},
                "exec": {"type": "dict", "options": command},
                "identify": {"type": "dict", "options": identify},
                "requests": {"type": "int"},
                "rate": {"type": "float"},
                "duration": {"type": "raw"},
                "timeout": {"type": "raw"},
                "expect": {"type": "dict", "options": expect},
                "deadline": {"type": "raw"},
                "service": {"type": "str"},
                "versions": {"type": "list", "elements": "str", "default": []},
            }
        ),
        "mutually_exclusive": [["url", "exec"], ["expect", "duration"], ["expect", "versions"]],
        "required_one_of": [["url", "exec"]],
        "required_by": {"deadline": ["expect"]},
        "supports_check_mode": True,
    }


def run(module: Module) -> None:
    """Send requests and leave."""
    finish(module, _probe)


def _probe(module: Module) -> Result:
    params = module.params
    module.no_log_values.update(credentials(params["headers"] or {}))
    probe = read_probe(Section(given({name: params[name] for name in _OF_THE_PROBE}), "probe"))
    service = params["service"] or ""
    wanted = None if probe.weights is None else Wanted(probe.weights, service)
    if module.check_mode:
        if wanted is not None:
            preflight(probe, wanted)
        return {"changed": False, "where": probe.where, "reason": "nothing is sent in check mode"}

    def cluster() -> Cluster:
        return connect(module)

    stopped = threading.Event()
    if wanted is None:
        finding = measure(probe, params["versions"], service, cluster, stopped)
    else:
        finding = prove_share(probe, wanted, cluster, stopped, "probe")
    result = finding.plain()
    if wanted is not None and finding.verdict != PASS:
        raise BlueGreenError(f"{finding.reason}; {finding.remedy}", **result)
    return {"changed": False, **result}
