# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sources of gates that ask something else than "does the data plane follow", as users write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .conditions import Expression, read_expression
from .errors import SpecError
from .section import Section
from .telemetry import PrometheusSource, read_prometheus
from .workloads import WORKLOAD_KINDS, WorkloadRef

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class Prometheus:
    """One number for each version, or errors among a total; ``window`` is what $window is, unless it grows."""

    source: PrometheusSource
    query: str | None = None
    errors: str | None = None
    total: str | None = None
    window: float | None = None
    interval: float | None = None


@dataclass(frozen=True)
class Http:
    """A request whose answer is judged, or in whose JSON a number is found at ``value``."""

    url: str
    host: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "GET"
    body: str | None = None
    status: tuple[int, ...] = (200,)
    value: Expression | None = None
    validate_certs: bool = True
    ca_cert: str | None = None
    timeout: float = 5.0
    interval: float | None = None


@dataclass(frozen=True)
class Job:
    """A Job, as a whole manifest or as the few things that it needs; an empty namespace is the release's."""

    manifest: Mapping[str, Any] | None = None
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    service_account: str | None = None
    namespace: str = ""
    backoff_limit: int = 0
    log_lines: int = 50
    keep: bool = False


@dataclass(frozen=True)
class Exec:
    """A command in one pod: a named one, or a ready one of a selector; neither: one of the candidate's."""

    command: tuple[str, ...]
    namespace: str = ""
    pod: str | None = None
    selector: str | None = None
    version: str | None = None
    container: str | None = None
    pass_when: Expression | None = None
    timeout: float = 10.0


@dataclass(frozen=True)
class Pods:
    """The pods that must stay well; no workloads and no service: those of the analysis' own ``watch``."""

    version: str = ""
    workloads: tuple[WorkloadRef, ...] = ()
    service: tuple[str, str] | None = None
    min_endpoints: int = 1
    max_restarts: int = 0


def read_prometheus_gate(section: Section) -> Prometheus:
    """Read a query, or errors and total; what judges it is read by the caller."""
    with section:
        source = read_prometheus(section)
        single, pair = section.has("query"), section.has("errors") or section.has("total")
        if single == pair:
            raise SpecError(section.path, "expected either query, or errors and total")
        return Prometheus(
            source=source,
            query=section.text("query") if single else None,
            errors=section.text("errors") if pair else None,
            total=section.text("total") if pair else None,
            window=section.optional_duration("window", least=1.0),
            interval=section.optional_duration("interval", least=0.1),
        )


def read_http(section: Section) -> Http:
    """Read a request and what a right answer is; what judges it is read by the caller."""
    with section:
        url = section.text("url")
        if not url.startswith(("http://", "https://")):
            raise section.error("url", f'expected http://… or https://…, got "{url}"')
        value = read_expression(section, "value")
        return Http(
            url=url,
            host=section.optional_text("host"),
            headers=section.strings("headers"),
            method=section.text("method", "GET", choices=METHODS),
            body=_body(section),
            status=section.integers("status", 100, 599) or Http.status,
            value=value,
            validate_certs=section.flag("validate_certs", True),
            ca_cert=section.optional_text("ca_cert"),
            timeout=section.duration("timeout", Http.timeout, least=0.1),
            interval=section.optional_duration("interval", least=0.1),
        )


def read_job(section: Section) -> Job:
    """Read a Job: a whole manifest, or an image and what it is started with."""
    with section:
        manifest = section.mapping("manifest") if section.has("manifest") else None
        job = Job(
            manifest=manifest,
            image="" if manifest is not None else section.text("image"),
            command=section.texts("command"),
            args=section.texts("args"),
            env=section.strings("env"),
            service_account=section.optional_text("service_account"),
            namespace=section.text("namespace", ""),
            backoff_limit=section.integer("backoff_limit", 0),
            log_lines=section.integer("log_lines", 50, 0, 1000),
            keep=section.flag("keep", False),
        )
        if manifest is None:
            return job
        for key in ("image", "command", "args", "env", "service_account", "backoff_limit"):
            if section.has(key):
                raise section.error(key, "stands beside manifest, which says it already; write it there")
        _check_manifest(section)
        return job


def read_exec(section: Section) -> Exec:
    """Read a command and in which pod it is run."""
    with section:
        named = [key for key in ("pod", "selector", "version") if section.has(key)]
        if len(named) > 1:
            raise section.error(named[1], f"stands beside {named[0]}; one of pod, selector and version is enough")
        command = section.texts("command")
        if not command:
            raise section.error("command", "is required: a list such as [/bin/check, --quick]")
        return Exec(
            command=command,
            namespace=section.text("namespace", ""),
            pod=section.optional_text("pod"),
            selector=section.optional_text("selector"),
            version=section.optional_text("version"),
            container=section.optional_text("container"),
            pass_when=read_expression(section, "pass_when"),
            timeout=section.duration("timeout", Exec.timeout, least=0.1),
        )


def read_pods(section: Section) -> Pods:
    """Read whose pods must stay well."""
    with section:
        return Pods(
            version=section.text("version", ""),
            workloads=tuple(
                _read_workload(Section(item, f"{section.at('workloads')}[{position}]"))
                for position, item in enumerate(section.items("workloads"))
            ),
            service=_read_service(section.section("service")) if section.has("service") else None,
            min_endpoints=section.integer("min_endpoints", 1),
            max_restarts=section.integer("max_restarts", 0),
        )


def _read_workload(section: Section) -> WorkloadRef:
    with section:
        return WorkloadRef(
            section.text("kind", "Deployment", choices=WORKLOAD_KINDS),
            section.text("name"),
            section.text("namespace"),
        )


def _read_service(section: Section) -> tuple[str, str]:
    with section:
        return section.text("namespace"), section.text("name")


def _check_manifest(section: Section) -> None:
    manifest = section.section("manifest")
    if manifest.text("apiVersion", "batch/v1") != "batch/v1" or manifest.text("kind", "Job") != "Job":
        raise manifest.error("kind", "expected a Job of batch/v1")
    if not manifest.section("spec").section("template").section("spec").items("containers"):
        raise SpecError(f"{manifest.path}.spec.template.spec.containers", "is required: there is nothing to run")


def _body(section: Section) -> str | None:
    """A string as it is; a mapping or a list is sent as JSON."""
    body = section.raw("body")
    if body is None or isinstance(body, str):
        return body
    if isinstance(body, (Mapping, list)):
        return json.dumps(body)
    raise section.error("body", f"expected a string, a mapping or a list, got {body!r}")
