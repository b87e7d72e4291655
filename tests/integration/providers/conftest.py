"""What the providers' tests need beside real servers: small sockets for what no real server does on request."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.servers.ports import free_port
from webmail.providers import network

PASSWORD = 'pässword "x" \\ 1'


@pytest.fixture(autouse=True)
def private_hosts(certificates: Path) -> Iterator[None]:
    network.configure(allow_private_hosts=True, ca_file=str(certificates / "ca.pem"))
    yield
    network.configure(allow_private_hosts=False, ca_file=None)


def server_tls(certificates: Path, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / f"{name}.pem")
    return context


class ScriptedServer:
    """Plays one dialogue per connection: the script gets the connected socket; what clients said is kept."""

    def __init__(self, script: Callable[[Line], None], address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self._script = script
        self._listener = socket.create_server(address)
        self.port = int(self._listener.getsockname()[1])
        self.lines: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    self._script(Line(connection, self.lines))
                except (OSError, EOFError):
                    continue

    def stop(self) -> None:
        # Closing alone would leave a thread inside accept() with the port still open.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@dataclass
class Line:
    """One connection, by lines."""

    connection: socket.socket
    lines: list[bytes] = field(default_factory=list)
    rest: bytes = b""

    def say(self, *lines: bytes) -> None:
        self.connection.sendall(b"".join(line + b"\r\n" for line in lines))

    def hear(self) -> bytes:
        while b"\n" not in self.rest:
            data = self.connection.recv(65536)
            if not data:
                raise EOFError
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        self.lines.append(line.rstrip(b"\r"))
        return self.lines[-1]


@pytest.fixture
def scripted() -> Iterator[Callable[[Callable[[Line], None]], ScriptedServer]]:
    servers: list[ScriptedServer] = []

    def start(script: Callable[[Line], None]) -> ScriptedServer:
        servers.append(ScriptedServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@dataclass
class Received:
    sender: str
    recipients: list[str]
    mime: bytes
    options: list[str]


class SmtpDouble:
    """aiosmtpd with sign-in; refuses recipients whose local part is `refused` or `later`."""

    def __init__(
        self, certificates: Path, security: str, *, size_limit: int | None = None, mechanisms: str = ""
    ) -> None:
        self.received: list[Received] = []
        self.port = free_port()
        tls = server_tls(certificates)
        excluded = ["CRAM-MD5", *(["PLAIN"] if mechanisms == "LOGIN" else [])]

        def make() -> SMTP:
            session = SMTP(
                self,
                authenticator=self._authenticate,
                auth_exclude_mechanism=excluded,
                auth_required=True,
                tls_context=tls if security == "starttls" else None,
                require_starttls=False,
                data_size_limit=size_limit,
                enable_SMTPUTF8=True,
                decode_data=False,
            )
            # aiosmtpd warns of a constructor that asks for sign-in and not for STARTTLS.
            session._auth_require_tls = security == "starttls"
            return session

        class Running(Controller):
            def factory(self) -> SMTP:
                return make()

        self._controller = Running(
            self, hostname="127.0.0.1", port=self.port, ssl_context=tls if security == "tls" else None
        )
        self._controller.start()

    def _authenticate(
        self, server: object, session: object, envelope: object, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        good = data.login == b"user" and data.password == PASSWORD.encode()
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):  # noqa: N802  # aiosmtpd's name
        if address.startswith("refused@"):
            return "550 5.1.1 No such user here"
        if address.startswith("later@"):
            return "451 4.7.1 Greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  # aiosmtpd's name
        self.received.append(
            Received(envelope.mail_from, list(envelope.rcpt_tos), envelope.content, list(envelope.mail_options))
        )
        return "250 2.0.0 queued as 42"

    def stop(self) -> None:
        self._controller.stop()
