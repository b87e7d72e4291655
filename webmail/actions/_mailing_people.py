"""Whom a mailing writes to: added from lists and from contacts, left out, taken in again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from webmail.actions._mailing_drafts import open_mailing, touch
from webmail.domain.addresses import clean_name, normalise_email, parse_typed
from webmail.domain.tables import RecipientRow
from webmail.domain.windows import is_zone
from webmail.errors import InputRefused
from webmail.store import mailings as store
from webmail.store.models import Contact, Mailing
from webmail.store.scope import Scope
from webmail.store.session import Session, transaction
from webmail.store.suppressions import suppressed_among

MAX_RECIPIENTS = 10_000


@dataclass
class Added:
    """What became of those who were to be added: how many are ready, and the addresses of the others.

    `invalid` and `suppressed` ones are kept, left out; `duplicates` are in the mailing already. Lines that could not be
    read are kept, too, and not named here: who read them has told of them.
    """

    added: int = 0
    duplicates: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)


def add_recipients(scope: Scope, uuid: UUID, rows: Sequence[RecipientRow]) -> Added:
    """Add recipients, each address once.

    Raises:
        NotFound: no such mailing.
        InputRefused: it has been started, or these are too many.
    """
    with transaction() as s:
        return _add(s, open_mailing(s, scope, uuid), rows)


def add_contacts(scope: Scope, uuid: UUID, *, contact_uuids: Sequence[UUID] = (), tag: str = "") -> Added:
    """Add contacts of the tenant: those named, and all with a tag.

    Raises:
        NotFound, InputRefused: as `add_recipients()`.
    """
    with transaction() as s:
        mailing = open_mailing(s, scope, uuid)
        contacts = store.contacts_for_mailing(s, scope.tenant_id, contact_uuids, tag)
        return _add(s, mailing, [_row_of(each) for each in contacts])


def _row_of(contact: Contact) -> RecipientRow:
    email = contact.addresses[0] if contact.addresses else ""
    return RecipientRow(email, contact.name, {}, contact.time_zone, contact.id, None)


def _add(s: Session, mailing: Mailing, rows: Sequence[RecipientRow]) -> Added:
    told, taken = Added(), store.known_emails(s, mailing.id)
    suppressed = suppressed_among(s, mailing.tenant_id, [row.email for row in rows])
    found: list[dict[str, Any]] = []
    for row in rows:
        email = f"{row.email} #{row.line}".strip() if row.problem else normalise_email(row.email)
        if email in taken:
            told.duplicates += [] if row.problem else [email]
            continue
        because = "" if is_writable(email) else "invalid"
        if because:
            told.invalid += [] if row.problem else [email or row.name]
        elif email in suppressed:
            because = "suppressed"
            told.suppressed.append(email)
        else:
            told.added += 1
        if email:
            taken.add(email)
            found.append(_values(row, email, because))
    if len(taken) > MAX_RECIPIENTS:
        raise InputRefused(
            "recipients", f"A mailing takes up to {MAX_RECIPIENTS:,} recipients. Make several mailings of them."
        )
    store.insert_recipients(s, mailing, found)
    touch(mailing)
    return told


def _values(row: RecipientRow, email: str, because: str) -> dict[str, Any]:
    return {
        "email": email[:320],
        "name": clean_name(row.name)[:200],
        "fields": {name: str(value)[:2000] for name, value in row.fields.items() if value},
        "time_zone": row.time_zone if row.time_zone and is_zone(row.time_zone) else "",
        "contact_id": row.contact_id,
        "line": row.line,
        "problem": row.problem,
        "state": "left_out" if because else "ready",
        "left_out_because": because,
    }


def is_writable(email: str) -> bool:
    """Say whether this is one address that mail can go to."""
    good, refused = parse_typed(email)
    return len(good) == 1 and not refused and good[0].email == email and email.rpartition("@")[0].isascii()


def leave_out(scope: Scope, uuid: UUID, recipient_uuid: UUID) -> None:
    """Leave somebody out.

    Raises:
        NotFound: no such mailing or recipient.
        InputRefused: it has been started.
    """
    with transaction() as s:
        mailing = open_mailing(s, scope, uuid)
        recipient = store.find_recipient(s, mailing.id, recipient_uuid)
        store.change_recipient(s, recipient.id, ("ready",), "left_out", left_out_because="by_hand")
        touch(mailing)


def take_in_again(scope: Scope, uuid: UUID, recipient_uuid: UUID) -> None:
    """Take somebody in again who was left out by hand, or for want of a value.

    Raises:
        NotFound: no such mailing or recipient.
        InputRefused: it has been started, or nobody may write there.
    """
    with transaction() as s:
        mailing = open_mailing(s, scope, uuid)
        recipient = store.find_recipient(s, mailing.id, recipient_uuid)
        if recipient.state != "left_out":
            return
        if not is_writable(recipient.email):
            raise InputRefused("", f"{recipient.email} is no address that mail can go to.")
        if suppressed_among(s, scope.tenant_id, [recipient.email]):
            raise InputRefused("", f"{recipient.email} is on the list of those who get no mailings.")
        store.change_recipient(s, recipient.id, ("left_out",), "ready", left_out_because="")
        touch(mailing)


def clear_recipients(scope: Scope, uuid: UUID) -> None:
    """Take all recipients off a mailing.

    Raises:
        NotFound: no such mailing.
        InputRefused: it has been started.
    """
    with transaction() as s:
        mailing = open_mailing(s, scope, uuid)
        store.drop_recipients(s, mailing.id)
        touch(mailing)
