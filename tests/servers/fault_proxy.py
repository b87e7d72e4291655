"""A line between a client and a real IMAP server on which anything can go wrong, byte by byte or line by line.

What the server says is passed on as it is unless a fault is set; literals are never rewritten. `commands` keeps what
the client said (sign-in aside), so that a test can see what was asked.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

_LITERAL = re.compile(rb"\{(\d+)\+?\}\r?\n$")


@dataclass
class Refusal:
    """An answer that the proxy gives instead of the server.

    Args:
        command: what the client's line has to match, tag included.
        answer: what is said: it gets its tag if it begins with `NO`, `BAD` or `OK`; else it ends the line.
        times: how often; further commands reach the server again.
    """

    command: bytes
    answer: bytes
    times: int = 1
    met: int = 0


@dataclass
class Faults:
    """What goes wrong; all byte counts are of what the server said since `reset()`."""

    cut_at: int | None = None
    stall_at: int | None = None
    garbage_at: int | None = None
    garbage: bytes = b""
    is_dripping: bool = False
    refusals: list[Refusal] = field(default_factory=list)
    rewrite: Callable[[bytes], bytes] | None = None
    most_sessions: int | None = None


class FaultProxy:
    """Listens on loopback and passes everything on to a server's port.

    Args:
        target_port: an IMAP server without TLS on this machine.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = int(self._listener.getsockname()[1])
        self.faults = Faults()
        self.commands: list[bytes] = []
        self.passed_bytes = 0
        self.sessions = 0
        self.most_sessions_seen = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self, **faults: object) -> None:
        """Set what goes wrong from now on, and count anew."""
        self.faults = Faults(**faults)  # type: ignore[arg-type]  # the names are those of Faults
        self.commands = []
        self.passed_bytes = 0

    def stop(self) -> None:
        """End the listener; lines that are open end with their clients."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self.sessions += 1
            self.most_sessions_seen = max(self.most_sessions_seen, self.sessions)
        limit = self.faults.most_sessions
        try:
            if limit is not None and self.sessions > limit:
                client.sendall(b"* BYE Too many simultaneous connections. (Failure)\r\n")
                return
            server = socket.create_connection(("127.0.0.1", self._target_port), timeout=60)
            upward = threading.Thread(target=self._upward, args=(client, server), daemon=True)
            upward.start()
            with contextlib.suppress(OSError, EOFError):
                self._downward(server, client)
            for line in (server, client):
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            upward.join(5)
            server.close()
        finally:
            client.close()
            with self._lock:
                self.sessions -= 1

    def _upward(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what the client says, as far as no refusal is meant for it."""
        reader = client.makefile("rb")
        with contextlib.suppress(OSError, ValueError):
            while line := reader.readline():
                if b"LOGIN" not in line.upper():
                    self.commands.append(line.rstrip(b"\r\n"))
                refusal = self._refusal_for(line)
                if refusal is not None:
                    if not self._refuse(client, line, refusal):
                        break
                    continue
                server.sendall(line)
                _copy_literal(line, reader, server.sendall)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _refusal_for(self, line: bytes) -> Refusal | None:
        for refusal in self.faults.refusals:
            if refusal.met < refusal.times and re.search(refusal.command, line, re.IGNORECASE):
                refusal.met += 1
                return refusal
        return None

    def _refuse(self, client: socket.socket, line: bytes, refusal: Refusal) -> bool:
        """Answer in the server's place; False when the line ends with it."""
        if refusal.answer.startswith((b"NO", b"BAD", b"OK")):
            client.sendall(line.split(b" ", 1)[0] + b" " + refusal.answer + b"\r\n")
            return True
        client.sendall(refusal.answer)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        return False

    def _downward(self, server: socket.socket, client: socket.socket) -> None:
        reader = server.makefile("rb")
        while line := reader.readline():
            # By the server's own line, whatever becomes of it: the literal that it announces comes all the same.
            changed = self.faults.rewrite(line) if self.faults.rewrite else line
            self._pass(client, changed)
            _copy_literal(line, reader, lambda data: self._pass(client, data))

    def _pass(self, client: socket.socket, data: bytes) -> None:
        faults = self.faults
        for position, act in sorted(
            (position, act)
            for position, act in (
                (faults.cut_at, "cut"),
                (faults.stall_at, "stall"),
                (faults.garbage_at, "garbage"),
            )
            if position is not None and self.passed_bytes <= position < self.passed_bytes + len(data)
        ):
            head, data = data[: position - self.passed_bytes], data[position - self.passed_bytes :]
            self._send(client, head)
            self._go_wrong(client, act)
        self._send(client, data)

    def _go_wrong(self, client: socket.socket, act: str) -> None:
        if act == "cut":
            self.faults.cut_at = None
            raise EOFError
        if act == "stall":
            self.faults.stall_at = None
            self._stopping.wait(20)
            raise EOFError
        self.faults.garbage_at = None
        client.sendall(self.faults.garbage)

    def _send(self, client: socket.socket, data: bytes) -> None:
        if self.faults.is_dripping:
            for at in range(len(data)):
                client.sendall(data[at : at + 1])
                time.sleep(0)
        else:
            client.sendall(data)
        self.passed_bytes += len(data)


def _copy_literal(line: bytes, reader: BinaryIO, write: Callable[[bytes], object]) -> None:
    """Copy the literal that a line announces, untouched."""
    match = _LITERAL.search(line)
    if match:
        write(reader.read(int(match[1])))
