# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses for pods: pure bookkeeping."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import cycle


class AddressPool:
    """The addresses of one node. One that was given back is given again last: a stale route to it must meet nobody."""

    def __init__(self, network: ipaddress.IPv4Network) -> None:
        self.network = network
        self._used: set[str] = set()
        # The first host address is by custom the node's own.
        self._hosts = [str(address) for address in network.hosts()][1:]
        self._turn: Iterator[str] = cycle(self._hosts)

    def keep(self, address: str) -> None:
        """Marks an address that a pod has already."""
        self._used.add(address)

    def take(self) -> str:
        for _host in self._hosts:
            address = next(self._turn)
            if address not in self._used:
                self._used.add(address)
                return address
        raise LookupError(f"all {len(self._hosts)} addresses of {self.network} are taken")

    def give_back(self, address: str) -> None:
        self._used.discard(address)
