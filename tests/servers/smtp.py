"""A real SMTP server for tests: sign-in, STARTTLS or TLS, and the bad habits of the world on request."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.ports import free_port

NEVER_S = 3600.0


@dataclass(frozen=True)
class Received:
    """A mail that was taken."""

    user: str
    sender: str
    recipients: list[str]
    mime: bytes


@dataclass
class Habits:
    """What the server does on request; set them at any time.

    Args:
        refusals: {recipient: answer to RCPT}, such as "550 5.1.1 No such user".
        data_answer: what it answers to a mail instead of taking it, such as "451 4.3.0 Later"; "" for taking it.
        cuts: "before_data" or "after_data" (the mail is taken, the answer never comes); "" for neither.
        wait_s: seconds before it answers to a mail.
        files_sent: it files a copy into the sender's own Sent folder, as Gmail does.
        sign_in_answer: what it answers to every sign-in; "" for judging it.
        stumbles: {recipient: (stage, answer)}, each of them once: at "rcpt", "data" or "body" it answers so, or cuts
            the line where the answer is ""; at "answer" the mail is taken and the line cut.
    """

    refusals: dict[str, str] = field(default_factory=dict)
    data_answer: str = ""
    cuts: str = ""
    wait_s: float = 0.0
    files_sent: bool = False
    sign_in_answer: str = ""
    stumbles: dict[str, tuple[str, str]] = field(default_factory=dict)

    def stumble(self, recipients: list[str], stage: str) -> str | None:
        """Give what is answered this once at a stage, "" for cutting the line; None for nothing out of the way."""
        found = next((each for each in recipients if self.stumbles.get(each, ("", ""))[0] == stage), None)
        return None if found is None else self.stumbles.pop(found)[1]


class SmtpServer:
    """One server; mails to mailboxes of its Dovecot are delivered there, all are kept in `received`.

    Args:
        authority_folder: where localhost.pem lies (certificate and key).
        dovecot: whoever has a mailbox there may sign in; mail for test.example is delivered there.
        users: others who may sign in, {name: password}.
        security: "plain", "starttls" or "tls".
        token_owner: gives whose an access token is; without it only passwords are taken.
    """

    def __init__(
        self,
        authority_folder: Path,
        *,
        dovecot: Dovecot | None = None,
        users: dict[str, str] | None = None,
        security: str = "starttls",
        size_limit: int | None = None,
        token_owner: Callable[[str], str | None] | None = None,
    ) -> None:
        self.host, self.port, self.security = "localhost", free_port(), security
        self.received: list[Received] = []
        self.habits = Habits()
        self._dovecot, self._users, self._size_limit = dovecot, users or {}, size_limit
        self.token_owner = token_owner
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(authority_folder / "localhost.pem")
        make = self._make

        class Running(Controller):
            def factory(self) -> SMTP:
                return make()

        self._controller = Running(
            self, hostname="127.0.0.1", port=self.port, ssl_context=self._tls if security == "tls" else None
        )
        self._controller.start()

    def _make(self) -> SMTP:
        session = _Session(
            self,
            hostname="localhost",
            authenticator=self._authenticate,
            auth_exclude_mechanism=["CRAM-MD5", *([] if self.token_owner else ["XOAUTH2"])],
            auth_required=True,
            tls_context=self._tls if self.security == "starttls" else None,
            require_starttls=False,
            data_size_limit=self._size_limit,
            enable_SMTPUTF8=True,
            decode_data=False,
        )
        # aiosmtpd warns of a constructor that asks for sign-in and not for STARTTLS, and knows of no TLS but that.
        session._auth_require_tls = self.security == "starttls"
        session.command_size_limits["AUTH"] = 8192  # tokens are long
        return session

    def _authenticate(
        self, _server: object, _session: object, _envelope: object, _how: str, data: object
    ) -> AuthResult:
        if self.habits.sign_in_answer:
            return AuthResult(success=False, handled=False, message=self.habits.sign_in_answer)
        assert isinstance(data, LoginPassword)
        name, password = data.login.decode(), data.password.decode()
        known = self._users.get(name, self._dovecot.password if self._dovecot and "@" in name else None)
        return AuthResult(success=known is not None and password == known, handled=False, auth_data=name)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, _session: object, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        stumbled = self.habits.stumble([address], "rcpt")
        if stumbled is not None:
            return stumbled or await hang_up(server)
        if address in self.habits.refusals:
            return self.habits.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.habits.wait_s)
        stumbled = self.habits.stumble(envelope.rcpt_tos, "body")
        if stumbled is not None:
            return stumbled or await hang_up(server)
        if self.habits.data_answer:
            return self.habits.data_answer
        assert isinstance(envelope.content, bytes)
        mail = Received(str(session.auth_data), str(envelope.mail_from), list(envelope.rcpt_tos), envelope.content)
        self.received.append(mail)
        await asyncio.to_thread(self._pass_on, mail)
        if self.habits.cuts == "after_data" or self.habits.stumble(envelope.rcpt_tos, "answer") is not None:
            await hang_up(server)
        return "250 2.0.0 queued as 42"

    def _pass_on(self, mail: Received) -> None:
        if self._dovecot is None:
            return
        for recipient in mail.recipients:
            if recipient.endswith("@test.example"):
                self._dovecot.deliver(recipient, mail.mime, sender=mail.sender)
        if self.habits.files_sent:
            owner = Mailbox(
                mail.user, self._dovecot.password, "localhost", self._dovecot.plain_port, self._dovecot.tls_port
            )
            with self._dovecot.open(owner) as client:
                client.append("Sent", mail.mime, ["\\Seen"])

    def stop(self) -> None:
        """End the server."""
        with contextlib.suppress(RuntimeError):
            self._controller.stop()


class _Session(SMTP):
    async def auth_XOAUTH2(self, _server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802  # aiosmtpd's name
        habits, owner = self.event_handler.habits, self.event_handler.token_owner
        if habits.sign_in_answer:
            return AuthResult(success=False, handled=False, message=habits.sign_in_answer)
        words = base64.b64decode(args[1]).decode()
        name, _, token = words.removeprefix("user=").partition("\x01auth=Bearer ")
        if owner(token.rstrip("\x01")) == name:
            return AuthResult(success=True, auth_data=name)
        # A refusal is explained by a challenge; the client's empty answer brings the 535.
        explained = await self.challenge_auth('{"status":"400","schemes":"Bearer"}', encode_to_b64=True)
        return AuthResult(
            success=False, handled=False, message="535 5.7.8 Error: token refused" if explained is not None else ""
        )

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's name
        habits = self.event_handler.habits
        stumbled = habits.stumble(self.envelope.rcpt_tos if self.envelope else [], "data")
        if habits.cuts == "before_data" or stumbled == "":
            await hang_up(self)
        if stumbled:
            await self.push(stumbled)
            return
        await super().smtp_DATA(arg)


async def hang_up(server: SMTP) -> str:
    """Cut the line without a word; aiosmtpd then cancels the dialogue, so this never returns."""
    if server.transport is not None:
        server.transport.abort()
    await asyncio.sleep(NEVER_S)
    return ""


SmtpMaker = Callable[..., SmtpServer]
