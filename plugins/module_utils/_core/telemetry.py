# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request counters in Prometheus as a source of the share: what a user writes about them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .placeholders import names_in
from .section import Section

# Functions whose result is no count that only grows.
_NO_COUNTER = re.compile(r"\b(rate|irate|increase|delta|idelta|deriv|histogram_quantile)\s*\(")
Labels = frozenset[tuple[str, str]]
_URL = re.compile(r"https?://[^\s/?#]+[^\s?#]*")


@dataclass(frozen=True)
class PrometheusSource:
    """Where Prometheus answers, and how it is asked. Headers may hold a token: they never go into a message."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    validate_certs: bool = True
    ca_cert: str | None = None
    timeout: float = 5.0
    """Seconds for one answer."""


@dataclass(frozen=True)
class Telemetry:
    """A counter of requests for each version: ``query`` with $version in it.

    The counters themselves are asked for, not their increase over a window: Prometheus extrapolates an increase, and
    a window reaches back to before the weights were written. We look, and look again, and take the differences.
    """

    prometheus: PrometheusSource
    query: str
    interval: float = 5.0
    """How often Prometheus scrapes these counters, and we look, in seconds."""
    patience: float = 300.0
    """How long a decision may take once the deadline to converge is over, in seconds."""


class Counters:
    """What counters have counted from one look to the next, for each version.

    A series that is new has counted from 0. One that has fallen began anew, and what it lost cannot be known: nothing
    is counted for it that time, so that no request is ever made up.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, Labels], float] | None = None

    def take(self, seen: Mapping[tuple[str, Labels], float]) -> dict[str, int]:
        """The requests of each version since the last look; none at the first that shows anything at all.

        ``seen`` is the value of each series, by version and labels. A series that is missing keeps its last value.
        """
        if self._last is None:
            self._last = dict(seen) if seen else None
            return {}
        counted: dict[str, float] = {}
        for key, value in seen.items():
            counted[key[0]] = counted.get(key[0], 0.0) + max(0.0, value - self._last.get(key, 0.0))
        self._last.update(seen)
        return {version: round(count) for version, count in counted.items()}

    @property
    def started(self) -> bool:
        """Whether anything was seen yet."""
        return self._last is not None


def read_prometheus(section: Section) -> PrometheusSource:
    """Read url, headers, validate_certs, ca_cert and timeout; what else stands there is left to the caller."""
    url = section.text("url")
    if not _URL.fullmatch(url):
        raise section.error(
            "url", "expected the address of Prometheus, such as http://prometheus:9090, without a query"
        )
    if "@" in url.split("/")[2]:
        raise section.error("url", "holds a user or password; put it into headers, whose values are never shown")
    return PrometheusSource(
        url=url.rstrip("/"),
        headers=section.strings("headers"),
        validate_certs=section.flag("validate_certs", PrometheusSource.validate_certs),
        ca_cert=section.optional_text("ca_cert"),
        timeout=section.duration("timeout", PrometheusSource.timeout, least=0.001),
    )


def read_telemetry(section: Section) -> Telemetry:
    """Read the whole section strictly."""
    with section:
        query = section.text("query")
        named = names_in(query)
        if "version" not in named:
            raise section.error("query", "has to hold $version, or all versions would have the same requests")
        wrong = "$window" if "window" in named else None
        if not wrong and (match := _NO_COUNTER.search(query)):
            wrong = f"{match[1]}()"
        if wrong:
            raise section.error(
                "query",
                f"holds {wrong}; give the counter itself, such as "
                'sum(istio_requests_total{destination_version="$version"}): we take the difference between two looks',
            )
        return Telemetry(
            prometheus=read_prometheus(section),
            query=query,
            # Prometheus scrapes no more often.
            interval=section.duration("interval", Telemetry.interval, least=1.0),
            patience=section.duration("patience", Telemetry.patience),
        )
