"""A tenant's server that hears of events: over TLS, and answering as it is told."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers.certificates import TestAuthority
from tests.servers.tls import server_context


@dataclass(frozen=True)
class Heard:
    """A request that came: its header fields in lower case, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers with the statuses of `answers`, one each, then with 204; where it redirects to is never to be asked."""

    def __init__(self, authority: TestAuthority, folder: Path) -> None:
        self.heard: list[Heard] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append(Heard(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                status = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{receiver.url}/followed")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = server_context(authority, "localhost", folder).wrap_socket(
            self._server.socket, server_side=True
        )
        self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
