"""IMAPClient as this product needs it: on a guarded connection, silent in logs, with limits on what a server may send.

`webmail.providers.imap` builds sessions on it; nothing else should.
"""

from __future__ import annotations

import imaplib
import logging
import socket
import time
from typing import Any, cast

import imapclient
from imapclient.exceptions import IMAPClientAbortError, ProtocolError

from webmail.providers import network
from webmail.providers.answers import has_control
from webmail.providers.base import TLS, ServerSettings
from webmail.providers.fetch import FetchLine, Items

_LINE_LIMIT_BYTES = 20 * 1024 * 1024
_ANSWER_LIMIT_BYTES = 256 * 1024 * 1024
_ANSWER_LIMIT_S = 900.0
# A SEARCH answer is one line, and a big mailbox has many UIDs; imaplib's own limit is 1 MB.
imaplib._MAXLINE = _LINE_LIMIT_BYTES  # type: ignore[attr-defined]  # there is no other way to set it
# What goes over the line is nobody's to read in a log, whatever level somebody sets for everything.
for _name in ("imapclient", "imapclient.imaplib", "imapclient.imapclient"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class GuardedProtocol(imaplib.IMAP4):
    """imaplib on a connection of `webmail.providers.network`; counts commands, bounds answers in size and time."""

    def __init__(self, settings: ServerSettings, timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self.commands = 0
        self._begin_answer()
        super().__init__(settings.host, settings.port)

    def _begin_answer(self) -> None:
        self._received_bytes = 0
        self._answer_ends_at = time.monotonic() + _ANSWER_LIMIT_S

    def _create_socket(self, timeout: float | None = None) -> socket.socket:  # noqa: ARG002  # imaplib's
        connection = network.open_socket(self._settings.host, self._settings.port, self._timeout_s, side="imap")
        if self._settings.security == TLS:
            return network.wrap_tls(connection, self._settings.host)
        return connection

    def _new_tag(self) -> bytes:
        self.commands += 1
        self._begin_answer()
        tag: bytes = super()._new_tag()  # type: ignore[misc]  # typeshed leaves imaplib's inner methods out
        return tag

    def read(self, size: int) -> bytes:
        """Read a literal; a size that the server only threatens with is refused before memory is taken for it."""
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        """Read a line within the limits."""
        try:
            line = super().readline()
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            # The rest of the line is still to come, so nothing after it could be understood.
            raise self.abort(str(error)) from error
        self._count(len(line))
        # Some servers end lines with LF alone; imaplib takes that for a line that was cut.
        return line[:-1] + b"\r\n" if line.endswith(b"\n") and not line.endswith(b"\r\n") else line

    def _count(self, size_bytes: int) -> None:
        self._received_bytes += size_bytes
        if self._received_bytes > _ANSWER_LIMIT_BYTES:
            raise self.abort("the answer is larger than is accepted here")
        if time.monotonic() > self._answer_ends_at:
            raise self.abort("the answer takes longer than is accepted here")

    def login(self, user: str, password: str) -> tuple[Any, list[Any]]:
        """Sign in by LOGIN, both strings quoted (imaplib quotes only the password), in UTF-8."""
        kind, answer = self._simple_command("LOGIN", _quoted(user), _quoted(password))
        if kind != "OK":
            raise self.error(bytes(answer[-1]).decode("utf-8", "replace"))
        self.state = "AUTH"
        return kind, answer

    def _log(self, line: str) -> None:
        """Keep nothing: imaplib would remember the last commands, and LOGIN is one of them."""


class GuardedClient(imapclient.IMAPClient):  # type: ignore[misc]  # IMAPClient has no type information
    """IMAPClient on `GuardedProtocol`, with INTERNALDATE as aware times."""

    def __init__(self, settings: ServerSettings, timeout_s: float) -> None:
        self._settings = settings
        super().__init__(settings.host, settings.port, ssl=settings.security == TLS, timeout=timeout_s)
        # IMAPClient switches imaplib's tracing on for its own logger, with LOGIN in it.
        self._imap.debug = 0
        self.normalise_times = False

    def _create_IMAP4(self) -> GuardedProtocol:  # noqa: N802  # IMAPClient's
        return GuardedProtocol(self._settings, self._timeout.connect)

    @property
    def commands(self) -> int:
        """How many commands were sent."""
        return int(self._imap.commands)

    @property
    def greeting(self) -> str:
        """What the server said first."""
        return bytes(self.welcome or b"").decode("utf-8", "replace")

    @property
    def line(self) -> GuardedProtocol:
        """The connection itself, for commands whose answers are read as they come."""
        return cast("GuardedProtocol", self._imap)

    def fetch_items(self, uids: str, items: list[str]) -> dict[int, Items]:
        """UID FETCH, read by our own reader (`webmail.providers.fetch`); what cannot be read is left out.

        Args:
            uids: a uid-set such as `1:*` or `4,7:9`.
        """
        line = FetchLine(self.line)
        line.wait(line.send(uids, items))
        return line.take()

    def fetch_changes(self, uids: str, items: list[str], modifier: str) -> tuple[dict[int, Items], list[bytes]]:
        """UID FETCH of which nothing may get lost, and the uid-sets that VANISHED told meanwhile.

        Args:
            modifier: such as `CHANGEDSINCE 5`.

        Raises:
            ProtocolError: an answer cannot be read; the connection is still in step.
        """
        line = FetchLine(self.line)
        line.wait(line.send(uids, items, modifier))
        if line.unreadable:
            raise ProtocolError("an answer that cannot be read")
        return line.take(), line.vanished

    def search_header(self, name: str, value: str) -> list[int]:
        """UID SEARCH HEADER; `value` always quoted, which IMAPClient does only where it finds a space (its #657).

        Args:
            value: ASCII without control characters.
        """
        return list(self.search(f"HEADER {name} ".encode("ascii") + _quoted(value)))

    def response_code(self, name: str) -> list[bytes]:
        """Take the arguments of a response code such as COPYUID, tagged or untagged, since `forget_code()`."""
        _, answers = self._imap.response(name)
        for answer in answers or []:
            if isinstance(answer, bytes):
                return answer.split()
        return []

    def forget_code(self, name: str) -> None:
        """Drop what an earlier command has left under a name."""
        self._imap.untagged_responses.pop(name, None)

    def drop(self) -> None:
        """Close the line without a word."""
        try:
            self.shutdown()
        except (OSError, imaplib.IMAP4.error):
            return

    def say_goodbye(self, timeout_s: float) -> None:
        """LOGOUT, and close the line; a server that does not answer is left."""
        try:
            self.socket().settimeout(timeout_s)
            self.logout()
        except (OSError, ValueError, imaplib.IMAP4.error):
            self.drop()


def _quoted(text: str) -> bytes:
    if has_control(text):
        raise IMAPClientAbortError("a control character in a user name or a password")
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8") + b'"'
