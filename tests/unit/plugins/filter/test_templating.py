# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters as Ansible itself calls them: by their full names, on variables that hold templates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.releases import web

COLLECTIONS = Path(__file__).parents[4] / ".tree"

VARIABLES = {
    "tag": "1.{{ 2 + 3 }}",
    "bluegreen": {
        **web(steps=["{{ 25 * 2 }}", 100]),
        "services": {
            "web": {
                "versions": {
                    "blue": {"image": "web:{{ tag }}", "args": ["--tag={{ tag }}"], "env": {"TAG": "{{ tag }}"}},
                    "green": {"image": "web:2"},
                }
            }
        },
    },
}

TEMPLATES = {
    "steps": "{{ bluegreen | bluegreen.kubernetes.shift_steps | map(attribute='percent') }}",
    "weights": "{{ bluegreen.services.web.versions | bluegreen.kubernetes.weights('green', 25, 'blue') }}",
    "live": "{{ {'blue': 60, 'green': 40} | bluegreen.kubernetes.live_version }}",
    "tie": "{{ {'blue': 50, 'green': 50} | bluegreen.kubernetes.live_version is none }}",
    "resources": "{{ bluegreen | bluegreen.kubernetes.version_resources('web', 'blue') }}",
}


def ansible(template: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """What Ansible makes of a template, written to a file as JSON."""
    (tmp_path / "variables.json").write_text(json.dumps(VARIABLES))
    (tmp_path / "play.json").write_text(
        json.dumps(
            [
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
                    "vars_files": ["variables.json"],
                    "tasks": [{"ansible.builtin.copy": {"content": template, "dest": str(tmp_path / "result.json")}}],
                }
            ]
        )
    )
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", str(tmp_path / "play.json")],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_LOCALHOST_WARNING": "false"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    path = tmp_path_factory.mktemp("templating")
    together = ", ".join(f"'{name}': {template[2:-2]}" for name, template in TEMPLATES.items())
    run = ansible("{{ {" + together + "} | to_json }}", path)
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads((path / "result.json").read_text())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [("steps", [50, 100]), ("weights", {"blue": 75, "green": 25}), ("live", "blue"), ("tie", True)],
)
def test_filters_answer_by_their_full_names(results: dict[str, object], name: str, expected: object) -> None:
    assert results[name] == expected


def test_templates_inside_lists_and_mappings_are_resolved(results: dict[str, object]) -> None:
    deployment = results["resources"][0]  # type: ignore[index]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "web:1.5"
    assert container["args"] == ["--tag=1.5"]
    assert container["env"] == [{"name": "TAG", "value": "1.5"}]


def test_a_refusal_reaches_the_user_with_its_path(tmp_path: Path) -> None:
    run = ansible("{{ bluegreen | combine({'seteps': [1]}) | bluegreen.kubernetes.shift_steps }}", tmp_path)
    assert run.returncode != 0
    assert "bluegreen.seteps: unknown key; did you mean steps?" in run.stdout + run.stderr
