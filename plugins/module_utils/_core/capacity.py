# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the live versions could carry when a release began, held until nobody can fall back on them any more.

A live version that loses its traffic step by step loses its load, and a HorizontalPodAutoscaler then takes its pods
away: the way back would lead to fewer pods than it left from. So the replicas are noted when an attempt starts, and
the autoscaler's ``minReplicas`` is raised to them. What follows from this, stage by stage:

- The note is part of the entry that starts the attempt, so it is in the journal before anything is written, and a run
  that was killed finds in it what it has to do. Replicas are noted once an attempt; the autoscaler's own
  ``minReplicas`` is noted once until it is given back, so that a second attempt never takes what the first one set for
  the user's own.
- Held are all versions that had weight when the attempt started, except its candidate: the candidate is scaled by its
  own autoscaler, which is not touched.
- It stays held through ``promoted`` (until the fallback's time is over), ``shifted``, ``waiting`` and ``held``. It is
  given back at the end of a rollback, when retire is due (before anything is taken down), and when another attempt
  starts in which the version is not live: what was the fallback until then is a candidate again, or nobody's way back.
- Only what still is as we set it is given back. A ``minReplicas`` that somebody has changed since, or has applied with
  the very same number, is theirs. Who owned the field before owns it again, so that their next apply meets no conflict.
- An autoscaler that is written by a controller, such as KEDA's, is left alone: the controller would undo it at once.
  That its number has to be raised where it comes from is a problem to be told.
- On the way back the note is what the live version has to have ready first. It demands no more than was ready at the
  start: a release may well be the cure of a live version that is broken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .autoscalers import API_VERSION, KIND, with_minimum_owned_by
from .built import HelmChart
from .journal import backend_key
from .model import Release
from .weights import Weights
from .workloads import SCALABLE_KINDS

Plain = dict[str, Any]
Noted = Mapping[str, Mapping[str, Any]]


def live_workloads(release: Release, before: Mapping[str, Weights], to: str) -> list[Plain]:
    """The workloads whose capacity an attempt holds: of every version with weight at its start but the candidate."""
    found = []
    for service, weights in before.items():
        versions = release.services[service].versions if service in release.services else {}
        for name, weight in weights.items():
            if weight and name != to and name in versions:
                found.append({"key": backend_key(service, name), **vars(versions[name].runs_as)})
    return found


def scaled_workloads(release: Release, to: str) -> list[Plain]:
    """The candidate's workloads of which it matters how far they are scaled before anything is applied.

    An autoscaler of ours scales them, or Helm, which does not see that a retirement has scaled them to zero.
    """
    return [
        {"key": backend_key(service.name, to), **vars(version.runs_as)}
        for service in release.services.values()
        if (version := service.versions.get(to)) is not None
        and (isinstance(version.source, HelmChart) or (version.workload is not None and version.workload.autoscaling))
    ]


def noted_workloads(noted: Noted) -> list[Plain]:
    """The workloads that a journal has notes of, also those that the specification has no more."""
    return [{"key": key, **{name: note[name] for name in _IDENTITY}} for key, note in noted.items()]


_IDENTITY = ("kind", "name", "namespace")


def note(observed: Sequence[Mapping[str, Any]], noted: Noted | None = None) -> Plain:
    """What the journal notes of live workloads when an attempt starts, by ``service/version``.

    ``noted`` is what the journal holds already: what an earlier attempt raised and did not give back is not taken for
    the autoscaler's own number.
    """
    return {seen["key"]: _note(seen, (noted or {}).get(seen["key"], {})) for seen in observed if seen["exists"]}


def _note(seen: Mapping[str, Any], earlier: Mapping[str, Any]) -> Plain:
    known = {item["name"]: item for item in earlier.get("autoscalers", ())}
    return {
        **{name: seen[name] for name in _IDENTITY},
        "replicas": seen["replicas"],
        "ready": min(seen["ready"], seen["replicas"]),
        "autoscalers": [_autoscaler_note(item, seen["replicas"], known) for item in seen["autoscalers"]],
    }


def _autoscaler_note(item: Mapping[str, Any], replicas: int, known: Mapping[str, Mapping[str, Any]]) -> Plain:
    own, owners = item["min_replicas"], item["owners"]
    earlier = known.get(item["name"])
    if earlier is not None and _stands_as_held(item, earlier) and not _applied_by(item):
        own, owners = earlier["min_replicas"], earlier["owners"]
    wanted = min(replicas, item["max_replicas"])
    held = wanted if _number(own) < wanted and not item["controller"] else None
    return {"name": item["name"], "min_replicas": own, "held": held, "owners": owners}


def holding(observed: Sequence[Mapping[str, Any]], noted: Noted) -> list[Plain]:
    """What raises the autoscalers of noted workloads to the noted replicas; empty when they stand there, or higher.

    Definitions to patch objects with that exist, one after the other.
    """
    patches = []
    for seen, noted_of in _beside(observed, noted):
        for item, noted_item in _autoscalers(seen, noted_of):
            held = noted_item["held"]
            if held is not None and _number(item["min_replicas"]) < held <= item["max_replicas"]:
                patches.append(_autoscaler(seen, item, {"spec": {"minReplicas": held}}))
    return patches


def giving_back(
    observed: Sequence[Mapping[str, Any]], noted: Noted, keys: Collection[str] | None = None
) -> list[Plain]:
    """What puts the autoscalers back to their own numbers, of all noted workloads or of those in ``keys``.

    Definitions to patch objects with that exist, in this order: of each autoscaler first the number, then who owns it.
    """
    patches = []
    for seen, noted_of in _beside(observed, noted):
        if keys is not None and seen["key"] not in keys:
            continue
        for item, noted_item in _autoscalers(seen, noted_of):
            if not _stands_as_held(item, noted_item):
                continue
            if not _applied_by(item):
                patches.append(_autoscaler(seen, item, {"spec": {"minReplicas": noted_item["min_replicas"]}}))
            fields = with_minimum_owned_by(item["managed_fields"], _applied_by(item) or noted_item["owners"])
            if fields != item["managed_fields"]:
                patches.append(_autoscaler(seen, item, {}, {"managedFields": fields}))
    return patches


def beginning(observed: Sequence[Mapping[str, Any]], noted: Noted, live: Collection[str], started: bool) -> Plain:
    """All that the stage deploy needs, the first one to write.

    ``live`` are the keys of live_workloads(), ``started`` says whether the journal has the start of this attempt. The
    result has the ``notes`` for the entry that starts it, the ``patches`` to send right after it, and the ``entry``
    that then records what was given back, or None.
    """
    notes = {} if started else note([seen for seen in observed if seen["key"] in live], noted)
    known = {**noted, **notes}
    past = sorted(set(known) - set(live))
    held = {key: known[key] for key in known if key in live}
    return {
        "notes": notes,
        "patches": [*giving_back(observed, known, past), *holding(observed, held)],
        "entry": returned(past),
    }


def returned(keys: Iterable[str]) -> Plain | None:
    """The entry that ends the hold of these workloads, to be recorded after it was given back; None without any."""
    named = sorted(keys)
    return {"event": "capacity", "returned": named} if named else None


def shortfall(observed: Sequence[Mapping[str, Any]], noted: Noted) -> list[Plain]:
    """The live workloads that have fewer pods ready, or wanted, than were ready when the attempt started.

    Each says in words what is missing, and holds the ``patches`` that scale it up: the autoscaler before the workload,
    which it would scale down again. Only those are worth waiting for before traffic goes back. Where ``patches`` is
    empty nothing hastens what is missing, and the weights do not wait for a node that is slow.
    """
    short = []
    for key, noted_of in noted.items():
        seen = next((item for item in observed if item["key"] == key), None)
        wanted = min(noted_of["replicas"], noted_of["ready"])
        if seen is None or min(seen["replicas"], seen["ready"]) >= wanted:
            continue
        target = min([noted_of["replicas"], *(item["max_replicas"] for item in seen["autoscalers"])])
        scaled = seen["exists"] and seen["kind"] in SCALABLE_KINDS and seen["replicas"] < target
        resize = _object("apps/v1", seen["kind"], seen, {"spec": {"replicas": target}})
        short.append(
            {
                **{name: seen[name] for name in ("key", *_IDENTITY)},
                "wanted": wanted,
                "ready": seen["ready"],
                "message": _shortage(seen, noted_of, target if scaled else None),
                "patches": [*holding([seen], {key: noted_of}), resize] if scaled else [],
            }
        )
    return short


def _shortage(seen: Mapping[str, Any], noted_of: Mapping[str, Any], target: int | None) -> str:
    name = _named(seen)
    had = f"{noted_of['ready']} ready pods when the release began"
    if not seen["exists"]:
        return f"{name} had {had} and is gone: deploy it again before traffic goes back to it"
    has = f"{name} had {had} and has {seen['ready']}, of {seen['replicas']} wanted"
    if target is None:
        return f"{has}: its pods have to become ready first"
    return f"{has}: it is scaled up to {target} first"


def problems(observed: Sequence[Mapping[str, Any]], noted: Noted) -> list[Plain]:
    """What cannot be held, or may not stay held, with what to do about it."""
    found = []
    for seen, noted_of in _beside(observed, noted):
        if not seen["exists"]:
            text = f"{_named(seen)} is gone since the release began: there is nothing to fall back on; deploy it again"
            found.append(_problem("live_gone", _named(seen), text))
        elif seen["kind"] in SCALABLE_KINDS and seen["replicas"] < noted_of["replicas"] and not seen["autoscalers"]:
            text = (
                f"{_named(seen)} had {noted_of['replicas']} replicas when the release began and has "
                f"{seen['replicas']} now: somebody scales it; let it be until the release is retired"
            )
            found.append(_problem("live_scaled_down", _named(seen), text))
        for item, noted_item in _autoscalers(seen, noted_of):
            found += _autoscaler_problems(seen, noted_of["replicas"], item, noted_item["held"])
    return found


def _autoscaler_problems(
    seen: Mapping[str, Any], replicas: int, item: Mapping[str, Any], held: int | None
) -> list[Plain]:
    name = f"{KIND} {seen['namespace']}/{item['name']}"
    wanted = min(replicas, item["max_replicas"])
    if item["controller"] and _number(item["min_replicas"]) < wanted:
        text = (
            f"{name} may scale {seen['name']} from {replicas} down to {_number(item['min_replicas'])} during the "
            f"release, and {item['controller']} writes it: raise the smallest number of replicas to {wanted} there "
            "(KEDA: minReplicaCount) until the release is retired"
        )
        return [_problem("autoscaler_owned", name, text)]
    if held is None:
        return []
    if item["max_replicas"] < held:
        text = (
            f"{name} has been limited to {item['max_replicas']} replicas since the release began, {held} are to be "
            "held: raise its maxReplicas again, or accept a smaller fallback"
        )
        return [_problem("autoscaler_limited", name, text)]
    if item["keeper"]:
        text = (
            f"{name} is kept by {item['keeper']}, which may put its minReplicas back from {held} while the release "
            "holds it: leave the field out of its manifest, or let the tool ignore it, until the release is retired"
        )
        return [_problem("autoscaler_kept", name, text)]
    return []


def _problem(code: str, path: str, message: str) -> Plain:
    return {"code": code, "path": path, "message": message}


def _beside(observed: Sequence[Mapping[str, Any]], noted: Noted) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return [(seen, noted[seen["key"]]) for seen in observed if seen["key"] in noted]


def _autoscalers(
    seen: Mapping[str, Any], noted_of: Mapping[str, Any]
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The autoscalers that are still there, each beside its note."""
    known = {item["name"]: item for item in noted_of["autoscalers"]}
    return [(item, known[item["name"]]) for item in seen["autoscalers"] if item["name"] in known]


def _stands_as_held(item: Mapping[str, Any], noted_item: Mapping[str, Any]) -> bool:
    return noted_item["held"] is not None and item["min_replicas"] == noted_item["held"]


def _applied_by(item: Mapping[str, Any]) -> list[Plain]:
    """Who has applied an autoscaler's number since we set it.

    Our change took the field away from everybody who had applied it before.
    """
    return [owner for owner in item["owners"] if owner["operation"] == "Apply"]


def _number(min_replicas: int | None) -> int:
    """What the API server fills in where nothing is written."""
    return 1 if min_replicas is None else min_replicas


def _named(seen: Mapping[str, Any]) -> str:
    return f"{seen['kind']} {seen['namespace']}/{seen['name']}"


def _autoscaler(seen: Mapping[str, Any], item: Mapping[str, Any], body: Plain, metadata: Plain | None = None) -> Plain:
    return _object(API_VERSION, KIND, {"namespace": seen["namespace"], "name": item["name"]}, body, metadata)


def _object(api_version: str, kind: str, named: Mapping[str, Any], body: Plain, metadata: Plain | None = None) -> Plain:
    identity = {"name": named["name"], "namespace": named["namespace"], **(metadata or {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": identity, **body}
