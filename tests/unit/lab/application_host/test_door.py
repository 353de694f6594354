# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from tests.lab.application_host.door import is_ours


@pytest.mark.parametrize(
    ("head", "ours"),
    [
        (b"GET /containerLogs/prod/web-1/web HTTP/1.1\r\nHost: node\r\n\r\n", True),
        (b"GET /exec/prod/web-1/web?command=ls HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", True),
        (b"POST /portForward/prod/web-1 HTTP/1.1\r\nHost: node\r\nUpgrade: SPDY/3.1\r\n\r\n", False),
        (b"GET /metrics HTTP/1.1\r\nX-Upgrade: websocket\r\n\r\n", False),
        (b"nonsense\r\n\r\n", False),
    ],
)
def test_only_spdy_and_what_is_not_played_go_to_kwok(head: bytes, ours: bool) -> None:
    assert is_ours(head) is ours
