# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.placeholders import filled, names_in


def test_only_our_words_are_filled_in() -> None:
    query = {"query": 'sum(rate(x{v="$version"}[$window]))', "command": ["sh", "-c", "echo $HOME $versions $version"]}
    assert filled(query, {"version": "green", "window": "30s"}) == {
        "query": 'sum(rate(x{v="green"}[30s]))',
        "command": ["sh", "-c", "echo $HOME $versions green"],
    }


def test_what_is_not_known_yet_is_filled_in_later() -> None:
    planned = filled("$service $window", {"service": "web"})
    assert planned == "web $window"
    assert filled(planned, {"window": "9s"}) == "web 9s"


def test_a_word_from_the_cluster_is_not_filled_in_again() -> None:
    assert filled("$version", {"version": "$namespace", "namespace": "prod"}) == "$namespace"


def test_the_placeholders_of_plain_data_are_known() -> None:
    assert names_in({"a": ["$version", 7, None], "b": {"c": "$service-$version $other"}}) == {"version", "service"}
