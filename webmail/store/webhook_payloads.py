"""What a webhook says of an event: ids and a cause, never what a mail says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from webmail.domain.addresses import normalise_email
from webmail.domain.delivery_status import status_in
from webmail.store.models import (
    Contact,
    ContactAddress,
    Conversation,
    Mailing,
    Message,
    Submission,
    User,
    WebhookEvent,
)
from webmail.store.session import Session
from webmail.store.webhooks import Fact, record


def payload_of(s: Session, event: WebhookEvent) -> dict[str, Any]:
    """Build what is sent of an event, from what is here of it now."""
    message = s.get(Message, event.message_id) if event.message_id is not None else None
    submission = s.get(Submission, event.submission_id) if event.submission_id is not None else None
    if message is None and submission is not None and submission.message_id is not None:
        message = s.get(Message, submission.message_id)
    user = s.get(User, event.user_id)
    assert user is not None  # its events go with it
    conversation = s.get(Conversation, message.conversation_id) if message is not None else None
    mailing_id = submission.mailing_id if submission is not None else None
    mailing = s.get(Mailing, mailing_id) if mailing_id is not None else None
    return {
        "type": event.type,
        "timestamp": event.created_at.isoformat(),
        "sequence": event.sequence,
        "data": {
            "user": {"id": user.external_id, "uuid": str(user.uuid)},
            "account": str(event.account_uuid) if event.account_uuid else None,
            "conversation": _uuid(conversation),
            "message": _uuid(message),
            "submission": _uuid(submission),
            "mailing": _uuid(mailing),
            "contacts": contact_ids_of(s, event.tenant_id, _addresses(message, submission)),
            **event.details,
        },
    }


def _uuid(row: Message | Conversation | Submission | Mailing | None) -> str | None:
    return str(row.uuid) if row is not None else None


def _addresses(message: Message | None, submission: Submission | None) -> set[str]:
    found = list(submission.envelope_to) if submission is not None else []
    if message is not None:
        found += [message.from_email, *_emails(message.to), *_emails(message.cc), *_emails(message.bcc)]
    return {normalise_email(each) for each in found if each}


def _emails(pairs: Iterable[Iterable[str]]) -> list[str]:
    return [email for _, email in pairs]


def contact_ids_of(s: Session, tenant_id: int, addresses: set[str]) -> list[str]:
    """Give the tenant's own ids of the people whose addresses, normalised, these are."""
    query = (
        select(Contact.external_id)
        .join(ContactAddress, ContactAddress.contact_id == Contact.id)
        .where(
            ContactAddress.tenant_id == tenant_id,
            ContactAddress.address.in_(sorted(addresses)),
            Contact.external_id.is_not(None),
        )
        .distinct()
    )
    return sorted(each for each in s.scalars(query) if each is not None)


def record_refused(s: Session, submission: Submission, refusals: Mapping[str, str]) -> None:
    """Write down who does not get a mail, because the server has refused it for them.

    Args:
        refusals: address -> the server's words.
    """
    account_uuid = submission.account.uuid if submission.account is not None else None
    facts = []
    for address, words in refusals.items():
        contacts = contact_ids_of(s, submission.tenant_id, {normalise_email(address)})
        told = {"cause": status_in(words), "contacts": contacts}
        facts.append(Fact(submission.user_id, account_uuid, submission.message_id, submission.id, told))
    record(s, submission.tenant_id, "message.bounced", facts)
