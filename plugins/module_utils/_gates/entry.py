# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxies of an entry, asked one by one and side by side through Envoy's administration interface."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from .._cluster.client import Cluster, ClusterError, NotFound, Ref
from .._cluster.exec import NotAllowed, forwarded_get, run_in_pod
from .._core.errors import BlueGreenError
from .._core.proxies import PATH, Proxies

T = TypeVar("T")

AT_ONCE = 8


@dataclass(frozen=True)
class Told(Generic[T]):
    """What became of a question to one proxy: an answer, or an error."""

    pod: str
    answer: T | None
    error: ClusterError | None = None


class Entry:
    """The pods that a selector finds, as proxies."""

    def __init__(self, cluster: Cluster, options: Proxies) -> None:
        for key in ("namespace", "selector"):
            if not getattr(options, key):
                raise BlueGreenError(f"proxies.{key}: is not known from the route; say where the entry's proxies are")
        self._cluster = cluster
        self._options = options

    def __str__(self) -> str:
        return f"pods {self._options.selector} in namespace {self._options.namespace}"

    def ready(self) -> list[str]:
        """The names of the proxies that take traffic."""
        return [pod["metadata"]["name"] for pod in self._pods() if _is_ready(pod)]

    def serving(self) -> dict[str, bool]:
        """The names of the proxies that may still have traffic, ready or on their way out, and whether ready."""
        return {
            pod["metadata"]["name"]: _is_ready(pod)
            for pod in self._pods()
            if _is_ready(pod) or (pod["metadata"].get("deletionTimestamp") and pod["status"].get("phase") == "Running")
        }

    def ask(self, pods: Sequence[str], question: Callable[[str], T]) -> list[Told[T]]:
        """Ask several proxies side by side, each by name; one that has gone meanwhile is left out.

        Raises NotAllowed, which no waiting mends.
        """
        if not pods:
            return []
        with ThreadPoolExecutor(min(AT_ONCE, len(pods))) as pool:
            answers = list(pool.map(lambda pod: _asked(pod, question), pods))
        for told in answers:
            if isinstance(told.error, NotAllowed):
                raise told.error
        return [told for told in answers if not isinstance(told.error, NotFound)]

    def get(self, pod: str, path: str, **query: str) -> dict[str, Any]:
        """The JSON at a path of a proxy's administration interface."""
        options = self._options
        path = f"{path}?{urlencode(query)}"
        if options.via == "exec":
            command = [word.replace(PATH, path.removeprefix("/")) for word in options.command]
            ran = run_in_pod(self._cluster, options.namespace, pod, options.container, command, options.timeout)
            if ran.code:
                raise ClusterError(
                    f"{command[0]} in {options.namespace}/{pod} ended with {ran.code}: {ran.stderr.strip()[:300]}; see "
                    "proxies.command"
                )
            body = ran.stdout
        else:
            status, body = forwarded_get(
                self._cluster, options.namespace, pod, options.admin_port, path, options.timeout
            )
            if status != 200:
                raise ClusterError(
                    f"port {options.admin_port} of {options.namespace}/{pod} answered {status} to {path}; is it "
                    "Envoy's administration interface? See proxies.admin_port"
                )
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ClusterError(f"{options.namespace}/{pod} answered no JSON to {path}: {body[:80]!r}; is it an Envoy?")
        return answer

    def _pods(self) -> list[dict[str, Any]]:
        found = self._cluster.items(Ref("v1", "pods", self._options.namespace), self._options.selector)
        return list(found.get("items") or [])


def _asked(pod: str, question: Callable[[str], T]) -> Told[T]:
    try:
        return Told(pod, question(pod))
    except ClusterError as error:
        return Told(pod, None, error)


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions") or []
    return not pod["metadata"].get("deletionTimestamp") and any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions
    )
