"""The demo's mail server, as `make run` starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.servers.ports import free_port
from webmail.providers import network
from webmail.providers.base import PLAIN, Credentials, ServerSettings
from webmail.providers.imap import ImapSession, open_imap

CREDENTIALS = Credentials("recruiter@demo.example", "demo-mailbox")


class DemoProcess:
    """A demo server over one data folder; it can be stopped and started again."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.imap = ServerSettings("127.0.0.1", free_port(), PLAIN)
        self.smtp = ServerSettings("127.0.0.1", free_port(), PLAIN)
        self.identity_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Give the seconds until all ports answered."""
        began_at = time.monotonic()
        variables = {
            "WEBMAIL_DATA": str(self.data),
            "WEBMAIL_DEMO": "1",
            "WEBMAIL_DEMO_IMAP_PORT": str(self.imap.port),
            "WEBMAIL_DEMO_SMTP_PORT": str(self.smtp.port),
            "WEBMAIL_DEMO_IDENTITY_PORT": str(self.identity_port),
            "WEBMAIL_DEMO_ATS_PORT": str(free_port()),
            "WEBMAIL_SECRET_KEY": "x" * 40,
            "WEBMAIL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "webmail.cli", "demo"], env={**os.environ, **variables}, start_new_session=True
        )
        for port in (self.imap.port, self.smtp.port, self.identity_port):
            while True:
                assert self._process.poll() is None
                assert time.monotonic() < began_at + 90
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
        return time.monotonic() - began_at

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Give the seconds until it had ended."""
        assert self._process is not None
        began_at = time.monotonic()
        self._process.send_signal(number)
        self._process.wait(10)
        return time.monotonic() - began_at

    def open(self) -> ImapSession:
        return open_imap(self.imap, CREDENTIALS, timeout_s=10)


@pytest.fixture(autouse=True)
def any_host() -> Iterator[None]:
    network.configure(allow_private_hosts=True, ca_file=None)
    yield
    network.configure(allow_private_hosts=False, ca_file=None)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    process = DemoProcess(tmp_path_factory.mktemp("demo"))
    process.start()
    yield process
    process.stop()
