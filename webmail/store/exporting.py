"""What is kept of a person, written out: every row's columns by name, without keys, secrets and what only we need."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import selectinload, undefer

from webmail.store.models import (
    Account,
    Base,
    Contact,
    Conversation,
    Mailing,
    MailingRecipient,
    MailReport,
    MailTemplate,
    Message,
    Signature,
    Submission,
    Suppression,
    User,
)
from webmail.store.session import Session

_LEFT_OUT = frozenset(
    "id tenant_id secret password_hash session_epoch identity mime fingerprint lease_owner lease_token lease_until "
    "claim_token claimed_until sync_generation mass_generation mailing_revision words".split()
)


def row_of(row: Base) -> dict[str, Any]:
    """Give a row's columns that are loaded, as JSON values."""
    state = inspect(row)
    return {
        attribute.key: _plain(getattr(row, attribute.key))
        for attribute in state.mapper.column_attrs
        if attribute.key not in _LEFT_OUT and not attribute.key.endswith("_id") and attribute.key not in state.unloaded
    }


def contact_facts(s: Session, contact: Contact) -> dict[str, Any]:
    """Give what is kept of a contact beside mail."""
    owned = MailingRecipient.tenant_id == contact.tenant_id
    is_person = or_(MailingRecipient.contact_id == contact.id, MailingRecipient.email.in_(contact.addresses))
    mailings = s.execute(
        select(MailingRecipient, Mailing.name)
        .join(Mailing, Mailing.id == MailingRecipient.mailing_id)
        .where(owned, is_person)
        .order_by(MailingRecipient.id)
    )
    found: dict[str, Any] = {
        "contact": row_of(contact) | {"external_id": contact.external_id},
        "mailings": [row_of(recipient) | {"mailing": name} for recipient, name in mailings],
    }
    for name, kind in (("suppressions", Suppression), ("reports", MailReport)):
        query = select(kind).where(kind.tenant_id == contact.tenant_id, kind.email.in_(contact.addresses))
        found[name] = [row_of(each) for each in s.scalars(query.order_by(kind.id))]
    return found


def user_facts(s: Session, user: User) -> dict[str, Any]:
    """Give what is kept of a user beside mail."""
    found: dict[str, Any] = {"user": row_of(user) | {"external_id": user.external_id}}
    kinds: tuple[tuple[str, Any], ...] = (
        ("accounts", Account),
        ("signatures", Signature),
        ("mail_templates", MailTemplate),
        ("mailings", Mailing),
        ("submissions", Submission),
    )
    for name, kind in kinds:
        query = select(kind).where(kind.tenant_id == user.tenant_id, kind.user_id == user.id)
        found[name] = [row_of(each) for each in s.scalars(query.order_by(kind.id))]
    return found


def message_ids_of_user(s: Session, tenant_id: int, user_id: int) -> list[int]:
    """Give the keys of a user's messages, by conversation and time."""
    query = select(Message.id).where(
        Message.tenant_id == tenant_id, Message.user_id == user_id, Message.body_state != "erased"
    )
    return list(s.scalars(query.order_by(Message.conversation_id, Message.sent_at, Message.id)))


def messages(s: Session, ids: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Give messages with their texts, their attachments' names and sizes, and where they belong."""
    query = (
        select(Message, Conversation.uuid, Account.email)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Account, Account.id == Message.account_id)
        .where(Message.id.in_(ids))
        .options(undefer(Message.text), undefer(Message.html), selectinload(Message.attachments))
        .order_by(Message.conversation_id, Message.sent_at, Message.id)
    )
    for message, conversation, account in s.execute(query):
        yield row_of(message) | {
            "conversation": str(conversation),
            "account": account,
            "attachments": [row_of(each) for each in message.attachments],
        }


def pieces(facts: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write `facts` and, as `messages`, the rows into one JSON object, a piece at a time."""
    yield json.dumps(facts, ensure_ascii=False)[:-1] + ', "messages": ['
    for at, row in enumerate(rows):
        yield (", " if at else "") + json.dumps(row, ensure_ascii=False)
    yield "]}"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
