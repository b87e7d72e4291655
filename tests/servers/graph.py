"""Microsoft Graph's stand-in on a port of its own, beside an identity server; mail to mailboxes of Dovecot arrives."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

from werkzeug.serving import make_server

from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.identity import Quiet
from tests.servers.smtp import Received
from webmail.demo.graph import GraphServer
from webmail.demo.identity import IdentityServer


class RunningGraph(GraphServer):
    """Takes mail until `stop()`; what it took stands in `received`, and lies in the sender's Sent folder."""

    def __init__(self, identity: IdentityServer, certificates: Path, dovecot: Dovecot) -> None:
        super().__init__(identity, self._take)
        self.received: list[Received] = []
        self.files_sent = True
        self._dovecot = dovecot
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "localhost.pem")
        self._http = make_server("127.0.0.1", 0, self, threaded=True, ssl_context=context, request_handler=Quiet)
        self.url = f"https://localhost:{self._http.server_port}/v1.0"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _take(self, sender: str, recipients: list[str], mime: bytes) -> None:
        self.received.append(Received(sender, sender, recipients, mime))
        dovecot = self._dovecot
        if self.files_sent:
            owner = Mailbox(sender, dovecot.password, "localhost", dovecot.plain_port, dovecot.tls_port)
            with dovecot.open(owner) as client:
                client.append("Sent", mime, ["\\Seen"])

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
