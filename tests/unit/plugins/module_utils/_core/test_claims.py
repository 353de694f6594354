# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes that two versions would both use."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.claims import refuse_clashing_claims
from ansible_collections.bluegreen.kubernetes.plugins.module_utils._core.errors import SpecError

Json = dict[str, Any]


def running(kind: str, name: str, *, templates: tuple[str, ...] = (), claims: tuple[str, ...] = ()) -> Json:
    volumes = [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims]
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": "prod"},
        "spec": {
            "template": {"spec": {"volumes": [*volumes, {"name": "cache", "emptyDir": {}}]}},
            "volumeClaimTemplates": [{"metadata": {"name": template}} for template in templates],
        },
    }


def claim(name: str, mode: str) -> Json:
    metadata = {"name": name, "namespace": "prod"}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {"accessModes": [mode]}}


BLUE = running("StatefulSet", "db-blue", templates=("data",))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        pytest.param(
            [running("StatefulSet", "web-blue", templates=("data",))],
            [running("StatefulSet", "blue", templates=("data-web",))],
            ["green", "StatefulSet prod/blue", "prod/data-web-blue-0", "StatefulSet prod/web-blue of blue"],
            id="templates-whose-names-come-to-the-same",
        ),
        pytest.param(
            [BLUE],
            [running("Deployment", "db-green", claims=("data-db-blue-0",))],
            ["Deployment prod/db-green uses the volume claim prod/data-db-blue-0", "another name"],
            id="a-claim-of-the-other's-pod",
        ),
        pytest.param(
            [running("Deployment", "db-green", claims=("data-db-blue-12",))],
            [BLUE],
            ["StatefulSet prod/db-blue uses the volume claim prod/data-db-blue-12"],
            id="the-other-way-round",
        ),
        pytest.param(
            [running("Deployment", "blue", claims=("uploads",)), claim("uploads", "ReadWriteOnce")],
            [running("Deployment", "green", claims=("uploads",))],
            ["prod/uploads", "ReadWriteMany"],
            id="a-claim-for-one",
        ),
    ],
)
def test_a_volume_of_two_versions_is_refused(first: list[Json], second: list[Json], words: list[str]) -> None:
    with pytest.raises(SpecError) as refused:
        refuse_clashing_claims([("blue", first), ("green", second)])
    assert [word for word in words if word not in refused.value.message] == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param([BLUE], [running("StatefulSet", "db-green", templates=("data",))], id="names-of-their-own"),
        pytest.param(
            [running("Deployment", "blue", claims=("uploads",)), claim("uploads", "ReadWriteMany")],
            [running("Deployment", "green", claims=("uploads",))],
            id="a-claim-for-many",
        ),
        pytest.param(
            [running("Deployment", "blue", claims=("uploads",))],
            [running("Deployment", "green", claims=("uploads",))],
            id="a-claim-of-somebody-else",
        ),
        pytest.param([BLUE], [running("Deployment", "green", claims=("data-db-blue",))], id="no-number"),
    ],
)
def test_others_are_not(first: list[Json], second: list[Json]) -> None:
    refuse_clashing_claims([("blue", first), ("green", second)])


def test_what_stands_in_another_namespace_is_another_volume() -> None:
    other = {**BLUE, "metadata": {"name": "db-blue", "namespace": "stage"}}
    refuse_clashing_claims([("blue", [BLUE]), ("green", [other])])


def test_one_version_may_use_its_own_twice() -> None:
    reader = running("Deployment", "reader", claims=("data-db-blue-0",))
    refuse_clashing_claims([("blue", [BLUE, reader])])
