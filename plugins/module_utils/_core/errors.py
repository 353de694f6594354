# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors that a person can act on: each says what is wrong, with which thing, and what to do."""

from __future__ import annotations


class BlueGreenError(Exception):
    """A refusal or failure with a message for the user; ``details`` go into the result beside it."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class SpecError(BlueGreenError):
    """The ``bluegreen`` variable, or a module's option, is wrong at ``path``."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


class RouteError(BlueGreenError):
    """A route cannot carry what is asked of it."""


class ReleaseError(BlueGreenError):
    """The release cannot go on from the state it is in."""
