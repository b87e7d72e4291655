"""Where a tenant publishes its keys: a real server over TLS, which answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers.certificates import TestAuthority
from tests.servers.tls import server_context


class KeySetServer:
    """Gives `keys` as a key set.

    Attributes:
        status: of its answers; where a redirect leads to is asked for nothing.
        body: what it says instead of the set, None for the set.
        is_slow: it says a byte now and then, without end.
        asked: the addresses that it was asked for.
    """

    def __init__(self, authority: TestAuthority, folder: Path) -> None:
        self.keys: list[dict[str, Any]] = []
        self.status, self.body, self.is_slow = 200, None, False
        self.asked: list[str] = []
        published = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                published.asked.append(self.path)
                self.send_response(published.status)
                if 300 <= published.status < 400:
                    self.send_header("Location", f"{published.url}/elsewhere")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                body = published.body if published.body is not None else json.dumps({"keys": published.keys}).encode()
                try:
                    for start in range(0, len(body), 8192):
                        piece = body[start : start + 8192]
                        self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                    while published.is_slow:
                        self.wfile.write(b"1\r\n \r\n")
                        time.sleep(0.1)
                    self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    pass
                self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = server_context(authority, "localhost", folder).wrap_socket(
            self._server.socket, server_side=True
        )
        self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    body: bytes | None

    def stop(self) -> None:
        """End the server."""
        self.is_slow = False
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
