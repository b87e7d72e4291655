"""Conversations: the pages of the list, one in full, and the figures that the list shows, kept ready."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import joinedload, selectinload

from webmail.errors import NotFound
from webmail.store.models import Account, Conversation, ConversationAlias, Folder, Message, Placement
from webmail.store.scope import Scope
from webmail.store.session import Session

VIEWS = ("inbox", "snoozed", "starred", "sent", "all", "trash")
_MAX_SENDERS = 12
_BEGINNING = 6000
_BEHIND = timedelta(minutes=10)
"""How far the clock of a mail's server may be behind ours."""
_TABLE = cast("Table", Conversation.__table__)
# Written out: the index of the unread is for a query that says so, not for one with a parameter there.
_IS_UNREAD = Conversation.unread_count > literal_column("0")


@dataclass(frozen=True)
class ConversationPage:
    """One page of the list, newest first; `next_cursor` is "" on the last page."""

    rows: list[Conversation]
    next_cursor: str


@dataclass(frozen=True)
class ConversationDetail:
    """A conversation with its messages in order of time."""

    conversation: Conversation
    messages: list[Message]


def list_page(
    s: Session,
    scope: Scope,
    view: str,
    *,
    account_uuid: UUID | None = None,
    unread_only: bool = False,
    keep: UUID | None = None,
    cursor: str = "",
    limit: int = 50,
) -> ConversationPage:
    """Give a page of the user's conversations by keyset (one query, whatever the depth).

    Args:
        view: `inbox`, `snoozed`, `starred`, `sent`, `all` (everything but the trash) or `trash`.
        keep: a conversation that `unread_only` leaves in, because it is being read.
        cursor: `next_cursor` of the page before; one that makes no sense gives the first page.

    Returns:
        Rows with their account, of which uuid and address are loaded.
    """
    query = (
        select(Conversation)
        .where(
            Conversation.tenant_id == scope.tenant_id,
            Conversation.user_id == scope.user_id,
            Conversation.message_count > 0,
            in_view(view),
        )
        .options(joinedload(Conversation.account).load_only(Account.uuid, Account.email))
        .order_by(Conversation.last_at.desc(), Conversation.id.desc())
        .limit(limit + 1)
    )
    if account_uuid is not None:
        query = query.where(
            Conversation.account_id.in_(
                select(Account.id).where(Account.uuid == account_uuid, Account.user_id == scope.user_id)
            )
        )
    if unread_only:
        query = query.where(or_(_IS_UNREAD, Conversation.uuid == keep))
    query = _after(query, cursor)
    rows = list(s.scalars(query))
    if len(rows) <= limit:
        return ConversationPage(rows, "")
    rows = rows[:limit]
    return ConversationPage(rows, _cursor_of(rows[-1]))


def in_view(view: str) -> ColumnElement[bool]:
    """Give the condition that a conversation belongs to one of `VIEWS`."""
    if view == "inbox":
        return Conversation.in_inbox.is_(True)
    if view == "snoozed":
        # Not "is false": that would lead by the index of the inbox through all mail that is out of it.
        is_out = and_(Conversation.in_inbox.is_not(True), Conversation.in_trash.is_(False))
        return and_(Conversation.snoozed_until.is_not(None), is_out)
    if view == "starred":
        return and_(Conversation.is_flagged.is_(True), Conversation.in_trash.is_(False))
    if view == "sent":
        return Conversation.in_sent.is_(True)
    if view == "trash":
        return Conversation.in_trash.is_(True)
    return Conversation.in_trash.is_(False)


def _cursor_of(row: Conversation) -> str:
    return base64.urlsafe_b64encode(f"{row.last_at.isoformat()}|{row.id}".encode()).decode()


def _after(query: Select[Conversation], cursor: str) -> Select[Conversation]:
    if not cursor:
        return query
    try:
        last_at, row_id = base64.urlsafe_b64decode(cursor).decode().split("|")
        position = (datetime.fromisoformat(last_at), int(row_id))
    except (ValueError, binascii.Error):
        return query
    if position[0].tzinfo is None:
        return query
    return query.where(tuple_(Conversation.last_at, Conversation.id) < position)


def recipients_of(s: Session, conversation_ids: Sequence[int]) -> dict[int, list[str]]:
    """Give the names, or addresses, to which the newest message of each of these conversations went."""
    if not conversation_ids:
        return {}
    query = (
        select(Message.conversation_id, Message.to)
        .where(Message.conversation_id.in_(list(conversation_ids)))
        .order_by(Message.sent_at, Message.id)
    )
    return {conversation_id: [name or email for name, email in to] for conversation_id, to in s.execute(query)}


def unread_counts(s: Session, scope: Scope) -> dict[int, int]:
    """Count the unread conversations of the inbox, by account id; accounts without any are left out."""
    query = (
        select(Conversation.account_id, func.count())
        .where(
            Conversation.tenant_id == scope.tenant_id,
            Conversation.user_id == scope.user_id,
            Conversation.in_inbox.is_(True),
            _IS_UNREAD,
        )
        .group_by(Conversation.account_id)
    )
    return {account_id: count for account_id, count in s.execute(query)}


def find_conversation(s: Session, scope: Scope, uuid: UUID) -> Conversation:
    """Give one of the user's conversations, with its account.

    Args:
        uuid: its own, or that of a conversation that was merged into it.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    merged = select(ConversationAlias.conversation_id).where(ConversationAlias.uuid == uuid)
    query = (
        select(Conversation)
        .where(
            or_(Conversation.uuid == uuid, Conversation.id.in_(merged)),
            Conversation.tenant_id == scope.tenant_id,
            Conversation.user_id == scope.user_id,
        )
        .options(joinedload(Conversation.account))
    )
    conversation = s.scalar(query)
    if conversation is None:
        raise NotFound("This conversation is not here any more.")
    return conversation


def find_conversations(s: Session, scope: Scope, uuids: Sequence[UUID]) -> list[Conversation]:
    """Give those of these conversations that are the user's, each once, with their accounts.

    Args:
        uuids: their own, or those of conversations that were merged into them.
    """
    merged = select(ConversationAlias.conversation_id).where(ConversationAlias.uuid.in_(uuids))
    query = (
        select(Conversation)
        .where(
            or_(Conversation.uuid.in_(uuids), Conversation.id.in_(merged)),
            Conversation.tenant_id == scope.tenant_id,
            Conversation.user_id == scope.user_id,
        )
        .options(joinedload(Conversation.account))
        .order_by(Conversation.account_id, Conversation.id)
    )
    return list(s.scalars(query))


def uuids_of_conversations(s: Session, conversation_ids: Collection[int]) -> list[UUID]:
    """Give the uuids of these conversations."""
    return list(s.scalars(select(Conversation.uuid).where(Conversation.id.in_(conversation_ids))))


def load_conversation(s: Session, scope: Scope, uuid: UUID, *, newest: int | None = None) -> ConversationDetail:
    """Give one of the user's conversations with its messages, oldest first.

    Each message has its placements (with folder) and attachments loaded, but neither text nor HTML.

    Args:
        newest: how many of the newest messages; all of them when None.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    conversation = find_conversation(s, scope, uuid)
    query = (
        select(Message)
        .where(Message.conversation_id == conversation.id)
        .options(
            selectinload(Message.placements).joinedload(Placement.folder),
            selectinload(Message.attachments),
        )
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(newest)
    )
    return ConversationDetail(conversation, list(s.scalars(query))[::-1])


@dataclass(frozen=True)
class BodyFacts:
    """What a page knows of a message's text without loading it: how it begins, and whether it shows its own images."""

    beginning: str
    shows_own_images: bool


def body_facts(s: Session, message_ids: Sequence[int]) -> dict[int, BodyFacts]:
    """Give the facts of these messages' texts, by message."""
    query = select(
        Message.id, func.substr(Message.text, 1, _BEGINNING), Message.html.contains("cid:", autoescape=True)
    ).where(Message.id.in_(list(message_ids)))
    return {message_id: BodyFacts(beginning, shows) for message_id, beginning, shows in s.execute(query)}


def refresh_conversations(s: Session, account: Account, conversation_ids: Iterable[int]) -> None:
    """Work out again what the list shows of these conversations; one without messages is deleted.

    Costs four queries and one bulk update for all of them together.
    """
    ids = sorted(set(conversation_ids))
    for start in range(0, len(ids), 500):
        _refresh(s, account, ids[start : start + 500])


def _refresh(s: Session, account: Account, ids: Sequence[int]) -> None:
    # Whoever works the figures out last has seen what the others committed (SQLite has one writer anyway).
    times = (Conversation.snoozed_at, Conversation.snoozed_after, Conversation.raised_at)
    held = select(Conversation.id, *times).where(Conversation.id.in_(ids)).order_by(Conversation.id).with_for_update()
    put_off = {row[0]: _PutOff(row[1], row[2], row[3]) for row in s.execute(held)}
    columns = (
        Message.id,
        Message.conversation_id,
        Message.sent_at,
        Message.from_name,
        Message.from_email,
        Message.subject,
        Message.snippet,
        Message.has_attachments,
        Message.is_outgoing,
        Message.is_unread,
        Message.is_flagged,
        Message.body_state,
    )
    query = (
        select(*columns)
        .where(Message.account_id == account.id, Message.conversation_id.in_(ids))
        .order_by(Message.sent_at, Message.id)
    )
    by_conversation: dict[int, list[_Row]] = {conversation_id: [] for conversation_id in ids}
    holders: set[int] = set()
    for *row, body_state in s.execute(query):
        if body_state == "erased":
            holders.add(row[1])
        else:
            by_conversation[row[1]].append(_Row(*row))
    roles = _roles_by_message(s, ids)
    updates = []
    for conversation_id, rows in by_conversation.items():
        if rows and conversation_id in put_off:
            updates.append({"changed_id": conversation_id, **_figures(rows, roles, put_off[conversation_id])})
    if updates:
        s.execute(update(_TABLE).where(_TABLE.c.id == bindparam("changed_id")), updates)
    empty = [each for each, rows in by_conversation.items() if not rows and each not in holders]
    if empty:
        s.execute(delete(Conversation).where(Conversation.id.in_(empty)))


@dataclass(frozen=True)
class _Row:
    id: int
    conversation_id: int
    sent_at: datetime
    from_name: str
    from_email: str
    subject: str
    snippet: str
    has_attachments: bool
    is_outgoing: bool
    is_unread: bool
    is_flagged: bool


def _roles_by_message(s: Session, conversation_ids: Sequence[int]) -> dict[int, set[str]]:
    """Give the roles of the folders that each message lies in and is not leaving."""
    query = (
        select(Placement.message_id, Folder.role)
        .join(Folder, Placement.folder_id == Folder.id)
        .join(Message, Placement.message_id == Message.id)
        .where(Message.conversation_id.in_(conversation_ids), Placement.is_leaving.is_(False))
    )
    roles: dict[int, set[str]] = {}
    for message_id, role in s.execute(query):
        roles.setdefault(message_id, set()).add(role)
    return roles


@dataclass(frozen=True)
class _PutOff:
    snoozed_at: datetime | None
    snoozed_after: int | None
    raised_at: datetime | None

    def is_asleep(self, rows: list[_Row]) -> bool:
        """Say whether it is put off and nobody has written since: old mail that is only read in now is no news."""
        if self.snoozed_at is None or self.snoozed_after is None:
            return False
        since, after = self.snoozed_at - _BEHIND, self.snoozed_after
        return not any(row.id > after and row.sent_at > since and not row.is_outgoing for row in rows)


def _figures(rows: list[_Row], roles: dict[int, set[str]], put_off: _PutOff) -> dict[str, object]:
    newest = rows[-1]
    senders: list[str] = []
    for row in rows:
        name = "me" if row.is_outgoing else (row.from_name or row.from_email)
        if name in senders:
            senders.remove(name)
        senders.append(name)
    return {
        "subject": rows[0].subject,
        "snippet": newest.snippet,
        "senders": senders[-_MAX_SENDERS:],
        "last_at": max(newest.sent_at, put_off.raised_at or newest.sent_at),
        "message_count": len(rows),
        "unread_count": sum(row.is_unread for row in rows),
        "has_attachments": any(row.has_attachments for row in rows),
        "is_flagged": any(row.is_flagged for row in rows),
        "in_inbox": not put_off.is_asleep(rows) and any("inbox" in roles.get(row.id, ()) for row in rows),
        "in_sent": any(row.is_outgoing for row in rows),
        "in_trash": _lies_in_trash([roles[row.id] for row in rows if row.id in roles]),
    }


def _lies_in_trash(roles: list[set[str]]) -> bool:
    """Say whether all that lies anywhere lies in the trash; a message that has vanished lies nowhere."""
    return bool(roles) and all(each == {"trash"} for each in roles)
