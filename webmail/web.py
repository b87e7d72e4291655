"""Run the web server: gunicorn with one process of many threads.

One process, because an open page holds a thread for its event stream: of two processes on one port, a full one keeps
taking connections, and pages hang (docs/architecture.md). More capacity is more instances behind a proxy.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from webmail import lifeline
from webmail.app import create_app
from webmail.config import Config
from webmail.process import configure_logging, prepare_process
from webmail.store import session

THREADS = 96
_GRACE_S = 3
"""How long requests may take once the server is to stop; event streams end with it."""


def serve(config: Config) -> None:
    """Serve until told to stop by a signal."""
    configure_logging("web")
    lifeline.watch()
    _Server(config).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"{self._config.host}:{self._config.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "graceful_timeout": _GRACE_S,
            # Loaded before the fork, what does not load ends the server with its own words.
            "preload_app": True,
            "control_socket_disable": True,
            "logger_class": _Logger,
            "post_fork": _after_fork,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        prepare_process(self._config, "web")
        return create_app(self._config)


class _Logger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's events in our own lines; requests are not logged, since their addresses may carry tokens."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)


def _after_fork(_server: object, _worker: object) -> None:
    session.dispose_after_fork()
    lifeline.watch()
