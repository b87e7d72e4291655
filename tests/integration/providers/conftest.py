"""Real servers for the providers' tests, and small sockets for what no real server does on request."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.servers import dovecot as dovecot_module
from tests.servers.certificates import TestAuthority
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.ports import free_port
from webmail.providers import network

ODD_PASSWORDS = ('quo"te \\ sp ace', "pässwörd", "{7}%s(*")
PASSWORD = 'pässword "x" \\ 1'


@pytest.fixture(scope="session")
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture(scope="session")
def certificates(authority: TestAuthority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and host.pem / host.key for localhost and for another name."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    for name in ("localhost", "elsewhere.example"):
        certificate, key = authority.issue(name)
        (folder / f"{name}.pem").write_bytes(certificate + key)
    return folder


@pytest.fixture(autouse=True)
def private_hosts(certificates: Path) -> Iterator[None]:
    network.configure(allow_private_hosts=True, ca_file=str(certificates / "ca.pem"))
    yield
    network.configure(allow_private_hosts=False, ca_file=None)


def _run(command: list[str], **options: Any) -> subprocess.CompletedProcess[Any]:
    if command[:2] == ["dovecot", "-c"]:
        # The daemon inherits the pipes of capture_output and holds them open, so waiting for their end never ends.
        options.pop("capture_output", None)
        options |= {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.run(command, **options)


class PooledDovecot(Dovecot):
    """A Dovecot whose mailboxes are made before anybody signs in: it reads its users at most once a second."""

    def __init__(self, authority: TestAuthority, *, capability: str = "") -> None:
        super().__init__(authority, capability=capability)
        self._pool = [super(PooledDovecot, self).account() for _ in range(80)]
        self.odd = [
            Mailbox(each.email, ODD_PASSWORDS[n], each.host, each.plain_port, each.tls_port)
            for n, each in enumerate(self._pool[: len(ODD_PASSWORDS)])
        ]
        del self._pool[: len(ODD_PASSWORDS)]
        users = [f"{each.email}:{{PLAIN}}{each.password}::::::" for each in [*self._pool, *self.odd]]
        (self.folder / "users").write_text("\n".join(users) + "\n")

    def account(self, name: str = "recruiter") -> Mailbox:
        return self._pool.pop()

    def deliver(self, email: str, raw: bytes, *, sender: str = "somebody@elsewhere.example") -> None:
        # Without a name smtplib asks the DNS for this machine's, which takes seconds where there is none.
        with smtplib.LMTP("127.0.0.1", self.lmtp_port, local_hostname="localhost") as lmtp:
            lmtp.sendmail(sender, [email], raw)


def start_dovecot(authority: TestAuthority, capability: str = "") -> PooledDovecot:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dovecot_module, "subprocess", SimpleNamespace(run=_run))
        # Dovecot's login processes refuse to run as root; the package has made these two users for them.
        config = dovecot_module._CONFIG_23.replace("login_user = root", "login_user = dovenull")
        patch.setattr(dovecot_module, "_CONFIG_23", config.replace("internal_user = root", "internal_user = dovecot"))
        return PooledDovecot(authority, capability=capability)


@pytest.fixture(scope="session")
def mail_server(authority: TestAuthority) -> Iterator[Dovecot]:
    server = start_dovecot(authority)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def simple_mail_server(authority: TestAuthority) -> Iterator[Dovecot]:
    """A server that claims neither MOVE nor UIDPLUS nor CONDSTORE nor IDLE."""
    server = start_dovecot(authority, "IMAP4rev1 LITERAL+ NAMESPACE")
    yield server
    server.stop()


def server_tls(certificates: Path, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / f"{name}.pem")
    return context


class ScriptedServer:
    """Plays one dialogue per connection: the script gets the connected socket; what clients said is kept."""

    def __init__(self, script: Callable[[Line], None]) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
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
            return SMTP(
                self,
                authenticator=self._authenticate,
                auth_exclude_mechanism=excluded,
                auth_require_tls=security == "starttls",
                auth_required=True,
                tls_context=tls if security == "starttls" else None,
                require_starttls=False,
                data_size_limit=size_limit,
                enable_SMTPUTF8=True,
                decode_data=False,
            )

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
