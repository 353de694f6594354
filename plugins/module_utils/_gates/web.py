# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request and its answer."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .._core.errors import BlueGreenError
from .._core.sources import Http
from .http_client import beginning, pieces_of

try:
    import urllib3
    from urllib3.exceptions import HTTPError, MaxRetryError
except ImportError:
    # It comes with the Kubernetes client; without both, a request says so when it is about to leave.
    urllib3 = None  # type: ignore[assignment]

# What is read of an answer, and what of it a result holds.
READ_BYTES = 1_048_576
KEPT_CHARACTERS = 4096
KEPT_JSON_CHARACTERS = 65_536
# What a client may keep to itself is no part of a result.
_SECRET_HEADERS = frozenset(("set-cookie", "www-authenticate", "authorization", "proxy-authenticate"))


class Unanswered(BlueGreenError):
    """There was no answer."""


def ask(options: Http) -> dict[str, Any]:
    """Send the request: its answer as conditions see it, ``{status, headers, text, json}``; raises Unanswered."""
    if urllib3 is None:
        raise BlueGreenError("the Python library urllib3 is missing on this machine; install it: pip install urllib3")
    headers = dict(options.headers)
    if options.host:
        headers["Host"] = options.host
    if options.body is not None and _json(options.body) is not None:
        headers = {"Content-Type": "application/json", **headers}
    until = time.monotonic() + options.timeout
    try:
        with _pool(options) as pool:
            response = pool.request(
                options.method,
                options.url,
                body=None if options.body is None else options.body.encode(),
                headers=headers,
                redirect=False,
                retries=False,
                timeout=options.timeout,
                preload_content=False,
            )
            try:
                body = beginning(pieces_of(response), READ_BYTES, until)
            finally:
                response.close()
    except ValueError:
        # Without the cause: it may quote a header's value, or the URL with its user.
        raise Unanswered(
            f"{options.method} {_shown(options)}: cannot be sent: the URL, host or a header is not valid"
        ) from None
    except (HTTPError, OSError) as error:
        raise Unanswered(f"{options.method} {_shown(options)}: {_cause(error)}") from error
    text = body.decode("utf-8", errors="replace")
    return {
        "status": response.status,
        "headers": {
            name.lower(): value for name, value in response.headers.items() if name.lower() not in _SECRET_HEADERS
        },
        "text": text,
        "json": _json(text),
    }


def kept(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What a result holds of an answer: all of a small one, the beginning of a large one, which it then says."""
    text, parsed = str(answer["text"]), answer["json"]
    if parsed is not None and len(text) <= KEPT_JSON_CHARACTERS:
        return {**answer, "text": text[:KEPT_CHARACTERS]}
    found = {**answer, "json": None, "text": text[:KEPT_CHARACTERS]}
    return {**found, "truncated": True} if parsed is not None or len(text) > KEPT_CHARACTERS else found


def _pool(options: Http) -> Any:
    certificates: dict[str, Any] = {}
    if options.url.startswith("https://"):
        context = ssl.create_default_context(cafile=options.ca_cert)
        # The certificate is the host's, whatever address the request goes to.
        name = (options.host or "").partition(":")[0] or None
        if not options.validate_certs:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        certificates = {"ssl_context": context}
        if name:
            certificates["server_hostname"] = name
            if options.validate_certs:
                certificates["assert_hostname"] = name
    return urllib3.PoolManager(**certificates)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _shown(options: Http) -> str:
    """The URL without what may be secret in it, its query and its user."""
    try:
        parts = urlsplit(options.url)
    except ValueError:
        return "its url"
    where = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{where}{parts.path}" + (f" (host {options.host})" if options.host else "")


def _cause(error: BaseException) -> str:
    """The innermost reason: the outer ones only repeat the URL."""
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
    return f"{type(reason).__name__}: {reason}" if str(reason) else type(reason).__name__
