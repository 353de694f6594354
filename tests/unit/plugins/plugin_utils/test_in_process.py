# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of the actions: what a verb is given, what becomes of its result, and when the module runs instead."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._verbs.verb import Module
from ansible_collections.bluegreen.kubernetes.plugins.plugin_utils.in_process import InProcessAction

HIDDEN = "hunter2-hunter2"

BY_MODULE = {"ran": "the module"}


def argument_spec() -> dict[str, Any]:
    return {
        "argument_spec": {
            "name": {"type": "str", "required": True},
            "size": {"type": "int"},
            "token": {"type": "str", "no_log": True},
            "routes": {"type": "list", "elements": "dict", "options": {"key": {"type": "str", "no_log": True}}},
        },
        "supports_check_mode": True,
    }


class Action(InProcessAction):
    """An action with a verb of its own, for a task as Ansible hands it over."""

    def __init__(
        self,
        run: Any,
        arguments: dict[str, Any],
        transport: str = "local",
        become: bool = False,
        **keywords: Any,
    ) -> None:
        task = {"args": arguments, "async_val": 0, "environment": [{}], "check_mode": False, **keywords}
        super().__init__(
            task=SimpleNamespace(**task),
            connection=SimpleNamespace(transport=transport, _shell=SimpleNamespace(tmpdir=None)),
            play_context=SimpleNamespace(become=become),
            loader=None,
            templar=None,
            shared_loader_obj=None,
        )
        self.verb = ModuleType("verb")
        vars(self.verb).update(argument_spec=argument_spec, run=run)
        self.executed: list[dict[str, Any]] = []

    def _execute_module(self, **options: Any) -> dict[str, Any]:
        self.executed.append(options)
        return BY_MODULE


def answer(module: Module) -> None:
    """A verb that returns what it was given."""
    module.exit_json(changed=True, given=dict(module.params), check_mode=module.check_mode)


def test_a_verb_gets_its_options_and_gives_its_result() -> None:
    result = Action(answer, {"name": "web", "size": "3"}).run()
    assert result["failed"] is False
    assert result["changed"] is True
    assert result["check_mode"] is False
    assert result["given"] == {"name": "web", "size": 3, "token": None, "routes": None}


def test_a_verb_is_told_of_check_mode() -> None:
    assert Action(answer, {"name": "web"}, check_mode=True).run()["check_mode"] is True


def test_the_arguments_of_the_task_are_left_as_they_are() -> None:
    def changing(module: Module) -> None:
        module.params["routes"][0]["key"] = "changed"
        module.exit_json()

    arguments = {"name": "web", "routes": [{"key": "as it was"}]}
    Action(changing, arguments).run()
    assert arguments["routes"] == [{"key": "as it was"}]


def test_secrets_are_in_no_result_at_any_depth() -> None:
    def telling(module: Module) -> None:
        module.warn(f"the token is {HIDDEN}")
        module.exit_json(deep=[{"below": {"told": f"Bearer {HIDDEN}"}}], key=module.params["routes"][0]["key"])

    result = Action(telling, {"name": "web", "token": HIDDEN, "routes": [{"key": "secret-of-a-route"}]}).run()
    assert "deep" in result
    assert HIDDEN not in repr(result)
    assert "secret-of-a-route" not in repr(result)


def test_secrets_that_the_verb_finds_itself_are_scrubbed_too() -> None:
    def finding(module: Module) -> None:
        module.no_log_values.add(HIDDEN)
        module.fail_json(f"{HIDDEN} is refused", answer={"body": HIDDEN})

    result = Action(finding, {"name": "web"}).run()
    assert result["failed"] is True
    assert HIDDEN not in repr(result)


def test_a_failure_carries_what_the_verb_says_of_it() -> None:
    def failing(module: Module) -> None:
        module.fail_json("no such route", causes=["it is not there"])

    result = Action(failing, {"name": "web"}).run()
    assert (result["failed"], result["msg"], result["causes"]) == (True, "no such route", ["it is not there"])


def test_warnings_come_with_the_result() -> None:
    def warning(module: Module) -> None:
        module.warn("mind the gap")
        module.exit_json(changed=False)

    assert Action(warning, {"name": "web"}).run()["warnings"] == ["mind the gap"]


def test_a_verb_that_breaks_is_a_failure_with_its_traceback_but_without_secrets() -> None:
    def breaking(_module: Module) -> None:
        raise ValueError(f"cannot read {HIDDEN}")

    result = Action(breaking, {"name": "web", "token": HIDDEN}).run()
    assert result["failed"] is True
    assert result["msg"].startswith("ValueError: cannot read ")
    assert "in breaking" in result["exception"]
    assert HIDDEN not in repr(result)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "web", "sise": 3}, "unknown option sise. Supported parameters include: name, routes, size, token."),
        ({"name": "web", "routes": [{"kye": 1}]}, "unknown option routes.kye. Supported parameters include: key."),
        ({}, "missing required arguments: name"),
        ({"name": "web", "size": "many"}, "argument 'size' is of type str and we were unable to convert to int"),
    ],
)
def test_options_that_are_wrong_are_named_and_the_verb_is_not_run(arguments: dict[str, Any], message: str) -> None:
    result = Action(answer, arguments).run()
    assert result["failed"] is True
    assert message in result["msg"]
    assert "given" not in result


def test_a_secret_in_a_wrong_option_is_not_told() -> None:
    result = Action(answer, {"name": "web", "token": HIDDEN, "size": HIDDEN}).run()
    assert result["failed"] is True
    assert HIDDEN not in repr(result)


@pytest.mark.parametrize(
    ("task", "wrapped"),
    [
        ({"async_val": 60}, True),
        ({"become": True}, False),
        ({"environment": [{}, {"HTTPS_PROXY": "http://proxy:3128"}]}, False),
        ({"transport": "ssh"}, False),
    ],
)
def test_the_module_runs_where_that_means_something_else(task: dict[str, Any], wrapped: bool) -> None:
    made = Action(answer, {"name": "web"}, **task)
    assert made.run(task_vars={"a": 1}) is BY_MODULE
    assert made.executed == [{"task_vars": {"a": 1}, "wrap_async": wrapped}]


def test_in_process_no_module_is_executed() -> None:
    made = Action(answer, {"name": "web"})
    made.run()
    assert made.executed == []
