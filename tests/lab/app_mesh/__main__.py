# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path

import httpx2
from aiohttp import web
from lightkube import AsyncClient, KubeConfig

from tests.lab.app_mesh.controller import Controller
from tests.lab.app_mesh.files import Files
from tests.lab.application_host import pod as pods


async def _serve(arguments: argparse.Namespace) -> None:
    client = AsyncClient(
        KubeConfig.from_file(arguments.kubeconfig).get(), timeout=httpx2.Timeout(30), field_manager="app-mesh-stand-in"
    )
    annotations = {
        pods.APP_MESH_PROXY: f"http://127.0.0.1:{arguments.proxy_port}",
        pods.ENVOY_ADMIN_PORT: str(arguments.admin_port),
    }
    controller = Controller(client, Files(arguments.folder, arguments.admin_port), arguments.folder, annotations)

    async def healthz(request: web.Request) -> web.Response:
        return web.Response(status=200 if controller.is_serving else 503)

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", arguments.port).start()
    await controller.run()


def main() -> None:
    parser = argparse.ArgumentParser(prog="app_mesh", description="A stand-in for App Mesh.")
    parser.add_argument("kubeconfig")
    parser.add_argument("--folder", type=Path, required=True, help="where Envoy reads its configuration")
    parser.add_argument("--port", type=int, required=True, help="answers /healthz there once Envoy can be started")
    parser.add_argument("--proxy-port", type=int, required=True, help="where that Envoy takes requests")
    parser.add_argument("--admin-port", type=int, required=True, help="where it is administrated")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    asyncio.run(_serve(arguments))


if __name__ == "__main__":
    main()
