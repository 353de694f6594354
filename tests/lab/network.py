# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's network, made inside its fresh network namespace."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.layout import FIRST_PORT, MAXIMUM_CLUSTERS, POD_RANGE, PORTS_PER_CLUSTER

# The API server wants a default route to find its own address by; there need not be anything behind it. The address is
# outside the pods' range, in which every address is made local so that a process can listen on the address of any pod.
HOST_ADDRESS = "10.244.255.2/24"
ROUTER_ADDRESS = "10.244.255.1"
COMMANDS = f"""\
link set lo up
link add lab0 type veth peer name lab1
address add {HOST_ADDRESS} dev lab0
link set lab0 up
link set lab1 up
route add default via {ROUTER_ADDRESS} dev lab0
route add local {POD_RANGE} dev lo
"""


def set_up() -> None:
    result = subprocess.run(["ip", "-batch", "-"], input=COMMANDS, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"the lab's network could not be made: {result.stderr.strip()}")
    # A load without keep-alive uses up a port per request for a minute each.
    first_free = FIRST_PORT + MAXIMUM_CLUSTERS * PORTS_PER_CLUSTER
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"{first_free} 65535")
