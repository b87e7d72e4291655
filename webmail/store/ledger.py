"""The ledger as its page shows it: every change made, or still to be made, in a user's mailboxes, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from webmail.errors import NotFound
from webmail.store.models import Account, Change, Folder, Message
from webmail.store.scope import Scope
from webmail.store.session import Session

MOST_SUBJECTS = 20


@dataclass(frozen=True)
class LedgerEntry:
    """A change with what is told of it.

    Args:
        folder: the name of the folder that it was made in, "" where that is not known any more.
        target: the name of the folder that a move went to, "" for everything else.
        subjects: of its first messages, as far as they are still stored here.
    """

    change: Change
    account_email: str
    folder: str
    target: str
    subjects: list[str]


@dataclass(frozen=True)
class LedgerPage:
    """One page of the ledger; `next_cursor` is None on the last one."""

    entries: list[LedgerEntry]
    next_cursor: UUID | None


def ledger_page(
    s: Session, scope: Scope, account_uuid: UUID | None, *, after: UUID | None = None, limit: int = 30
) -> LedgerPage:
    """Give a page of what was done in the user's mailboxes.

    Args:
        account_uuid: only of this mailbox; None for all of the user's.
        after: `next_cursor` of the page before.
    """
    query = (
        select(Change)
        .where(Change.tenant_id == scope.tenant_id, Change.user_id == scope.user_id)
        .order_by(Change.id.desc())
        .limit(limit + 1)
    )
    if account_uuid is not None:
        query = query.where(Change.account_id.in_(select(Account.id).where(Account.uuid == account_uuid)))
    if after is not None:
        last = select(Change.id).where(Change.uuid == after, Change.user_id == scope.user_id).scalar_subquery()
        query = query.where(Change.id < last)
    found = list(s.scalars(query))
    changes = found[:limit]
    next_cursor = changes[-1].uuid if len(found) > limit else None
    return LedgerPage(_entries(s, changes), next_cursor)


def load_entry(s: Session, scope: Scope, uuid: UUID) -> LedgerEntry:
    """Give one entry of the user's ledger.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    return _entries(s, [load_own_change(s, scope, uuid)])[0]


def load_own_change(s: Session, scope: Scope, uuid: UUID) -> Change:
    """Give one of the user's changes.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    change = s.scalar(
        select(Change).where(Change.uuid == uuid, Change.tenant_id == scope.tenant_id, Change.user_id == scope.user_id)
    )
    if change is None:
        raise NotFound("This entry is not here any more.")
    return change


def _entries(s: Session, changes: Sequence[Change]) -> list[LedgerEntry]:
    emails = dict(
        s.execute(select(Account.id, Account.email).where(Account.id.in_({each.account_id for each in changes}))).all()
    )
    wanted = {message_id for each in changes for message_id in each.message_ids[:MOST_SUBJECTS]}
    subjects = {
        message_id: subject
        for message_id, subject in s.execute(select(Message.id, Message.subject).where(Message.id.in_(wanted)))
    }
    folder_ids = {each.folder_id or 0 for each in changes} | {each.payload.get("to", 0) for each in changes}
    names = {
        folder_id: name
        for folder_id, name in s.execute(select(Folder.id, Folder.name).where(Folder.id.in_(folder_ids)))
    }
    return [
        LedgerEntry(
            change,
            emails.get(change.account_id, ""),
            names.get(change.folder_id or 0, ""),
            names.get(change.payload.get("to", 0), "") if change.kind == "move" else "",
            [subjects[each] for each in change.message_ids[:MOST_SUBJECTS] if each in subjects],
        )
        for change in changes
    ]
