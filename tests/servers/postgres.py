"""A real PostgreSQL for tests: a cluster in a temporary folder, on a unix socket, that fears no power cut."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers.tied import TiedProcess

_USER = "webmail"
_START_S = 30.0


def find_binaries() -> Path | None:
    """Give the folder of initdb and postgres, of the newest version that is installed; None without any."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class PostgresServer:
    """One cluster; it ends with the test process. Root may not run it, so there it runs as the user `postgres`."""

    def __init__(self) -> None:
        binaries = find_binaries()
        if binaries is None:
            raise RuntimeError("PostgreSQL is not installed (Debian and Ubuntu: apt install postgresql).")
        self._folder = Path(tempfile.mkdtemp(prefix="wm-pg-"))
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
            self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        data = self._folder / "data"
        self._run(binaries / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        settings = {"listen_addresses": "", "unix_socket_directories": self._folder, "max_connections": 200}
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
        command = [*self._as_user, str(binaries / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._process = TiedProcess(command, self._folder / "log", end_with="INT")
        self._made = 0
        self._connection = self._connect()

    def _run(self, program: Path, *arguments: object) -> None:
        subprocess.run(
            [*self._as_user, str(program), *map(str, arguments)], check=True, capture_output=True, cwd=self._folder
        )

    def _connect(self) -> psycopg.Connection:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                return psycopg.connect(host=str(self._folder), user=_USER, dbname="postgres", autocommit=True)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise RuntimeError(self._process.log_tail()) from None
                time.sleep(0.05)

    def url(self, name: str) -> str:
        """Give the URL by which SQLAlchemy opens a database."""
        return f"postgresql+psycopg://{_USER}@/{name}?host={self._folder}"

    def create(self, template: str = "template1") -> str:
        """Make a database, a copy of another that nobody has open; gives its name."""
        self._made += 1
        name = f"test_{self._made}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self._connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Delete a database, whoever has it open."""
        self._connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """End it and remove its folder."""
        self._connection.close()
        self._process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
