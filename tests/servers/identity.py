"""The stand-in for an identity server over TLS on loopback, and a browser that says yes or no to it."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import requests
from werkzeug.serving import WSGIRequestHandler

from webmail.demo.identity import IdentityServer, Person
from webmail.demo.sign_in import BothWays
from webmail.providers.oauth import OAuthClient

CLIENT_ID, CLIENT_SECRET = "webmail-test", "webmail-test-secret"


class Quiet(WSGIRequestHandler):
    def log(self, *_args: object) -> None:
        """Keep tokens and test output apart."""


class RunningIdentity(IdentityServer):
    """An identity server that runs in a thread of this process until `stop()`."""

    def __init__(
        self, style: str, certificates: Path, people: list[Person], *, now: Callable[[], float] = time.time
    ) -> None:
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "localhost.pem")
        self._http = BothWays("127.0.0.1", 0, self, Quiet)
        self._http.context = context
        where = f"localhost:{self._http.server_port}"
        clients = {CLIENT_ID: CLIENT_SECRET}
        # A browser would not trust the test run's authority, so the pages that people see come over plain HTTP.
        super().__init__(style, f"https://{where}", clients, people, now=now, pages_url=f"http://{where}")
        self._ca_file = certificates / "ca.pem"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def client(self) -> OAuthClient:
        """Give the registration that the product would be set up with."""
        path = "/common" if self.style == "microsoft" else ""
        return OAuthClient(CLIENT_ID, CLIENT_SECRET, self.base_url + path, str(self._ca_file))

    def browse(self, url: str, email: str, *, choice: str = "allow", mail: str = "1") -> dict[str, str]:
        """Do what a person does on the sign-in page; gives the query that comes back to the callback."""
        with requests.Session() as browser:
            browser.verify, browser.trust_env = str(self._ca_file), False
            browser.get(url, timeout=10).raise_for_status()
            form = dict(parse_qsl(urlsplit(url).query)) | {"email": email, "choice": choice, "mail": mail}
            answer = browser.post(url.partition("?")[0], data=form, allow_redirects=False, timeout=10)
            return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
