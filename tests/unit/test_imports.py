# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports go one way: modules and actions, verbs, then core, routers and cluster; the core knows nobody."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
PACKAGE = "ansible_collections.bluegreen.kubernetes.plugins"

# What makes an answer depend on more than the arguments.
IMPURE = frozenset(
    "asyncio datetime glob http io multiprocessing os pathlib platform random secrets select shutil signal socket ssl "
    "subprocess sys tempfile threading time urllib urllib3 requests uuid".split()
)
ANSIBLE = frozenset({"ansible"})
CLUSTER_CLIENTS = frozenset({"kubernetes", "ansible_collections.kubernetes"})


@dataclass(frozen=True)
class Layer:
    """What the files of one layer may import of ours, and what they may not import of others."""

    ours: frozenset[str]
    forbidden: frozenset[str]
    rule: str


def layer(ours: str, forbidden: frozenset[str], rule: str) -> Layer:
    return Layer(frozenset(ours.split()), forbidden, rule)


PURE = ANSIBLE | CLUSTER_CLIENTS | IMPURE
LAYERS = {
    "modules": layer("_verbs", CLUSTER_CLIENTS, "a module is documentation and a call of its verb"),
    "action": layer(
        "_verbs plugin_utils", CLUSTER_CLIENTS, "an action is a call of its verb in the controller's process"
    ),
    "filter": layer("_core _routers plugin_utils", CLUSTER_CLIENTS, "a filter only shows what the core computes"),
    "callback": layer("_core", CLUSTER_CLIENTS, "a callback only shows"),
    "doc_fragments": layer("", CLUSTER_CLIENTS, "a fragment is text"),
    "plugin_utils": layer("plugin_utils _core _cluster", CLUSTER_CLIENTS, "only _cluster talks to clusters"),
    "_verbs": layer(
        "_verbs _gates _core _routers _programs _cluster", CLUSTER_CLIENTS, "only _cluster talks to clusters"
    ),
    "_gates": layer("_gates _core _routers _cluster", CLUSTER_CLIENTS | ANSIBLE, "only _cluster talks to clusters"),
    "_programs": layer("_programs _core", CLUSTER_CLIENTS | ANSIBLE, "programs of the control node know no cluster"),
    "_cluster": layer("_cluster _core", frozenset(), "_cluster rests on _core alone"),
    "_routers": layer("_routers _core", PURE, "a router is pure: objects in, patches out"),
    "_core": layer("_core", PURE, "the core is pure: no Ansible, no Kubernetes, no clock, no I/O"),
}


def layer_of(parts: tuple[str, ...]) -> str:
    """The layer in which a file or a module lies: below module_utils its second name."""
    return parts[1] if parts[0] == "module_utils" and len(parts) > 1 else parts[0]


def imports(source: str, package: list[str]) -> Iterator[tuple[int, str]]:
    """Every imported module by its full name, with its line; relative ones are resolved from `package`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def is_within(module: str, packages: frozenset[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def complaint(module: str, allowed: Layer) -> str | None:
    if module.startswith(f"{PACKAGE}."):
        target = layer_of(tuple(module.removeprefix(f"{PACKAGE}.").split(".")))
        return None if target in allowed.ours else f"imports {target}"
    return f"imports {module}" if is_within(module, allowed.forbidden) else None


def opens_files(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("open", "input", "print")
        ):
            yield node.lineno


def violations(plugins: Path) -> list[str]:
    found = []
    for path in sorted(plugins.rglob("*.py")):
        relative = path.relative_to(plugins)
        name = layer_of(relative.parts)
        if name not in LAYERS:
            found.append(f"plugins/{relative}:1: lies in no known layer: {', '.join(LAYERS)}")
            continue
        source = path.read_text()
        package = [*PACKAGE.split("."), *relative.parts[:-1]]
        for line, module in imports(source, package):
            problem = complaint(module, LAYERS[name])
            if problem is not None:
                found.append(f"plugins/{relative}:{line}: {problem}: {LAYERS[name].rule}")
        if LAYERS[name].forbidden >= IMPURE:
            found += [f"plugins/{relative}:{line}: does I/O: {LAYERS[name].rule}" for line in opens_files(source)]
    return found


def test_imports_go_one_way() -> None:
    assert any(PLUGINS.rglob("*.py"))
    assert violations(PLUGINS) == []


@pytest.mark.parametrize(
    ("file", "source", "problem"),
    [
        ("module_utils/_core/steps.py", "import time", "imports time"),
        ("module_utils/_core/steps.py", "from datetime import datetime", "imports datetime.datetime"),
        (
            "module_utils/_core/steps.py",
            "from ansible.errors import AnsibleError",
            "imports ansible.errors.AnsibleError",
        ),
        ("module_utils/_core/steps.py", "from .._routers.istio import IstioRouter", "imports _routers"),
        ("module_utils/_core/steps.py", "from .. import _cluster", "imports _cluster"),
        ("module_utils/_core/steps.py", "text = open('steps.yml').read()", "does I/O"),
        ("module_utils/_core/deep/steps.py", "from ..._cluster import client", "imports _cluster"),
        ("module_utils/_routers/istio.py", "import kubernetes.client", "imports kubernetes.client"),
        ("module_utils/_routers/istio.py", "from .._verbs import traffic", "imports _verbs"),
        ("module_utils/_cluster/client.py", "from .._routers import istio", "imports _routers"),
        ("module_utils/_verbs/traffic.py", "from kubernetes import dynamic", "imports kubernetes.dynamic"),
        (
            "module_utils/_verbs/traffic.py",
            "from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client",
            "imports ansible_collections.kubernetes.core.plugins.module_utils.k8s.client",
        ),
        ("modules/traffic.py", f"from {PACKAGE}.module_utils._core.weights import weights_at", "imports _core"),
        ("modules/traffic.py", f"from {PACKAGE}.module_utils import _core", "imports _core"),
        (
            "action/traffic.py",
            f"def run():\n    from {PACKAGE}.module_utils._cluster import client",
            "imports _cluster",
        ),
        ("filter/weights.py", f"from {PACKAGE}.module_utils._verbs import traffic", "imports _verbs"),
        ("module_utils/helpers.py", "", "lies in no known layer"),
    ],
)
def test_an_import_in_the_wrong_direction_is_named(tmp_path: Path, file: str, source: str, problem: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(f"{source}\n")
    (message,) = violations(tmp_path)
    line = source.count("\n") + 1
    assert message.startswith(f"plugins/{file}:{line}: {problem}: ")


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("module_utils/_core/steps.py", "from .errors import SpecError\nimport json"),
        ("module_utils/_routers/istio.py", "from .._core.model import Release"),
        ("module_utils/_cluster/client.py", "import time\nfrom kubernetes import client"),
        ("module_utils/_verbs/traffic.py", "from .._cluster import client\nfrom .._core import weights"),
        ("modules/traffic.py", f"from {PACKAGE}.module_utils._verbs.traffic import run"),
        ("action/traffic.py", f"from {PACKAGE}.plugin_utils.in_process import ActionModuleBase"),
    ],
)
def test_an_import_in_the_right_direction_passes(tmp_path: Path, file: str, source: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(f"{source}\n")
    assert violations(tmp_path) == []
