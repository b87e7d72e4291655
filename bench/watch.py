"""What it costs to wait: memory of one process that holds many IDLE connections over TLS, and how soon it hears."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.table import Row, quantile
from tests.servers.certificates import TestAuthority
from webmail.providers import network
from webmail.providers.base import TLS, Credentials, ServerSettings
from webmail.providers.idle import IdleConnection

COUNT = int(os.environ.get("BENCH_ACCOUNTS", "2000"))
_REACH_KB = 60
_NEWS = 500


def run() -> Iterator[Row]:
    """Hold the connections in a process of their own, against a small server in this one."""
    with tempfile.TemporaryDirectory(prefix="wm-w-") as folder:
        authority = TestAuthority()
        certificate, key = authority.issue("localhost")
        for name, content in (("ca", authority.certificate_pem), ("cert", certificate), ("key", key)):
            (Path(folder) / f"{name}.pem").write_bytes(content)
        told = asyncio.run(_serve(Path(folder)))
    kilobytes = told["kilobytes"]
    yield Row(
        f"{COUNT:,} idle accounts in one process",
        f"{kilobytes:.0f} KB each",
        f"< {_REACH_KB} KB",
        f"{'met' if kilobytes < _REACH_KB else 'NOT met'}; TLS included; all signed in after {told['ready_s']:.0f} s",
    )
    delays = sorted(told["delays_ms"])
    yield Row(
        "server's EXISTS line to the watcher",
        f"p50 {quantile(delays, 0.5):.1f} ms, p95 {quantile(delays, 0.95):.1f} ms",
        note=f"{len(delays)} lines, among {COUNT:,} connections",
    )


async def _serve(folder: Path) -> dict[str, object]:
    """Be the server, start the holder, and say EXISTS here and there once everybody idles."""
    idling: dict[str, asyncio.StreamWriter] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
        user = ""
        while line := await reader.readline():
            tag, _, words = line.partition(b" ")
            name = words.split()[0].upper()
            if name == b"IDLE":
                writer.write(b"+ idling\r\n")
                idling[user] = writer
                await reader.readline()
            elif name == b"CAPABILITY":
                writer.write(b"* CAPABILITY IMAP4rev1 IDLE\r\n")
            else:
                rest = words
                while rest.rstrip().endswith(b"}"):
                    writer.write(b"+ go on\r\n")
                    literal = await reader.readexactly(int(rest.rstrip()[:-1].rpartition(b"{")[2]))
                    user = user or literal.decode()
                    rest = await reader.readline()
            writer.write(tag + b" OK done\r\n")

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context, backlog=512)
    port = server.sockets[0].getsockname()[1]
    command = [sys.executable, "-m", "bench.watch", str(folder / "ca.pem"), str(port), str(COUNT)]
    holder = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 24
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    deadline = time.monotonic() + 180
    while len(idling) < COUNT and time.monotonic() < deadline:  # noqa: ASYNC110  # a bench may look now and then
        await asyncio.sleep(0.05)
    names = list(idling)[:: max(1, COUNT // _NEWS)]
    for name in names:
        idling[name].write(b"* %d EXISTS\r\n" % time.monotonic_ns())
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    holder.stdin.close()
    told: dict[str, object] = json.loads(await holder.stdout.readline())
    await holder.wait()
    server.close()
    return told


async def _hold(ca_file: str, port: int, count: int) -> dict[str, object]:
    """Hold the connections until standard input ends; gives what they took."""
    network.configure(allow_private_hosts=True, ca_file=ca_file)
    settings = ServerSettings("localhost", port, TLS)
    delays: list[float] = []
    ready = asyncio.Event()
    left = count
    gate = asyncio.Semaphore(50)

    def hear(line: bytes) -> None:
        if b"EXISTS" in line:
            delays.append((time.monotonic_ns() - int(line.split()[1])) / 1e6)

    async def one(number: int) -> None:
        await gate.acquire()

        def on_ready() -> None:
            nonlocal left
            left -= 1
            gate.release()
            if left == 0:
                ready.set()

        await _Listening(settings, Credentials(f"user{number}", "secret"), "INBOX", hear).run(lambda: None, on_ready)

    before_kb, started = _resident_kb(), time.monotonic()
    tasks = [asyncio.create_task(one(number)) for number in range(count)]
    await asyncio.wait_for(ready.wait(), 180)
    ready_s = time.monotonic() - started
    await asyncio.sleep(1)
    gc.collect()
    kilobytes = (_resident_kb() - before_kb) / count
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {"kilobytes": kilobytes, "ready_s": ready_s, "delays_ms": delays}


class _Listening(IdleConnection):
    """Tells each line that comes, so that its way can be timed."""

    def __init__(self, settings: ServerSettings, credentials: Credentials, folder: str, hear: object) -> None:
        super().__init__(settings, credentials, folder)
        self._hear = hear

    async def _endless_line(self) -> bytes:
        line = await super()._endless_line()
        self._hear(line)  # type: ignore[operator]  # bench only
        return line


def _resident_kb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_hold(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
