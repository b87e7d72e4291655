"""Where mail servers ask whose an access token is: one address for all identity servers of a test run."""

from __future__ import annotations

import threading

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.servers.identity import Quiet
from webmail.demo.identity import IdentityServer


class TokenHub:
    """Token introspection (RFC 7662) over plain HTTP on loopback, for Dovecot and for the SMTP server."""

    def __init__(self) -> None:
        self.servers: list[IdentityServer] = []
        self._http = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self._http.server_port}/introspect"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def email_of(self, token: str) -> str | None:
        """Give whose token this is; None when no identity server vouches for it."""
        return next((email for server in self.servers if (email := server.email_of(token))), None)

    def _answer(self, environ, start_response):  # WSGI
        email = self.email_of(Request(environ).form.get("token", ""))
        body = f'{{"active": true, "email": "{email}"}}' if email else '{"active": false}'
        return Response(body, mimetype="application/json")(environ, start_response)

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
