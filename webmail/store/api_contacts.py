"""Contacts as a tenant's server asks for them: by its own ids, in the order in which they changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_

from webmail.errors import NotFound
from webmail.store.contacts import put_addresses
from webmail.store.models import Contact, utc_now
from webmail.store.session import Session

Position = tuple[datetime, int]
"""Where a page ended."""


def find_contact(s: Session, tenant_id: int, name: str) -> Contact:
    """Give the person whom a tenant calls so; whom only this product knows goes by their uuid.

    Raises:
        NotFound: there is nobody of that name.
    """
    found = s.scalar(select(Contact).where(Contact.tenant_id == tenant_id, Contact.external_id == name))
    if found is None:
        try:
            key = UUID(name)
        except ValueError:
            key = None
        query = select(Contact).where(
            Contact.tenant_id == tenant_id, Contact.uuid == key, Contact.external_id.is_(None)
        )
        found = s.scalar(query) if key is not None else None
    if found is None:
        raise NotFound("This person is not known here.")
    return found


def contact_page(
    s: Session, tenant_id: int, *, updated_since: datetime | None, after: Position | None, limit: int
) -> list[Contact]:
    """Give a tenant's contacts after a position, those first that have not changed for longest."""
    query = select(Contact).where(Contact.tenant_id == tenant_id)
    if updated_since is not None:
        query = query.where(Contact.updated_at >= updated_since)
    if after is not None:
        query = query.where(tuple_(Contact.updated_at, Contact.id) > after)
    return list(s.scalars(query.order_by(Contact.updated_at, Contact.id).limit(limit)))


def upsert_contact(s: Session, tenant_id: int, external_id: str, values: Mapping[str, Any]) -> bool:
    """Store a person as the tenant knows them now; says whether they are new.

    Args:
        values: columns of `Contact`, checked and normalised; what is not among them stays as it is.
    """
    contact = s.scalar(select(Contact).where(Contact.tenant_id == tenant_id, Contact.external_id == external_id))
    is_new = contact is None
    if contact is None:
        contact = Contact(tenant_id=tenant_id, external_id=external_id, addresses=[])
        s.add(contact)
    elif all(getattr(contact, column) == value for column, value in values.items()):
        return False
    for column, value in values.items():
        if column != "addresses":
            setattr(contact, column, value)
    contact.updated_at = utc_now()
    s.flush()
    if values.get("addresses", contact.addresses) != contact.addresses:
        put_addresses(s, contact, values["addresses"])
    return is_new
