"""What the pages of mailings ask besides: who stands beside whom, what fields there are, where answers lie."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, select

from webmail.store.models import Contact, Conversation, MailingRecipient, Submission, Tenant
from webmail.store.session import Session

_LOOKED_AT = 200
"""Recipients whose fields are looked at: lists have the same columns from top to bottom."""


@dataclass(frozen=True)
class Neighbours:
    """Where a recipient stands among those who get the mail: `number` of `count`, and who is before and after."""

    number: int
    count: int
    before: UUID | None
    after: UUID | None


def first_ready(s: Session, mailing_id: int) -> MailingRecipient | None:
    """Give the first of those who get the mail, None when nobody does."""
    query = _ready(mailing_id).order_by(MailingRecipient.id).limit(1)
    return s.scalar(query)


def neighbours(s: Session, recipient: MailingRecipient) -> Neighbours:
    """Say who stands before and after a recipient; somebody who is left out stands between two others."""
    ready = _ready(recipient.mailing_id)
    before = s.scalar(ready.where(MailingRecipient.id < recipient.id).order_by(MailingRecipient.id.desc()).limit(1))
    after = s.scalar(ready.where(MailingRecipient.id > recipient.id).order_by(MailingRecipient.id).limit(1))
    counting = select(func.count()).select_from(ready.subquery())
    earlier = select(func.count()).select_from(ready.where(MailingRecipient.id < recipient.id).subquery())
    return Neighbours(
        number=(s.scalar(earlier) or 0) + 1,
        count=s.scalar(counting) or 0,
        before=before.uuid if before else None,
        after=after.uuid if after else None,
    )


def field_names(s: Session, mailing_id: int) -> list[str]:
    """Give the names of the merge fields that a mailing's recipients bring along, in order."""
    query = (
        select(MailingRecipient.fields)
        .where(MailingRecipient.mailing_id == mailing_id)
        .order_by(MailingRecipient.id)
        .limit(_LOOKED_AT)
    )
    return list(dict.fromkeys(name for fields in s.scalars(query) for name in fields))


def conversation_uuids(s: Session, conversation_ids: Collection[int]) -> dict[int, UUID]:
    """Give the uuids of conversations by their keys."""
    query = select(Conversation.id, Conversation.uuid).where(Conversation.id.in_(conversation_ids))
    return {key: uuid for key, uuid in s.execute(query)} if conversation_ids else {}


def contacts_of(s: Session, recipient_uuids: Collection[UUID]) -> dict[UUID, UUID]:
    """Give the contacts that recipients came from, where they came from one: {recipient: contact}."""
    query = (
        select(MailingRecipient.uuid, Contact.uuid)
        .join(Contact, Contact.id == MailingRecipient.contact_id)
        .where(MailingRecipient.uuid.in_(recipient_uuids))
    )
    return {recipient: contact for recipient, contact in s.execute(query)} if recipient_uuids else {}


def steps_sent(s: Session, mailing_id: int) -> dict[int, int]:
    """Give how many mails of each step have left."""
    query = (
        select(Submission.step, func.count())
        .where(Submission.mailing_id == mailing_id, Submission.state == "sent")
        .group_by(Submission.step)
    )
    return {step or 0: count for step, count in s.execute(query)}


def is_switched_off(s: Session, tenant_id: int) -> bool:
    """Say whether the operator has switched mass mail off for a tenant."""
    return s.scalar(select(Tenant.mass_mail_cap).where(Tenant.id == tenant_id)) == 0


def _ready(mailing_id: int) -> Select[MailingRecipient]:
    return select(MailingRecipient).where(
        MailingRecipient.mailing_id == mailing_id, MailingRecipient.state != "left_out"
    )
