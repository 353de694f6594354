# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes a candidate the live version: the last gates, and the version into which it is taken afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from .gates import Gate, read_gates
from .section import Section
from .steps import Step, read_steps

# What comes back has had all the traffic already, under another name.
STEPS_BACK = (100,)


@dataclass(frozen=True)
class Promotion:
    """The gates that are judged at 100 %.

    ``into`` is the version that then takes the candidate's source, and by ``steps`` the traffic; None leaves both with
    the candidate.
    """

    gates: tuple[Gate, ...] = ()
    into: str | None = None
    steps: tuple[Step, ...] = ()


def read_promotion(section: Section, pause: float) -> Promotion:
    """Read ``promote``."""
    with section.section("promote") as promote:
        gates = read_gates(promote.items("gates"), promote.at("gates"))
        into = promote.optional_text("into")
        written = promote.raw("steps")
        if into is None:
            if written is not None:
                raise promote.error("steps", "are those that lead into another version: say which with into")
            return Promotion(gates)
        steps = read_steps(STEPS_BACK if written is None else written, pause, promote.at("steps"))
        if any(step.percent is None for step in steps) or steps[-1].percent != 100:
            raise promote.error("steps", f"expected percentages that end with 100, all of it is to go to {into}")
        return Promotion(gates, into, steps)
