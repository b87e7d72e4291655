"""One IDLE connection (RFC 2177) on asyncio: small enough to hold thousands of them in one process.

It signs in, opens a folder with EXAMINE and waits; whatever the server says of messages is news. It understands just
enough of IMAP for that: lines, and tagged answers. All waits have limits, all lines a length. The limits are set by
`asyncio.timeout()`: before Python 3.12 `wait_for()` swallows a cancellation that comes together with a line.
"""

from __future__ import annotations

import asyncio
import base64
import re
from asyncio import sslproto
from collections.abc import Callable
from dataclasses import dataclass

from imapclient import imap_utf7

from webmail.errors import Refused
from webmail.providers import diagnosis, network
from webmail.providers.answers import has_control
from webmail.providers.base import STARTTLS, TLS, XOAUTH2, Credentials, ServerSettings

_LINE_LIMIT_BYTES = 64 * 1024
_ANSWER_S = 30.0
_RESTART_S = 9 * 60.0
"""RFC 2177 allows 29 minutes; routers forget a silent line much sooner, and nobody would notice until the restart."""
_SHORTEST_IDLE_S = 1.0
_MOST_ANSWERS = 1000
# asyncio keeps a buffer of 256 KB for each TLS line, of which a line that waits needs nothing. A record has 16 KB.
sslproto.SSLProtocol.max_size = 16 * 1024
_NEWS = re.compile(rb"\* (?:\d+ (?:EXISTS|EXPUNGE|FETCH|RECENT)|VANISHED)", re.IGNORECASE)


@dataclass(frozen=True)
class IdleQuirk:
    """What is known of a provider's IDLE; `restart_s` is 0 where IDLE is offered and never tells anything."""

    host_suffix: str
    restart_s: float
    source: str


QUIRKS = (
    IdleQuirk(".yahoo.com", 180.0, "field notes 1: EmailEngine imap-client.js"),
    IdleQuirk(".aol.com", 180.0, "the same servers as Yahoo's"),
    IdleQuirk(".rambler.ru", 55.0, "field notes 1: EmailEngine imap-client.js"),
    IdleQuirk(".163.com", 0.0, "field notes 1: EmailEngine mailbox.js"),
    IdleQuirk(".126.com", 0.0, "the same servers as 163.com's"),
    IdleQuirk(".yeah.net", 0.0, "the same servers as 163.com's"),
    IdleQuirk(".naver.com", 0.0, "field notes 1: EmailEngine imap-client.js; it tells of changes only after SELECT"),
)


def restart_s_of(host: str) -> float:
    """Give after how many seconds IDLE is begun anew at a host; 0 where it is of no use."""
    name = f".{network.server_name(host).lower()}"
    return next((quirk.restart_s for quirk in QUIRKS if name.endswith(quirk.host_suffix)), _RESTART_S)


class IdleUnsupported(Refused):
    """The server knows no IDLE; it has to be asked now and then."""


class _CommandRefused(Refused):
    def __init__(self, answer: bytes) -> None:
        judged = diagnosis.command_refused("imap", answer)
        super().__init__(
            judged.user_message,
            side="imap",
            cause=judged.cause,
            next_step=judged.next_step,
            server_answer=judged.server_answer,
        )


def _unsupported(sentence: str) -> IdleUnsupported:
    return IdleUnsupported(sentence, side="imap", cause="idle_unsupported")


class IdleConnection:
    """A connection that waits for news of one folder."""

    def __init__(
        self,
        settings: ServerSettings,
        credentials: Credentials,
        folder: str,
        *,
        restart_s: float | None = None,
        answer_s: float = _ANSWER_S,
    ) -> None:
        """Prepare a connection; nothing happens before `run()`.

        Args:
            restart_s: after how long IDLE is begun anew; None for what suits the host.
            answer_s: how long to wait for an answer.
        """
        self._settings = settings
        self._credentials = credentials
        self._folder = folder
        self._restart_s = restart_s_of(settings.host) if restart_s is None else restart_s
        self._answer_s = answer_s
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._tags = 0

    async def run(self, on_news: Callable[[], None], on_ready: Callable[[], None] = lambda: None) -> None:
        """Connect and wait until the line ends.

        Args:
            on_news: called in the loop, at once, whenever something stirs in the folder; must not block.
            on_ready: called once, from when on nothing is missed; must not block.

        Raises:
            IdleUnsupported: the server knows no IDLE.
            ProviderError: the line could not be made, or ended.
        """
        if self._restart_s <= 0:
            raise _unsupported("IDLE tells of nothing at this provider.")
        if has_control(self._credentials.user_name + self._credentials.secret):
            raise diagnosis.odd_credentials("imap")
        settings = self._settings
        try:
            await self._open()
            try:
                await self._greet()
                await self._sign_in()
                await self._command(b"EXAMINE", bytes(imap_utf7.encode(self._folder)))
                on_ready()
                while True:
                    await self._idle(on_news)
            finally:
                # A close that waits for the other side's own would outlive the loop.
                self._writer.transport.abort()
        except (OSError, EOFError, ValueError) as error:
            raise diagnosis.connection_failed("imap", settings.host, settings.port, error, settings.security) from error

    async def _open(self) -> None:
        self._reader, self._writer = await network.open_connection(
            self._settings.host, self._settings.port, self._answer_s, side="imap", limit_bytes=_LINE_LIMIT_BYTES
        )

    async def _greet(self) -> None:
        if self._settings.security == TLS:
            await self._start_tls()
        self._check(b"", await self._line())
        if self._settings.security == STARTTLS:
            if b"STARTTLS" not in await self._capabilities():
                raise diagnosis.starttls_missing("imap", self._settings.port)
            await self._command(b"STARTTLS")
            await self._refuse_early_words()
            await self._start_tls()

    async def _refuse_early_words(self) -> None:
        """End where something followed the answer to STARTTLS: unprotected, it would be read as if it were not."""
        try:
            async with asyncio.timeout(0.001):
                early = await self._reader.read(1)
        except TimeoutError:
            return
        raise ConnectionError("plain text before TLS" if early else "the server closed the connection")

    async def _start_tls(self) -> None:
        name = network.server_name(self._settings.host)
        async with asyncio.timeout(self._answer_s):
            await self._writer.start_tls(network.tls_context(), server_hostname=name)

    async def _capabilities(self) -> frozenset[bytes]:
        return frozenset(b" ".join(await self._command(b"CAPABILITY")).upper().split())

    async def _sign_in(self) -> None:
        user, secret = self._credentials.user_name, self._credentials.secret
        offered = await self._capabilities()
        has_login, has_plain = b"LOGINDISABLED" not in offered, b"AUTH=PLAIN" in offered
        if not has_login and (not has_plain or self._settings.security not in (TLS, STARTTLS)):
            raise diagnosis.tls_needed("imap", "LOGINDISABLED")
        try:
            if self._credentials.mechanism == XOAUTH2:
                await self._authenticate_by_token(user, secret)
            elif has_login and ((user + secret).isascii() or not has_plain):
                await self._command(b"LOGIN", user.encode(), secret.encode())
            else:
                await self._authenticate_plain(user, secret)
        except _CommandRefused as error:
            raise diagnosis.sign_in_refused("imap", error.server_answer, self._settings.host) from None
        if b"IDLE" not in await self._capabilities():
            raise _unsupported("The server knows no IDLE.")

    async def _authenticate_plain(self, user: str, secret: str) -> None:
        tag = self._send(b"AUTHENTICATE PLAIN")
        await self._await_go_ahead(tag)
        self._writer.write(base64.b64encode(f"\0{user}\0{secret}".encode()) + b"\r\n")
        await self._await_end(tag)

    async def _authenticate_by_token(self, user: str, token: str) -> None:
        tag = self._send(b"AUTHENTICATE XOAUTH2")
        await self._await_go_ahead(tag)
        self._writer.write(base64.b64encode(f"user={user}\x01auth=Bearer {token}\x01\x01".encode()) + b"\r\n")
        line = await self._line()
        if line.startswith(b"+"):
            # A refusal comes as a challenge that explains it; only an empty answer brings the NO.
            self._writer.write(b"\r\n")
            await self._await_end(tag)
        elif not line.startswith(tag):
            await self._await_end(tag)
        self._check(tag, line)

    async def _idle(self, on_news: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        tag = self._send(b"IDLE")
        began_at = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(began_at + self._restart_s):
                    line = await self._endless_line()
            except TimeoutError:
                break
            if _NEWS.match(line):
                on_news()
            elif line.startswith(tag):
                # Some servers end IDLE by themselves; one that ends it at once does not mean it.
                if b" OK" not in line[:8].upper() or loop.time() - began_at < _SHORTEST_IDLE_S:
                    raise _unsupported("The server refuses IDLE.")
                return
            else:
                self._check(tag, line)
        self._writer.write(b"DONE\r\n")
        for line in await self._await_end(tag):
            if _NEWS.match(line):
                on_news()

    async def _command(self, name: bytes, *arguments: bytes) -> list[bytes]:
        """Send a command, its arguments as literals, and give the untagged answers."""
        tag = self._new_tag()
        self._writer.write(tag + name)
        for argument in arguments:
            # A literal takes any byte as it is; nothing in an argument can become a command.
            self._writer.write(b" {%d}\r\n" % len(argument))
            await self._await_go_ahead(tag)
            self._writer.write(argument)
        self._writer.write(b"\r\n")
        return await self._await_end(tag)

    async def _await_go_ahead(self, tag: bytes) -> None:
        while not (line := await self._line()).startswith(b"+"):
            self._check(tag, line)

    async def _await_end(self, tag: bytes) -> list[bytes]:
        answers: list[bytes] = []
        while not (line := await self._line()).startswith(tag):
            self._check(tag, line)
            if len(answers) < _MOST_ANSWERS:
                answers.append(line)
        self._check(tag, line)
        return answers

    def _check(self, tag: bytes, line: bytes) -> None:
        if line.upper().startswith(b"* BYE"):
            raise diagnosis.line_ended("imap", self._settings.host, self._settings.port, line)
        if tag and line.startswith(tag) and not line[len(tag) :].upper().startswith(b"OK"):
            raise _CommandRefused(line[len(tag) :])

    def _send(self, command: bytes) -> bytes:
        tag = self._new_tag()
        self._writer.write(tag + command + b"\r\n")
        return tag

    def _new_tag(self) -> bytes:
        self._tags += 1
        return b"w%d " % self._tags

    async def _line(self) -> bytes:
        async with asyncio.timeout(self._answer_s):
            return await self._endless_line()

    async def _endless_line(self) -> bytes:
        line = await self._reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the server closed the connection")
        return line.rstrip(b"\r\n")
