# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How traffic is probed: where requests go, how often, and what in an answer names the version that gave it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import SpecError
from .identity import TOKEN, Identify, read_identify
from .placeholders import FIXED, filled, names_in
from .section import Range, Section, integer
from .share import Wanted

RATE = 100.0
# Each run of a command in a pod is a connection through the API server.
RATE_IN_POD = 10.0
TIMEOUT = 5.0
MOST_RATE = 2000.0
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9]\d{0,4})?")


@dataclass(frozen=True)
class InPod:
    """A command that is run in a pod; what it prints are answers: one per line, or all of it is one."""

    namespace: str
    command: tuple[str, ...]
    pod: str = ""
    selector: str = ""
    container: str = ""
    whole: bool = False

    def __str__(self) -> str:
        return f"pod {self.namespace}/{self.pod or self.selector}"


@dataclass(frozen=True)
class Tls:
    """How an https URL is trusted, and how we show who we are; the files are paths on the control node."""

    validate_certs: bool = True
    ca_cert: str = ""
    client_cert: str = ""
    client_key: str = ""


@dataclass(frozen=True)
class Probe:
    """What is sent, from where, how often, and how the answers are read. Either ``url`` or ``in_pod`` is set."""

    identify: Identify = field(default_factory=Identify)
    url: str = ""
    in_pod: InPod | None = None
    host: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    http2: bool = False
    keep_alive: bool = True
    tls: Tls = field(default_factory=Tls)
    requests: int | None = None
    rate: float = RATE
    duration: float | None = None
    timeout: float = TIMEOUT
    weights: Mapping[str, int] | None = None
    tolerance: float | None = None
    confidence: float | None = None
    deadline: float | None = None
    path: str = "probe"

    @property
    def where(self) -> str:
        """From where it is seen who answers, for messages."""
        return str(self.in_pod) if self.in_pod else self.url + (f" (host {self.host})" if self.host else "")

    def refuse_unfilled(self) -> None:
        """Raise SpecError for a placeholder that nobody had a word for: such a host cannot be found."""
        for key in ("url", "host"):
            unfilled = names_in(getattr(self, key))
            if unfilled:
                raise SpecError(f"{self.path}.{key}", f"holds ${min(unfilled)}, and nothing says what that is here")

    def overriding(self, wanted: Wanted) -> Wanted:
        """What is wanted, with what the probe itself says of it in place of what others say."""
        own = {name: getattr(self, name) for name in ("weights", "tolerance", "confidence", "deadline")}
        return replace(wanted, **{name: value for name, value in own.items() if value is not None})


def read_probe(section: Section) -> Probe:
    """Read a probe strictly; raises SpecError with the path of the key."""
    with section:
        in_pod = _in_pod(section.section("exec")) if section.has("exec") else None
        if in_pod is None and not section.has("url"):
            raise section.error("url", "is required: where to send requests, or exec: a command in a pod that does")
        if in_pod is not None and section.has("url"):
            raise section.error("exec", "stands beside url; requests are sent from here or from a pod, not both")
        identify = read_identify(section.section("identify"), "header" if in_pod is None or in_pod.whole else "text")
        if in_pod is not None and not in_pod.whole and identify.source == "header":
            raise section.error(
                "identify.header",
                "a line of output has no headers; print them with curl -i and set exec.answers: whole",
            )
        request = _request(section, in_pod is not None)
        expected = _expected(section.section("expect"))
        return Probe(
            identify,
            in_pod=in_pod,
            requests=section.integer("requests", minimum=1) if section.has("requests") else None,
            rate=section.number("rate", RATE if in_pod is None else RATE_IN_POD, Range(above=0, most=MOST_RATE)),
            duration=section.optional_duration("duration"),
            timeout=section.duration("timeout", TIMEOUT, least=0.001),
            deadline=section.optional_duration("deadline"),
            path=section.path,
            **request,
            **expected,
        )


def _request(section: Section, from_pod: bool) -> dict[str, Any]:
    for key in ("host", "headers", "method", "http_version", "keep_alive", "tls"):
        if from_pod and section.has(key):
            raise section.error(key, "has no meaning beside exec; write it into the command")
    if from_pod:
        return {}
    url, headers = section.text("url"), section.strings("headers")
    _check_url(section, url)
    host = section.text("host", "")
    for name, value in headers.items():
        if not TOKEN.fullmatch(name) or re.search(r"[\r\n\0]", value):
            # Not the value: it may be a credential.
            raise section.error("headers", f"{name!r} has a name or a value that no header of a request can have")
        if name.lower() == "host":
            if host and host != value:
                raise section.error("headers.Host", f'"{value}" contradicts host, which says "{host}"')
            host = value
    if host and not _HOST.fullmatch(_spelled_out(host)):
        raise section.error("host", f'expected a name such as web.example.com, got "{host}"')
    method = section.text("method", "GET")
    if not TOKEN.fullmatch(method):
        raise section.error("method", f'expected a method such as GET or HEAD, got "{method}"')
    return {
        "url": url,
        "host": host,
        "headers": {name: value for name, value in headers.items() if name.lower() != "host"},
        "method": method,
        "http2": _http_version(section) == "2",
        "keep_alive": section.flag("keep_alive", True),
        "tls": _tls(section.section("tls"), url),
    }


def _spelled_out(text: str) -> str:
    """A text as it may look once its placeholders are filled in; a probe asks all versions, and at any time."""
    return str(filled(text, dict.fromkeys(FIXED, "x")))


def _check_url(section: Section, url: str) -> None:
    match = re.fullmatch(r"https?://([^/?#\s]+)(?:[/?#]\S*)?", _spelled_out(url))
    if match is not None and "@" in match[1]:
        raise section.error("url", "holds a user; put credentials into headers, where they can be kept secret")
    if match is None or not _HOST.fullmatch(match[1]):
        raise section.error("url", f'expected a URL such as http://192.0.2.1:8080/path, got "{url}"')


def _http_version(section: Section) -> str:
    # YAML reads an unquoted 1.1 as a number.
    version = section.raw("http_version")
    if version is None or str(version) not in ("1.1", "2", "2.0"):
        if version is not None:
            raise section.error("http_version", f'expected "1.1" or "2", got {version!r}')
        return "1.1"
    return str(version).removesuffix(".0")


def _tls(section: Section, url: str) -> Tls:
    with section:
        tls = Tls(
            section.flag("validate_certs", True),
            section.text("ca_cert", ""),
            section.text("client_cert", ""),
            section.text("client_key", ""),
        )
    if tls != Tls() and not url.startswith("https:"):
        raise SpecError(section.path, f'has no meaning with "{url}", which is not https')
    if tls.client_key and not tls.client_cert:
        raise section.error("client_key", "needs client_cert, the certificate that it belongs to")
    return tls


def _in_pod(section: Section) -> InPod:
    with section:
        command = section.texts("command")
        if not command:
            raise section.error("command", "is required: the program and its arguments, as a list")
        in_pod = InPod(
            section.text("namespace"),
            command,
            section.text("pod", ""),
            section.text("selector", ""),
            section.text("container", ""),
            section.text("answers", "lines", ("lines", "whole")) == "whole",
        )
    if bool(in_pod.pod) == bool(in_pod.selector):
        raise section.error("pod", "expected either pod, a name, or selector, labels of pods such as app=client")
    return in_pod


def _expected(section: Section) -> dict[str, Any]:
    with section:
        found: dict[str, Any] = {
            "tolerance": section.optional_number("tolerance", Range(above=0, below=100)),
            "confidence": section.optional_number("confidence", Range(least=0.5, below=1)),
        }
        weights = section.mapping("weights")
    if weights:
        path = section.at("weights")
        found["weights"] = {name: integer(value, f"{path}.{name}", 0, 100) for name, value in weights.items()}
        total = sum(found["weights"].values())
        if total != 100:
            raise section.error("weights", f"expected percentages that sum to 100, got {total}")
    return found
