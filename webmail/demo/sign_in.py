"""The stand-ins for Google and Microsoft as `make run` offers them: one port, HTTPS for the product, HTTP for browsers.

A browser would warn of the demo's own certificate authority, so the pages that a person sees come over plain HTTP, on
the same port: the first byte of a connection tells which of the two it speaks.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from webmail.config import Config
from webmail.demo.certificates import ensure_certificates
from webmail.demo.graph import GraphServer
from webmail.demo.identity import IdentityServer, Person
from webmail.demo.identity_state import load_state, save_state

HOST = "127.0.0.1"
_HELLO = b"\x16"
"""The first byte of a TLS handshake."""
_PATIENCE_S = 30.0

GOOGLE_EMAIL = "recruiter.google@demo.example"
MICROSOFT_EMAIL = "recruiter.microsoft@demo.example"
STRICT_EMAIL = "recruiter.strict@demo.example"
"""Its organisation has switched SMTP off."""
PEOPLE = {
    "google": (
        Person(GOOGLE_EMAIL, "Robin Hale", "demo-google-1"),
        Person(
            "ada@closed.example",
            "Ada Quinn",
            "demo-google-2",
            "admin_policy_enforced",
            "Not allowed by her administrator",
        ),
    ),
    "microsoft": (
        Person(MICROSOFT_EMAIL, "Robin Hale", "demo-microsoft-1"),
        Person(
            STRICT_EMAIL, "Robin Hale, strict office", "demo-microsoft-2", note="Sends only through Microsoft Graph"
        ),
        Person(
            "ada@closed.example", "Ada Quinn", "demo-microsoft-3", "admin_consent", "Her administrator has to approve"
        ),
    ),
}


class SignInServers:
    """Both stand-ins and Microsoft Graph, in threads of this process.

    Args:
        deliver: takes over what is sent through Graph: (sender, recipients, mail).

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(self, config: Config, deliver: Callable[[str, list[str], bytes], None]) -> None:
        folder = config.data / "demo"
        _, certificate = ensure_certificates(folder)
        self._lock = threading.Lock()
        self._servers = [self._identity(style, config, folder) for style in PEOPLE]
        google, microsoft = self._servers
        graph = GraphServer(microsoft, deliver)
        application = DispatcherMiddleware(microsoft, {"/google": google, "/v1.0/me/sendMail": graph})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._http = BothWays(HOST, config.demo_identity_port, application, _Quiet)
        self._http.context = context
        self._thread = threading.Thread(target=self._http.serve_forever, name="sign-in", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._http.shutdown()
        self._http.server_close()

    def email_of(self, token: str) -> str | None:
        """Give whose access token this is; None for one that is over or unknown."""
        return next((email for each in self._servers if (email := each.email_of(token))), None)

    def _identity(self, style: str, config: Config, folder: Path) -> IdentityServer:
        registration = config.google if style == "google" else config.microsoft
        path = "/google" if style == "google" else ""
        clients = (
            {registration.client_id: registration.client_secret} if registration and registration.is_stand_in else {}
        )
        server = IdentityServer(
            style,
            f"https://{HOST}:{config.demo_identity_port}{path}",
            clients,
            PEOPLE[style],
            pages_url=f"http://localhost:{config.demo_identity_port}{path}",
            redirect_uris=[f"{config.base_url}/oauth/{style}/callback"],
        )
        state = folder / f"{style}.json"
        load_state(server, state)
        server.on_change = lambda: self._save(server, state)
        return server

    def _save(self, server: IdentityServer, state: Path) -> None:
        with self._lock:
            save_state(server, state)


class BothWays(ThreadedWSGIServer):
    """Serves HTTPS and HTTP on one port; `context` has the certificate."""

    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in its own thread, encrypted where it begins like that."""
        request.settimeout(_PATIENCE_S)
        try:
            if request.recv(1, socket.MSG_PEEK) != _HELLO:
                super().finish_request(request, client_address)
                return
            with self.context.wrap_socket(request, server_side=True) as encrypted:
                super().finish_request(encrypted, client_address)
        except OSError:
            return


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's name
        """Say nothing: paths hold codes."""
