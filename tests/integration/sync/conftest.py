"""What the engine's tests look at: rows here, mails there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from email.parser import BytesHeaderParser
from typing import Any

import pytest
import structlog.testing
from sqlalchemy import event, select

from tests.servers.dovecot import Dovecot, Mailbox
from webmail.store import cache, session
from webmail.store.accounts import update_account
from webmail.store.models import Account, Attachment, Change, Conversation, Folder, Message, Placement, utc_now
from webmail.store.session import reading, transaction
from webmail.sync import engine


class Rows:
    """What is stored of one account, read anew at each look."""

    def __init__(self, account_id: int) -> None:
        self._account_id = account_id

    def _all(self, kind: type[Any]) -> list[Any]:
        with reading() as s:
            return list(s.scalars(select(kind).where(kind.account_id == self._account_id).order_by(kind.id)))

    @property
    def account(self) -> Account:
        with reading() as s:
            return s.get_one(Account, self._account_id)

    @property
    def messages(self) -> list[Message]:
        return self._all(Message)

    @property
    def conversations(self) -> list[Conversation]:
        return self._all(Conversation)

    @property
    def changes(self) -> list[Change]:
        return self._all(Change)

    @property
    def folders(self) -> dict[str, Folder]:
        return {folder.name: folder for folder in self._all(Folder)}

    @property
    def attachments(self) -> list[Attachment]:
        with reading() as s:
            query = select(Attachment).join(Attachment.message).where(Message.account_id == self._account_id)
            return list(s.scalars(query.order_by(Attachment.id)))

    def forget_cache(self) -> None:
        """Drop the attachments that are kept on disk."""
        cache.erase_account(self.account.uuid)

    def placements(self, folder: str = "INBOX") -> list[Placement]:
        folder_id = self.folders[folder].id
        return [placement for placement in self._all(Placement) if placement.folder_id == folder_id]

    def message_ids(self, folder: str = "INBOX") -> list[str]:
        """Give the Message-IDs of a folder's placements, sorted, as often as they are there."""
        headers = {message.id: message.message_id_header for message in self.messages}
        return sorted(headers[placement.message_id] for placement in self.placements(folder))


@pytest.fixture
def rows() -> Callable[[Account], Rows]:
    return lambda account: Rows(account.id)


@pytest.fixture
def count_commands() -> Callable[[Callable[[], None]], int]:
    """Count the IMAP commands of what is called, by what the engine logs of itself."""

    def count(act: Callable[[], None]) -> int:
        with structlog.testing.capture_logs() as events:
            act()
        return sum(event["round_trips"] for event in events if event["event"] == "synced")

    return count


def ids_there(server: Dovecot, mailbox: Mailbox, folder: str = "INBOX") -> list[str]:
    """Give the Message-IDs of a folder on the server, sorted, as often as they are there."""
    with server.open(mailbox) as client:
        client.select_folder(folder, readonly=True)
        uids = client.search("ALL")
        found = client.fetch(uids, ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]) if uids else {}
    parser = BytesHeaderParser()
    return sorted(
        str(
            parser.parsebytes(next(value for key, value in data.items() if key.startswith(b"BODY")))["Message-ID"] or ""
        )
        .strip()
        .strip("<>")
        for data in found.values()
    )


def flags_there(server: Dovecot, mailbox: Mailbox, folder: str = "INBOX") -> list[frozenset[str]]:
    """Give the flags of a folder's mails, ascending by UID."""
    return [flags - {"\\Recent"} for _, flags in server.messages(mailbox, folder)]


def sync(account: Account) -> None:
    """Sync now, in this process."""
    engine.sync_account(account.id)


class Death(BaseException):
    """The process is gone: nothing catches this, and nothing is committed after it."""


@contextmanager
def failing_commits(error: BaseException, fails: Callable[[int], bool]) -> Iterator[None]:
    """Raise an error, which ends here, in place of those commits of this thread whose numbers, from 1, are to fail."""
    seen = 0
    victim = threading.current_thread()

    def before(_: object) -> None:
        nonlocal seen
        if threading.current_thread() is victim:
            seen += 1
            if fails(seen):
                raise error

    event.listen(session._sessions, "before_commit", before)
    try:
        with suppress(type(error)):
            yield
    finally:
        event.remove(session._sessions, "before_commit", before)


def dying_at(commit: int) -> AbstractContextManager[None]:
    """Die at the so-manieth commit of this thread: neither it nor a later one comes through."""
    return failing_commits(Death(), lambda seen: seen >= commit)


def free_lease(account: Account) -> None:
    """Let the lease of a process that died run out at once."""
    with transaction() as s:
        update_account(s, account.id, lease_until=utc_now() - timedelta(seconds=1))
