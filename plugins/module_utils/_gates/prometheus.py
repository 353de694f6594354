# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of Prometheus' HTTP API, U(https://prometheus.io/docs/prometheus/latest/querying/api/)."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import BlueGreenError
from .._core.telemetry import PrometheusSource
from .http_client import beginning, pieces_of

try:
    import requests
    from requests.exceptions import InvalidHeader, InvalidURL, RequestException, SSLError, Timeout
    from urllib3.exceptions import HTTPError, ReadTimeoutError
except ImportError:
    # It comes with the Kubernetes client; without both, a query says so when it is about to leave.
    requests = None  # type: ignore[assignment]

__all__ = [
    "BadQuery",
    "NoData",
    "PrometheusError",
    "PrometheusSource",
    "Series",
    "Unreachable",
    "one_number",
    "query",
    "single_value",
]

SHOWN_SERIES = 3
# Far more than any answer that can be judged.
READ_BYTES = 1 << 26


class PrometheusError(BlueGreenError):
    """Prometheus gave no number."""


class Unreachable(PrometheusError):
    """It does not answer, or not as Prometheus does: HTTP errors, refused credentials, something else at this URL."""


class BadQuery(PrometheusError):
    """The query can never give what is asked of it: wrong PromQL, or several series where one number is needed."""


class NoData(PrometheusError):
    """The query is fine and has no number now: empty, NaN or infinite."""


@dataclass(frozen=True)
class Series:
    """One series of an instant vector; a scalar has no labels."""

    labels: Mapping[str, str]
    value: float


def query(source: PrometheusSource, expression: str, at: float | None = None) -> list[Series]:
    """Evaluate an expression, now or at a time (seconds since the epoch): its series, none when it is empty.

    NaN and infinite values are in the result as they are. Raises Unreachable and BadQuery.
    """
    data = _data(source, expression, at)
    kind, result = data.get("resultType"), data.get("result")
    try:
        if kind == "scalar":
            return [Series({}, _number(result))]
        if kind == "vector":
            return [Series(dict(item["metric"]), _number(item["value"])) for item in result or []]
    except (KeyError, TypeError, ValueError) as error:
        # A native histogram is a series without a value, too.
        raise BadQuery(f"{_shown(expression)} gives no numbers; take a counter, gauge or a function of them") from error
    raise BadQuery(
        f"{_shown(expression)} gives a {'range' if kind == 'matrix' else kind}, not one value a series; take a "
        "function of it, such as increase(...)"
    )


def single_value(source: PrometheusSource, expression: str, at: float | None = None) -> float:
    """Evaluate an expression that has to give one finite number; raises Unreachable, BadQuery and NoData."""
    return one_number(source, expression, query(source, expression, at))


def one_number(source: PrometheusSource, expression: str, found: Sequence[Series]) -> float:
    """The one finite number that an expression has given; raises BadQuery and NoData."""
    if len(found) > 1:
        shown = "; ".join(_labels(series) for series in found[:SHOWN_SERIES])
        more = f" and {len(found) - SHOWN_SERIES} more" if len(found) > SHOWN_SERIES else ""
        raise BadQuery(
            f"{_shown(expression)} gives {len(found)} series where one number is needed ({shown}{more}); aggregate "
            "them, for example with sum(...)"
        )
    if not found:
        raise NoData(f"{_shown(expression)} has no series now; see in {source.url} whether the metric and labels exist")
    if not math.isfinite(found[0].value):
        raise NoData(
            f"{_shown(expression)} is {found[0].value:g}; a division by 0 of requests gives this while there are none"
        )
    return found[0].value


def _data(source: PrometheusSource, expression: str, at: float | None) -> Mapping[str, Any]:
    if requests is None:
        raise Unreachable("the Python library requests is missing on this machine; install it: pip install requests")
    parameters = {"query": expression, **({} if at is None else {"time": repr(at)})}
    verify: bool | str = (source.ca_cert or True) if source.validate_certs else False
    until = time.monotonic() + source.timeout
    try:
        with requests.get(
            f"{source.url}/api/v1/query",
            params=parameters,
            headers=dict(source.headers),
            # Else a .netrc of the machine would replace the user's own Authorization.
            auth=lambda request: request,
            # Headers with a token go nowhere but to the place that was named.
            allow_redirects=False,
            verify=verify,
            timeout=source.timeout,
            stream=True,
        ) as response:
            body = beginning(pieces_of(response.raw), READ_BYTES, until)
    except (Timeout, TimeoutError, ReadTimeoutError) as error:
        raise Unreachable(
            f"Prometheus at {source.url} has not answered within {source.timeout:g} s; see whether it is up, or give "
            "it more time with timeout"
        ) from error
    except SSLError as error:
        raise Unreachable(
            f"Prometheus at {source.url} shows a certificate that is not trusted ({_cause(error)}); name its authority "
            "with ca_cert"
        ) from error
    except (InvalidHeader, InvalidURL, UnicodeError):
        # Without the cause: it may quote a header's value.
        raise Unreachable(f"Prometheus at {source.url} cannot be asked: the URL or a header is not valid") from None
    except (RequestException, HTTPError, OSError) as error:
        raise Unreachable(
            f"Prometheus at {source.url} cannot be reached ({_cause(error)}); check url and the network from here"
        ) from error
    return _answer(source, expression, response.status_code, body)


def _answer(source: PrometheusSource, expression: str, status: int, body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    answer = found if isinstance(found, dict) else {}
    if status in (401, 403):
        raise Unreachable(
            f"Prometheus at {source.url} does not allow this ({status}); give its token in headers: "
            "{Authorization: Bearer …}"
        )
    # 400 and 422 are its answers to an expression that cannot be read, or not evaluated.
    if answer.get("status") == "error" and status in (200, 400, 422):
        raise BadQuery(f"{_shown(expression)}: {answer.get('error') or answer.get('errorType')}; mend the query")
    if answer.get("status") == "error":
        raise Unreachable(f"Prometheus at {source.url} failed ({status}): {answer.get('error')}; see its own log")
    if status != 200 or answer.get("status") != "success":
        raise Unreachable(
            f"{source.url}/api/v1/query answered {status} and not as Prometheus does; check url, with "
            "the path before /api"
        )
    data = answer.get("data")
    return data if isinstance(data, dict) else {}


def _number(sample: Any) -> float:
    """The value of a sample, which is a time and a number in quotes: "NaN" and "+Inf" too."""
    return float(sample[1])


def _labels(series: Series) -> str:
    labels = ", ".join(f'{name}="{value}"' for name, value in sorted(series.labels.items()))
    return f"{{{labels}}}"


def _shown(expression: str) -> str:
    return f"the query {' '.join(expression.split())}"


def _cause(error: BaseException) -> str:
    """The innermost reason of a failed request: the outer ones repeat the whole URL, with the query in it."""
    reason = getattr(error, "reason", None) or (error.args[0] if error.args else error)
    if isinstance(reason, BaseException) and reason is not error:
        return _cause(reason)
    return str(reason).rpartition(": ")[2] or type(error).__name__
