"""What comes back on mails of ours: whom it is about, and what it changes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select, update

from webmail.store.models import Mailing, MailingRecipient, Suppression, Tenant
from webmail.store.session import Session


@dataclass(frozen=True)
class Addressee:
    """A recipient of a mailing, with whom the mailing belongs to."""

    recipient: MailingRecipient
    mailing_uuid: UUID
    user_id: int
    tenant_name: str


def find_addressee(s: Session, uuid: UUID) -> Addressee | None:
    """Give the recipient of that uuid, whoever's it is: the caller has a signature that says so."""
    query = (
        select(MailingRecipient, Mailing.uuid, Mailing.user_id, Tenant.name)
        .join(Mailing, Mailing.id == MailingRecipient.mailing_id)
        .join(Tenant, Tenant.id == MailingRecipient.tenant_id)
        .where(MailingRecipient.uuid == uuid)
    )
    row = s.execute(query).first()
    return Addressee(*row) if row else None


def drop_follow_ups(s: Session, tenant_id: int, email: str) -> None:
    """Have no mailing of the tenant send a further step to an address.

    Args:
        email: normalised.
    """
    s.execute(
        update(MailingRecipient)
        .where(
            MailingRecipient.tenant_id == tenant_id,
            MailingRecipient.email == email,
            MailingRecipient.next_step_at.is_not(None),
        )
        .values(next_step_at=None)
    )


def forget_unsubscription(s: Session, tenant_id: int, email: str) -> None:
    """Take an address off the tenant's list that stands there because its owner unsubscribed."""
    s.execute(
        delete(Suppression).where(
            Suppression.tenant_id == tenant_id, Suppression.email == email, Suppression.reason == "unsubscribed"
        )
    )
