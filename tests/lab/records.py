# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load recorded, and what can be said about it: pure."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# Why there was no whole answer: nobody listened, the connection broke off before it or within it, or it took too long.
Failure = Literal["refused", "reset", "cut", "timeout", "other"]


@dataclass(frozen=True)
class Record:
    """One request. `start` is when it was due (seconds since the epoch); latency counts from there: no wait hides."""

    start: float
    latency: float
    status: int
    version: str = ""
    pod: str = ""
    error: str = ""
    failure: Failure | Literal[""] = ""

    @property
    def failed(self) -> bool:
        return not 101 <= self.status < 400

    def line(self) -> str:
        return json.dumps({key: value for key, value in vars(self).items() if value != ""})


@dataclass(frozen=True)
class Summary:
    requests: int
    failures: int
    resets: int
    versions: dict[str, int]
    shares: dict[str, float]
    statuses: dict[int, int]
    broken: dict[str, int]
    errors: dict[str, int]
    latency: dict[str, float]


def read(path: Path) -> list[Record]:
    """Every record of a file. The last line of a load that still runs may be unfinished: it is left out."""
    text = path.read_text()
    return [Record(**json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines()]


def between(records: Iterable[Record], begin: float, end: float) -> list[Record]:
    """The records of requests that were due in this time, the begin included."""
    return [record for record in records if begin <= record.start < end]


def summarize(records: Iterable[Record]) -> Summary:
    """Counts (a reset is a failure too), shares in percent of what versions answered, latency percentiles in s."""
    all_records = list(records)
    versions = Counter(record.version for record in all_records if record.version)
    answered = versions.total()
    latencies = sorted(record.latency for record in all_records)
    return Summary(
        requests=len(all_records),
        failures=sum(record.failed for record in all_records),
        resets=sum(record.failure in {"reset", "cut"} for record in all_records),
        versions=dict(versions),
        shares={version: 100 * count / answered for version, count in versions.items()},
        statuses=dict(Counter(record.status for record in all_records)),
        broken=dict(Counter(record.failure for record in all_records if record.failure)),
        errors=dict(Counter(record.error for record in all_records if record.error)),
        latency={f"p{percent}": percentile(latencies, percent) for percent in (50, 95, 99, 100)} if latencies else {},
    )


def percentile(ordered: list[float], percent: float) -> float:
    """The smallest value that at least this part of the values does not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
