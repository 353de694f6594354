# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's first process inside its namespaces, and the one that starts and knows everything else.

Nothing is restarted by itself: a test that kills a part wants it dead. `up` repairs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.lab import network
from tests.lab.cluster import Cluster
from tests.lab.control import Message, socket_address
from tests.lab.errors import LabError
from tests.lab.layout import Layout, plan_clusters
from tests.lab.programs import Programs

Progress = Callable[[str], None]


class Supervisor:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.clusters: dict[str, Cluster] = {}
        self._actions: dict[str, Callable[[Message, Progress], Awaitable[Message]]] = {
            "ping": self._ping,
            "up": self._up,
            "status": self._status,
            "signal": self._signal,
            "connect": self._connect,
        }

    async def serve(self) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with socket_address(self.layout) as address:
            listener.bind(address)
        server = await asyncio.start_unix_server(self._converse, sock=listener)
        async with server:
            await server.serve_forever()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(message: Message) -> None:
            if not writer.is_closing():
                writer.write(json.dumps(message).encode() + b"\n")

        try:
            line = await reader.readline()
            if not line:
                return
            request = json.loads(line)
            try:
                send({"result": await self._actions[request["action"]](request, lambda text: send({"progress": text}))})
            except LabError as error:
                send({"error": str(error)})
            except Exception:
                send({"error": traceback.format_exc()})
        finally:
            with contextlib.suppress(OSError):
                writer.close()
                await writer.wait_closed()

    async def _ping(self, request: Message, progress: Progress) -> Message:
        return {}

    async def _up(self, request: Message, progress: Progress) -> Message:
        programs = Programs(
            binaries={name: Path(path) for name, path in request["binaries"].items()},
            files={name: Path(path) for name, path in request["files"].items()},
            versions=request["versions"],
        )
        self._link_tools(programs)
        existing = {name: cluster.plan.index for name, cluster in self.clusters.items()}
        # A lab that lost a part is repaired as a whole: what was asked for earlier is still wanted.
        wanted = [*existing, *(name for name in request["clusters"] if name not in existing)]
        for plan in plan_clusters(existing, wanted):
            if plan.name not in self.clusters:
                self.clusters[plan.name] = Cluster(plan, self.layout, programs)
        outcomes = await asyncio.gather(
            *(
                cluster.up(
                    sidecar=request["sidecar"] and name in request["clusters"],
                    app_mesh=request["app_mesh"] and name in request["clusters"],
                    progress=progress,
                )
                for name, cluster in self.clusters.items()
            ),
            return_exceptions=True,
        )
        status = await self._status(request, progress)
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for error in errors:
            if not isinstance(error, LabError):
                raise error
        if errors:
            raise LabError("\n".join(str(error) for error in errors))
        return {"changed": any(outcome is True for outcome in outcomes), **status}

    async def _status(self, request: Message, progress: Progress) -> Message:
        found = await asyncio.gather(*(cluster.status() for cluster in self.clusters.values()))
        status: dict[str, Any] = {"clusters": dict(zip(self.clusters, found, strict=True))}
        unfinished = self.layout.status.with_suffix(".new")
        unfinished.write_text(json.dumps(status, indent=2))
        unfinished.replace(self.layout.status)
        return status

    async def _signal(self, request: Message, progress: Progress) -> Message:
        cluster = self.clusters[request["cluster"]]
        if request["signal"] not in signal.Signals.__members__:
            raise LabError(f"there is no signal {request['signal']!r}: KILL, STOP, CONT and TERM are some")
        if not cluster.send_signal(request["part"], signal.Signals[request["signal"]]):
            raise LabError(f"{request['cluster']}: {request['part']!r} does not run: see `status` for its parts")
        return {}

    async def _connect(self, request: Message, progress: Progress) -> Message:
        await self.clusters[request["cluster"]].connect(request["part"], request["connected"])
        return {}

    def _link_tools(self, programs: Programs) -> None:
        self.layout.tools.mkdir(parents=True, exist_ok=True)
        for name, path in programs.binaries.items():
            link = self.layout.tools / name
            if not link.is_symlink():
                link.symlink_to(path)


def main() -> None:
    _stay_first_process()
    network.set_up()
    asyncio.run(Supervisor(Layout(Path(sys.argv[1]))).serve())


def _stay_first_process() -> None:
    """Leaves the first process to collect what ended unseen; it ends with the supervisor, and everything with it."""
    supervisor = os.fork()
    if supervisor == 0:
        return
    while True:
        ended, status = os.wait()
        if ended == supervisor:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    main()
