# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routers by name: a new one is a file beside this one and a line here."""

from __future__ import annotations

from .app_mesh import AppMeshRouter
from .gateway_api import GatewayApiRouter
from .istio import IstioRouter
from .router import Router
from .service import ServiceRouter

ROUTERS: dict[str, Router] = {
    router.name: router for router in (IstioRouter(), GatewayApiRouter(), AppMeshRouter(), ServiceRouter())
}
