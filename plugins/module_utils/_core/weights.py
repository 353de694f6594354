# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Weights: how one hundred percent is divided among versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .errors import ReleaseError, SpecError
from .section import integer

Weights = dict[str, int]


def checked_weights(value: object, path: str) -> Weights:
    """Return a mapping of version to whole percentage that sums to 100, or raise SpecError at the path."""
    if not isinstance(value, Mapping) or not value:
        raise SpecError(path, f"expected a mapping of version to percentage, got {value!r}")
    weights = {str(version): integer(weight, f"{path}.{version}", 0, 100) for version, weight in value.items()}
    total = sum(weights.values())
    if total != 100:
        stated = ", ".join(f"{version}: {weight}" for version, weight in weights.items())
        raise SpecError(path, f"weights must sum to 100, these sum to {total} ({stated})")
    return weights


def largest_remainder(shares: Mapping[str, int], total: int) -> Weights:
    """Divide ``total`` in proportion to ``shares`` into whole numbers that sum to it.

    The largest remainder method (Hamilton's, with the Hare quota): everybody gets the floor of the exact share, the
    units left go to the largest remainders, ties to who comes first. No result is a whole unit away from its share.
    """
    whole = sum(shares.values())
    if whole <= 0:
        raise ValueError("shares must sum to more than 0")
    divided = {name: divmod(share * total, whole) for name, share in shares.items()}
    result = {name: floor for name, (floor, _remainder) in divided.items()}
    left = total - sum(result.values())
    for name in sorted(divided, key=lambda name: -divided[name][1])[:left]:
        result[name] += 1
    return result


def weights_at(versions: Sequence[str], to: str, percent: int, live: Mapping[str, int]) -> Weights:
    """Weights of a step: the candidate gets ``percent``, the others share the rest as they shared it in ``live``.

    At the end of a release everything is the candidate's. When nobody else had weight in ``live``, the rest
    has no owner, and a percentage below 100 is refused.
    """
    if to not in versions:
        raise ReleaseError(f"{to} is not among the versions {', '.join(versions)}")
    others = {version: live.get(version, 0) for version in versions if version != to}
    result = dict.fromkeys(versions, 0)
    if percent < 100:
        if not any(others.values()):
            raise ReleaseError(f"nothing but {to} has traffic: it cannot be given {percent} %")
        result.update(largest_remainder(others, 100 - percent))
    result[to] = percent
    return result


def live_version(weights: Mapping[str, int]) -> str | None:
    """The version with the largest weight; None at a tie, or when nothing has weight."""
    ranked = sorted(weights.items(), key=lambda item: item[1], reverse=True)
    if not ranked or ranked[0][1] == 0 or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
