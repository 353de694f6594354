# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a route of App Mesh matches, in Envoy's words: pure."""

from __future__ import annotations

from typing import Any

from tests.lab.app_mesh.objects import Json


def of(kind: str, match: Json) -> Json:
    """The match of a route of this kind."""
    if kind == "tcpRoute":
        return tcp()
    return grpc(match) if kind == "grpcRoute" else http(match)


def tcp() -> Json:
    """A connection reaches the proxy as a CONNECT request."""
    return {"connect_matcher": {}}


def http(match: Json) -> Json:
    path = match.get("path") or {}
    if "exact" in path:
        found: dict[str, Any] = {"path": path["exact"]}
    elif "regex" in path:
        found = {"safe_regex": {"regex": path["regex"]}}
    else:
        found = {"prefix": match["prefix"]}
    pseudo = [
        {"name": f":{field}", "string_match": {"exact": match[field]}}
        for field in ("method", "scheme")
        if field in match
    ]
    headers = [*pseudo, *(_header(header) for header in match.get("headers") or [])]
    parameters = [_parameter(parameter) for parameter in match.get("queryParameters") or []]
    return {
        **found,
        **({"headers": headers} if headers else {}),
        **({"query_parameters": parameters} if parameters else {}),
    }


def grpc(match: Json) -> Json:
    """A method is a path of HTTP/2."""
    service, method = match.get("serviceName"), match.get("methodName")
    path = {"path": f"/{service}/{method}"} if method else {"prefix": f"/{service}/" if service else "/"}
    headers = [_header(header) for header in match.get("metadata") or []]
    return {**path, "grpc": {}, **({"headers": headers} if headers else {})}


def duration(value: Json) -> str:
    seconds = value["value"] if value["unit"] == "s" else value["value"] / 1000
    return f"{seconds:g}s"


def _header(header: Json) -> Json:
    match = header.get("match") or {}
    if "range" in match:
        condition: Json = {"range_match": {"start": match["range"]["start"], "end": match["range"]["end"]}}
    elif "regex" in match:
        condition = {"string_match": {"safe_regex": {"regex": match["regex"]}}}
    else:
        text = {kind: match[kind] for kind in ("exact", "prefix", "suffix") if kind in match}
        condition = {"string_match": text} if text else {"present_match": True}
    return {"name": header["name"], **condition, **({"invert_match": True} if header.get("invert") else {})}


def _parameter(parameter: Json) -> Json:
    match = parameter.get("match") or {}
    condition: Json = {"string_match": {"exact": match["exact"]}} if "exact" in match else {"present_match": True}
    return {"name": parameter["name"], **condition}
