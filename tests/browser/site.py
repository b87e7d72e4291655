"""The web pages alone, served by this test process: for what mail looks like once it is stored, without servers."""

from __future__ import annotations

from threading import Thread

from flask import Flask
from werkzeug.serving import make_server

from webmail import assets
from webmail.app import create_app
from webmail.config import Config


class Site:
    """The web application on a port of its own, in a thread, on the database of the test."""

    def __init__(self, config: Config) -> None:
        assets.configure("local")
        self.app: Flask = create_app(config)
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; what is under way ends with the browser that asked for it."""
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
