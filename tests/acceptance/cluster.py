# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's cluster as a test sees it: objects, their history, and what was asked of the API server."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.watch import Watch

Json = dict[str, Any]

ISTIO = ("networking.istio.io", "v1")
OWNER = "owner"
# App Mesh has objects of the same name.
VIRTUAL_SERVICES = "virtualservices.networking.istio.io"
# What a release could touch. Pods and what follows them change by themselves.
WRITTEN = f"{VIRTUAL_SERVICES},destinationrules,gateways.networking.istio.io,configmaps,services,deployments"
# The lab does each of these things in a second or two.
PATIENCE = 30.0


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Ask again until it holds, for things that nothing announces."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {patience:.0f} s"
        time.sleep(0.05)
    return found


class Cluster:
    def __init__(self, status: Mapping[str, Any]) -> None:
        self.kubeconfig: str = status["kubeconfig"]
        self.url: str = status["api_server_url"]
        self._audit_log = Path(status["audit_log"])
        api = config.new_client_from_config(self.kubeconfig)
        self._core = client.CoreV1Api(api)
        self._custom = client.CustomObjectsApi(api)

    def connection(self) -> http.client.HTTPSConnection:
        """A connection of its own to the API server, with the administrator's certificate."""
        configuration = self._core.api_client.configuration
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
        return http.client.HTTPSConnection(urlsplit(self.url).netloc, context=context, timeout=PATIENCE)

    def create_namespace(self, name: str) -> None:
        self._core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))

    def delete_namespace(self, name: str) -> None:
        """Start the deletion, whose end nobody waits for."""
        self._core.delete_namespace(name)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = ["kubectl", "--kubeconfig", self.kubeconfig, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=PATIENCE)

    def apply(self, manifests: Sequence[Json], manager: str = OWNER) -> None:
        """`kubectl apply --server-side`, as the owner of the objects does it; a conflict fails."""
        result = self.kubectl(
            *["apply", "--server-side", f"--field-manager={manager}", "-f", "-"], stdin=yaml.safe_dump_all(manifests)
        )
        assert result.returncode == 0, result.stderr

    def route(self, namespace: str, name: str = "web") -> Json:
        """A VirtualService as it stands."""
        found: Any = self._custom.get_namespaced_custom_object(*ISTIO, namespace, "virtualservices", name)
        return dict(found)

    def weights(self, namespace: str, name: str = "web", rule: int = 0) -> dict[str, int | None]:
        """The weights as they are written, by subset, else by the first label of the host."""
        written = self.route(namespace, name)["spec"]["http"][rule]["route"]
        return {_backend(entry["destination"]): entry.get("weight") for entry in written}

    def names(self, kinds: str, namespace: str) -> set[str]:
        """The names of all objects of these kinds."""
        result = self.kubectl("get", kinds, "-n", namespace, "-o", "name")
        assert result.returncode == 0, result.stderr
        return set(result.stdout.split())

    def get(self, kind: str, namespace: str, name: str) -> Json:
        result = self.kubectl("get", kind, "-n", namespace, name, "-o", "json", "--show-managed-fields")
        assert result.returncode == 0, result.stderr
        return dict(json.loads(result.stdout))

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        """An object, or nothing when there is none of this name."""
        result = self.kubectl("get", kind, "-n", namespace, name, "-o", "json", "--ignore-not-found")
        assert result.returncode == 0, result.stderr
        return dict(json.loads(result.stdout)) if result.stdout else None

    def items(self, kind: str, namespace: str) -> list[Json]:
        result = self.kubectl("get", kind, "-n", namespace, "-o", "json")
        assert result.returncode == 0, result.stderr
        return list(json.loads(result.stdout)["items"])

    def versions(self, namespace: str) -> dict[str, str]:
        """The state of everything that a release could write: equal before and after, nothing was written."""
        result = self.kubectl("get", WRITTEN, "-n", namespace, "-o", "json")
        assert result.returncode == 0, result.stderr
        return {
            f"{item['kind']}/{item['metadata']['name']}": _state(item) for item in json.loads(result.stdout)["items"]
        }

    def wait_until_ready(self, namespace: str, *deployments: str) -> None:
        for name in deployments:
            command = ["rollout", "status", f"deployment/{name}", "-n", namespace, f"--timeout={PATIENCE:.0f}s"]
            result = self.kubectl(*command)
            assert result.returncode == 0, result.stdout + result.stderr

    def patch_route(self, namespace: str, patch: Json, name: str = "web", manager: str = OWNER) -> None:
        """Another writer's merge patch."""
        result = self.kubectl(
            *["patch", VIRTUAL_SERVICES, name, "-n", namespace, "--type=merge", f"--field-manager={manager}"],
            *["-p", json.dumps(patch)],
        )
        assert result.returncode == 0, result.stderr

    @contextmanager
    def history(self, namespace: str, name: str = "web") -> Iterator[list[Json]]:
        """Every state of a VirtualService from now on, as a watch tells it."""
        seen: list[Json] = []
        current = self.route(namespace, name)
        watch = Watch()

        def follow() -> None:
            stream = watch.stream(
                self._custom.list_namespaced_custom_object,
                *[*ISTIO, namespace, "virtualservices"],
                field_selector=f"metadata.name={name}",
                resource_version=current["metadata"]["resourceVersion"],
                timeout_seconds=600,
            )
            # Ending it from outside breaks off the answer that it is reading.
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                for event in stream:
                    seen.append(event["object"])

        seen.append(current)
        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield seen
        finally:
            watch.stop()

    @contextmanager
    def requests(self, namespace: str) -> Iterator[Counter[str]]:
        """The requests that the Python client sent to a namespace meanwhile, by verb and kind, from the audit log."""
        counted: Counter[str] = Counter()
        begin = self._audit_log.stat().st_size
        yield counted
        marker = f"end-of-counting-{time.time_ns()}"
        self.kubectl("get", "configmap", marker, "-n", namespace)
        events = until(lambda: self._events_until(begin, marker), f"the audit log has {marker}")
        counted.update(
            f"{event['verb']} {event['objectRef']['resource']}"
            for event in events
            if f"/namespaces/{namespace}" in event["requestURI"] and "OpenAPI-Generator" in event["userAgent"]
        )

    def _events_until(self, begin: int, marker: str) -> list[Json]:
        with self._audit_log.open("rb") as stream:
            stream.seek(begin)
            text = stream.read()
        whole = text[: text.rfind(b"\n") + 1]
        return [json.loads(line) for line in whole.splitlines()] if marker.encode() in whole else []


def weights_of(route: Json, rule: int = 0) -> dict[str, int]:
    """The weights of a rule as the data plane reads them: an absent one is 0, or everything when alone."""
    written = route["spec"]["http"][rule]["route"]
    alone = 100 if len(written) == 1 else 0
    return {_backend(entry["destination"]): entry.get("weight") or alone for entry in written}


def _backend(destination: Json) -> str:
    return str(destination.get("subset") or destination["host"].split(".")[0])


def _state(item: Json) -> str:
    metadata = item["metadata"]
    # Its controller writes a Deployment's status when it likes.
    return str(metadata["generation"] if item["kind"] == "Deployment" else metadata["resourceVersion"])
