"""One IDLE connection (RFC 2177) on asyncio: small enough to hold thousands of them in one process.

It signs in, opens a folder with EXAMINE and waits; whatever the server says of messages is news. It understands just
enough of IMAP for that: lines, literals it skips, and tagged answers. All waits have limits, all lines a length.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from imapclient import imap_utf7

from webmail.errors import ProviderError, Refused
from webmail.providers import diagnosis, network
from webmail.providers.base import STARTTLS, TLS, Credentials, ServerSettings

_LINE_LIMIT = 64 * 1024
_ANSWER_S = 30.0
_RESTART_S = 28 * 60.0
# (host suffix, seconds after which IDLE is begun anew); sources in field notes, section 1.
_RESTART_QUIRKS = ((".yahoo.com", 180.0), (".aol.com", 180.0), (".rambler.ru", 55.0), (".yandex.com", 600.0))
# Servers that offer IDLE and never say anything.
_DEAF = (".163.com", ".126.com", ".yeah.net")
_NEWS = re.compile(rb"\* (?:\d+ (?:EXISTS|EXPUNGE|FETCH|RECENT)|VANISHED)", re.IGNORECASE)


class IdleUnsupported(Refused):
    """The server knows no IDLE; it has to be asked now and then."""


class IdleConnection:
    """A connection that waits for news of one folder."""

    def __init__(self, settings: ServerSettings, credentials: Credentials, folder: str) -> None:
        self._settings = settings
        self._credentials = credentials
        self._folder = folder
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._tags = 0

    async def run(self, on_news: Callable[[], None]) -> None:
        """Connect and wait until the line ends.

        Args:
            on_news: called in the loop, at once, whenever something stirs in the folder; must not block.

        Raises:
            IdleUnsupported: the server knows no IDLE.
            ProviderError: the line could not be made, or ended.
        """
        try:
            await self._connect()
            try:
                await self._sign_in()
                await self._examine()
                while True:
                    await self._idle(on_news)
            finally:
                self._writer.close()
        except ProviderError:
            raise
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            raise diagnosis.connection_failed("imap", self._settings.host, self._settings.port, error) from error

    async def _connect(self) -> None:
        settings = self._settings
        self._reader, self._writer = await network.open_connection(
            settings.host, settings.port, _ANSWER_S, side="imap", limit_bytes=_LINE_LIMIT
        )
        if settings.security == TLS:
            await self._start_tls()
        await self._line()
        if settings.security == STARTTLS:
            await self._command(b"STARTTLS")
            await self._start_tls()

    async def _start_tls(self) -> None:
        await asyncio.wait_for(
            self._writer.start_tls(network.tls_context(), server_hostname=self._settings.host), _ANSWER_S
        )

    async def _sign_in(self) -> None:
        user, secret = self._credentials.user_name, self._credentials.secret
        try:
            await self._command(b"LOGIN", _string(user), _string(secret))
        except Refused as error:
            raise diagnosis.sign_in_refused("imap", error.server_answer) from None
        answers = await self._command(b"CAPABILITY")
        capabilities = b" ".join(answers).upper().split()
        if b"IDLE" not in capabilities or self._settings.host.endswith(_DEAF):
            raise IdleUnsupported("The server knows no IDLE.", side="imap", cause="idle_unsupported")

    async def _examine(self) -> None:
        await self._command(b"EXAMINE", _string(_utf7(self._folder)))

    async def _idle(self, on_news: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        tag = self._send(b"IDLE")
        ends_at = loop.time() + self._restart_s()
        while True:
            try:
                line = await asyncio.wait_for(self._line_unlimited(), ends_at - loop.time())
            except TimeoutError:
                break
            if _NEWS.match(line):
                on_news()
            elif line.upper().startswith(b"* BYE"):
                raise diagnosis.unavailable("imap", line)
            elif line.startswith(tag):
                raise IdleUnsupported("The server refuses IDLE.", side="imap", cause="idle_unsupported")
        self._writer.write(b"DONE\r\n")
        while not (line := await self._line()).startswith(tag):
            if _NEWS.match(line):
                on_news()

    def _restart_s(self) -> float:
        return next((seconds for suffix, seconds in _RESTART_QUIRKS if self._settings.host.endswith(suffix)), _RESTART_S)

    async def _command(self, name: bytes, *arguments: bytes) -> list[bytes]:
        """Send a command, its arguments as literals, and give the untagged answers."""
        tag = self._new_tag()
        self._writer.write(tag + name)
        for argument in arguments:
            # A literal takes any byte as it is; nothing in an argument can become a command.
            self._writer.write(b" {%d}\r\n" % len(argument))
            while not (line := await self._line()).startswith(b"+"):
                self._check(tag, line)
            self._writer.write(argument)
        self._writer.write(b"\r\n")
        answers: list[bytes] = []
        while not (line := await self._line()).startswith(tag):
            answers.append(line)
        self._check(tag, line)
        return answers

    def _check(self, tag: bytes, line: bytes) -> None:
        if line.upper().startswith(b"* BYE"):
            raise diagnosis.unavailable("imap", line)
        if line.startswith(tag) and not line[len(tag) :].upper().startswith(b"OK"):
            words = diagnosis.words_of(line[len(tag) :])
            raise Refused("The IMAP server refused a command.", side="imap", cause="command_refused", server_answer=words)

    def _send(self, command: bytes) -> bytes:
        tag = self._new_tag()
        self._writer.write(tag + command + b"\r\n")
        return tag

    def _new_tag(self) -> bytes:
        self._tags += 1
        return b"w%d " % self._tags

    async def _line(self) -> bytes:
        return await asyncio.wait_for(self._line_unlimited(), _ANSWER_S)

    async def _line_unlimited(self) -> bytes:
        line = await self._reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the server closed the connection")
        return line.rstrip(b"\r\n")


def _string(text: str) -> bytes:
    return text.encode("utf-8")


def _utf7(name: str) -> str:
    encoded: bytes = imap_utf7.encode(name)
    return encoded.decode("ascii")
