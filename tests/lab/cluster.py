# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster of the lab: its parts, in the order in which they need each other. `up` does only what is missing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from tests.lab import mesh, metrics
from tests.lab.app_mesh import envoy as app_mesh
from tests.lab.control_plane import MANIFESTS, ControlPlane
from tests.lab.errors import LabError
from tests.lab.layout import ClusterPlan, Layout
from tests.lab.processes import LongRunning, accepts, until
from tests.lab.programs import Programs
from tests.lab.relay import Relay

START_DEADLINE = 60.0
LISTENER_DEADLINE = 30.0
REPOSITORY = Path(__file__).parents[2]
DEFINITIONS = ("istio-crds.yaml", "gateway-api-crds.yaml")

Progress = Callable[[str], None]


@dataclass
class Envoy:
    """An Envoy beside the pod whose address and name it was started with, and its way to istiod."""

    process: LongRunning
    relay: Relay
    workload: str
    namespace: str
    proxy_of: Callable[[ClusterPlan, dict[str, Any], str], mesh.Proxy]
    pod: str | None = None

    async def state(self) -> str:
        state = await self.process.state()
        return "disconnected from istiod" if state == "up" and not self.relay.is_open else state


class Cluster:
    def __init__(self, plan: ClusterPlan, layout: Layout, programs: Programs) -> None:
        self.plan = plan
        self.programs = programs
        self.folder = layout.clusters / plan.name
        self.control_plane = ControlPlane(plan, layout, programs.versions)
        self.wants_sidecar = False
        self.wants_app_mesh = False
        self.istiod = self._part("istiod", f"http://127.0.0.1:{plan.istiod_http_port}/ready")
        self.application_host = self._part("application-host", f"http://127.0.0.1:{plan.application_host_port}/healthz")
        self.prometheus = self._part("prometheus", f"http://127.0.0.1:{plan.prometheus_port}/-/ready")
        self.gateway = Envoy(
            self._part("gateway", f"http://127.0.0.1:{plan.gateway_admin_port}/ready"),
            Relay(plan.gateway_relay_port, plan.istiod_grpc_port),
            mesh.GATEWAY,
            mesh.SYSTEM_NAMESPACE,
            mesh.gateway_proxy,
        )
        self.sidecar = Envoy(
            self._part("sidecar", f"http://127.0.0.1:{plan.sidecar_admin_port}/ready"),
            Relay(plan.sidecar_relay_port, plan.istiod_grpc_port),
            mesh.SIDECAR,
            mesh.SIDECAR_NAMESPACE,
            mesh.sidecar_proxy,
        )
        self.app_mesh = self._part("app-mesh", f"http://127.0.0.1:{plan.app_mesh_port}/healthz")
        self.app_mesh_envoy = self._part("app-mesh-envoy", f"http://127.0.0.1:{plan.app_mesh_admin_port}/ready")
        self.entrance = Relay(mesh.GATEWAY_SERVICE_PORT, plan.gateway_port, plan.entrance_address)
        self._lock = asyncio.Lock()
        self._objects_applied = False

    def _part(self, name: str, probe_url: str) -> LongRunning:
        return LongRunning(name, self.folder / f"{name}.log", probe_url)

    @property
    def _envoys(self) -> list[Envoy]:
        return [self.gateway, self.sidecar] if self.wants_sidecar else [self.gateway]

    @property
    def _parts(self) -> list[LongRunning]:
        others = [self.application_host, self.istiod, self.prometheus]
        if self.wants_app_mesh:
            others += [self.app_mesh, self.app_mesh_envoy]
        return [*others, *(envoy.process for envoy in self._envoys)]

    async def up(self, sidecar: bool, app_mesh: bool, progress: Progress) -> bool:
        """Brings up what is not; False when everything was."""
        async with self._lock:
            self.wants_sidecar = self.wants_sidecar or sidecar
            self.wants_app_mesh = self.wants_app_mesh or app_mesh
            if await self._is_up():
                return False
            self.folder.mkdir(parents=True, exist_ok=True)
            await asyncio.gather(self._prometheus_up(progress), self._mesh_up(progress))
            return True

    async def _mesh_up(self, progress: Progress) -> None:
        await self._control_plane_up(progress)
        await self.entrance.open()
        await asyncio.gather(self._application_host_up(progress), self._istiod_up(progress))
        await asyncio.gather(*(self._envoy_up(envoy, progress) for envoy in self._envoys), self._app_mesh_up(progress))

    async def _is_up(self) -> bool:
        if not self._objects_applied:
            return False
        states = await self.states()
        return all(state == "up" for state in states.values())

    async def states(self) -> dict[str, str]:
        parts = {part.name: part.state() for part in self._parts}
        parts.update({envoy.process.name: envoy.state() for envoy in self._envoys})
        control_plane, others = await asyncio.gather(self.control_plane.states(), asyncio.gather(*parts.values()))
        return {**control_plane, **dict(zip(parts, others, strict=True))}

    async def status(self) -> dict[str, Any]:
        plan = self.plan
        found: dict[str, Any] = {
            "parts": await self.states(),
            "kubeconfig": str(self.control_plane.kubeconfig),
            "context": f"kwok-{plan.name}",
            "api_server_url": self.control_plane.url,
            "gateway_url": f"http://127.0.0.1:{plan.gateway_port}",
            "gateway_tcp_url": f"http://127.0.0.1:{plan.gateway_tcp_port}",
            "gateway_tls_url": f"https://127.0.0.1:{plan.gateway_tls_port}",
            "gateway_api_tcp_url": f"http://127.0.0.1:{plan.gateway_api_tcp_port}",
            "gateway_api_tls_url": f"https://127.0.0.1:{plan.gateway_api_tls_port}",
            "gateway_admin_url": f"http://127.0.0.1:{plan.gateway_admin_port}",
            "istiod_debug_url": f"http://127.0.0.1:{plan.istiod_monitoring_port}/debug",
            "prometheus_url": f"http://127.0.0.1:{plan.prometheus_port}",
            "audit_log": str(self.control_plane.audit_log),
            "logs": str(self.folder),
            "pod_network": str(plan.pod_network),
        }
        if self.wants_sidecar:
            found["sidecar_proxy_url"] = f"http://127.0.0.1:{plan.sidecar_proxy_port}"
            found["sidecar_admin_url"] = f"http://127.0.0.1:{plan.sidecar_admin_port}"
        if self.wants_app_mesh:
            found["app_mesh_proxy_url"] = f"http://127.0.0.1:{plan.app_mesh_proxy_port}"
            found["app_mesh_admin_url"] = f"http://127.0.0.1:{plan.app_mesh_admin_port}"
        return found

    def send_signal(self, part: str, number: signal.Signals) -> bool:
        """Sends a signal to a part; False when there is no such process."""
        own = {long_running.name: long_running.process for long_running in self._parts if long_running.ended is None}
        process = own[part] if part in own else self.control_plane.process(part)
        if process is None:
            return False
        os.kill(process, number)
        return True

    async def connect(self, part: str, connected: bool) -> None:
        """Cuts an Envoy off from istiod, or lets it find istiod again."""
        envoys = {envoy.process.name: envoy for envoy in self._envoys}
        if part not in envoys:
            raise LabError(f"{self.plan.name}: {part!r} is no Envoy here: {' and '.join(envoys)}")
        relay = envoys[part].relay
        await (relay.open() if connected else relay.cut())

    async def _control_plane_up(self, progress: Progress) -> None:
        states = await self.control_plane.states()
        if any(state != "up" for state in states.values()):
            progress(f"{self.plan.name}: starting the control plane")
            await self.control_plane.up()

    async def _apply_objects(self, progress: Progress) -> None:
        progress(f"{self.plan.name}: applying nodes, resource definitions and the gateway")
        control_plane = self.control_plane
        await asyncio.gather(
            control_plane.apply("nodes", *mesh.node_objects(self.plan), mesh.namespace_object(mesh.SYSTEM_NAMESPACE)),
            *(control_plane.apply_file(name, self.programs.files[name]) for name in DEFINITIONS),
            control_plane.apply_file("App Mesh's definitions", MANIFESTS / "app-mesh"),
        )
        # One that has no conditions yet is an error to who waits for a condition.
        for condition in ("jsonpath={.status.conditions}", "condition=Established"):
            wait = ["wait", f"--for={condition}", "crd", "--all", "--timeout=30s"]
            await control_plane.kubectl(*wait, what="waiting for the resource definitions")
        await control_plane.apply("the gateway", *mesh.gateway_objects(self.plan))
        self._objects_applied = True

    async def _application_host_up(self, progress: Progress) -> None:
        part = self.application_host
        if await part.state() == "up":
            return
        progress(f"{self.plan.name}: starting the application host")
        hosts = self.folder / "hosts"
        hosts.touch()
        options = {
            "--port": self.plan.application_host_port,
            "--kubelet-port": self.plan.kubelet_port,
            "--kwok-port": self.plan.kwok_port,
            "--certificate": self.control_plane.certificate,
            "--key": self.control_plane.key,
            "--hosts": hosts,
            "--entrance": self.plan.entrance_address,
        }
        # For it and the commands that it runs, this is /etc/hosts; everybody else keeps the machine's.
        mount = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]
        await self._start_own(part, "tests.lab.application_host", options, mount)

    async def _app_mesh_up(self, progress: Progress) -> None:
        """The stand-in, then the Envoy that reads what it writes."""
        if not self.wants_app_mesh:
            return
        folder = self.folder / "app-mesh"
        ports = {"--proxy-port": self.plan.app_mesh_proxy_port, "--admin-port": self.plan.app_mesh_admin_port}
        if await self.app_mesh.state() != "up":
            progress(f"{self.plan.name}: starting the stand-in for App Mesh")
            options = {"--folder": folder, "--port": self.plan.app_mesh_port, **ports}
            await self._start_own(self.app_mesh, "tests.lab.app_mesh", options)
        if await self.app_mesh_envoy.state() != "up":
            configuration = app_mesh.bootstrap(folder, self.plan.app_mesh_admin_port, self.plan.app_mesh_proxy_port)
            await self._start_envoy(self.app_mesh_envoy, configuration)

    async def _start_own(
        self, part: LongRunning, module: str, options: dict[str, Any], within: Sequence[str] = ()
    ) -> None:
        """A program of the lab's own that follows the cluster."""
        given = [text for name, value in options.items() for text in (name, str(value))]
        command = [*within, sys.executable, "-m", module, *given, str(self.control_plane.kubeconfig)]
        await part.start(command, self.control_plane.environment, REPOSITORY)
        await part.wait_until_up(START_DEADLINE)

    async def _start_envoy(self, part: LongRunning, configuration: Any) -> None:
        file = self.folder / f"{part.name}.json"
        file.write_text(json.dumps(configuration, indent=1))
        # Hot restart would share memory, by a number, with the proxies of other labs on this machine.
        options = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
        await part.start([_envoy_program(), "-c", str(file), *options], self.control_plane.environment, self.folder)
        await part.wait_until_up(START_DEADLINE)

    async def _istiod_up(self, progress: Progress) -> None:
        """With the objects that it reads, and those of its proxies."""
        if not self._objects_applied:
            await self._apply_objects(progress)
        if self.wants_sidecar:
            await self.control_plane.apply("the sidecar's pod", *mesh.sidecar_objects(self.plan))
        if await self.istiod.state() == "up":
            return
        progress(f"{self.plan.name}: starting istiod")
        mesh_config = self.folder / "mesh.yaml"
        mesh_config.write_text(yaml.safe_dump(mesh.MESH_CONFIG))
        arguments = mesh.istiod_arguments(self.plan, str(self.control_plane.kubeconfig), str(mesh_config))
        environment = {**self.control_plane.environment, **mesh.ISTIOD_ENVIRONMENT}
        await self.istiod.start([str(self.programs.binaries["pilot-discovery"]), *arguments], environment, self.folder)
        await self.istiod.wait_until_up(START_DEADLINE)

    async def _prometheus_up(self, progress: Progress) -> None:
        configuration = self.folder / "prometheus.json"
        wanted = json.dumps(metrics.configuration(self.plan, self.wants_sidecar), indent=1)
        known = configuration.read_text() if configuration.exists() else None
        if known == wanted and await self.prometheus.state() == "up":
            return
        progress(f"{self.plan.name}: starting Prometheus")
        configuration.write_text(wanted)
        arguments = metrics.arguments(self.plan, str(configuration), str(self.folder / "prometheus"))
        program = str(self.programs.binaries["prometheus"])
        await self.prometheus.start([program, *arguments], self.control_plane.environment, self.folder)
        await self.prometheus.wait_until_up(START_DEADLINE)

    async def _envoy_up(self, envoy: Envoy, progress: Progress) -> None:
        await envoy.relay.open()
        pod = await self._ready_pod(envoy.workload, envoy.namespace)
        if envoy.pod == pod["metadata"]["name"] and await envoy.process.state() == "up":
            return
        part = envoy.process
        progress(f"{self.plan.name}: starting Envoy, the {part.name}")
        proxy = envoy.proxy_of(self.plan, pod, self.programs.versions["pilot-discovery"])
        await self._start_envoy(part, mesh.bootstrap(proxy, envoy.relay.port))
        envoy.pod = proxy.pod

        async def listens() -> bool:
            return await accepts(proxy.listener_port)

        await until(f"{self.plan.name}: listener of the {part.name}", LISTENER_DEADLINE, listens, lambda: part.ended)

    async def _ready_pod(self, workload: str, namespace: str) -> dict[str, Any]:
        await self.control_plane.kubectl(
            "rollout",
            "status",
            f"deployment/{workload}",
            "-n",
            namespace,
            "--timeout=60s",
            what=f"waiting for the pod of {workload}",
            deadline=65,
        )
        listed = await self.control_plane.kubectl(
            "get", "pods", "-n", namespace, "-l", f"app={workload}", "-o", "json", what=f"reading the pod of {workload}"
        )
        pods: list[dict[str, Any]] = json.loads(listed)["items"]
        return next(pod for pod in pods if "deletionTimestamp" not in pod["metadata"])


def _envoy_program() -> str:
    """The wheel's binary itself: its command would be one Python start more, and it must be our own child."""
    return str(files("envoy") / "_bin" / "envoy")
