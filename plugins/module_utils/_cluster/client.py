# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One connection to a cluster, made from kubernetes.core's options, without discovery.

The kinds we touch are few and known, so their paths are written here: discovery costs two to four requests and a
file in the temporary directory that anybody may have written.
"""

from __future__ import annotations

import copy
import json
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._core.errors import BlueGreenError
from .._core.model import MANAGED_BY

try:
    import urllib3
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.client.rest import ApiException
    from kubernetes.config import ConfigException
    from kubernetes.dynamic import DynamicClient
    from kubernetes.watch.watch import iter_resp_lines

    KUBERNETES_IMPORT_ERROR: str | None = None
except ImportError:
    KUBERNETES_IMPORT_ERROR = traceback.format_exc()

try:
    # The options and their environment variables have to mean what they mean in kubernetes.core. What it offers
    # publicly (get_api_client) discovers the API on every cold start; these parts do not.
    from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import (
        _create_auth_spec,
        _create_configuration,
        _create_headers,
        _set_header,
    )

    COLLECTION_IMPORT_ERROR: str | None = None
except ImportError:
    AUTH_ARG_SPEC = {}
    COLLECTION_IMPORT_ERROR = traceback.format_exc()

CONNECT_TIMEOUT = 10
READ_TIMEOUT = 60
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


class ClusterError(BlueGreenError):
    """The cluster cannot be reached, or refuses."""


class Unreachable(ClusterError):
    """The cluster does not answer now, or says that it cannot."""


class NotFound(ClusterError):
    """An object, or its whole kind, is missing; ``kind_missing`` tells which."""

    kind_missing = False


class Conflict(ClusterError):
    """The object has changed since it was read."""


class Expired(ClusterError):
    """What was asked for reaches back further than the cluster remembers: read it anew."""


class Forbidden(ClusterError):
    """Who asks may not do this."""


class Refused(ClusterError):
    """The API server finds the object or the patch invalid."""


@dataclass(frozen=True)
class Ref:
    """One object, or with an empty name the collection it is in."""

    api_version: str
    plural: str
    namespace: str | None = None
    name: str = ""

    @property
    def path(self) -> str:
        """Its path in the API."""
        root = "/api" if "/" not in self.api_version else "/apis"
        within = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"{root}/{self.api_version}{within}/{self.plural}" + (f"/{self.name}" if self.name else "")

    def __str__(self) -> str:
        return f"{self.plural} {self.namespace + '/' if self.namespace else ''}{self.name}".strip()


def auth_argument_spec() -> dict[str, Any]:
    """kubernetes.core's authentication options."""
    return copy.deepcopy(AUTH_ARG_SPEC)


def warm_up() -> None:
    """Make what the first client of a process makes lazily: some 45 ms of imports and models. Connects to nothing."""
    if KUBERNETES_IMPORT_ERROR is None:
        ApiClient(Configuration(host="https://unused.invalid"))


class Cluster:
    """Requests to one API server; every failure is one of the errors above."""

    def __init__(self, auth: Mapping[str, Any]) -> None:
        if KUBERNETES_IMPORT_ERROR:
            raise ClusterError(
                "the Python library kubernetes is missing on this machine; install it: pip install kubernetes",
                exception=KUBERNETES_IMPORT_ERROR,
            )
        if COLLECTION_IMPORT_ERROR:
            raise ClusterError(
                "the collection kubernetes.core is missing; install it: "
                "ansible-galaxy collection install kubernetes.core",
                exception=COLLECTION_IMPORT_ERROR,
            )
        try:
            configuration = _create_configuration(_create_auth_spec(None, **auth))
        except (ConfigException, OSError) as error:
            raise ClusterError(
                f"no cluster to connect to: {error}; set kubeconfig (and context), or host and api_key, "
                "in bluegreen_cluster or in K8S_AUTH_KUBECONFIG and the like"
            ) from error
        configuration.retries = False
        self.host: str = configuration.host
        client = ApiClient(configuration)
        for header, value in _create_headers(None, **auth).items():
            _set_header(client, header, value)
        self._client = DynamicClient(client, discoverer=_no_discovery)

    @property
    def api_client(self) -> ApiClient:
        """The client below, with its credentials and TLS options, for what is no plain request (exec, port-forward)."""
        client: ApiClient = self._client.client
        return client

    def get(self, ref: Ref) -> dict[str, Any]:
        """Read one object; raises NotFound."""
        return self._json("get", ref)

    def find(self, ref: Ref) -> dict[str, Any] | None:
        """Read one object, or None when it, but not its kind, is missing."""
        try:
            return self.get(ref)
        except NotFound as error:
            if error.kind_missing:
                raise
            return None

    def items(self, ref: Ref, label_selector: str | None = None, field_selector: str | None = None) -> dict[str, Any]:
        """List a collection: the whole answer, as its resourceVersion is what a watch starts from."""
        return self._json("get", ref, label_selector=label_selector, field_selector=field_selector)

    def create(self, ref: Ref, manifest: Mapping[str, Any], dry_run: bool = False) -> dict[str, Any]:
        """Create an object; raises Conflict when it exists. With ``dry_run`` it is judged and nothing is written."""
        return self._json(
            "post",
            Ref(ref.api_version, ref.plural, ref.namespace),
            body=dict(manifest),
            field_manager=MANAGED_BY,
            dry_run="All" if dry_run else None,
        )

    def patch(self, ref: Ref, body: Any, content_type: str = JSON_PATCH, dry_run: bool = False) -> dict[str, Any]:
        """Patch an object; with ``dry_run`` the API server judges it and writes nothing."""
        return self._json(
            "patch",
            ref,
            body=body,
            content_type=content_type,
            field_manager=MANAGED_BY,
            dry_run="All" if dry_run else None,
        )

    def delete(self, ref: Ref) -> None:
        """Delete an object, and in the background what belongs to it; one that is gone already is as good."""
        try:
            # An answer that is left unread would take its connection along.
            self._body(self._request("delete", ref, body={"propagationPolicy": "Background"}))
        except NotFound:
            return

    def log(self, namespace: str, pod: str, container: str | None, lines: int) -> str:
        """The last lines of a container's log, at most 64 KiB of it."""
        within = [("container", container)] if container else []
        response = self._request(
            "get",
            Ref("v1", "pods", namespace, f"{pod}/log"),
            query_params=[("tailLines", lines), ("limitBytes", 65536), *within],
        )
        return _text(self._body(response))

    def watch(
        self,
        ref: Ref,
        resource_version: str,
        timeout: float,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """The changes of a collection since a resourceVersion: type and object, until the timeout.

        A BOOKMARK only says how far it is. Raises Expired, as the type ERROR does, when that version is forgotten.
        """
        response = self._request(
            "get",
            ref,
            query_params=[("allowWatchBookmarks", "true")],
            watch="true",
            resource_version=resource_version,
            timeout_seconds=max(1, round(timeout)),
            label_selector=label_selector,
            field_selector=field_selector,
            _request_timeout=(CONNECT_TIMEOUT, timeout + 5),
        )
        try:
            for line in iter_resp_lines(response):
                event = self._parsed(line)
                yield str(event.get("type")), event.get("object") or {}
        except urllib3.exceptions.HTTPError:
            # A stream that breaks is no news of the cluster: whoever follows it asks again, and hears if it is gone.
            return
        finally:
            response.close()
            response.release_conn()

    def request_service(self, namespace: str, name: str, port: int, path: str, timeout: float) -> tuple[int, str]:
        """Send a GET to a Service through the API server: status and the beginning of the answer.

        See U(https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/).
        """
        proxy = f"/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy{path}"
        try:
            response = self._client.request(
                "get",
                proxy,
                serialize=False,
                _request_timeout=(CONNECT_TIMEOUT, timeout),
                header_params={"Accept": "*/*"},
            )
        except ApiException as error:
            return int(error.status or 0), _text(error.body)[:500]
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(error) from error
        return response.status, _text(self._body(response))[:500]

    def namespace_missing(self, namespace: str) -> bool:
        """Whether a namespace is known to be missing; who may not read it cannot know."""
        try:
            return self.find(Ref("v1", "namespaces", None, namespace)) is None
        except ClusterError:
            return False

    def _json(self, method: str, ref: Ref, **options: Any) -> dict[str, Any]:
        return self._parsed(self._body(self._request(method, ref, **options)))

    def _body(self, response: Any) -> bytes:
        """What is still to be read of an answer whose head has come: the connection may break here as well."""
        try:
            body: bytes = response.data
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(error) from error
        return body

    def _parsed(self, text: str | bytes) -> dict[str, Any]:
        """An object of the API. Anything else comes from something between us and the cluster, a login page say."""
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unreachable(
                f"what answers at {self.host} is no API server: {_text(text).strip()[:80]!r}; check its address, and "
                "the proxies and balancers on the way"
            )
        return found

    def _request(self, method: str, ref: Ref, body: Any = None, **options: Any) -> Any:
        options.setdefault("_request_timeout", (CONNECT_TIMEOUT, READ_TIMEOUT))
        given = {name: value for name, value in options.items() if value is not None}
        try:
            # A fresh list: the client appends the options of this request to it.
            query = list(given.pop("query_params", []))
            return self._client.request(
                method, ref.path, body=body, serialize=False, query_params=query, header_params={}, **given
            )
        except ApiException as error:
            raise self._translated(error, ref) from error
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> ClusterError:
        return Unreachable(f"the cluster at {self.host} does not answer: {error}; check its address and the network")

    def _translated(self, error: ApiException, ref: Ref) -> ClusterError:
        status, text = _status(error.body)
        message = status.get("message") or text.strip() or str(error.reason)
        if error.status == 401:
            return ClusterError(
                f"the cluster at {self.host} does not accept the credentials (401): renew the token or the kubeconfig"
            )
        if error.status == 403:
            return Forbidden(
                f"the cluster at {self.host} does not allow this: {message}; extend the Role or use another"
            )
        if error.status == 404:
            missing = NotFound(f"{message} (cluster {self.host})")
            # The API server names the object in the details when the kind is known, and nothing otherwise.
            missing.kind_missing = not (status.get("details") or {}).get("name") and bool(ref.name)
            return missing
        if error.status == 409:
            return Conflict(message)
        if error.status == 410:
            return Expired(message)
        if error.status in (400, 422):
            return Refused(f"{ref} is refused: {message}", causes=(status.get("details") or {}).get("causes", []))
        kind = Unreachable if error.status == 429 or (error.status or 0) >= 500 else ClusterError
        return kind(f"{ref}: the cluster at {self.host} answered {error.status}: {message}")


def _no_discovery(_client: Any, _cache_file: str | None) -> None:
    return None


def _text(body: Any) -> str:
    return body.decode("utf-8", errors="replace") if isinstance(body, bytes) else str(body or "")


def _status(body: Any) -> tuple[dict[str, Any], str]:
    """The Status object of a failed request, when its body is one."""
    text = _text(body)
    try:
        status = json.loads(text)
    except ValueError:
        return {}, text
    return (status, text) if isinstance(status, dict) else ({}, text)
