"""TLS in front of a plain server, as a proxy ends it in production; it can take words out of the answers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from tests.servers.certificates import TestAuthority

T = TypeVar("T")


def server_context(authority: TestAuthority, host: str, folder: Path) -> ssl.SSLContext:
    """Give the context of a server with a certificate of its own."""
    file = folder / f"{host}.pem"
    file.write_bytes(b"".join(authority.issue(host)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


class TlsFront:
    """Ends TLS at a port and passes everything on.

    One thread with a loop, and no thread for each direction: OpenSSL takes no two at once for a connection, and one
    that closes it while the other still reads leaves its number to the next connection of this process, whose bytes
    are then taken for the old one's.

    Args:
        leaves_out: bytes that are taken out of what the server says; None for none. Can be changed at any time.
    """

    def __init__(self, context: ssl.SSLContext, port: int, target_port: int) -> None:
        self.leaves_out: bytes | None = None
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener = self._do(asyncio.start_server(self._serve, "127.0.0.1", port, ssl=context))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
            ways = [
                asyncio.create_task(self._pump(reader, target_writer, is_answer=False)),
                asyncio.create_task(self._pump(target_reader, writer, is_answer=True)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for each in ways:
                each.cancel()
            target_writer.close()
        writer.close()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(65536):
                target.write(chunk.replace(self.leaves_out, b"") if is_answer and self.leaves_out else chunk)
                await target.drain()

    def stop(self) -> None:
        """Take no further connections, and cut those that there are."""

        async def end() -> None:
            self._listener.close()
            others = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
            for each in others:
                each.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
