"""A line with a delay: what goes through arrives later, in both directions, however much is on its way."""

from __future__ import annotations

import asyncio
import threading


class DelayedLine:
    """A relay on loopback to a port there; each direction takes half of the round trip.

    Args:
        to_port: where it leads.
        round_trip_s: the delay added to a question and its answer.
    """

    def __init__(self, to_port: int, round_trip_s: float) -> None:
        self._to_port = to_port
        self._half_s = round_trip_s / 2
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to_port, limit=1 << 20)
        await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer), return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        on_its_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=4096)

        async def deliver() -> None:
            while True:
                due, data = await on_its_way.get()
                await asyncio.sleep(max(due - self._loop.time(), 0))
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()

        delivery = asyncio.create_task(deliver())
        while data := await reader.read(1 << 18):
            await on_its_way.put((self._loop.time() + self._half_s, data))
        await on_its_way.put((self._loop.time() + self._half_s, b""))
        await delivery

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
