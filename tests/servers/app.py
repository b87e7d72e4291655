"""The whole product as real processes, for browser tests: `webmail run` with its own folder and port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.servers.ports import free_port
from tests.servers.setup import SECRETS, configure_process, release_process
from webmail.config import Config, load_config

_START_S = 60.0


class RunningApp:
    """The supervisor with web server, workers, watcher, sweep and embedded Redis; all of them end with it.

    Args:
        ca_file: the authority of the test servers.
        extra: more environment variables, such as {"WEBMAIL_DEMO": "1"}.
    """

    def __init__(self, ca_file: Path, **extra: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wm-app-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("WEBMAIL_")},
            **SECRETS,
            "WEBMAIL_DATA": str(self.folder),
            "WEBMAIL_PORT": str(self.port),
            "WEBMAIL_DEMO": "0",
            "WEBMAIL_ASSETS": "local",
            "WEBMAIL_ALLOW_PRIVATE_HOSTS": "1",
            "WEBMAIL_CA_FILE": str(ca_file),
            "WEBMAIL_DEMO_IMAP_PORT": str(free_port()),
            "WEBMAIL_DEMO_SMTP_PORT": str(free_port()),
            "WEBMAIL_DEMO_IDENTITY_PORT": str(free_port()),
            "WEBMAIL_DEMO_ATS_PORT": str(free_port()),
            **extra,
        }
        self.log = self.folder / "output.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def command(self) -> Path:
        """The command line, to be run with `environment`."""
        return Path(sys.executable).parent / "webmail"

    @property
    def config(self) -> Config:
        """The configuration that its processes have."""
        return load_config(self.environment)

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(self.command), "run"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            if self._is_ready():
                return
            time.sleep(0.1)
        self.end()
        raise RuntimeError(f"webmail run did not get ready:\n{self.output()[-4000:]}")

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return int(answer.status) == 200
        except (OSError, urllib.error.URLError):
            return False

    def output(self) -> str:
        """Give everything that its processes have said."""
        return self.log.read_text(errors="replace")

    def enter(self) -> None:
        """Configure this process like those of the app, so that a test can use its store and its actions."""
        configure_process(self.config)

    def leave(self) -> None:
        """Take `enter()` back."""
        release_process()

    def end(self, with_signal: int = signal.SIGTERM) -> None:
        """End the supervisor; its data stay."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(with_signal)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End it and remove its folder."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)
