"""An IMAP session: IMAPClient on a guarded connection, in the product's own values and errors.

Everything that fetches uses PEEK, and folders are opened with EXAMINE unless something is to be written: looking at a
mailbox never changes it. UIDs everywhere, never sequence numbers.
"""

from __future__ import annotations

import imaplib
import logging
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import imapclient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from webmail.domain.folders import folder_role
from webmail.errors import ProviderError
from webmail.providers import diagnosis, network
from webmail.providers.base import (
    STARTTLS,
    TLS,
    Credentials,
    FolderState,
    RemoteFolder,
    RemoteFlags,
    RemoteMessage,
    ServerSettings,
)

# A SEARCH answer is one line, and a big mailbox has many UIDs; imaplib's own limit is 1 MB.
imaplib._MAXLINE = 20 * 1024 * 1024  # type: ignore[attr-defined]  # there is no other way to set it
# Both libraries log what they send, which includes LOGIN, at the DEBUG level; nobody may switch that on by accident.
for _name in ("imapclient", "imapclient.imaplib", "imapclient.imapclient"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

_HEADER_FIELDS = (
    "MESSAGE-ID DATE FROM SENDER REPLY-TO TO CC BCC SUBJECT IN-REPLY-TO REFERENCES LIST-ID LIST-UNSUBSCRIBE "
    "AUTO-SUBMITTED CONTENT-TYPE X-MICROSOFT-ORIGINAL-MESSAGE-ID"
)
_FETCH = ["UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODYSTRUCTURE", f"BODY.PEEK[HEADER.FIELDS ({_HEADER_FIELDS})]"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEARCHABLE = re.compile(r"[!#-\[\]-~]{1,900}")


class _Protocol(imaplib.IMAP4):
    """imaplib on a connection made by `webmail.providers.network`."""

    def __init__(self, settings: ServerSettings, timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self.commands = 0
        super().__init__(settings.host, settings.port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        connection = network.open_socket(self._settings.host, self._settings.port, self._timeout_s, side="imap")
        if self._settings.security == TLS:
            return network.tls_context().wrap_socket(connection, server_hostname=self._settings.host)
        return connection

    def _new_tag(self) -> bytes:
        self.commands += 1
        tag: bytes = super()._new_tag()  # type: ignore[misc]  # typeshed leaves imaplib's inner methods out
        return tag


class _Client(imapclient.IMAPClient):  # type: ignore[misc]  # IMAPClient has no type information
    def __init__(self, settings: ServerSettings, timeout_s: float) -> None:
        self._settings = settings
        self._protocol: _Protocol | None = None
        super().__init__(settings.host, settings.port, ssl=settings.security == TLS, timeout=timeout_s)
        self.normalise_times = False

    def _create_IMAP4(self) -> _Protocol:
        self._protocol = _Protocol(self._settings, self._timeout.connect)
        return self._protocol


def open_imap(settings: ServerSettings, credentials: Credentials, *, timeout_s: float = 30) -> ImapSession:
    """Connect and sign in.

    Args:
        timeout_s: for connecting, and for each answer.

    Raises:
        NeedsSignIn: the server refused the credentials.
        Refused: the host, the port, the encryption or the certificate cannot work like this.
        Retryable: the server is not reachable, or has enough for now.
    """
    try:
        client = _Client(settings, timeout_s)
    except (IMAPClientError, imaplib.IMAP4.error) as error:
        raise _unexpected_greeting(settings, error) from error
    except (OSError, ProviderError) as error:
        raise _failed_to_connect(settings, error) from error
    session = ImapSession(client, settings)
    try:
        session.sign_in(credentials)
    except BaseException:
        session.close()
        raise
    return session


def _unexpected_greeting(settings: ServerSettings, error: Exception) -> ProviderError:
    words = str(error)
    if "BYE" in words.upper() or "THROTTL" in words.upper():
        return diagnosis.throttled("imap", words) if "TOO MANY" in words.upper() else diagnosis.unavailable("imap", words)
    if settings.security != TLS and settings.port == 993:
        return diagnosis.tls_needed("imap", "")
    return diagnosis.connection_failed("imap", settings.host, settings.port, ConnectionError(words))


def _failed_to_connect(settings: ServerSettings, error: Exception) -> ProviderError:
    is_silent = isinstance(error, TimeoutError)
    if is_silent and settings.security != TLS and settings.port == 993:
        # A server that waits for a TLS handshake says nothing to somebody who waits for its greeting.
        return diagnosis.tls_needed("imap", "")
    return diagnosis.connection_failed("imap", settings.host, settings.port, error)


class ImapSession:
    """A signed-in connection; to be used by one thread, as a context manager."""

    def __init__(self, client: _Client, settings: ServerSettings) -> None:
        self._client = client
        self._settings = settings
        self._selected: FolderState | None = None
        self.capabilities: frozenset[str] = frozenset()

    def __enter__(self) -> ImapSession:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def round_trips(self) -> int:
        """How many commands were sent so far."""
        return self._client._protocol.commands if self._client._protocol else 0

    def sign_in(self, credentials: Credentials) -> None:
        """Protect the line if that is asked for, and sign in.

        Raises:
            ProviderError: as `open_imap()` says.
        """
        with self._translated():
            if self._settings.security == STARTTLS:
                if not self._client.has_capability("STARTTLS"):
                    raise diagnosis.starttls_missing("imap", self._settings.port)
                self._client.starttls(network.tls_context())
            if self._client.has_capability("LOGINDISABLED"):
                raise diagnosis.tls_needed("imap", "LOGINDISABLED")
            try:
                if (credentials.user_name + credentials.secret).isascii():
                    self._client.login(credentials.user_name, credentials.secret)
                else:
                    self._client.plain_login(credentials.user_name, credentials.secret)
            except LoginError as error:
                raise diagnosis.sign_in_refused("imap", error) from None
            self.capabilities = frozenset(each.decode("ascii", "replace").upper() for each in self._client.capabilities())
            if "ENABLE" in self.capabilities and "CONDSTORE" in self.capabilities:
                self._client.enable("CONDSTORE")

    def list_folders(self) -> list[RemoteFolder]:
        """List all folders with their roles."""
        with self._translated():
            answer = self._client.list_folders()
        folders = []
        for flags, delimiter, name in answer:
            attributes = [each.decode("ascii", "replace") for each in flags]
            separator = delimiter.decode("ascii", "replace") if delimiter else ""
            lowered = {each.lower() for each in attributes}
            folders.append(
                RemoteFolder(
                    name=str(name),
                    delimiter=separator,
                    role=folder_role(str(name), separator, attributes),
                    is_selectable=not lowered & {"\\noselect", "\\nonexistent"},
                )
            )
        return folders

    def select(self, name: str, *, readonly: bool = True) -> FolderState:
        """Open a folder: with EXAMINE, or with SELECT where something is to be written.

        Raises:
            Refused: cause `folder_missing`, or what else the server says.
        """
        with self._translated():
            try:
                answer = self._client.select_folder(name, readonly=readonly)
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                judged = diagnosis.command_refused("imap", error)
                raise (diagnosis.folder_missing(name, error) if judged.cause == "command_refused" else judged) from None
        modseq = _number(answer.get(b"HIGHESTMODSEQ"))
        self._selected = FolderState(
            name=name,
            uidvalidity=_number(answer.get(b"UIDVALIDITY")) or 0,
            uidnext=_number(answer.get(b"UIDNEXT")) or 0,
            exists=_number(answer.get(b"EXISTS")) or 0,
            highestmodseq=modseq if "CONDSTORE" in self.capabilities else None,
        )
        return self._selected

    def all_uids(self) -> list[int]:
        """Give all UIDs of the selected folder, ascending."""
        with self._translated():
            return sorted(self._client.search(["ALL"]))

    def uids_since(self, uid: int) -> list[int]:
        """Give the UIDs at or above `uid`, ascending (RFC 9051, 6.4.8: `n:*` always names the last one, which may lie below)."""
        with self._translated():
            return sorted(each for each in self._client.search(["UID", f"{max(uid, 1)}:*"]) if each >= uid)

    def newest_uids(self, below: int | None, limit: int) -> list[int]:
        """Give the highest UIDs, descending, at most `limit` of them.

        Args:
            below: only UIDs under this one; None for the newest of all. Gaps may be wide: the window looked at doubles
                until enough are found.
        """
        top = below - 1 if below is not None else (self._selected.uidnext - 1 if self._selected else 0)
        if top <= 0:
            return [] if below is not None else sorted(self.all_uids(), reverse=True)[:limit]
        window = limit * 2
        while True:
            low = max(1, top - window + 1)
            with self._translated():
                found = [each for each in self._client.search(["UID", f"{low}:{top}"]) if low <= each <= top]
            if len(found) >= limit or low == 1:
                return sorted(found, reverse=True)[:limit]
            window *= 4

    def fetch_messages(self, uids: Sequence[int]) -> Iterator[RemoteMessage]:
        """Fetch the heads of messages; one that the server does not give, or gives unreadably, is left out."""
        for uid, data in self._fetch(list(uids), [*_FETCH, *(["MODSEQ"] if self._has_modseq() else [])]):
            header = next((value for key, value in data.items() if key.startswith(b"BODY[HEADER")), None)
            if header is None:
                continue
            yield RemoteMessage(
                uid=uid,
                flags=_flags(data.get(b"FLAGS")),
                modseq=_modseq(data),
                internal_date=_aware(data.get(b"INTERNALDATE")),
                size_bytes=_number(data.get(b"RFC822.SIZE")) or 0,
                header=header or b"",
                structure=data.get(b"BODYSTRUCTURE"),
            )

    def fetch_flags(self, uids: str | Sequence[int], changed_since: int | None = None) -> dict[int, RemoteFlags]:
        """Fetch flags.

        Args:
            uids: a list, or a range such as `1:*`.
            changed_since: only of messages whose MODSEQ is higher (RFC 7162, section 3.1.4).
        """
        modifiers = [f"CHANGEDSINCE {changed_since}"] if changed_since is not None else None
        items = ["FLAGS", "MODSEQ"] if self._has_modseq() else ["FLAGS"]
        with self._translated():
            answer = self._client.fetch(uids, items, modifiers)
        return {
            uid: RemoteFlags(_flags(data.get(b"FLAGS")), _modseq(data)) for uid, data in answer.items() if b"FLAGS" in data
        }

    def fetch_whole(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Fetch whole messages, unmarked."""
        for uid, data in self._fetch(list(uids), ["BODY.PEEK[]"]):
            if data.get(b"BODY[]") is not None:
                yield uid, data[b"BODY[]"]

    def fetch_section(self, uid: int, section: str, limit_bytes: int | None = None) -> bytes:
        """Fetch one part as it was transferred, still encoded.

        Raises:
            Refused: cause `part_missing`.
        """
        partial = f"<0.{limit_bytes}>" if limit_bytes else ""
        for _, data in self._fetch([uid], [f"BODY.PEEK[{section}]{partial}"]):
            for key, value in data.items():
                if key.startswith(b"BODY[") and value is not None:
                    return bytes(value)
        raise diagnosis.part_missing()

    def _fetch(self, uids: list[int], items: list[str]) -> Iterator[tuple[int, dict[bytes, Any]]]:
        """FETCH; where one answer of a batch cannot be read, the batch is halved until only that one is left out."""
        if not uids:
            return
        try:
            with self._translated():
                answer = self._client.fetch(uids, items)
        except _Unreadable:
            if len(uids) > 1:
                middle = len(uids) // 2
                yield from self._fetch(uids[:middle], items)
                yield from self._fetch(uids[middle:], items)
            return
        wanted = set(uids)
        yield from ((uid, data) for uid, data in answer.items() if uid in wanted)

    def store_flags(self, uids: Sequence[int], *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Set and take off flags in the selected folder; setting what is set does nothing."""
        add, remove = list(add), list(remove)
        with self._translated():
            if add and uids:
                self._client.add_flags(list(uids), add, silent=True)
            if remove and uids:
                self._client.remove_flags(list(uids), remove, silent=True)

    def move(self, uids: Sequence[int], to_folder: str) -> dict[int, int]:
        """Move messages out of the selected folder: by MOVE (RFC 6851), else by COPY, \\Deleted and UID EXPUNGE.

        Without UIDPLUS the originals only get \\Deleted: a plain EXPUNGE would take what others had marked.

        Returns:
            {old uid: new uid} as far as the server tells (COPYUID, RFC 4315).
        """
        with self._translated():
            self._client._imap.untagged_responses.pop("COPYUID", None)
            if "MOVE" in self.capabilities:
                self._client.move(list(uids), to_folder)
                return self._copied()
            self._client.copy(list(uids), to_folder)
            copied = self._copied()
        self.delete(uids)
        return copied

    def _copied(self) -> dict[int, int]:
        _, answers = self._client._imap.response("COPYUID")
        for answer in answers or []:
            words = answer.split() if isinstance(answer, bytes) else []
            if len(words) == 3:
                return dict(zip(_expand(words[1]), _expand(words[2]), strict=False))
        return {}

    def delete(self, uids: Sequence[int]) -> None:
        """Mark messages of the selected folder as \\Deleted and expunge just these, where the server can (UIDPLUS)."""
        with self._translated():
            self._client.add_flags(list(uids), ["\\Deleted"], silent=True)
            if "UIDPLUS" in self.capabilities:
                self._client.uid_expunge(list(uids))

    def append(self, folder: str, mime: bytes, flags: Sequence[str], internal_date: datetime) -> int | None:
        """Store a mail in a folder; gives its UID where the server tells (APPENDUID)."""
        with self._translated():
            self._client._imap.untagged_responses.pop("APPENDUID", None)
            try:
                self._client.append(folder, mime, flags, internal_date)
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                if "TRYCREATE" in str(error).upper():
                    raise diagnosis.folder_missing(folder, error) from None
                raise
            _, answers = self._client._imap.response("APPENDUID")
        for answer in answers or []:
            words = answer.split() if isinstance(answer, bytes) else []
            if len(words) == 2 and words[1].isdigit():
                return int(words[1])
        return None

    def search_message_id(self, message_id: str) -> list[int]:
        """Find a mail in the selected folder by its Message-ID, or by the one that Outlook.com replaced.

        What comes from a mail goes into a command only if it is harmless there; an id that is not is simply not found.
        """
        if not _SEARCHABLE.fullmatch(message_id):
            return []
        with self._translated():
            found = self._client.search(["HEADER", "Message-ID", f"<{message_id}>"])
            if not found and "outlook" in self._settings.host + str(self.capabilities).lower():
                found = self._client.search(["HEADER", "X-Microsoft-Original-Message-ID", f"<{message_id}>"])
        return sorted(found)

    def create_folder(self, name: str) -> None:
        """Make a folder and subscribe to it; one that is there already is fine."""
        with self._translated():
            if not self._client.folder_exists(name):
                self._client.create_folder(name)
                self._client.subscribe_folder(name)

    def close(self) -> None:
        """Say goodbye; a line that is broken already is simply dropped."""
        try:
            self._client.logout()
        except (OSError, IMAPClientError, imaplib.IMAP4.error, ValueError):
            try:
                self._client.shutdown()
            except (OSError, IMAPClientError, imaplib.IMAP4.error):
                return

    def _has_modseq(self) -> bool:
        return self._selected is not None and self._selected.highestmodseq is not None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what the libraries raise into the product's errors."""
        try:
            yield
        except ProviderError:
            raise
        except IMAPClientAbortError as error:
            words = str(error)
            if re.search(r"THROTTL|TOO MANY|UNAVAILABLE", words, re.IGNORECASE):
                raise diagnosis.command_refused("imap", words) from error
            raise diagnosis.connection_failed(
                "imap", self._settings.host, self._settings.port, ConnectionError(words)
            ) from error
        except imapclient.exceptions.ProtocolError as error:
            raise _Unreadable(error) from error
        except (IMAPClientError, imaplib.IMAP4.error) as error:
            raise diagnosis.command_refused("imap", error) from error
        except OSError as error:
            raise diagnosis.connection_failed("imap", self._settings.host, self._settings.port, error) from error
        except (ValueError, TypeError, IndexError, KeyError, AssertionError) as error:
            raise _Unreadable(error) from error


class _Unreadable(ProviderError):
    """The server's answer makes no sense to the library."""

    def __init__(self, error: Exception) -> None:
        super().__init__(
            "The mail server gave an answer that could not be read.",
            side="imap",
            cause="unreadable_answer",
            server_answer=diagnosis.words_of(error),
        )


def _number(value: Any) -> int | None:
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _flags(value: Any) -> frozenset[str]:
    return frozenset(each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in value or ())


def _modseq(data: dict[bytes, Any]) -> int:
    return _number(data.get(b"MODSEQ")) or 0


def _aware(value: Any) -> datetime:
    if not isinstance(value, datetime):
        return _EPOCH
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _expand(numbers: bytes) -> list[int]:
    """Expand a uid-set such as `4,7:9`."""
    result: list[int] = []
    for piece in numbers.split(b","):
        first, _, last = piece.partition(b":")
        if first.isdigit() and (not last or last.isdigit()):
            low, high = sorted((int(first), int(last or first)))
            result += range(low, min(high, low + 100_000) + 1)
    return result
