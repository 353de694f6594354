# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster's control plane: kwokctl starts the real programs and keeps their files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.lab import mesh, processes
from tests.lab.layout import ClusterPlan, Layout
from tests.lab.process_table import is_alive
from tests.lab.processes import answers

MANIFESTS = Path(__file__).parent / "manifests"
# Programs that a pod would have and this machine has not, each named as the stand-in that it is.
STAND_INS = Path(__file__).parent / "stand_ins"
# As kwokctl names them and their process files.
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")
# No node leases: a killed kwok would hold them against its successor for minutes. The nodes have a heartbeat stage.
CREATE_FLAGS = ("--wait", "60s", "--node-lease-duration-seconds", "0")
CREATE_DEADLINE = 120.0
READY_DEADLINE = 60.0
APPLY_DEADLINE = 60.0


class ControlPlane:
    def __init__(self, plan: ClusterPlan, layout: Layout, versions: dict[str, str]) -> None:
        self.plan = plan
        self.tools = layout.tools
        self.home = layout.home / plan.name
        self.folder = self.home / ".kwok" / "clusters" / plan.name
        self.kubeconfig = self.folder / "kubeconfig.yaml"
        self.audit_log = self.folder / "logs" / "audit.log"
        self.certificate = self.folder / "pki" / "admin.crt"
        self.key = self.folder / "pki" / "admin.key"
        self.url = f"https://127.0.0.1:{plan.api_server_port}"
        self._version = f"v{versions['kube-apiserver']}"
        # kwokctl adds its context to $KUBECONFIG when that is set: so nothing of the caller's environment comes here.
        path = f"{self.tools}:{STAND_INS}:/usr/sbin:/usr/bin:/sbin:/bin"
        self.environment = {"HOME": str(self.home), "PATH": path}

    def process(self, component: str) -> int | None:
        try:
            process = int((self.folder / "pids" / f"{component}.pid").read_text())
        except (OSError, ValueError):
            return None
        return process if is_alive(process) else None

    async def states(self) -> dict[str, str]:
        found = {component: "up" if self.process(component) is not None else "not running" for component in COMPONENTS}
        if found["kube-apiserver"] == "up" and not await self._ready():
            found["kube-apiserver"] = "not answering"
        return found

    async def up(self) -> None:
        """Creates the cluster, or starts what is missing of it."""
        if not (self.folder / "kwok.yaml").exists():
            await self._create()
        else:
            await self._kwokctl("start", "cluster", what="starting what is missing of the control plane")
        await processes.until(f"API server of {self.plan.name} ready", READY_DEADLINE, self._ready)

    async def _create(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        configuration = self.home / "kwokctl.yaml"
        stages = (MANIFESTS / "stages.yaml").read_text()
        objects = [self._configuration(), *mesh.port_forwards(self.plan)]
        configuration.write_text(f"{yaml.safe_dump_all(objects)}---\n{stages}")
        try:
            await self._kwokctl(
                "create", "cluster", "--config", str(configuration), *CREATE_FLAGS, what="creating the control plane"
            )
        except BaseException:
            # What is half made cannot be started: the next try begins anew.
            await self._kwokctl("delete", "cluster", what="removing the half-made control plane")
            shutil.rmtree(self.home, ignore_errors=True)
            raise

    def _configuration(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
            "kind": "KwokctlConfiguration",
            "options": {
                "runtime": "binary",
                "kubeVersion": self._version,
                "etcdBinary": str(self.tools / "etcd"),
                "kubeApiserverBinary": str(self.tools / "kube-apiserver"),
                "kubeControllerManagerBinary": str(self.tools / "kube-controller-manager"),
                "kubeSchedulerBinary": str(self.tools / "kube-scheduler"),
                "kubectlBinary": str(self.tools / "kubectl"),
                "kwokControllerBinary": str(self.tools / "kwok"),
                "kubeApiserverPort": plan.api_server_port,
                "etcdPort": plan.etcd_port,
                "etcdPeerPort": plan.etcd_port + 1,
                "kubeControllerManagerPort": plan.controller_manager_port,
                "kubeSchedulerPort": plan.scheduler_port,
                "kwokControllerPort": plan.kwok_port,
                "kubeAuditPolicy": str(MANIFESTS / "audit-policy.yaml"),
                "disableQPSLimits": True,
            },
        }

    async def apply(self, what: str, *objects: dict[str, Any]) -> None:
        await self._apply(what, "-", yaml.safe_dump_all(objects))

    async def apply_file(self, what: str, path: Path) -> None:
        await self._apply(what, str(path), None)

    async def kubectl(
        self, *arguments: str, what: str, deadline: float = APPLY_DEADLINE, stdin: str | None = None
    ) -> str:
        command = [str(self.tools / "kubectl"), "--kubeconfig", str(self.kubeconfig), *arguments]
        return await processes.run(
            *command, what=f"{self.plan.name}: {what}", deadline=deadline, environment=self.environment, stdin=stdin
        )

    async def _apply(self, what: str, source: str, stdin: str | None) -> None:
        await self.kubectl(
            "apply", "--server-side", "--force-conflicts", "-f", source, what=f"applying {what}", stdin=stdin
        )

    async def _kwokctl(self, *arguments: str, what: str) -> None:
        command = [str(self.tools / "kwokctl"), *arguments, "--name", self.plan.name]
        await processes.run(
            *command, what=f"{self.plan.name}: {what}", deadline=CREATE_DEADLINE, environment=self.environment
        )

    async def _ready(self) -> bool:
        return await answers(f"{self.url}/readyz")
