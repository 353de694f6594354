# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod asks of the application host, read from the pod: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

PREFIX = "lab.bluegreen.test/"
LATENCY = f"{PREFIX}latency"
ERROR_RATE = f"{PREFIX}error-rate"
CRASH = f"{PREFIX}crash"
LOGS = f"{PREFIX}logs"
# On the pod of an Envoy: where that one's administration is, which in a pod of Istio's is on port 15000.
ENVOY_ADMIN_PORT = f"{PREFIX}envoy-admin-port"
ADMIN_PORT = 15000
# On a pod of App Mesh: where its Envoy takes what the pod sends. That one's administration is on port 9901 there.
APP_MESH_PROXY = f"{PREFIX}app-mesh-proxy"
APP_MESH_ADMIN_PORT = 9901
LISTENING = f"{PREFIX}Listening"
# In the environment of a container: the body of its answers.
RESPONSE = "RESPONSE"
VERSION_LABEL = "app.kubernetes.io/version"

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_SLEEP = re.compile(r"(?:^|[\s;&])sleep\s+(\d+(?:\.\d+)?)")

Pod = Mapping[str, Any]


@dataclass(frozen=True)
class Behaviour:
    """How the application of one pod answers."""

    latency: float = 0.0
    error_rate: float = 0.0


def behaviour(pod: Pod) -> Behaviour:
    """What the annotations choose; ValueError names one that cannot be read."""
    annotations = _annotations(pod)
    latency = annotations.get(LATENCY, "0s")
    error_rate = annotations.get(ERROR_RATE, "0")
    try:
        rate = float(error_rate)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise ValueError(f"annotation {ERROR_RATE}: expected a number from 0 to 1, got {error_rate!r}")
    return Behaviour(latency=seconds(LATENCY, latency), error_rate=rate)


def seconds(annotation: str, text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"annotation {annotation}: expected a duration like 200ms, 5s or 1m, got {text!r}")
    return float(match[1]) * _SECONDS[match[2]]


def ports(pod: Pod) -> dict[int, str]:
    """The TCP ports that the pod's containers name, with what they are called. If there is none, nothing listens."""
    named = [port for container in pod["spec"]["containers"] for port in container.get("ports") or []]
    tcp = [port for port in named if port.get("protocol", "TCP") == "TCP"]
    return {port["containerPort"]: port.get("name", "") for port in sorted(tcp, key=lambda port: port["containerPort"])}


def is_listening(pod: Pod) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(condition["type"] == LISTENING and condition["status"] == "True" for condition in conditions)


def is_running(pod: Pod) -> bool:
    status = pod.get("status", {})
    containers = status.get("containerStatuses") or []
    return (
        status.get("phase") == "Running"
        and bool(containers)
        and all("running" in container["state"] for container in containers)
    )


def has_fault(pod: Pod) -> bool:
    """Pods whose image says so never get as far as listening, others no longer; the kwok stages play their part."""
    return _annotations(pod).get(CRASH) == "true" or any(
        word in container["image"] for container in pod["spec"]["containers"] for word in ("missing", "crashing")
    )


def waits_for(pod: Pod, container: str) -> str | None:
    """Why a container has not run yet, so that it has no logs; nothing when it has."""
    for status in pod.get("status", {}).get("containerStatuses") or []:
        if status["name"] == container and not (status.get("lastState") or {}).get("terminated"):
            waiting: dict[str, str] | None = status["state"].get("waiting")
            return waiting.get("message") or waiting["reason"] if waiting else None
    return "ContainerCreating" if not pod.get("status", {}).get("containerStatuses") else None


def logs(pod: Pod) -> str:
    """What the pod's containers have written."""
    text: str = _annotations(pod).get(LOGS, "")
    return f"{text.rstrip()}\n" if text else ""


def environment(pod: Pod) -> dict[str, str]:
    """What a command in a pod finds in its environment, beside what this machine gives."""
    found = {"POD_NAME": pod["metadata"]["name"], "POD_NAMESPACE": pod["metadata"]["namespace"]}
    if (address := pod.get("status", {}).get("podIP")) is not None:
        found["POD_IP"] = address
    if (admin := _annotations(pod).get(ENVOY_ADMIN_PORT)) is not None:
        found["LAB_ENVOY_ADMIN"] = f"http://127.0.0.1:{admin}"
    if (proxy := _annotations(pod).get(APP_MESH_PROXY)) is not None:
        # What a redirection of the pod's packets does in a pod of App Mesh.
        found |= {"http_proxy": proxy, "no_proxy": "localhost,127.0.0.1"}
    return found


def inside(pod: Pod, argument: str) -> str:
    """An argument as it means the same inside the pod: here all Envoys share one localhost, each with its own port."""
    admin = _annotations(pod).get(ENVOY_ADMIN_PORT)
    if admin is None:
        return argument
    return re.sub(rf"\b(localhost|127\.0\.0\.1):({ADMIN_PORT}|{APP_MESH_ADMIN_PORT})\b", f"127.0.0.1:{admin}", argument)


def reachable(pod: Pod, port: int) -> tuple[str, int]:
    """Where a port of the pod is: on its address, but for the administration of an Envoy."""
    admin = _annotations(pod).get(ENVOY_ADMIN_PORT)
    if admin is not None and port in {ADMIN_PORT, APP_MESH_ADMIN_PORT}:
        return "127.0.0.1", int(admin)
    return str(pod.get("status", {}).get("podIP")), port


def _annotations(pod: Pod) -> Mapping[str, str]:
    return pod["metadata"].get("annotations") or {}


def stop_sleep(pod: Pod) -> float:
    """How long the preStop hooks sleep: the longest counts, they run side by side."""
    return max((_hook_sleep(container) for container in pod["spec"]["containers"]), default=0.0)


def _hook_sleep(container: Mapping[str, Any]) -> float:
    hook = ((container.get("lifecycle") or {}).get("preStop")) or {}
    if "sleep" in hook:
        return float(hook["sleep"]["seconds"])
    command = " ".join((hook.get("exec") or {}).get("command") or [])
    match = _SLEEP.search(command)
    return float(match[1]) if match else 0.0


@dataclass(frozen=True)
class Ending:
    """The moments of a pod's end, in seconds since the epoch."""

    stops_listening: float
    is_killed: float


def ending(pod: Pod) -> Ending:
    """A deleted pod serves through its preStop sleep, then finishes what it has begun, within its grace period."""
    metadata = pod["metadata"]
    killed = datetime.strptime(metadata["deletionTimestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    grace = float(metadata.get("deletionGracePeriodSeconds") or 0)
    return Ending(stops_listening=min(killed - grace + stop_sleep(pod), killed), is_killed=killed)


def answer(pod: Pod) -> str | None:
    """What a container of the pod is told to answer, in its environment."""
    variables = [entry for container in pod["spec"]["containers"] for entry in container.get("env") or []]
    return next((entry.get("value") for entry in variables if entry["name"] == RESPONSE), None)


def identity(pod: Pod) -> dict[str, Any]:
    """What every answer says about who gave it."""
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    return {
        "pod": metadata["name"],
        "namespace": metadata["namespace"],
        "version": labels.get(VERSION_LABEL) or labels.get("version") or "",
        "labels": labels,
    }
