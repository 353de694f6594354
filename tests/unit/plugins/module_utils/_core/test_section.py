# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strict reading: what is wrong is named by its path, with what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.section import Range, Section, integer


def told(read: Callable[[Section], object], **values: Any) -> str:
    """The message for a mapping that is read in a way that it does not allow."""
    with pytest.raises(SpecError) as refused:
        read(Section(values, "top"))
    return refused.value.message


def read_version(values: dict[str, object]) -> None:
    with Section(values, "top") as section:
        section.integer("replicas", 1)
        section.optional_text("image")


def test_a_key_that_nobody_reads_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(SpecError) as refused:
        read_version({"replcas": 3})
    assert refused.value.message == "top.replcas: unknown key; did you mean replicas?"
    assert refused.value.path == "top.replcas"


def test_without_a_near_one_all_known_keys_are_listed() -> None:
    with pytest.raises(SpecError) as refused:
        read_version({"colour": "blue"})
    assert refused.value.message == "top.colour: unknown key; known here: image, replicas"


def test_an_error_inside_is_not_hidden_by_keys_that_were_not_read_yet() -> None:
    with pytest.raises(SpecError, match=r"^top\.image: is required$"), Section({"port": 80}, "top") as section:
        section.text("image")


@pytest.mark.parametrize("value", [None, "web", ["web"], 3])
def test_only_a_mapping_is_a_section(value: object) -> None:
    with pytest.raises(SpecError, match=r"^top: expected a mapping, got "):
        Section(value, "top")


@pytest.mark.parametrize("key", [1.4, True, None])
def test_a_name_that_yaml_reads_as_something_else_needs_quotes(key: object) -> None:
    with pytest.raises(SpecError) as refused:
        Section({key: {}}, "top")
    assert refused.value.message == f"top: expected keys that are strings, got {key}; put it in quotes"


def test_a_name_may_be_a_whole_number() -> None:
    assert list(Section({1: {}}, "top").names()) == ["1"]


def test_text_is_a_string_or_an_integer() -> None:
    section = Section({"name": "web", "version": 14, "none": None}, "top")
    assert section.text("name") == "web"
    assert section.text("version") == "14"
    assert section.text("none", "default") == "default"
    assert section.optional_text("none") is None
    assert told(lambda section: section.text("name")) == "top.name: is required"
    assert told(lambda section: section.text("name", choices=("a", "b"))) == "top.name: is required: one of a, b"
    assert told(lambda section: section.text("name"), name="") == 'top.name: expected a string, got ""'
    assert told(lambda section: section.text("name"), name=True) == "top.name: expected a string, got True"
    assert told(lambda section: section.text("name"), name=1.5) == "top.name: expected a string, got 1.5"
    assert (
        told(lambda section: section.text("name", choices=("a", "b")), name="c")
        == 'top.name: expected one of a, b, got "c"'
    )


def test_an_integer_stays_within_its_bounds() -> None:
    assert Section({"port": 80}, "top").integer("port") == 80
    assert Section({"port": "80"}, "top").integer("port") == 80, "as -e port=80 gives it"
    assert Section({}, "top").integer("port", 8080) == 8080
    assert told(lambda section: section.integer("port")) == "top.port: is required"
    assert (
        told(lambda section: section.integer("replicas"), replicas="two")
        == 'top.replicas: expected integer ≥ 0, got "two"'
    )
    assert (
        told(lambda section: section.integer("replicas"), replicas=-1) == "top.replicas: expected integer ≥ 0, got -1"
    )
    assert told(lambda section: section.integer("replicas"), replicas="-1") == (
        "top.replicas: expected integer ≥ 0, got -1"
    )
    assert told(lambda section: section.integer("replicas"), replicas=2.5) == (
        "top.replicas: expected integer ≥ 0, got 2.5"
    )
    assert told(lambda section: section.integer("replicas"), replicas=True) == (
        "top.replicas: expected integer ≥ 0, got True"
    )
    with pytest.raises(SpecError, match=r"^port: expected integer from 1 to 65535, got 65536$"):
        integer(65536, "port", 1, 65535)


def test_a_flag_is_true_or_false_and_nothing_like_it() -> None:
    assert Section({"adopt": True}, "top").flag("adopt", False) is True
    assert Section({}, "top").flag("adopt", True) is True
    assert told(lambda section: section.flag("adopt", False), adopt="yes") == (
        'top.adopt: expected true or false, got "yes"'
    )


def test_a_duration_names_its_key() -> None:
    assert Section({"pause": "10m"}, "top").duration("pause", 60) == 600
    assert Section({}, "top").duration("pause", 60) == 60
    assert told(lambda section: section.duration("pause", 60), pause="soon") == (
        'top.pause: expected a duration such as 90, "90s", "10m" or "24h", got \'soon\''
    )


def test_a_duration_may_have_a_shortest() -> None:
    assert Section({"window": "1s"}, "top").duration("window", 5, least=1) == 1
    assert Section({}, "top").duration("window", 0.5, least=1) == 0.5, "a default is nobody's mistake"
    assert Section({"window": None}, "top").optional_duration("window", least=1) is None
    message = "top.window: expected 1s or more, got 0.5s"
    assert told(lambda section: section.optional_duration("window", least=1), window="500ms") == message


def test_a_number_stays_within_its_range() -> None:
    allowed = Range(above=0, most=2)
    assert Section({"by": "1.5"}, "top").number("by", 1, allowed) == 1.5, "as -e by=1.5 gives it"
    assert Section({}, "top").number("by", 1, allowed) == 1
    assert Section({}, "top").optional_number("by", allowed) is None
    for value, shown in ((0, "0"), (2.5, "2.5"), (True, "True"), ("nan", '"nan"'), ("two", '"two"'), ([1], "[1]")):
        message = f"top.by: expected a number > 0 and ≤ 2, got {shown}"
        assert told(lambda section: section.optional_number("by", allowed), by=value) == message


def test_a_list_of_integers_names_the_entry_that_is_none() -> None:
    assert Section({"status": [200, "204"]}, "top").integers("status", 100, 599) == (200, 204)
    assert Section({}, "top").integers("status", 100, 599) == ()
    message = "top.status[1]: expected integer from 100 to 599, got 600"
    assert told(lambda section: section.integers("status", 100, 599), status=[200, 600]) == message


def test_a_list_of_strings_names_the_entry_that_is_none() -> None:
    assert Section({"hosts": ["a", "b"]}, "top").texts("hosts") == ("a", "b")
    assert Section({}, "top").texts("hosts") == ()
    assert told(lambda section: section.texts("hosts"), hosts="a") == 'top.hosts: expected a list, got "a"'
    assert told(lambda section: section.texts("hosts"), hosts=["a", 1]) == "top.hosts[1]: expected a string, got 1"


def test_labels_that_yaml_reads_as_something_else_need_quotes() -> None:
    assert Section({"labels": {"tier": "front", "year": 2026}}, "top").strings("labels") == {
        "tier": "front",
        "year": "2026",
    }
    assert Section({}, "top").strings("labels") == {}
    assert told(lambda section: section.strings("labels"), labels={"public": True}) == (
        "top.labels.public: expected a string, got True; put it in quotes"
    )
    assert told(lambda section: section.strings("labels"), labels={"tier": None}) == (
        "top.labels.tier: expected a string, got None; put it in quotes"
    )
    assert told(lambda section: section.strings("labels"), labels=["tier"]) == (
        "top.labels: expected a mapping, got ['tier']"
    )


@pytest.mark.parametrize("value", [0, 2, "25%", "100%"])
def test_an_amount_is_a_number_or_a_percentage(value: int | str) -> None:
    assert Section({"max_unavailable": value}, "top").amount("max_unavailable") == value


@pytest.mark.parametrize(("value", "shown"), [("half", '"half"'), ("%", '"%"'), (-1, "-1"), (True, "True")])
def test_any_other_amount_is_refused(value: object, shown: str) -> None:
    assert told(lambda section: section.amount("max_unavailable"), max_unavailable=value) == (
        f'top.max_unavailable: expected integer ≥ 0 or a percentage such as "25%", got {shown}'
    )


@pytest.mark.parametrize("value", ["²", "٣", "--5", "5-"])
def test_digits_are_those_of_ascii(value: str) -> None:
    assert told(lambda section: section.integer("port"), port=value) == f'top.port: expected integer ≥ 0, got "{value}"'
    message = f'top.share: expected integer ≥ 0 or a percentage such as "25%", got "{value}%"'
    assert told(lambda section: section.amount("share"), share=f"{value}%") == message
