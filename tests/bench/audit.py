# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests a play sent, and when, from the API server's audit log."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

# Every client here is the official Python library: the lab's own programs are left out by it.
CLIENT = "OpenAPI-Generator/"


@dataclass(frozen=True)
class Request:
    """Its times are seconds since the epoch: when the API server had read it, and when it had answered."""

    name: str
    received: float
    answered: float


class AuditLog:
    def __init__(self, path: Path, namespace: str) -> None:
        self._path = path
        self._within = f"/namespaces/{namespace}/"
        self._offset = path.stat().st_size

    def requests(self) -> Counter[str]:
        """How many requests there were to the namespace since the last call, by verb and kind."""
        return Counter(request.name for request in self.read())

    def read(self) -> list[Request]:
        """The requests to the namespace since the last call."""
        with self._path.open("rb") as stream:
            stream.seek(self._offset)
            new = stream.read()
        # The last line may still be on its way into the file.
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        events = [json.loads(line) for line in whole.splitlines()]
        return [
            Request(
                name=f"{event['verb']} {event['objectRef']['resource']}",
                received=_seconds(event["requestReceivedTimestamp"]),
                answered=_seconds(event["stageTimestamp"]),
            )
            for event in events
            if self._within in event["requestURI"] and event.get("userAgent", "").startswith(CLIENT)
        ]


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
