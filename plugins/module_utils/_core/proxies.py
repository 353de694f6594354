# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxies of an entry as a source of the share: what a user writes about them."""

from __future__ import annotations

from dataclasses import dataclass

from .section import Section

VIA = ("port_forward", "exec")
PATH = "$path"
# Istio's agent is in each of its proxies, the distroless ones too, where there is no curl.
AGENT = ("pilot-agent", "request", "GET", PATH)


@dataclass(frozen=True)
class Proxies:
    """Which pods are the entry's proxies, and how their administration interface is reached.

    An empty ``selector`` or ``namespace`` is to be filled in by whoever knows the entry (an Istio Gateway's own
    selector), with ``dataclasses.replace``, before the proxies are asked.
    """

    selector: str = ""
    """A label selector: istio=ingressgateway."""
    namespace: str = ""
    via: str = "port_forward"
    """port_forward or exec."""
    admin_port: int = 15000
    container: str = "istio-proxy"
    """The container that ``command`` runs in."""
    command: tuple[str, ...] = AGENT
    """Prints the answer to a GET of $path, which has no leading slash."""
    timeout: float = 5.0
    """Seconds for one answer."""
    istiod_namespace: str = "istio-system"
    """Where istiod is asked why a proxy is late; an explanation only."""
    istiod_port: int = 15014


def read_proxies(section: Section) -> Proxies:
    """Read the whole section strictly."""
    with section:
        via = section.text("via", Proxies.via, VIA)
        command = section.texts("command") or AGENT
        for key in ("container", "command"):
            if via != "exec" and section.has(key):
                raise section.error(key, "only means something with via: exec; add that, or leave it out")
        if not any(PATH in word for word in command):
            raise section.error("command", f"has to ask for {PATH}, such as {' '.join(AGENT)}")
        return Proxies(
            selector=_selector(section),
            namespace=section.text("namespace", ""),
            via=via,
            admin_port=section.integer("admin_port", Proxies.admin_port, 1, 65535),
            container=section.text("container", Proxies.container),
            command=command,
            timeout=section.duration("timeout", Proxies.timeout, least=0.001),
            istiod_namespace=section.text("istiod_namespace", Proxies.istiod_namespace),
            istiod_port=section.integer("istiod_port", Proxies.istiod_port, 1, 65535),
        )


def _selector(section: Section) -> str:
    """A selector as kubectl takes it, or a mapping of labels."""
    if not section.has("selector") or isinstance(section.raw("selector"), str):
        return section.text("selector", "")
    labels = section.strings("selector")
    if not labels:
        raise section.error("selector", "holds no label; leave it out to take the entry's own")
    return ",".join(f"{label}={value}" for label, value in labels.items())
