"""What `webmail run` sees to before it starts anything: the data folder, its lock, the keys and the ports.

Each thing that cannot be used is one `ConfigError`, one line for the operator.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cryptography.fernet import Fernet

from webmail.config import Config
from webmail.errors import ConfigError

_LEFT_BEHIND_S = 5.0
"""How long a killed run's processes may take to give up their ports."""

_KEYS: dict[str, Callable[[], str]] = {
    "WEBMAIL_SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "WEBMAIL_ENCRYPTION_KEYS": lambda: Fernet.generate_key().decode(),
}


@dataclass
class DataLock:
    """The hold of one `webmail run` on its data folder; the system lets go of it when the process ends, however."""

    file: TextIO
    was_left_behind: bool
    """True when the run before was killed: its processes may need a moment to end."""

    def release(self) -> None:
        """Let go, noting that this run ended in order."""
        self.file.truncate(0)
        self.file.close()


def prepare_folder(data: Path) -> None:
    """Make the data folder, for this user only, and see whether it can be written.

    Raises:
        ConfigError: it cannot.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / "logs").mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        raise ConfigError(f"WEBMAIL_DATA is {data}, which cannot be used: {error.strerror}.") from None


def prepare_socket_folder(socket_path: Path) -> None:
    """Make the folder of the embedded server's socket, where a long path keeps it out of the data folder.

    Raises:
        ConfigError: there is such a folder, and it belongs to somebody else.
    """
    folder = socket_path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise ConfigError(f"{folder} belongs to another user. Set WEBMAIL_DATA to a folder with a shorter path.")


def lock_folder(data: Path) -> DataLock:
    """Take the data folder for this process alone.

    Raises:
        ConfigError: another run holds it.
    """
    file = (data / "run.lock").open("a+")
    file.seek(0)
    process = file.read().strip()
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise ConfigError(
            f"Another `webmail run` (process {process}) works with {data}. "
            "Stop it, or set WEBMAIL_DATA to another folder."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return DataLock(file, was_left_behind=bool(process))


def with_keys(environ: Mapping[str, str], data: Path, *, makes_missing: bool) -> dict[str, str]:
    """Add to the environment those keys that it lacks, as they are kept in the data folder, readable by this user only.

    Args:
        makes_missing: make a key that is nowhere, and keep it.

    Raises:
        ConfigError: a key file cannot be read or written.
    """
    completed = dict(environ)
    folder = data / "keys"
    for name, make in _KEYS.items():
        if completed.get(name, "").strip():
            continue
        path = folder / name.removeprefix("WEBMAIL_").lower()
        try:
            if makes_missing and not path.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
                _write_private(path, make())
            if path.exists():
                completed[name] = path.read_text().strip()
        except OSError as error:
            raise ConfigError(f"{path} cannot be used: {error.strerror}.") from None
    return completed


def _write_private(path: Path, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)


def require_ports(config: Config, *, waits: bool) -> None:
    """See that the ports of this configuration are free.

    Args:
        waits: give the processes of a killed run a moment to end.

    Raises:
        ConfigError: one is in use, or may not be used.
    """
    ports = [("WEBMAIL_PORT", config.host, config.port)]
    if config.demo:
        ports.append(("WEBMAIL_DEMO_IMAP_PORT", "127.0.0.1", config.demo_imap_port))
        ports.append(("WEBMAIL_DEMO_SMTP_PORT", "127.0.0.1", config.demo_smtp_port))
        ports.append(("WEBMAIL_DEMO_IDENTITY_PORT", "127.0.0.1", config.demo_identity_port))
        ports.append(("WEBMAIL_DEMO_ATS_PORT", "127.0.0.1", config.demo_ats_port))
    deadline = time.monotonic() + (_LEFT_BEHIND_S if waits else 0)
    for variable, host, port in ports:
        while (problem := _problem_with(host, port)) == errno.EADDRINUSE and time.monotonic() < deadline:
            time.sleep(0.1)
        if problem == errno.EADDRINUSE:
            raise ConfigError(f"Port {port} is in use already. Stop what uses it, or set {variable} to another port.")
        if problem:
            raise ConfigError(f"Port {port} on {host} cannot be used: {os.strerror(problem)}. Set {variable}.")


def _problem_with(host: str, port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error.errno or errno.EINVAL
    return 0
