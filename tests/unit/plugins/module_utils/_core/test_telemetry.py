# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Section
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.telemetry import (
    Counters,
    Labels,
    read_telemetry,
)

QUERY = 'sum(requests_total{version="$version"})'
URL = "http://prometheus:9090"
NO_LABELS: Labels = frozenset()


def pod(name: str) -> Labels:
    return frozenset({("pod", name)})


def test_a_url_and_a_query_are_enough() -> None:
    options = read_telemetry(Section({"url": f"{URL}/", "query": QUERY}, "telemetry"))
    assert (options.prometheus.url, options.query, options.interval) == (URL, QUERY, 5.0)
    assert options.prometheus.validate_certs


def test_a_token_is_in_no_text_of_it() -> None:
    given = {"url": URL, "query": QUERY, "headers": {"Authorization": "Bearer sesame"}}
    options = read_telemetry(Section(given, "telemetry"))
    assert options.prometheus.headers["Authorization"] == "Bearer sesame"
    assert "sesame" not in repr(options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"query": "sum(requests_total)"}, "telemetry.query: has to hold $version"),
        ({"query": 'sum(increase(requests{v="$version"}[1m]))'}, "telemetry.query: holds increase()"),
        ({"query": 'requests{v="$version"}[$window]'}, "telemetry.query: holds $window"),
        ({"url": "prometheus:9090"}, "telemetry.url: expected the address of Prometheus"),
        ({"url": f"{URL}/graph?g0.expr=up"}, "telemetry.url: expected the address of Prometheus"),
        ({"url": "http://me:sesame@prometheus"}, "telemetry.url: holds a user or password"),
        ({"interval": "500ms"}, "telemetry.interval: expected 1s or more, got 0.5s"),
        ({"timeout": 0}, "telemetry.timeout: expected 0.001s or more, got 0s"),
        ({"window": "1m"}, "telemetry.window: unknown key"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_telemetry(Section({"url": URL, "query": QUERY, **given}, "telemetry"))
    assert str(refused.value).startswith(message)
    assert "sesame" not in str(refused.value)


def test_counters_are_counted_from_the_first_look_that_shows_anything() -> None:
    counters = Counters()
    looks = [(counters.take(seen), counters.started) for seen in ({}, {("blue", NO_LABELS): 5000.0})]
    assert looks == [({}, False), ({}, True)]
    assert counters.take({("blue", NO_LABELS): 5095.0, ("green", NO_LABELS): 5.0}) == {"blue": 95, "green": 5}
    assert counters.take({("blue", NO_LABELS): 5095.0, ("green", NO_LABELS): 5.0}) == {"blue": 0, "green": 0}


def test_a_counter_that_begins_anew_makes_up_no_requests() -> None:
    counters = Counters()
    counters.take({("blue", pod("a")): 1000.0, ("blue", pod("b")): 1000.0})
    assert counters.take({("blue", pod("a")): 40.0, ("blue", pod("b")): 1010.0}) == {"blue": 10}
    assert counters.take({("blue", pod("a")): 60.0, ("blue", pod("b")): 1010.0}) == {"blue": 20}


def test_a_series_that_was_away_is_compared_with_what_it_was() -> None:
    counters = Counters()
    counters.take({("blue", pod("a")): 1000.0, ("blue", pod("b")): 1000.0})
    counters.take({("blue", pod("b")): 1000.0})
    assert counters.take({("blue", pod("a")): 1003.0, ("blue", pod("b")): 1000.0}) == {"blue": 3}
