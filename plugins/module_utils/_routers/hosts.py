# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of Services as hosts, U(https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/)."""

from __future__ import annotations

CLUSTER_DOMAIN = "svc.cluster.local"


def full_host(host: str, namespace: str) -> str:
    """A name without a dot is a Service of the namespace, everything else is taken as written."""
    return host if "." in host else f"{host}.{namespace}.{CLUSTER_DOMAIN}"


def is_named(written: str, namespace: str, host: str) -> bool:
    """Whether a host as it is written in an object of a namespace, maybe with a wildcard, means a full host."""
    if written.startswith("*"):
        return host.endswith(written[1:])
    return full_host(written, namespace) == host


def service_of(host: str) -> tuple[str, str] | None:
    """The name and namespace of the Service that a full host names; None for what is outside the cluster's domain."""
    name, _dot, rest = host.partition(".")
    namespace, _dot, domain = rest.partition(".")
    return (name, namespace) if domain == CLUSTER_DOMAIN else None
