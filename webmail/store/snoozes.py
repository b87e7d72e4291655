"""Conversations that are put off until a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update

from webmail.store.models import Conversation, Message
from webmail.store.scope import Scope
from webmail.store.session import Session

_AT_ONCE = 100
NEWS = timedelta(minutes=10)
"""How far the clock of a mail's server may be behind ours."""


def newest_message_id(s: Session, account_id: int) -> int:
    """Give the key of the message of an account that was stored last, 0 when there is none."""
    return s.scalar(select(func.max(Message.id)).where(Message.account_id == account_id)) or 0


def snoozes_due(s: Session, now: datetime) -> list[Conversation]:
    """Give the conversations whose time has come, and those that mail has brought back before it, some at a time."""
    query = (
        select(Conversation)
        .where(Conversation.snoozed_until.is_not(None), or_(Conversation.snoozed_until <= now, _is_woken()))
        .order_by(Conversation.snoozed_until)
        .limit(_AT_ONCE)
    )
    return list(s.scalars(query))


def _is_woken() -> ColumnElement[bool]:
    return exists().where(
        and_(
            Message.conversation_id == Conversation.id,
            Message.is_outgoing.is_(False),
            Message.id > Conversation.snoozed_after,
            Message.body_state != "erased",
            Conversation.in_inbox.is_(True),
        )
    )


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
        .order_by(Conversation.account_id, Conversation.id)
    )
    return list(s.scalars(query))


def end_snoozes(s: Session, conversation_ids: set[int]) -> None:
    """Have these conversations put off no more; what the list shows of them is worked out by the caller."""
    query = update(Conversation).where(Conversation.id.in_(conversation_ids), Conversation.snoozed_until.is_not(None))
    s.execute(query.values(snoozed_at=None, snoozed_after=None, snoozed_until=None))
