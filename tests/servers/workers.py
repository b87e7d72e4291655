"""RQ workers as processes of their own, to be killed with everything that they have started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.servers.processes import kill_family
from webmail.config import Config

_ROOT = Path(__file__).parents[2]


class WorkerProcess:
    """One `worker.py` with its horses.

    Args:
        config: what the test's own process is configured with.
        log: where its output goes.
    """

    def __init__(self, config: Config, log: Path, *queues: str) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(_ROOT),
            "WEBMAIL_DATA": str(config.data),
            "WEBMAIL_REDIS_URL": config.redis_url,
            "WEBMAIL_DATABASE_URL": config.database_url,
            "WEBMAIL_SECRET_KEY": config.secret_key,
            "WEBMAIL_ENCRYPTION_KEYS": ",".join(config.encryption_keys),
            "WEBMAIL_ALLOW_PRIVATE_HOSTS": "1",
            "WEBMAIL_CA_FILE": config.ca_file or "",
            "WEBMAIL_ASSETS": "local",
        }
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(_ROOT / "worker.py"), *queues],
                env=environment,
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End it and its horses, which have groups of their own, at once."""
        if self._process.poll() is None:
            kill_family(self._process.pid)
        self._process.wait()
