# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a probe asks: a request from here, or a command in a pod; and what its reply counts as."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .._cluster.client import Cluster, ClusterError, NotFound, Ref
from .._cluster.exec import NotAllowed, Ran, run_in_pod
from .._core.identity import NONE, OTHER, Names, Reply, parsed_reply
from .._core.probing import InPod, Probe
from .answers import Answer, Ask
from .http_client import Unanswered, client

_SHOWN = 60


def asking(probe: Probe, names: Names, cluster: Callable[[], Cluster]) -> Callable[[], Ask]:
    """What makes an Ask for each worker; raises BlueGreenError when nothing can be asked at all."""
    if probe.in_pod is not None:
        command = _Command(probe, probe.in_pod, names, cluster())
        return lambda: command
    make = client(probe)

    def connected() -> Ask:
        send = make()

        def ask(due: float) -> Sequence[Answer]:
            try:
                reply = send()
            except Unanswered as error:
                return [Answer(due, NONE, str(error))]
            return [judged(reply, names, due, time.monotonic() - due)]

        return ask

    return connected


def judged(reply: Reply, names: Names, due: float, latency: float | None) -> Answer:
    """What a reply counts as.

    A status of 400 and above that names nobody is a failure of the way, not an answer of an unknown version: a proxy
    without a route or without an endpoint answers like that.
    """
    version, shown = names.version(reply)
    problem = f"status {reply.status}" if reply.status >= 500 else ""
    if version == NONE:
        if reply.status < 400:
            return Answer(due, OTHER, "", f"{shown} (status {reply.status})" if reply.status else shown, latency)
        # Envoy says there what it lacks: no healthy upstream, connection failure and the like.
        return Answer(due, NONE, f"status {reply.status}", " ".join(reply.body.split())[:_SHOWN], latency)
    return Answer(due, version, problem, shown, latency)


class _Command:
    """Runs a command in a pod, again and again."""

    def __init__(self, probe: Probe, in_pod: InPod, names: Names, cluster: Cluster) -> None:
        self._probe = probe
        self._in_pod = in_pod
        self._names = names
        self._cluster = cluster
        self._pod = in_pod.pod

    def __call__(self, due: float) -> Sequence[Answer]:
        """Run it once; its output is one answer, or one per line."""
        # Of its own: another worker may find that this pod has gone.
        pod = self._pod
        try:
            pod = self._pod = pod or self._found()
            ran = self._run(pod)
        except (NotFound, NotAllowed) as error:
            if self._in_pod.pod or isinstance(error, NotAllowed):
                raise
            # One pod of the selected ones has gone; the next run finds another.
            if self._pod == pod:
                self._pod = ""
            return [Answer(due, NONE, "command not run", error.message)]
        except ClusterError as error:
            return [Answer(due, NONE, "command not run", error.message)]
        texts = [ran.stdout] if self._in_pod.whole else ran.stdout.splitlines()
        replies = [parsed_reply(text) if self._in_pod.whole else Reply(0, {}, text) for text in texts if text.strip()]
        # How long it took says more of the way into the pod than of the version.
        answers = [judged(reply, self._names, due, None) for reply in replies]
        if ran.code or not answers:
            said = " ".join((ran.stderr or "no output").split())[:_SHOWN]
            answers.append(Answer(due, NONE, f"exit code {ran.code} of {self._in_pod.command[0]}", said))
        return answers

    def _run(self, pod: str) -> Ran:
        in_pod = self._in_pod
        return run_in_pod(
            self._cluster, in_pod.namespace, pod, in_pod.container or None, in_pod.command, self._probe.timeout
        )

    def _found(self) -> str:
        in_pod = self._in_pod
        pods = self._cluster.items(Ref("v1", "pods", in_pod.namespace), label_selector=in_pod.selector)["items"]
        running = [
            str(pod["metadata"]["name"])
            for pod in pods
            if pod.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
        ]
        if not running:
            raise ClusterError(
                f"no pod with {in_pod.selector} runs in {in_pod.namespace}; mend {self._probe.path}.exec"
            )
        return min(running)
