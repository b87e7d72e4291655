"""What comes back on mails of ours: whom it is about, and what it changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, exists, func, select, update

from webmail.domain.addresses import normalise_email
from webmail.store import audit
from webmail.store.mailing_steps import record_mail_sent
from webmail.store.models import (
    Account,
    Conversation,
    Mailing,
    MailingRecipient,
    MailReport,
    Message,
    Submission,
    Suppression,
    Tenant,
)
from webmail.store.session import Session, count_changed
from webmail.store.suppressions import add_suppressions

_AT_ONCE = 400
_MOST_LOOKED_THROUGH = 500
_LEFT = ("sending", "sent", "unsure", "failed")
"""The states of a submission whose mail may have reached somebody."""


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


@dataclass(frozen=True)
class Sent:
    """A mail of ours that something may come back on; `envelope` is normalised."""

    submission_id: int
    envelope: frozenset[str]
    recipient_id: int | None
    mailing_id: int | None
    sent_at: datetime | None


def has_sent(s: Session, account_id: int) -> bool:
    """Say whether anything was ever sent from here through an account: on others nothing comes back."""
    has_id = Submission.message_id_header != ""
    return bool(s.scalar(select(exists().where(Submission.account_id == account_id, has_id))))


def sent_by_id(s: Session, account_id: int, ids: Collection[str]) -> dict[str, Sent]:
    """Give the mails of ours that have these Message-IDs, by the one that was given or the one that a server put in."""
    found: dict[str, Sent] = {}
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        own = _sent(Submission.message_id_header).where(
            Submission.account_id == account_id, Submission.message_id_header.in_(some)
        )
        replaced = (
            _sent(Message.message_id_header)
            .join(Message, Message.id == Submission.message_id)
            .where(Message.account_id == account_id, Message.message_id_header.in_(some), Message.is_outgoing)
        )
        for query in (own, replaced):
            for name, *values in s.execute(query):
                found.setdefault(name, _built(values))
    return found


def _sent(key: Any) -> Select[Any]:
    return (
        select(
            key,
            Submission.id,
            Submission.envelope_to,
            Submission.recipient_id,
            Submission.mailing_id,
            Submission.sent_at,
            MailingRecipient.email,
        )
        .outerjoin(MailingRecipient, MailingRecipient.id == Submission.recipient_id)
        .where(Submission.state.in_(_LEFT))
    )


def _built(values: Sequence[Any]) -> Sent:
    submission_id, envelope, recipient_id, mailing_id, sent_at, email = values
    emails = frozenset(normalise_email(each) for each in [*(envelope or []), *([email] if email else [])])
    return Sent(submission_id, emails, recipient_id, mailing_id, sent_at)


def prove_sent(s: Session, sent: Sent, kind: str) -> None:
    """Take a mailing's mail for sent of which nobody could tell: something has come back on it.

    Args:
        kind: of what came back, for the audit log; "" for somebody's answer.
    """
    query = update(Submission).where(
        Submission.id == sent.submission_id, Submission.state == "unsure", Submission.mailing_id.is_not(None)
    )
    if not count_changed(s, query.values(state="sent")):
        return
    submission = s.get_one(Submission, sent.submission_id)
    record_mail_sent(s, submission)
    mailing = s.get_one(Mailing, sent.mailing_id)
    audit.add_entry(
        s,
        mailing.tenant_id,
        None,
        "mailing_mail_proven",
        subject=mailing.uuid,
        email=next(iter(sent.envelope), ""),
        by=kind or "answer",
    )


def last_sent_to(s: Session, account_id: int, email: str, since: datetime) -> Sent | None:
    """Give the last mail that went to an address through an account; None when there was none of late.

    Args:
        email: normalised.
    """
    query = _sent(Submission.id).where(Submission.account_id == account_id, Submission.sent_at >= since)
    mass = query.where(MailingRecipient.email == email).order_by(Submission.sent_at.desc()).limit(1)
    single = (
        query.where(Submission.mailing_id.is_(None)).order_by(Submission.sent_at.desc()).limit(_MOST_LOOKED_THROUGH)
    )
    found = [_built(values) for each in (mass, single) for _, *values in s.execute(each)]
    matching = [each for each in found if email in each.envelope and each.sent_at is not None]
    return max(matching, key=lambda each: each.sent_at or since, default=None)


def recipients_among(s: Session, account: Account, emails: Collection[str]) -> dict[str, MailingRecipient]:
    """Give for each of these addresses whom the account's last mailing to it wrote to; normalised."""
    found: dict[str, MailingRecipient] = {}
    wanted = sorted(set(emails))
    for start in range(0, len(wanted), _AT_ONCE):
        query = (
            select(MailingRecipient)
            .join(Mailing, Mailing.id == MailingRecipient.mailing_id)
            .where(
                MailingRecipient.tenant_id == account.tenant_id,
                MailingRecipient.email.in_(wanted[start : start + _AT_ONCE]),
                MailingRecipient.sent_at.is_not(None),
                Mailing.account_id == account.id,
            )
            .order_by(MailingRecipient.sent_at)
        )
        found.update({each.email: each for each in s.scalars(query)})
    return found


def load_recipient(s: Session, recipient_id: int) -> MailingRecipient | None:
    """Give a recipient by its key, None when it is gone."""
    return s.get(MailingRecipient, recipient_id)


def suppress_once(s: Session, tenant_id: int, email: str, *, reason: str, detail: str, mailing_id: int | None) -> None:
    """Put an address on the tenant's list, and say so in the audit log where it is new there.

    Args:
        email: normalised.
    """
    if add_suppressions(s, tenant_id, [email], reason=reason, detail=detail[:1000], mailing_id=mailing_id):
        audit.add_entry(s, tenant_id, None, "suppression_added", email=email, reason=reason)


def set_automatic(s: Session, message_id: int, kind: str) -> None:
    """Note that a machine wrote a message."""
    s.execute(update(Message).where(Message.id == message_id).values(automatic=kind))


def mailing_uuids(s: Session, mailing_ids: Collection[int]) -> list[UUID]:
    """Give the uuids of mailings, for the pages that show them."""
    return list(s.scalars(select(Mailing.uuid).where(Mailing.id.in_(mailing_ids)))) if mailing_ids else []


def conversation_uuids(s: Session, submission_ids: Collection[int]) -> list[UUID]:
    """Give the conversations in which these submissions show."""
    query = (
        select(Conversation.uuid)
        .join(Message, Message.conversation_id == Conversation.id)
        .join(Submission, Submission.message_id == Message.id)
        .where(Submission.id.in_(submission_ids))
        .distinct()
    )
    return list(s.scalars(query)) if submission_ids else []


def returns_of(s: Session, submission_ids: Collection[int]) -> dict[int, list[MailReport]]:
    """Give what came back on submissions because it was not delivered, the last word on each recipient."""
    if not submission_ids:
        return {}
    last = (
        select(func.max(MailReport.id))
        .where(MailReport.submission_id.in_(submission_ids), MailReport.kind.in_(("bounce", "delay")))
        .group_by(MailReport.submission_id, MailReport.email)
    )
    found: dict[int, list[MailReport]] = {}
    for report in s.scalars(select(MailReport).where(MailReport.id.in_(last)).order_by(MailReport.id)):
        found.setdefault(report.submission_id or 0, []).append(report)
    return found
