# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate ``job``: a Kubernetes Job, followed to its end and deleted afterwards."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any

from .._cluster.client import Cluster, ClusterError, Conflict, Ref, Unreachable
from .._cluster.mirror import Mirror, Selection
from .._core.durations import text
from .._core.errors import BlueGreenError
from .._core.gates import Gate
from .._core.jobs import job_manifest, job_name
from .._core.model import owned_labels
from .._core.readiness import Readiness, hopeless_cause, pod_summary
from .._core.sources import Job
from .._core.verdict import FAIL, INCONCLUSIVE, PASS, Finding, Verdict
from .course import Scene, Tell

# How soon a gate that waits for its cluster sees that another has ended the analysis.
ATTENTION = 0.05
# How soon a cluster that did not answer is asked again.
AGAIN = 1.0
# How long an earlier Job of the same name may take to go.
GOING = 10.0
EVENTS_EVERY = 1.0
SHOWN_PODS = 3
KEPT_CHARACTERS = 8192
# A container that crashes is what backoffLimit is for.
_RETRIED = "CrashLoopBackOff"


def run_job(gate: Gate, job: Job, scene: Scene, tell: Tell) -> Finding:
    """Create the Job when the window begins, wait for its end, and delete it unless it is to be kept."""
    if not scene.course.wait_to_begin():
        return Finding(gate.name, gate.kind, INCONCLUSIVE, "the Job was not started")
    cluster = scene.cluster()
    ref, manifest = prepared(gate, job, scene)
    uid = str(_create(cluster, ref, manifest, scene)["metadata"]["uid"])
    try:
        while True:
            try:
                with _Followed(gate, job, cluster, ref, uid, scene.deadline) as followed:
                    return followed.to_its_end(scene, tell)
            except Unreachable:
                # The Job goes on without us, and may have ended when the cluster answers again.
                if scene.course.elapsed >= scene.deadline or scene.course.stopped.wait(AGAIN):
                    raise
    finally:
        if not job.keep:
            # One that cannot be deleted now goes by itself later, and the verdict stands.
            with suppress(ClusterError):
                cluster.delete(ref)


def prepared(gate: Gate, job: Job, scene: Scene) -> tuple[Ref, dict[str, Any]]:
    """Where the Job is to be, and its manifest."""
    wanted = scene.wanted
    release = scene.words.get("release") or wanted.service or "analysis"
    namespace = str(scene.said(job.namespace)) or scene.namespace
    if not namespace:
        raise BlueGreenError("the Job has no namespace; name one in job.namespace or namespace")
    name = job_name(release, wanted.service, wanted.candidate or "", gate.name)
    fields = ("manifest", "image", "command", "args", "env", "service_account")
    words = scene.said({key: getattr(job, key) for key in fields}, wanted.candidate, scene.course.window)
    said = replace(job, **{**words, "command": tuple(words["command"]), "args": tuple(words["args"])})
    labels = owned_labels(release, wanted.service or release)
    manifest = job_manifest(said, name, namespace, labels, scene.deadline)
    return Ref("batch/v1", "jobs", namespace, name), manifest


def _create(cluster: Cluster, ref: Ref, manifest: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    """Create it in place of what an earlier run has left."""
    give_up = time.monotonic() + GOING
    while True:
        try:
            return cluster.create(ref, manifest)
        except Conflict as conflict:
            if time.monotonic() >= give_up or scene.course.stopped.is_set():
                raise BlueGreenError(
                    f"the Job {ref.namespace}/{ref.name} of an earlier run is still there after {GOING:g} s; see what "
                    "keeps it (its finalizers) and delete it"
                ) from conflict
        cluster.delete(ref)
        _wait_until_gone(cluster, ref, give_up, scene)


def _wait_until_gone(cluster: Cluster, ref: Ref, give_up: float, scene: Scene) -> None:
    with Mirror(cluster, {"job": _selection(ref)}, give_up) as mirror:
        while mirror.objects("job") and time.monotonic() < give_up and not scene.course.stopped.is_set():
            mirror.wait(mirror.changes, time.monotonic() + ATTENTION)


def _selection(ref: Ref) -> Selection:
    return Selection(Ref(ref.api_version, ref.plural, ref.namespace), field_selector=f"metadata.name={ref.name}")


class _Followed:
    """A Job from ``with`` to its end, and its pods."""

    def __init__(self, gate: Gate, job: Job, cluster: Cluster, ref: Ref, uid: str, deadline: float) -> None:
        self._gate = gate
        self._lines = job.log_lines
        self._cluster = cluster
        self._ref = ref
        self._name = f"Job {ref.namespace}/{ref.name}"
        # Not by its name: the pods of an earlier Job of that name go later than the Job itself.
        pods = Selection(Ref("v1", "pods", ref.namespace), f"batch.kubernetes.io/controller-uid={uid}")
        selections = {"job": _selection(ref), "pods": pods}
        self._mirror = Mirror(cluster, selections, time.monotonic() + deadline + GOING)
        self._events_at = 0.0

    def __enter__(self) -> _Followed:
        self._mirror.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._mirror.__exit__(kind, error, traceback)

    def to_its_end(self, scene: Scene, tell: Tell) -> Finding:
        """Wait until it has ended, will never start, is late, or is not asked for any more."""
        course = scene.course
        tell(self._found(INCONCLUSIVE, "has not ended yet", logs=False))
        while True:
            seen = self._mirror.changes
            end = _end(self._mirror.objects("job"))
            if end is not None:
                kind, message = end
                if kind == "Complete":
                    return self._found(PASS, "succeeded")
                return self._found(FAIL, f"failed: {message}", "look at the log of its pod")
            cause = self._never_starts()
            if cause is not None:
                return self._found(INCONCLUSIVE, f"does not start: {cause.reason}", cause.remedy)
            if course.stopped.is_set():
                return self._found(INCONCLUSIVE, "has not ended yet", logs=False)
            if course.elapsed >= scene.deadline:
                remedy = "give the gate a longer deadline, or look at what the Job waits for"
                return self._found(INCONCLUSIVE, f"has not ended after {text(scene.deadline)}", remedy)
            self._mirror.wait(seen, time.monotonic() + ATTENTION)

    def _found(self, verdict: Verdict, reason: str, remedy: str = "", logs: bool = True) -> Finding:
        details: dict[str, Any] = {"job": self._ref.name, "namespace": self._ref.namespace}
        if logs:
            details["pods"] = self._pods()
        return Finding(self._gate.name, self._gate.kind, verdict, f"{self._name} {reason}", remedy, details)

    def _never_starts(self) -> Readiness | None:
        """Why the Job will never run, and what to do; None while it may."""
        pods = self._mirror.objects("pods")
        for pod in pods:
            cause = hopeless_cause(pod)
            if cause is not None and _RETRIED not in cause.reason:
                return cause
        now = time.monotonic()
        if pods or now < self._events_at:
            return None
        self._events_at = now + EVENTS_EVERY
        uids = {job["metadata"]["uid"] for job in self._mirror.objects("job")}
        for event in self._events():
            if event["involvedObject"].get("uid") in uids:
                reason = f"FailedCreate: {event.get('message')}"
                return Readiness(False, reason, True, "raise the quota, or mend the Job's pod template")
        return None

    def _events(self) -> list[dict[str, Any]]:
        """What the controller says of pods that it could not create; nothing else tells it."""
        of_job = f"involvedObject.kind=Job,involvedObject.name={self._ref.name},reason=FailedCreate"
        try:
            answer = self._cluster.items(Ref("v1", "events", self._ref.namespace), field_selector=of_job)
        except ClusterError:
            # Who may not read events waits until the deadline.
            return []
        return list(answer.get("items") or [])

    def _pods(self) -> list[dict[str, Any]]:
        """Its newest pods, with what they said last."""
        newest = sorted(
            self._mirror.objects("pods"), key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True
        )
        return [
            {**pod_summary(pod), **_ended(pod), "log": _log(self._cluster, pod, self._lines)}
            for pod in newest[:SHOWN_PODS]
        ]


def _end(jobs: list[dict[str, Any]]) -> tuple[str, str] | None:
    """How the Job has ended: which condition, and what it says."""
    if not jobs:
        return "Failed", "it was deleted by somebody else"
    for condition in (jobs[0].get("status") or {}).get("conditions") or []:
        if condition["status"] == "True" and condition["type"] in ("Complete", "Failed"):
            return condition["type"], str(condition.get("message") or condition.get("reason") or "")
    return None


def _ended(pod: Mapping[str, Any]) -> dict[str, Any]:
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        terminated = (status.get("state") or {}).get("terminated")
        if terminated:
            return {"exit_code": terminated.get("exitCode")}
    return {}


def _log(cluster: Cluster, pod: Mapping[str, Any], lines: int) -> str:
    """The end of the log, or why there is none: a missing log is no reason to lose the verdict."""
    if not lines or (pod.get("status") or {}).get("phase", "Pending") == "Pending":
        return ""
    container = pod["spec"]["containers"][0]["name"]
    try:
        log = cluster.log(pod["metadata"]["namespace"], pod["metadata"]["name"], container, lines)
    except ClusterError as error:
        return f"(no log: {error.message})"
    return log[-KEPT_CHARACTERS:]
