# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress

import pytest

from tests.lab.application_host.addresses import AddressPool

SMALL = ipaddress.IPv4Network("10.244.0.0/29")


def test_addresses_start_after_the_nodes_own() -> None:
    assert AddressPool(SMALL).take() == "10.244.0.2"


def test_an_address_that_was_given_back_is_given_again_last() -> None:
    pool = AddressPool(SMALL)
    first = pool.take()
    pool.give_back(first)
    others = [pool.take() for _pod in range(4)]
    assert first not in others
    assert pool.take() == first


def test_an_address_in_use_is_not_given() -> None:
    pool = AddressPool(SMALL)
    pool.keep("10.244.0.2")
    assert pool.take() == "10.244.0.3"


def test_an_exhausted_pool_says_so() -> None:
    pool = AddressPool(SMALL)
    for _pod in range(5):
        pool.take()
    with pytest.raises(LookupError, match=r"all 5 addresses of 10\.244\.0\.0/29"):
        pool.take()
