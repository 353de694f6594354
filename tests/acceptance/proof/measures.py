# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the suite's own requests show: shares after a step, losses, latencies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from tests.acceptance.traffic import Load
from tests.lab.records import Record, summarize

# At 50 %, the share of this many requests lies within 2 points of the weight in 95 of 100 windows.
LEAST = 2401
TOLERANCE = 2.0
# A right share misses the tolerance in one of a thousand windows.
DEVIATIONS = 3.3


def enough(weight: int) -> int:
    """How many requests are counted at a weight."""
    share = weight / 100
    return max(LEAST, math.ceil(share * (1 - share) * (100 * DEVIATIONS / TOLERANCE) ** 2))


def shares(records: Sequence[Record]) -> dict[str, float]:
    """Percentages by the version that answered."""
    counted = Counter(record.version.removeprefix("web-") for record in records)
    return {version: 100 * count / len(records) for version, count in counted.items()}


def seen(load: Load, since: float, weights: Mapping[str, int]) -> str:
    """Of the requests since a moment each version gets its share; return a line for the report."""
    records = load.next(enough(min(weights.values())), since)
    found = shares(records)
    wrong = {
        version: (found.get(version, 0.0), weight)
        for version, weight in weights.items()
        if abs(found.get(version, 0.0) - weight) > (TOLERANCE if 0 < weight < 100 else 0)
    }
    assert not wrong, f"observed and wanted differ by more than {TOLERANCE} points: {wrong} of {len(records)} requests"
    return f"{len(records)} requests at {dict(weights)}: " + ", ".join(
        f"{version} {share:.2f} %" for version, share in sorted(found.items())
    )


def lost_only_by(load: Load, version: str, since: float, until: float) -> str:
    """No request failed but those that a faulty version got in a time; return a line for the report."""
    failed = [record for record in load.records() if record.failed]
    others = [
        record
        for record in failed
        if not since - 1 / load.rate <= record.start <= until
        or record.version.removeprefix("web-") not in ("", version)
    ]
    assert not others, f"{len(others)} requests failed for which {version} is not to blame, the first: {others[0]}"
    asked = [record for record in load.records() if since <= record.start <= until]
    return (
        f"{len(failed)} of {len(asked)} requests failed in the {until - since:.1f} s of the fault, none before or after"
    )


def latencies(load: Load) -> str:
    found = summarize(load.records()).latency
    return f"p50 {1000 * found['p50']:.0f} ms, p99 {1000 * found['p99']:.0f} ms"
