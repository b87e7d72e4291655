"""An IMAP session: IMAPClient on a guarded connection, in the product's own values and errors.

Fetching uses PEEK, on folders opened with EXAMINE: looking changes nothing. UIDs everywhere, never sequence numbers.
"""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, ProtocolError

from webmail.domain.uid_sets import pack_uids
from webmail.errors import ProviderError
from webmail.providers import diagnosis, network, searching
from webmail.providers.answers import has_control
from webmail.providers.base import (
    STARTTLS,
    Credentials,
    FolderChanges,
    FolderState,
    RemoteFlags,
    RemoteFolder,
    RemoteMessage,
    ServerSettings,
)
from webmail.providers.condstore import is_honest
from webmail.providers.fetch import Items
from webmail.providers.imap_client import GuardedClient
from webmail.providers.imap_sign_in import authenticate
from webmail.providers.imap_values import (
    build_flags,
    build_folder,
    expand_uid_sets,
    parse_copied,
    parse_names,
    parse_number,
)
from webmail.providers.reading import Chooser, Reader, head_items

_GOODBYE_S = 3.0


def open_imap(settings: ServerSettings, credentials: Credentials, *, timeout_s: float = 30) -> ImapSession:
    """Connect and sign in.

    Args:
        timeout_s: for connecting, and for each read and write.

    Raises:
        NeedsSignIn: the server refused the credentials.
        Refused: the host, the port, the encryption or the certificate cannot work like this.
        Retryable: the server is not reachable, or has enough for now.
    """
    try:
        client = GuardedClient(settings, timeout_s)
    except imaplib.IMAP4.error as error:
        # The greeting was BYE, or no IMAP at all.
        raise diagnosis.line_ended("imap", settings.host, settings.port, error, settings.security) from error
    except OSError as error:
        raise diagnosis.connection_failed("imap", settings.host, settings.port, error, settings.security) from error
    session = ImapSession(client, settings)
    try:
        session.sign_in(credentials)
    except BaseException:
        client.drop()
        raise
    return session


class ImapSession:
    """A signed-in connection; to be used by one thread, as a context manager.

    `tells_vanished`: QRESYNC is on. `chooser`: what it does not let through is not read (*Only mail with contacts*).
    """

    def __init__(self, client: GuardedClient, settings: ServerSettings) -> None:
        self._client = client
        self._settings = settings
        self._selected: FolderState | None = None
        self._is_broken = False
        self._reader: Reader | None = None
        self.capabilities: frozenset[str] = frozenset()
        self.tells_vanished = False
        self.chooser: Chooser | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def round_trips(self) -> int:
        """How many commands were sent so far."""
        return self._client.commands

    def sign_in(self, credentials: Credentials) -> None:
        """Protect the line if that is asked for, and sign in; raises as `open_imap()` does."""
        if has_control(credentials.user_name + credentials.secret):
            raise diagnosis.odd_credentials("imap")
        with self._translated():
            if self._settings.security == STARTTLS:
                if not self._client.has_capability("STARTTLS"):
                    raise diagnosis.starttls_missing("imap", self._settings.port)
                self._client.starttls(network.tls_context())
            authenticate(self._client, self._settings, credentials)
            self.capabilities = parse_names(self._client.capabilities())
            if "ID" in self.capabilities and "Coremail" in self._client.greeting:
                # NetEase opens no folder for whoever does not say who it is (field notes, section 1).
                self._client.id_({"name": "webmail", "version": "1"})
            if {"ENABLE", "QRESYNC"} <= self.capabilities and is_honest(self._settings.host):
                self.tells_vanished = b"QRESYNC" in self._client.enable("QRESYNC")
            elif {"ENABLE", "CONDSTORE"} <= self.capabilities:
                self._client.enable("CONDSTORE")

    def list_folders(self) -> list[RemoteFolder]:
        """List all folders with their roles."""
        with self._translated():
            answer = self._client.list_folders()
        return [build_folder(flags, delimiter, str(name)) for flags, delimiter, name in answer]

    def select(self, name: str, *, readonly: bool = True) -> FolderState:
        """Open a folder: with EXAMINE, or with SELECT where something is to be written.

        Raises:
            Refused: cause `folder_missing`, or what else the server says.
        """
        with self._translated():
            with _judged(name, diagnosis.folder_refused):
                answer = self._client.select_folder(name, readonly=readonly)
        self._selected = FolderState(
            name=name,
            uidvalidity=parse_number(answer.get(b"UIDVALIDITY")) or 0,
            uidnext=parse_number(answer.get(b"UIDNEXT")) or 0,
            exists=parse_number(answer.get(b"EXISTS")) or 0,
            highestmodseq=parse_number(answer.get(b"HIGHESTMODSEQ")) if "CONDSTORE" in self.capabilities else None,
        )
        return self._selected

    def all_uids(self) -> list[int]:
        """Give all UIDs of the selected folder, ascending."""
        return sorted(self._search(["ALL"]))

    def uids_since(self, uid: int) -> list[int]:
        """Give the UIDs at or above `uid`, ascending (`n:*` also names a last one below `n`: RFC 9051, 6.4.8)."""
        return sorted(each for each in self._search(["UID", f"{max(uid, 1)}:*"]) if each >= uid)

    def newest_uids(self, below: int | None, limit: int) -> list[int]:
        """Give the highest UIDs, descending, at most `limit` of them.

        Args:
            below: only UIDs under this one; None for the newest of all.
        """
        uidnext = self._selected.uidnext if self._selected else 0
        if below is None and uidnext == 0:
            # The server did not tell UIDNEXT.
            return sorted(self.all_uids(), reverse=True)[: max(limit, 0)]
        top = (uidnext if below is None else below) - 1
        if top <= 0 or limit <= 0:
            return []
        window = limit * 2
        while True:
            # Gaps may be wide, so the window grows until enough are found.
            low = max(1, top - window + 1)
            found = [each for each in self._search(["UID", f"{low}:{top}"]) if low <= each <= top]
            if len(found) >= limit or low == 1:
                return sorted(found, reverse=True)[:limit]
            window *= 4

    def _search(self, criteria: Sequence[str]) -> list[int]:
        with self._translated():
            return list(self._client.search(criteria))

    def fetch_messages(self, uids: Sequence[int]) -> Iterator[RemoteMessage]:
        """Fetch the heads of messages; one that the server does not give, or gives unreadably, is left out."""
        for batch in self.read_messages([uids], with_texts=False):
            yield from batch

    def read_messages(
        self, batches: Iterable[Sequence[int]], *, with_texts: bool = True
    ) -> Iterator[list[RemoteMessage]]:
        """Fetch messages batch by batch, the next on their way while the caller works; nothing else goes meanwhile.

        Args:
            batches: UIDs, taken two ahead of what is yielded; what the server does not give readably is left out.
            with_texts: fetch the parts to be read as well, in bounded numbers of bytes.
        """
        folder = self._selected.name if self._selected else ""
        items = head_items(self.capabilities, has_modseq=self._has_modseq())
        self._reader = Reader(self._client.line, items, folder, self.chooser)
        with self._translated():
            yield from self._reader.read(batches, with_texts=with_texts)

    def fetch_flags(self, uids: str | Sequence[int], changed_since: int | None = None) -> dict[int, RemoteFlags]:
        """Fetch flags.

        Args:
            uids: a list, or a range such as `1:*`.
            changed_since: only of messages whose MODSEQ is higher (RFC 7162, section 3.1.4).
        """
        if not uids:
            return {}
        modifier = f"CHANGEDSINCE {changed_since}" if changed_since is not None else ""
        items = ["FLAGS", *(["MODSEQ"] if self._has_modseq() else [])]
        with self._translated():
            numbers = uids if isinstance(uids, str) else pack_uids(uids)
            found = build_flags(self._client.fetch_changes(numbers, items, modifier)[0])
        return found if isinstance(uids, str) else {uid: found[uid] for uid in uids if uid in found}

    def fetch_changes(self, since: int) -> FolderChanges:
        """Fetch what changed in the selected folder since a MODSEQ: flags, and with QRESYNC what is gone.

        It tells what SELECT (QRESYNC …) would, once UIDVALIDITY has been looked at: RFC 7162, section 3.2.6.
        """
        modifier = f"CHANGEDSINCE {since}{' VANISHED' if self.tells_vanished else ''}"
        with self._translated():
            answer, vanished = self._client.fetch_changes("1:*", ["FLAGS", "MODSEQ"], modifier)
        return FolderChanges(build_flags(answer), expand_uid_sets(vanished))

    def fetch_whole(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Fetch whole messages, unmarked; one that the server does not give is left out."""
        for uid, data in self._fetch(list(uids), ["BODY.PEEK[]"]):
            if data.get(b"BODY[]") is not None:
                yield uid, bytes(data[b"BODY[]"])

    def fetch_section(self, uid: int, section: str, limit_bytes: int | None = None, start: int = 0) -> bytes:
        """Fetch one part as it was transferred, still encoded.

        Args:
            section: as IMAP numbers it, such as `1.2`; "" for the whole message.
            limit_bytes: only that much, from `start` on.

        Raises:
            Refused: cause `part_missing`.
        """
        partial = f"<{start}.{limit_bytes}>" if limit_bytes else ""
        for _, data in self._fetch([uid], [f"BODY.PEEK[{section}]{partial}"]):
            for key, value in data.items():
                if key.startswith(b"BODY[") and value is not None:
                    return bytes(value)
        raise diagnosis.part_missing()

    def _fetch(self, uids: list[int], items: list[str]) -> Iterator[tuple[int, Items]]:
        """FETCH; an answer that cannot be read is left out."""
        if not uids:
            return
        with self._translated():
            answer = self._client.fetch_items(pack_uids(uids), items)
        wanted = set(uids)
        # Servers add flags of other messages to an answer as they please (RFC 9051, 7.5.2).
        yield from ((uid, data) for uid, data in answer.items() if uid in wanted)

    def store_flags(self, uids: Sequence[int], *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Set and take off flags in the selected folder; setting what is set does nothing."""
        add, remove = list(add), list(remove)
        with self._translated():
            if add and uids:
                self._client.add_flags(pack_uids(uids), add, silent=True)
            if remove and uids:
                self._client.remove_flags(pack_uids(uids), remove, silent=True)

    def move(self, uids: Sequence[int], to_folder: str) -> dict[int, int]:
        """Move messages out of the selected folder: by MOVE (RFC 6851), else by COPY, \\Deleted and UID EXPUNGE.

        Without UIDPLUS the originals only get \\Deleted: a plain EXPUNGE would take what others had marked.

        Returns:
            {old uid: new uid} as far as the server tells (COPYUID, RFC 4315).

        Raises:
            Refused: cause `folder_missing` where the target is not there.
        """
        if not uids:
            return {}
        can_move = "MOVE" in self.capabilities
        with self._translated():
            self._client.forget_code("COPYUID")
            with _judged(to_folder, diagnosis.target_refused):
                (self._client.move if can_move else self._client.copy)(pack_uids(uids), to_folder)
            code = self._client.response_code("COPYUID")
        if not can_move:
            self.delete(uids)
        return parse_copied(code)

    def delete(self, uids: Sequence[int]) -> None:
        """Mark messages of the selected folder as \\Deleted and expunge just these, where the server can (UIDPLUS)."""
        if not uids:
            return
        with self._translated():
            self._client.add_flags(pack_uids(uids), ["\\Deleted"], silent=True)
            if "UIDPLUS" in self.capabilities:
                self._client.uid_expunge(pack_uids(uids))

    def append(self, folder: str, mime: bytes, flags: Sequence[str], internal_date: datetime) -> int | None:
        """Store a mail in a folder.

        Returns:
            Its UID where the server tells (APPENDUID, RFC 4315), else None.

        Raises:
            Refused: cause `folder_missing` where the folder is not there; `overquota`.
        """
        with self._translated():
            self._client.forget_code("APPENDUID")
            with _judged(folder, diagnosis.target_refused):
                self._client.append(folder, mime, flags, internal_date)
            code = self._client.response_code("APPENDUID")
        return int(code[1]) if len(code) == 2 and code[1].isdigit() else None

    def search_message_id(self, message_id: str) -> list[int]:
        """Find a mail in the selected folder by its Message-ID, or by the one that Outlook.com replaced.

        Args:
            message_id: without its angle brackets.
        """
        with self._translated():
            return searching.by_message_id(self._client, message_id, is_microsoft=self._is_microsoft())

    def search_address(self, address: str) -> list[int]:
        """Find the mail in the selected folder that may have come from an address, or gone to it."""
        with self._translated():
            return searching.by_address(self._client, address)

    def _is_microsoft(self) -> bool:
        # Anywhere else the header does not exist, and a search for it would read the whole folder.
        host = self._settings.host.lower()
        return "outlook" in host or "office365" in host or "Microsoft Exchange" in self._client.greeting

    def create_folder(self, name: str) -> None:
        """Make a folder and subscribe to it; one that is there already is fine."""
        with self._translated():
            if not self._client.folder_exists(name):
                self._client.create_folder(name)
                self._client.subscribe_folder(name)

    def answers_idle(self) -> bool:
        """Begin IDLE in the selected folder and end it at once: some servers offer it and refuse it.

        Raises:
            ProviderError: anything else than a plain answer; the session is then of no more use.
        """
        if "IDLE" not in self.capabilities:
            return False
        with self._translated():
            self._client.idle()
            self._client.idle_done()
        return True

    def noop(self) -> None:
        """Ask for nothing, so that the line stays open."""
        with self._translated():
            self._client.noop()

    def close(self) -> None:
        """Say goodbye; a line that is broken already is simply dropped."""
        if self._is_broken or (self._reader is not None and not self._reader.is_in_step):
            self._client.drop()
        else:
            self._client.say_goodbye(_GOODBYE_S)

    def _has_modseq(self) -> bool:
        return self._selected is not None and self._selected.highestmodseq is not None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what the libraries raise into the product's errors."""
        host, port = self._settings.host, self._settings.port
        try:
            yield
        except IMAPClientAbortError as error:
            self._is_broken = True
            raise diagnosis.line_ended("imap", host, port, error) from error
        except ProtocolError as error:
            raise diagnosis.UnreadableAnswer(error) from error
        except IMAPClientError as error:
            raise diagnosis.command_refused("imap", error) from error
        except OSError as error:
            self._is_broken = True
            raise diagnosis.connection_failed("imap", host, port, error, self._settings.security) from error


@contextmanager
def _judged(folder: str, judge: Callable[[str, object], ProviderError]) -> Iterator[None]:
    """Judge a NO by the folder that it is about; a line that ends is not about the folder."""
    try:
        yield
    except IMAPClientAbortError:
        raise
    except IMAPClientError as error:
        raise judge(folder, error) from None
