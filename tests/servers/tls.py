"""TLS in front of a plain server, as a proxy ends it in production; it can take words out of the answers."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path

from tests.servers.certificates import TestAuthority


def server_context(authority: TestAuthority, host: str, folder: Path) -> ssl.SSLContext:
    """Give the context of a server with a certificate of its own."""
    file = folder / f"{host}.pem"
    file.write_bytes(b"".join(authority.issue(host)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


class TlsFront:
    """Ends TLS at a port and passes everything on.

    Args:
        leaves_out: bytes that are taken out of what the server says; None for none. Can be changed at any time.
    """

    def __init__(self, context: ssl.SSLContext, port: int, target_port: int) -> None:
        self.leaves_out: bytes | None = None
        self._context, self._target_port = context, target_port
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client = self._context.wrap_socket(plain, server_side=True)
            server = socket.create_connection(("127.0.0.1", self._target_port))
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()
            self._pump(client, server, is_answer=False)

    def _pump(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError, ValueError):
            while chunk := source.recv(65536):
                target.sendall(chunk.replace(self.leaves_out, b"") if is_answer and self.leaves_out else chunk)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.close()

    def stop(self) -> None:
        """Take no further connections."""
        self._listener.close()
