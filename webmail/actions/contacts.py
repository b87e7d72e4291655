"""Contacts as users keep them; what a tenant's own server tells of them is `webmail.actions.api_contacts`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from webmail.actions import privacy
from webmail.domain.addresses import normalise_email, parse_typed
from webmail.domain.columns import MOST_FIELDS, TARGETS, field_name, is_time_zone, read_tags
from webmail.errors import InputRefused
from webmail.store import audit, contacts
from webmail.store.models import Contact, utc_now
from webmail.store.scope import Scope
from webmail.store.session import transaction

MOST_ADDRESSES = 20
_FIELD_NAME = re.compile(r"[^\W\d]\w{0,63}")


@dataclass(frozen=True)
class ContactFields:
    """A contact as a user types it.

    `addresses`: any number, however separated; the first is where new mail goes to.
    `fields`: further merge fields, as (name, value); one without a name or a value is left out.
    """

    name: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    addresses: str = ""
    tags: str = ""
    time_zone: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)


def add_contact(scope: Scope, typed: ContactFields) -> UUID:
    """Take a person into the tenant's contacts, and give their uuid.

    Raises:
        InputRefused: a field is not what it has to be, or somebody has one of the addresses already.
    """
    contact = Contact(tenant_id=scope.tenant_id)
    addresses = _fill(contact, typed)
    with transaction() as s:
        known = contacts.contacts_by_address(s, scope.tenant_id, addresses)
        if known:
            email, other = next(iter(known.items()))
            raise InputRefused(
                "addresses", f"{email} belongs to {other.name or 'a contact'} already. Edit that contact."
            )
        contact.addresses = addresses
        contacts.add_contacts(s, [contact])
        privacy.contacts_changed(s, scope.tenant_id)
    return contact.uuid


def edit_contact(scope: Scope, uuid: UUID, typed: ContactFields) -> None:
    """Store a contact as it was typed.

    Raises:
        NotFound: there is none.
        InputRefused: a field is not what it has to be.
    """
    with transaction() as s:
        contact = contacts.load_by_uuid(s, scope.tenant_id, uuid)
        addresses = _fill(contact, typed)
        contact.updated_at = utc_now()
        contacts.put_addresses(s, contact, addresses)
        privacy.contacts_changed(s, scope.tenant_id)


def erase_contact(scope: Scope, uuid: UUID) -> str:
    """Forget a contact, and give what it was called; mail, and what mailings have sent, stays as it is.

    Raises:
        NotFound: there is none.
    """
    with transaction() as s:
        contact = contacts.load_by_uuid(s, scope.tenant_id, uuid)
        name = contact.name or next(iter(contact.addresses), "")
        audit.add_entry(s, scope.tenant_id, scope.user_id, "contact_erased", subject=uuid)
        s.delete(contact)
    return name


def _fill(contact: Contact, typed: ContactFields) -> list[str]:
    """Put what was typed into a contact, all but the addresses: those are given back, normalised."""
    found, refused = parse_typed(typed.addresses)
    if refused:
        raise InputRefused("addresses", f"“{refused[0][:80]}” is no mail address.")
    if not found:
        raise InputRefused("addresses", "Add at least one mail address.")
    if len(found) > MOST_ADDRESSES:
        raise InputRefused("addresses", f"A contact takes up to {MOST_ADDRESSES} addresses.")
    if typed.time_zone and not is_time_zone(typed.time_zone):
        raise InputRefused("time_zone", f"There is no time zone {typed.time_zone[:60]}. Write it as Europe/Paris.")
    contact.fields = _own_fields(typed.fields)
    contact.first_name, contact.last_name = _line(typed.first_name, 100), _line(typed.last_name, 100)
    whole = f"{contact.first_name} {contact.last_name}".strip()
    contact.name = _line(typed.name, 200) or whole or found[0].name[:200]
    contact.company, contact.time_zone = _line(typed.company, 200), typed.time_zone
    contact.tags = read_tags(typed.tags)
    return [normalise_email(each.email) for each in found]


def _own_fields(typed: Sequence[tuple[str, str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for label, value in typed:
        # What the ATS calls `City` stays so; merge fields are found without case.
        name = label.strip() if _FIELD_NAME.fullmatch(label.strip()) else field_name(label)
        if not _line(value, 2000) or not label.strip():
            continue
        if not name or name.casefold() in TARGETS:
            raise InputRefused(
                "fields", f"“{label.strip()[:60]}” cannot be the name of a further field. Choose another."
            )
        if name.casefold() in (each.casefold() for each in fields):
            raise InputRefused("fields", f"There are two fields called {name}. Keep one of them.")
        fields[name] = _line(value, 2000)
    if len(fields) > MOST_FIELDS:
        raise InputRefused("fields", f"A contact takes up to {MOST_FIELDS} further fields.")
    return fields


def _line(text: str, most: int) -> str:
    return " ".join(text.split())[:most].strip()
