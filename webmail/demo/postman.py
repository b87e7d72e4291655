"""The demo's SMTP side: it takes the recruiter's mail, and what it brings back comes from `webmail.demo.answers`."""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random

import structlog
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from webmail.demo.answers import answers_to, bounce_of
from webmail.demo.sign_in import STRICT_EMAIL
from webmail.domain.addresses import domain_of, normalise_email
from webmail.domain.headers import parse_headers
from webmail.providers.presets import DEMO_EMAIL, DEMO_PASSWORD

_log = structlog.get_logger()

_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 2.0, 3.2
_REMEMBERED_MAILS = 1000
_LONGEST_TOKEN = 8192
_SMTP_OFF = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."
_SIZE_LIMIT_BYTES = 35 * 1024 * 1024


class Postman:
    """Takes mail over SMTP and brings answers into the mailbox, some seconds later."""

    def __init__(
        self,
        emails: frozenset[str],
        deliver: Callable[[str, bytes], Awaitable[None]],
        token_owner: Callable[[str], str | None],
    ) -> None:
        """Start without any mail.

        Args:
            emails: the addresses that have a mailbox here.
            deliver: puts a mail into the inbox of one of them.
            token_owner: gives whose an access token is, None for one that is no good.
        """
        self._emails = emails
        self._deliver = deliver
        self.token_owner = token_owner
        self._on_the_way: set[asyncio.Task[None]] = set()
        self._answered: OrderedDict[str, None] = OrderedDict()
        self._dice = Random()

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Take mail over SMTP, unencrypted, after AUTH.

        Raises:
            OSError: the port cannot be had.
        """
        return await asyncio.get_running_loop().create_server(self._protocol, host, port)

    def _protocol(self) -> SMTP:
        server = _Server(
            self,
            hostname="demo.example",
            ident="Demo mail server",
            data_size_limit=_SIZE_LIMIT_BYTES,
            auth_require_tls=False,
            authenticator=_authenticate,
            loop=asyncio.get_running_loop(),
        )
        server.command_size_limits["AUTH"] = _LONGEST_TOKEN
        return server

    async def handle_MAIL(  # noqa: N802  # aiosmtpd looks for this name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to MAIL FROM."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802  # as above
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to RCPT TO: everybody under .example is here, apart from `refused`."""
        domain = domain_of(address)
        if domain != "example" and not domain.endswith(".example"):
            return "550 5.7.1 This demo delivers to addresses under .example only"
        if _local_part(address) == "refused":
            return f"550 5.1.1 <{address}>: nobody of that name here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        """Take the mail, and begin to answer it."""
        raw = envelope.content
        assert isinstance(raw, bytes)
        await self.take(_name_of(session), str(envelope.mail_from or ""), [str(e) for e in envelope.rcpt_tos], raw)
        return "250 2.0.0 Taken for delivery"

    async def take(self, owner: str, sender: str, recipients: list[str], raw: bytes) -> None:
        """Take a mail over, deliver it to whoever has a mailbox here, and begin to answer it.

        Args:
            owner: whose mailbox it comes from; there the answers go.
        """
        for email in {normalise_email(each) for each in recipients} & self._emails:
            await self._deliver(email, raw)
        for mail in self._returns(raw, sender, recipients):
            task = asyncio.create_task(self._bring(owner, mail))
            self._on_the_way.add(task)
            task.add_done_callback(self._on_the_way.discard)

    def _returns(self, raw: bytes, sender: str, recipients: list[str]) -> list[bytes]:
        message_id = parse_headers(raw).message_id
        if message_id in self._answered:
            return []
        self._answered[message_id] = None
        while len(self._answered) > _REMEMBERED_MAILS:
            self._answered.popitem(last=False)
        now = datetime.now(UTC)
        lost = [each for each in recipients if _local_part(each) == "bounce"]
        others = [each for each in recipients if each not in lost and normalise_email(each) not in self._emails]
        return [*(bounce_of(raw, sender, each, now) for each in lost), *answers_to(raw, others, now)]

    async def _bring(self, owner: str, mail: bytes) -> None:
        await asyncio.sleep(self._dice.uniform(_SHORTEST_WAIT_S, _LONGEST_WAIT_S))
        await self._deliver(owner, mail)
        _log.info("demo_answer_delivered", size_bytes=len(mail))


class _Server(SMTP):
    async def auth_XOAUTH2(self, _server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802  # aiosmtpd's name
        """Sign in by token (Google, "XOAUTH2 mechanism"); one that is no good gets the words of Microsoft 365."""
        words = base64.b64decode(args[1] if len(args) > 1 else "").decode("utf-8", "replace")
        name, _, token = words.removeprefix("user=").partition("\x01auth=Bearer ")
        if self.event_handler.token_owner(token.rstrip("\x01")) != normalise_email(name):
            return AuthResult(success=False, handled=False, message="535 5.7.8 The token is not taken")
        if normalise_email(name) == STRICT_EMAIL:
            return AuthResult(success=False, handled=False, message=_SMTP_OFF)
        return AuthResult(success=True, handled=False, auth_data=LoginPassword(name.encode(), b""))


def _name_of(session: Session) -> str:
    assert isinstance(session.auth_data, LoginPassword)
    return normalise_email(session.auth_data.login.decode("utf-8", "replace"))


def _local_part(address: str) -> str:
    return normalise_email(address).rpartition("@")[0]


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, secret: object) -> AuthResult:
    is_right = (
        isinstance(secret, LoginPassword)
        and normalise_email(secret.login.decode("utf-8", "replace")) == DEMO_EMAIL
        and secret.password == DEMO_PASSWORD.encode()
    )
    return AuthResult(success=is_right, handled=False, auth_data=secret)
