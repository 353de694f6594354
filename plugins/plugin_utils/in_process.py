# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The base of every action: the verb runs in the controller's own process.

A module costs a Python start, the import of the Kubernetes client and a dozen small processes for every task. The
action of the same name is imported once, before Ansible forks its workers, and runs the same verb there. Where that
would change what a task means (another connection, async, become, environment) the module is executed as ever.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NoReturn

from ansible.module_utils.basic import remove_values
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import AnsibleValidationError, UnsupportedError
from ansible.plugins.action import ActionBase
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._cluster.client import warm_up

# Paid here once, before Ansible forks its workers, instead of in each of them.
warm_up()


class _Left(Exception):
    """Carries the result out of a verb, as AnsibleModule does by ending its process."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


class InProcessModule:
    """What a verb may use of AnsibleModule, without a process of its own."""

    def __init__(self, specification: Mapping[str, Any], arguments: Mapping[str, Any], check_mode: bool) -> None:
        self.check_mode = check_mode
        self.no_log_values: set[str] = set()
        self._warnings: list[str] = []
        rules = {key: value for key, value in specification.items() if key != "supports_check_mode"}
        # Options without a default are missing from what the validator returns, and None in a module's params.
        validated = ArgumentSpecValidator(**rules).validate(copy.deepcopy(dict(arguments)))
        self.params: dict[str, Any] = validated.validated_parameters
        self.no_log_values.update(validated._no_log_values)
        if validated.error_messages:
            self.fail_json(msg="; ".join(map(_told, validated.errors.errors)))

    def warn(self, warning: str) -> None:
        """Show a warning with the result."""
        self._warnings.append(warning)

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """End with a result."""
        self._leave({"failed": False, **kwargs})

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """End with a failure."""
        self._leave({**kwargs, "failed": True, "msg": msg})

    def _leave(self, result: dict[str, Any]) -> NoReturn:
        if self._warnings:
            result["warnings"] = self._warnings
        # Unlike a module's, the result holds no invocation: the arguments may carry a whole kubeconfig.
        raise _Left(remove_values(result, self.no_log_values))


def _told(error: AnsibleValidationError) -> str:
    """What is wrong with the options; that they are unknown is left to the caller to say."""
    return f"unknown option {error.msg}" if isinstance(error, UnsupportedError) else str(error.msg)


class InProcessAction(ActionBase):
    """Runs a verb in process where that means the same as running its module."""

    verb: ModuleType
    _requires_connection = False
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the verb here, or hand the task to the module of the same name."""
        if not self._means_the_same():
            result: dict[str, Any] = self._execute_module(
                task_vars=task_vars or {}, wrap_async=bool(self._task.async_val)
            )
            return result
        result = super().run(tmp, task_vars)
        secrets: set[str] = set()
        try:
            module = InProcessModule(self.verb.argument_spec(), self._task.args, self._task.check_mode)
            secrets = module.no_log_values
            self.verb.run(module)
        except _Left as left:
            result.update(left.result)
        except Exception as error:
            failure = {"failed": True, "msg": f"{type(error).__name__}: {error}", "exception": traceback.format_exc()}
            result.update(remove_values(failure, secrets))
        return result

    def _means_the_same(self) -> bool:
        return (
            self._connection.transport == "local"
            and not self._task.async_val
            and not self._play_context.become
            # The keyword never reaches an action plugin; only a new process can have another environment.
            and not any(self._task.environment or [])
        )
