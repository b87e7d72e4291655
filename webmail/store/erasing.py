"""Erase all that is kept of a person: found by their addresses wherever these stand, in each user's mail of a tenant.

Conversations in which the person wrote or was written to go as a whole; elsewhere a message goes that names an address
of theirs. The mail itself stays in the mailboxes, so of each message an empty row stays with what it takes not to fetch
it again: its identity (a hash, or the provider's number), its time, and where it lies. These rows lie in a conversation
without messages, which no list shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, delete, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from webmail.domain.addresses import normalise_email
from webmail.store.conversations import refresh_conversations
from webmail.store.models import (
    Account,
    Attachment,
    AuditEntry,
    Conversation,
    Correspondent,
    MailingRecipient,
    MailReport,
    Message,
    SearchedAddress,
    Submission,
    Suppression,
    WebhookEvent,
    utc_now,
)
from webmail.store.search_index import index_messages
from webmail.store.session import Session, count_changed
from webmail.store.suppressions import erased_form

AT_ONCE = 200
_TEXTS = (Message.from_email, Message.subject, Message.text, Message.html, Message.message_id_header)
_LISTS = (Message.to, Message.cc, Message.bcc, Message.reply_to)
_BLANK: dict[str, Any] = {
    **dict.fromkeys(("message_id_header", "in_reply_to", "from_name", "from_email", "subject", "snippet"), ""),
    **{name: [] for name in ("references", "reply_to", "to", "cc", "bcc")},
    **dict.fromkeys(("is_unread", "is_flagged", "is_answered", "has_attachments"), False),
    "text": "",
    "html": "",
    "automatic": "",
    "date_header_at": None,
    "body_state": "erased",
}


@dataclass(frozen=True)
class Trace:
    """A message that a person is in: as one who wrote or was written to, or only named."""

    message_id: int
    conversation_id: int
    account_id: int
    is_participant: bool


def traces_of(s: Session, tenant_id: int, addresses: Sequence[str]) -> Iterator[Trace]:
    """Find the messages that a person is in; each is looked through, so this takes seconds for a large tenant."""
    wanted = set(addresses)
    columns = (
        Message.id,
        Message.conversation_id,
        Message.account_id,
        Message.from_email,
        Message.to,
        Message.cc,
        Message.bcc,
        Message.reply_to,
    )
    query = select(*columns).where(Message.tenant_id == tenant_id, names_any([*_TEXTS, *_LISTS], addresses))
    for message_id, conversation_id, account_id, sender, *lists in s.execute(query):
        people = {normalise_email(sender)} | {normalise_email(email) for each in lists for _, email in each}
        yield Trace(message_id, conversation_id, account_id, bool(wanted & people))


def names_any(columns: Sequence[InstrumentedAttribute[Any]], addresses: Sequence[str]) -> ColumnElement[bool]:
    """Give the condition that one of these columns, of text or of JSON, holds one of these addresses."""
    forms = {form for each in addresses for form in (each, json.dumps(each)[1:-1])}
    return or_(*(cast(column, String).icontains(form, autoescape=True) for column in columns for form in forms))


def messages_in(s: Session, conversation_ids: Iterable[int]) -> list[tuple[int, int]]:
    """Give (message, account) of all messages of these conversations that are not erased already."""
    ids = sorted(set(conversation_ids))
    found: list[tuple[int, int]] = []
    for start in range(0, len(ids), AT_ONCE):
        query = select(Message.id, Message.account_id).where(
            Message.conversation_id.in_(ids[start : start + AT_ONCE]), Message.body_state != "erased"
        )
        found += [(message_id, account_id) for message_id, account_id in s.execute(query)]
    return found


def files_of(s: Session, message_ids: Sequence[int]) -> list[tuple[UUID, UUID]]:
    """Give (account, attachment or message) of what the cache may keep of these messages."""
    files = (
        select(Account.uuid, Attachment.uuid)
        .join(Message, Message.id == Attachment.message_id)
        .join(Account, Account.id == Message.account_id)
        .where(Message.id.in_(message_ids))
    )
    pictures = (
        select(Account.uuid, Message.uuid)
        .join(Account, Account.id == Message.account_id)
        .where(Message.id.in_(message_ids))
    )
    return [(account, kept) for query in (files, pictures) for account, kept in s.execute(query)]


def empty_messages(s: Session, account: Account, message_ids: Sequence[int]) -> int:
    """Leave nothing of these messages of one account but what keeps them from being fetched again.

    Returns:
        How many submissions went with them.
    """
    owners = set(s.scalars(select(Message.conversation_id).where(Message.id.in_(message_ids))))
    s.execute(delete(Attachment).where(Attachment.message_id.in_(message_ids)))
    s.execute(delete(MailReport).where(MailReport.message_id.in_(message_ids)))
    s.execute(delete(WebhookEvent).where(WebhookEvent.message_id.in_(message_ids)))
    linked = or_(Submission.message_id.in_(message_ids), Submission.source_message_id.in_(message_ids))
    submissions = count_changed(s, delete(Submission).where(linked))
    blank = _BLANK | {"conversation_id": _holder(s, account).id}
    s.execute(update(Message).where(Message.id.in_(message_ids)).values(**blank))
    index_messages(s, message_ids)
    refresh_conversations(s, account, owners)
    return submissions


def _holder(s: Session, account: Account) -> Conversation:
    """Give the conversation of an account's erased messages: it has no messages to show, so no list shows it."""
    query = (
        select(Conversation)
        .join(Message, Message.conversation_id == Conversation.id)
        .where(Message.account_id == account.id, Message.body_state == "erased")
        .limit(1)
    )
    holder = s.scalar(query)
    if holder is None:
        holder = Conversation(
            tenant_id=account.tenant_id, user_id=account.user_id, account_id=account.id, last_at=utc_now()
        )
        s.add(holder)
        s.flush()
    return holder


def erase_submissions(s: Session, tenant_id: int, addresses: Sequence[str]) -> int:
    """Delete what is being written, or was sent, to these addresses, or names them."""
    columns = (Submission.to, Submission.cc, Submission.bcc, Submission.envelope_to, Submission.subject)
    bodies = (Submission.body_html, Submission.body_text)
    named = names_any([*columns, *bodies], addresses)
    return count_changed(s, delete(Submission).where(Submission.tenant_id == tenant_id, named))


def erase_recipients(s: Session, tenant_id: int, addresses: Sequence[str], contact_id: int | None) -> int:
    """Take a person out of all mailings, with what was sent to them and what came back."""
    is_person: ColumnElement[bool] = MailingRecipient.email.in_(addresses)
    if contact_id is not None:
        is_person = or_(is_person, MailingRecipient.contact_id == contact_id)
    s.execute(delete(MailReport).where(MailReport.tenant_id == tenant_id, MailReport.email.in_(addresses)))
    return count_changed(s, delete(MailingRecipient).where(MailingRecipient.tenant_id == tenant_id, is_person))


def hide_suppressions(s: Session, tenant_id: int, addresses: Sequence[str]) -> None:
    """Keep only a hash of addresses that nobody may write to any more, with the reason: the wish outlives the row."""
    owned = Suppression.tenant_id == tenant_id
    for address in addresses:
        form = erased_form(tenant_id, address)
        is_there = s.scalar(select(Suppression.id).where(owned, Suppression.email == form)) is not None
        where = owned, Suppression.email == address
        hidden = update(Suppression).where(*where).values(email=form, detail="", mailing_id=None)
        s.execute(delete(Suppression).where(*where) if is_there else hidden)


def erase_mentions(s: Session, tenant_id: int, addresses: Sequence[str], external_id: str | None) -> None:
    """Take a person out of what is noted elsewhere: address books, the audit log, events for the tenant's server."""
    accounts = select(Account.id).where(Account.tenant_id == tenant_id)
    s.execute(
        delete(SearchedAddress).where(SearchedAddress.account_id.in_(accounts), SearchedAddress.address.in_(addresses))
    )
    s.execute(delete(Correspondent).where(Correspondent.account_id.in_(accounts), Correspondent.email.in_(addresses)))
    noted = AuditEntry.tenant_id == tenant_id, names_any([AuditEntry.details], addresses)
    s.execute(update(AuditEntry).where(*noted).values(details={}))
    if external_id is not None:
        events = select(WebhookEvent.uuid, WebhookEvent.payload, WebhookEvent.details)
        naming = [
            uuid
            for uuid, payload, details in s.execute(events.where(WebhookEvent.tenant_id == tenant_id))
            if external_id in [*payload.get("data", {}).get("contacts", ()), *details.get("contacts", ())]
        ]
        for start in range(0, len(naming), AT_ONCE):
            s.execute(delete(WebhookEvent).where(WebhookEvent.uuid.in_(naming[start : start + AT_ONCE])))
