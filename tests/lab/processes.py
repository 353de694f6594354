# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that the supervisor runs: short ones to their end, long ones with a log file and a probe."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.lab.errors import LabError

POLL_EVERY = 0.1
PROBE_TIMEOUT = 1.0
END_DEADLINE = 5.0


async def run(
    *command: str, what: str, deadline: float, environment: dict[str, str] | None = None, stdin: str | None = None
) -> str:
    """Runs a short program; its output, or an error that says what was being done and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(
            process.communicate(stdin.encode() if stdin is not None else None), deadline
        )
    except TimeoutError:
        process.kill()
        await process.wait()
        raise LabError(f"{what}: not done within {deadline:.0f} s ({' '.join(command[:3])} …)") from None
    if process.returncode != 0:
        raise LabError(f"{what}: {(errors or output).decode(errors='replace').strip()}")
    return output.decode()


async def until(
    what: str, deadline: float, holds: Callable[[], Awaitable[bool]], give_up: Callable[[], str | None] | None = None
) -> None:
    """Waits until something holds. `give_up` names a reason why waiting has become pointless."""
    end = asyncio.get_running_loop().time() + deadline
    while not await holds():
        reason = give_up() if give_up is not None else None
        if reason is not None:
            raise LabError(f"{what}: {reason}")
        if asyncio.get_running_loop().time() > end:
            raise LabError(f"{what}: not within {deadline:.0f} s")
        await asyncio.sleep(POLL_EVERY)


async def answers(url: str) -> bool:
    """True when a GET of the URL is answered with 200 in time."""
    timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT)
    # A probe asks for life, not for identity: the API server's certificate is of its own making.
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, ssl=False) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


async def accepts(port: int) -> bool:
    """True when something listens on the port."""
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@dataclass
class LongRunning:
    """One process that belongs to a cluster, for as long as the lab runs."""

    name: str
    log: Path
    probe_url: str
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def process(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def ended(self) -> str | None:
        """Why it no longer runs, for a person."""
        if self._process is None:
            return "not started"
        code = self._process.returncode
        if code is None:
            return None
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"

    async def state(self) -> str:
        return self.ended or ("up" if await answers(self.probe_url) else "not answering")

    async def start(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        await self.stop()
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, env=environment, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def wait_until_up(self, deadline: float) -> None:
        async def up() -> bool:
            return await answers(self.probe_url)

        await until(f"{self.name} (log: {self.log})", deadline, up, lambda: self.ended)

    async def stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        # A stopped process (SIGSTOP) acts on no other signal.
        self._process.kill()
        await asyncio.wait_for(self._process.wait(), END_DEADLINE)
