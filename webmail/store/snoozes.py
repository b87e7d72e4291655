"""Conversations that are put off until a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import joinedload

from webmail.store.models import Conversation, Message
from webmail.store.scope import Scope
from webmail.store.session import Session

_AT_ONCE = 100


def newest_message_id(s: Session, account_id: int) -> int:
    """Give the key of the message of an account that was stored last, 0 when there is none."""
    return s.scalar(select(func.max(Message.id)).where(Message.account_id == account_id)) or 0


def snoozes_due(s: Session, now: datetime) -> list[int]:
    """Give the keys of conversations whose time has come, and of those that mail has brought back before it."""
    query = (
        select(Conversation.id)
        .where(
            Conversation.snoozed_until.is_not(None),
            or_(Conversation.snoozed_until <= now, Conversation.in_inbox.is_(True)),
        )
        .order_by(Conversation.snoozed_until)
        .limit(_AT_ONCE)
    )
    return list(s.scalars(query))


def hold_snoozed(s: Session, conversation_id: int) -> Conversation | None:
    """Give a conversation, with its account, if it still is put off; nobody else changes it meanwhile."""
    query = (
        select(Conversation)
        .where(Conversation.id == conversation_id, Conversation.snoozed_until.is_not(None))
        .options(joinedload(Conversation.account))
        .with_for_update(of=Conversation)
    )
    return s.scalar(query)


def conversations_put_off_at(s: Session, scope: Scope, moment: datetime) -> list[Conversation]:
    """Give the user's conversations that were put off in one go, at that very moment, by account."""
    query = (
        select(Conversation)
        .where(
            Conversation.tenant_id == scope.tenant_id,
            Conversation.user_id == scope.user_id,
            Conversation.snoozed_until.is_not(None),
            Conversation.snoozed_at == moment,
        )
        .options(joinedload(Conversation.account))
        .order_by(Conversation.account_id, Conversation.id)
    )
    return list(s.scalars(query))


def end_snoozes(s: Session, conversation_ids: Collection[int]) -> None:
    """Have these conversations put off no more; what the list shows of them is worked out by the caller."""
    query = update(Conversation).where(Conversation.id.in_(conversation_ids), Conversation.snoozed_until.is_not(None))
    s.execute(query.values(snoozed_at=None, snoozed_after=None, snoozed_until=None))
