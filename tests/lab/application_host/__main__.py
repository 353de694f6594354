# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import argparse
import asyncio
import logging
import ssl
from pathlib import Path

import httpx2
from aiohttp import web
from lightkube import AsyncClient, KubeConfig

from tests.lab.application_host.door import Door
from tests.lab.application_host.host import Host
from tests.lab.application_host.kubelet import Kubelet
from tests.lab.application_host.names import Names


async def _serve(arguments: argparse.Namespace) -> None:
    # A rollout of many pods at once must not wait for connections.
    client = AsyncClient(
        KubeConfig.from_file(arguments.kubeconfig).get(), timeout=httpx2.Timeout(30), field_manager="application-host"
    )
    # Nobody checks whose it is: names are what routes tell connections apart by.
    encryption = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    encryption.load_cert_chain(arguments.certificate, arguments.key)
    host = Host(client, encryption)

    async def healthz(request: web.Request) -> web.Response:
        return web.Response(status=200 if host.is_watching else 503)

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    Kubelet(host.find).add_routes(application.router)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", arguments.port).start()
    await Door(arguments.certificate, arguments.key, arguments.port, arguments.kwok_port).open(arguments.kubelet_port)
    names = Names(client, Path(arguments.hosts), arguments.entrance)
    await asyncio.gather(host.run(), names.run())


def main() -> None:
    parser = argparse.ArgumentParser(prog="application_host")
    parser.add_argument("kubeconfig")
    parser.add_argument("--port", type=int, required=True, help="answers /healthz there while the pods are watched")
    parser.add_argument("--kubelet-port", type=int, required=True, help="answers the API server there for every node")
    parser.add_argument("--kwok-port", type=int, required=True, help="what kwok answers in a kubelet's place")
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--hosts", required=True, help="the file of hosts of all pods, which is there")
    parser.add_argument("--entrance", required=True, help="the address of the ingress gateway's Service")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    asyncio.run(_serve(arguments))


if __name__ == "__main__":
    main()
