# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.tools.parts import Outcome, Part, Result, Runner, clean_environment, summarize


def python(name: str, code: str, *, needs: Sequence[str] = (), after: Sequence[str] = (), deadline: float = 30) -> Part:
    return Part(name, [sys.executable, "-c", code], needs=needs, after=after, deadline=deadline)


def run(parts: Sequence[Part], logs: Path, slots: int = 2) -> Mapping[str, Result]:
    return {result.part.name: result for result in Runner(parts, slots, logs).run()}


def test_a_failure_names_its_exit_code_and_shows_the_whole_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = run([python("good", "print('fine')"), python("bad", "print('the cause'); raise SystemExit(3)")], tmp_path)
    assert results["good"].outcome == "passed"
    assert (results["bad"].outcome, results["bad"].reason) == ("failed", "exit code 3")
    output = capsys.readouterr().out
    assert "the cause\n" in output
    assert "fine\n" not in output


def test_what_needs_a_failed_part_is_skipped_and_what_comes_after_it_runs(tmp_path: Path) -> None:
    parts = [
        python("up", "raise SystemExit(1)"),
        python("inside", "", needs=["up"]),
        python("down", "", after=["up", "inside"]),
    ]
    results = run(parts, tmp_path)
    assert {name: result.outcome for name, result in results.items()} == {
        "up": "failed",
        "inside": "skipped",
        "down": "passed",
    }
    assert results["inside"].reason == "up did not pass"


MEET = """
import pathlib, sys, time
pathlib.Path(sys.argv[1]).touch()
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.01)
"""


def test_two_parts_run_side_by_side(tmp_path: Path) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    parts = [
        Part("one", [sys.executable, "-c", MEET, first, second], deadline=30),
        Part("two", [sys.executable, "-c", MEET, second, first], deadline=30),
    ]
    assert {result.outcome for result in run(parts, tmp_path / "logs").values()} == {"passed"}


def test_a_part_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    started = time.monotonic()
    results = run([python("stuck", child, deadline=1)], tmp_path)
    assert results["stuck"].reason == "did not end within 1 s"
    assert time.monotonic() - started < 20


def test_a_program_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    results = run([Part("absent", ["no-such-program"])], tmp_path)
    assert results["absent"].outcome == "failed"
    assert "no-such-program" in results["absent"].reason


def test_output_can_fail_a_part_that_says_success(tmp_path: Path) -> None:
    silent = [sys.executable, "-c", "print('skipping: no hosts matched')"]
    refused = run([Part("molecule", silent, refuse=["no hosts matched"])], tmp_path)
    missing = run([Part("molecule", silent, require=["PLAY RECAP"])], tmp_path)
    assert refused["molecule"].reason == "its output says 'no hosts matched'"
    assert missing["molecule"].reason == "its output does not say 'PLAY RECAP'"


def test_an_interruption_ends_what_runs_and_still_cleans_up(tmp_path: Path) -> None:
    class Interrupted(Runner):
        def collect(self) -> None:
            if not self.stopping:
                while "inside" not in self.processes:
                    time.sleep(0.01)
                raise KeyboardInterrupt
            super().collect()

    parts = [
        python("inside", "import time; time.sleep(600)"),
        python("never", "", needs=["inside"]),
        python("down", "", after=["inside", "never"]),
    ]
    outcomes = {result.part.name: result.outcome for result in Interrupted(parts, 1, tmp_path).run()}
    assert outcomes == {"inside": "failed", "never": "skipped", "down": "passed"}


def test_parts_may_wait_for_earlier_ones_only() -> None:
    with pytest.raises(ValueError, match="first: waits for second, which does not come before it"):
        Runner([python("first", "", needs=["second"]), python("second", "")])


@pytest.mark.parametrize(
    ("outcomes", "closing", "code"),
    [
        (["passed", "failed"], "1 passed, 1 failed", 1),
        (["passed", "skipped"], "1 passed, 0 failed, 1 skipped", 1),
        (["passed"], "1 passed, 0 failed", 0),
    ],
)
def test_the_closing_line_counts_the_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], outcomes: Sequence[Outcome], closing: str, code: int
) -> None:
    results = [Result(python("part", ""), outcome) for outcome in outcomes]
    assert summarize(results, time.monotonic(), tmp_path) == code
    assert capsys.readouterr().out.endswith(f"\n{closing}\n")
    assert (tmp_path / "closing-line").read_text() == f"{closing}\n"


def test_nothing_leads_to_the_callers_own_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "mine")
    monkeypatch.setenv("K8S_AUTH_HOST", "mine")
    monkeypatch.setenv("ANSIBLE_CONFIG", "mine")
    environment = clean_environment({"MOLECULE_GLOB": "ours"})
    assert "mine" not in environment.values()
    assert environment["MOLECULE_GLOB"] == "ours"
