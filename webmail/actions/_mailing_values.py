"""What is filled in for one recipient, and putting it right before the mailing is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from webmail.actions._mailing_checks import fields_of
from webmail.actions._mailing_drafts import open_mailing, touch
from webmail.actions._mailing_mail import contact_values
from webmail.actions._mailing_people import is_writable
from webmail.domain.addresses import clean_name, normalise_email
from webmail.domain.tables import MAX_CELL, no_address
from webmail.errors import InputRefused
from webmail.store import mailings as store
from webmail.store.mailing_views import field_names
from webmail.store.models import Contact, Mailing, MailingRecipient
from webmail.store.scope import Scope
from webmail.store.session import Session, reading, transaction
from webmail.store.suppressions import suppressed_among

_OF_EVERYBODY = ("first_name", "last_name", "company")
_OWN = ("name", "email")


@dataclass(frozen=True)
class Filled:
    """What is filled in for a recipient: `values` are [(merge field, value)], "" where there is none."""

    email: str
    name: str
    values: list[tuple[str, str]]


def values_of(scope: Scope, uuid: UUID, recipient_uuid: UUID) -> Filled:
    """Give a recipient's values: what everybody has, what the list brought along, and what the texts name.

    Raises:
        NotFound: no such mailing or recipient.
    """
    with reading() as s:
        mailing = store.load_mailing(s, scope, uuid)
        recipient = store.find_recipient(s, mailing.id, recipient_uuid)
        named = [each.name for each in fields_of(mailing) if each.group == "contact"]
        names = [*_OF_EVERYBODY, *field_names(s, mailing.id), *recipient.fields, *named]
        known = contact_values(
            _contact_of(s, mailing, recipient), recipient.name, recipient.email, dict(recipient.fields)
        )
    by_name = {name.casefold(): value for name, value in known.items()}
    shown: dict[str, str] = {}
    for name in names:
        if name.casefold() not in {*_OWN, *(each.casefold() for each in shown)}:
            shown[name] = by_name.get(name.casefold(), "")
    return Filled(recipient.written, recipient.name, list(shown.items()))


def correct_recipient(
    scope: Scope, uuid: UUID, recipient_uuid: UUID, *, email: str, name: str, values: Sequence[tuple[str, str]]
) -> None:
    """Put a recipient's address, name and merge fields right, in this mailing alone; the contact stays as it is.

    Somebody whose address could not be read is taken in once it can be, unless no mailing may go there.

    Args:
        values: [(merge field, value)]; "" stands for what the contact has, other fields stay as they are.

    Raises:
        NotFound: no such mailing or recipient.
        InputRefused: field `recipient` when the address is none, or is among the recipients already; "" when the
            mailing has been started.
    """
    with transaction() as s:
        mailing = open_mailing(s, scope, uuid)
        recipient = store.find_recipient(s, mailing.id, recipient_uuid)
        recipient.name = clean_name(name)[:200]
        contact = _contact_of(s, mailing, recipient)
        recipient.fields = _own_fields(contact_values(contact, recipient.name, "", {}), recipient.fields, dict(values))
        if email.strip() != recipient.written:
            _readdress(s, mailing, recipient, email)
        touch(mailing)


def _own_fields(known: Mapping[str, str], before: Mapping[str, str], typed: Mapping[str, str]) -> dict[str, str]:
    """Give what the mailing keeps of what was typed: not what is so without it."""
    fields = {key: value for key, value in before.items() if key not in typed}
    for key, value in typed.items():
        line = " ".join(value.split())[:MAX_CELL]
        if line and line != known.get(key):
            fields[key[:100]] = line
    return fields


def _readdress(s: Session, mailing: Mailing, recipient: MailingRecipient, typed: str) -> None:
    email = normalise_email(typed.strip())
    if not is_writable(email):
        raise InputRefused("recipient", no_address(typed.strip()))
    if email != recipient.email and email in store.known_emails(s, mailing.id):
        raise InputRefused("recipient", f"{email} is among the recipients already.")
    recipient.email, recipient.problem = email, ""
    if suppressed_among(s, mailing.tenant_id, [email]):
        recipient.state, recipient.left_out_because = "left_out", "suppressed"
    elif recipient.left_out_because in ("invalid", "suppressed"):
        recipient.state, recipient.left_out_because = "ready", ""


def _contact_of(s: Session, mailing: Mailing, recipient: MailingRecipient) -> Contact | None:
    if recipient.contact_id is None:
        return None
    return store.contacts_by_id(s, mailing.tenant_id, [recipient.contact_id]).get(recipient.contact_id)
