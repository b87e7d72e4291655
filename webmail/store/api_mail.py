"""Mail as a tenant's server asks for it: over all of its users, for whoever holds a key with `mail:read`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import selectinload, undefer

from webmail.errors import NotFound
from webmail.store.contacts import conversations_with
from webmail.store.models import Account, Conversation, ConversationAlias, Message, Submission, User
from webmail.store.scope import Scope
from webmail.store.session import Session

Position = tuple[datetime, int]
"""Where a page ended."""


@dataclass(frozen=True)
class Owner:
    """Whose a conversation is."""

    uuid: UUID
    external_id: str | None


def conversations_of_contact(
    s: Session, tenant_id: int, addresses: Sequence[str], *, user_id: int | None, after: Position | None, limit: int
) -> list[Conversation]:
    """Give the conversations of a tenant's users with somebody after a position, newest first, with their accounts.

    Args:
        addresses: of the person.
        user_id: only this user's.
    """
    owners = select(Account.user_id).where(Account.tenant_id == tenant_id).distinct()
    if user_id is not None:
        owners = owners.where(Account.user_id == user_id)
    found: list[Conversation] = []
    for each in s.scalars(owners.order_by(Account.user_id)).all():
        found += conversations_with(s, Scope(tenant_id, each), addresses).rows
    below = (row for row in found if after is None or (row.last_at, row.id) < after)
    return sorted(below, key=lambda row: (row.last_at, row.id), reverse=True)[:limit]


def owners_of(s: Session, user_ids: Sequence[int]) -> dict[int, Owner]:
    """Give who these users are, by key."""
    query = select(User.id, User.uuid, User.external_id).where(User.id.in_(set(user_ids)))
    return {user_id: Owner(uuid, external_id) for user_id, uuid, external_id in s.execute(query)}


def find_conversation(s: Session, tenant_id: int, uuid: UUID) -> Conversation:
    """Give one of a tenant's conversations, also by the uuid that it had before it was merged.

    Raises:
        NotFound: there is none.
    """
    merged = select(ConversationAlias.conversation_id).where(ConversationAlias.uuid == uuid).scalar_subquery()
    query = select(Conversation).where(
        Conversation.tenant_id == tenant_id, (Conversation.uuid == uuid) | (Conversation.id == merged)
    )
    found = s.scalar(query)
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def message_page(s: Session, conversation_id: int, *, after: Position | None, limit: int) -> list[Message]:
    """Give a conversation's messages after a position, oldest first, with texts and attachments."""
    query = (
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.body_state != "erased")
        .options(undefer(Message.text), undefer(Message.html), selectinload(Message.attachments))
    )
    if after is not None:
        query = query.where(tuple_(Message.sent_at, Message.id) > after)
    return list(s.scalars(query.order_by(Message.sent_at, Message.id).limit(limit)))


@dataclass(frozen=True)
class Sent:
    """A submission with what it hangs together with; the ids are those of the API."""

    submission: Submission
    account: UUID | None
    conversation: UUID | None
    message: UUID | None


def find_submission(s: Session, tenant_id: int, uuid: UUID) -> Sent:
    """Give one of a tenant's mails on their way out; what is a draft is its user's own affair.

    Raises:
        NotFound: there is none.
    """
    query = (
        select(Submission, Account.uuid, Conversation.uuid, Message.uuid)
        .outerjoin(Account, Account.id == Submission.account_id)
        .outerjoin(Message, Message.id == Submission.message_id)
        .outerjoin(Conversation, Conversation.id == Message.conversation_id)
        .where(Submission.tenant_id == tenant_id, Submission.uuid == uuid, Submission.state != "draft")
    )
    row = s.execute(query).one_or_none()
    if row is None:
        raise NotFound("There is no such submission.")
    return Sent(*row)
