# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others write the same route at the same time: nothing of theirs is lost, and who never stops is named."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.acceptance.cluster import Cluster
from tests.acceptance.playbooks import Playbooks


@contextmanager
def between_read_and_write(cluster: Cluster, happens: Callable[[int], None]) -> Iterator[dict[str, Any]]:
    """A way to the API server on which something happens after each read of a route, before its reader can write.

    Yields the options to connect by it.
    """
    reads = 0

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            nonlocal reads
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else None
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            upstream = cluster.connection()
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
            upstream.close()
            if self.command == "GET" and "/virtualservices/" in self.path:
                reads += 1
                happens(reads)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PATCH = forward  # noqa: N815  the base class names them

        def log_message(self, *_arguments: Any) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {"host": f"http://127.0.0.1:{server.server_port}", "api_key": "the-way-has-its-own"}
    finally:
        server.shutdown()
        server.server_close()


def test_one_write_in_between_is_kept_and_planned_with(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    """The other writer puts another rule first, so that the weights are in another place than they were read."""

    def insert_a_rule(read: int) -> None:
        if read == 1:
            standing = cluster.route(web)["spec"]["http"]
            first = {"name": "health", "match": [{"uri": {"exact": "/up"}}], "directResponse": {"status": 200}}
            cluster.patch_route(web, {"spec": {"http": [first, *standing]}})

    with between_read_and_write(cluster, insert_a_rule) as way:
        arguments = {"routes": [{"router": "istio", "name": "web", "namespace": web}]}
        run = playbooks.task("traffic", {**way, **arguments, "weights": {"blue": 75, "green": 25}}).succeeded()
    assert run.results("traffic")[0]["attempts"] == 2
    rules = cluster.route(web)["spec"]["http"]
    assert [rule["name"] for rule in rules] == ["health", "main"]
    assert cluster.weights(web, rule=1) == {"web-blue": 75, "web-green": 25}


def test_who_never_stops_writing_is_named(playbooks: Playbooks, cluster: Cluster, web: str) -> None:
    def annotate(read: int) -> None:
        annotation = {"metadata": {"annotations": {"example.com/beat": str(read)}}}
        cluster.patch_route(web, annotation, manager="restless-controller")

    before = cluster.weights(web)
    with between_read_and_write(cluster, annotate) as way:
        arguments = {"routes": [{"router": "istio", "name": "web", "namespace": web}]}
        playbooks.task("traffic", {**way, **arguments, "weights": {"blue": 75, "green": 25}}).refused(
            f"VirtualService {web}/web changed 5 times", "restless-controller", "stop them"
        )
    assert cluster.weights(web) == before
