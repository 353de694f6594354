# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.lab`: the lab's commands."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.lab import control, namespace, programs, records, status
from tests.lab.errors import LabError
from tests.lab.layout import Layout

LAYOUT = Layout(namespace.REPOSITORY / ".lab")
# As a shell says it.
COMMAND_NOT_FOUND = 127


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def build(arguments: argparse.Namespace) -> int:
    provided = programs.provide(say)
    for name, path in sorted(provided.binaries.items()):
        print(f"{name} {provided.versions[name]} {path}")
    return 0


def up(arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    provided = programs.provide(say)
    with namespace.only_one(LAYOUT):
        if not control.answers(LAYOUT):
            namespace.end(LAYOUT)
            say("starting the lab")
            namespace.start(LAYOUT)
    request = {
        "action": "up",
        "clusters": arguments.cluster or ["east"],
        "sidecar": arguments.sidecar,
        "app_mesh": arguments.app_mesh,
        "binaries": {name: str(path) for name, path in provided.binaries.items()},
        "files": {name: str(path) for name, path in provided.files.items()},
        "versions": provided.versions,
    }
    answer = control.request(LAYOUT, request, say)
    names = ", ".join(answer["clusters"])
    say(
        f"the lab is up after {time.monotonic() - started:.1f} s: {names}"
        if answer["changed"]
        else f"everything is up: {names}"
    )
    return 0


def down(arguments: argparse.Namespace) -> int:
    with namespace.only_one(LAYOUT):
        say("the lab has ended" if namespace.end(LAYOUT) else "the lab was not running")
    return 0


def show_status(arguments: argparse.Namespace) -> int:
    found = control.request(LAYOUT, {"action": "status"})
    print(json.dumps(found, indent=2) if arguments.json else status.text(found))
    return 0 if status.is_up(found) else 1


def run(arguments: argparse.Namespace) -> int:
    found = control.request(LAYOUT, {"action": "status"})
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise LabError("run: no command given; for example `run -- kubectl get pods -A`")
    _replace_process(command, _environment(found, arguments.cluster))
    return 0


def load(arguments: argparse.Namespace) -> int:
    if not namespace.is_inside(namespace.supervisor_process(LAYOUT)):
        # No load ever leaves the lab's network.
        _replace_process([sys.executable, "-m", "tests.lab", *sys.argv[1:]], dict(os.environ))
    from tests.lab import load as generator

    wanted = vars(arguments)
    fields = ("url", "host", "rate", "duration", "keep_alive", "timeout", "hold")
    counted = generator.main(generator.Load(**{field: wanted[field] for field in fields}), arguments.output)
    say(json.dumps(asdict(counted)))
    return 0


def shares(arguments: argparse.Namespace) -> int:
    found = records.between(records.read(arguments.file), arguments.begin, arguments.end)
    print(json.dumps(asdict(records.summarize(found))))
    return 0


def send_signal(arguments: argparse.Namespace) -> int:
    name = _cluster(control.request(LAYOUT, {"action": "status"}), arguments.cluster)
    wanted = f"SIG{arguments.signal.upper().removeprefix('SIG')}"
    request = {"action": "signal", "cluster": name, "part": arguments.part, "signal": wanted}
    control.request(LAYOUT, request)
    return 0


def disconnect(arguments: argparse.Namespace) -> int:
    return _connect(arguments, connected=False)


def reconnect(arguments: argparse.Namespace) -> int:
    return _connect(arguments, connected=True)


def _connect(arguments: argparse.Namespace, connected: bool) -> int:
    name = _cluster(control.request(LAYOUT, {"action": "status"}), arguments.cluster)
    control.request(LAYOUT, {"action": "connect", "cluster": name, "part": arguments.part, "connected": connected})
    return 0


def _cluster(found: dict[str, Any], wanted: str | None) -> str:
    """The cluster that a command is about: the one that was named, else the first."""
    clusters: list[str] = list(found["clusters"])
    if wanted is None and clusters:
        return clusters[0]
    if wanted not in clusters:
        raise LabError(f"there is no cluster {wanted or 'yet'}: `up --cluster NAME` adds one")
    return wanted


def _environment(found: dict[str, Any], cluster: str | None) -> dict[str, str]:
    kubeconfig = found["clusters"][_cluster(found, cluster)]["kubeconfig"]
    return {
        **os.environ,
        "KUBECONFIG": kubeconfig,
        "K8S_AUTH_KUBECONFIG": kubeconfig,
        "BLUEGREEN_LAB_STATUS": str(LAYOUT.status),
        "PATH": f"{LAYOUT.tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def _replace_process(command: list[str], environment: dict[str, str]) -> None:
    """The command takes this process's place: its terminal, its input and its exit code are the caller's own."""
    supervisor = namespace.supervisor_process(LAYOUT)
    # A process that is inside already may not enter once more.
    enter = [] if namespace.is_inside(supervisor) else namespace.enter_command(supervisor)
    sys.stdout.flush()
    sys.stderr.flush()
    whole = [*enter, *command]
    try:
        os.execvpe(whole[0], whole, environment)  # noqa: S606  no shell on purpose
    except OSError as error:
        say(f"{whole[0]}: {error.strerror}")
        sys.exit(COMMAND_NOT_FOUND)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab",
        description="Real clusters with a real mesh on this machine, from package registries alone.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(function=function)
        return added

    command("build", build, "build the lab's programs that are missing")
    starting = command("up", up, "start the lab, add clusters to it, or repair it")
    starting.add_argument(
        "--cluster", nargs="+", action="extend", metavar="NAME", help="clusters that are wanted (default: east)"
    )
    starting.add_argument(
        "--sidecar", action="store_true", help="with a sidecar Envoy in each of them, for routes inside the mesh"
    )
    starting.add_argument(
        "--app-mesh", action="store_true", help="with a stand-in for App Mesh in each of them, and an Envoy for it"
    )
    command("down", down, "end the lab and everything in it")
    showing = command("status", show_status, "what runs where")
    showing.add_argument("--json", action="store_true")
    running = command("run", run, "run a command inside the lab's network, with KUBECONFIG set")
    running.add_argument("--cluster", metavar="NAME", help="the cluster of KUBECONFIG (default: the first)")
    running.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    signalling = command("signal", send_signal, "send a signal to a part of a cluster, for example KILL or STOP")
    signalling.add_argument("part", help="a part as `status` names it")
    signalling.add_argument("signal", help="KILL, STOP, CONT, TERM, …")
    signalling.add_argument("--cluster", metavar="NAME", help="default: the first")
    for name, function, text in (
        ("disconnect", disconnect, "cut an Envoy off from istiod: it goes on serving what it was told last"),
        ("reconnect", reconnect, "let an Envoy find istiod again"),
    ):
        connecting = command(name, function, text)
        connecting.add_argument("part", choices=("gateway", "sidecar"))
        connecting.add_argument("--cluster", metavar="NAME", help="default: the first")
    _add_load(
        command("load", load, "send requests at a steady rate and record every one; ends at --duration or Ctrl-C")
    )
    summing = command("shares", shares, "print a summary of what a load has recorded, as JSON; it may still run")
    summing.add_argument("file", type=Path, help="what `load` writes")
    summing.add_argument("--begin", type=float, default=0, help="seconds since the epoch (default: all)")
    summing.add_argument("--end", type=float, default=math.inf)
    return parser


def _add_load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", required=True)
    parser.add_argument("--host", help="the Host header, when it differs from the URL's")
    parser.add_argument("--rate", type=float, default=200, help="requests per second (default: 200)")
    parser.add_argument("--duration", type=float, help="seconds (default: until interrupted)")
    parser.add_argument(
        "--timeout", type=float, default=10, help="seconds until a request counts as failed (default: 10)"
    )
    parser.add_argument(
        "--keep-alive", action=argparse.BooleanOptionalAction, default=True, help="use connections again (default: yes)"
    )
    parser.add_argument(
        "--hold",
        type=float,
        metavar="SECONDS",
        help="open a WebSocket per request (the test application: /ws) and hold it this long",
    )
    parser.add_argument("--output", type=Path, required=True, help="one JSON object per request and line")


def main() -> int:
    arguments = _parser().parse_args()
    try:
        code: int = arguments.function(arguments)
    except LabError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
