"""Contacts, as a tenant's own server tells of them: who they are, and the keys by which it may."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from webmail.domain.addresses import normalise_email
from webmail.errors import InputRefused, NotFound
from webmail.store import contacts, users
from webmail.store.session import reading, transaction

MOST_ADDRESSES = 20


def add_api_key(slug: str, name: str) -> str:
    """Make a key for a tenant's server, and give it: it is shown this once.

    Raises:
        InputRefused: no such tenant.
    """
    key = f"wm_{secrets.token_urlsafe(32)}"
    with transaction() as s:
        tenant = users.find_tenant(s, slug)
        if tenant is None:
            raise InputRefused("tenant", f"There is no tenant {slug}.")
        contacts.add_api_key(s, tenant.id, name[:64] or "server", _digest(key))
    return key


def tenant_of_key(key: str) -> int | None:
    """Give whose key this is; None for a key that nobody has."""
    with reading() as s:
        found = contacts.find_api_key(s, _digest(key))
    return found.tenant_id if found is not None else None


def save_contact(tenant_id: int, external_id: str, *, name: object, addresses: object) -> bool:
    """Take over a person as the tenant knows them; says whether they are new.

    Raises:
        InputRefused: a field is not what it has to be.
    """
    if not 0 < len(external_id) <= 200:
        raise InputRefused("external_id", "An external id takes from 1 to 200 characters.")
    if not isinstance(name, str) or len(name) > 200:
        raise InputRefused("name", "name takes a text of up to 200 characters.")
    if not isinstance(addresses, Sequence) or isinstance(addresses, str) or len(addresses) > MOST_ADDRESSES:
        raise InputRefused("addresses", f"addresses takes a list of up to {MOST_ADDRESSES} mail addresses.")
    for each in addresses:
        if not isinstance(each, str) or not 3 <= len(each) <= 320 or "@" not in each.strip("@") or " " in each:
            raise InputRefused("addresses", f"{str(each)[:80]!r} is no mail address.")
    normal = list(dict.fromkeys(normalise_email(each) for each in addresses))
    with transaction() as s:
        return contacts.save_contact(s, tenant_id, external_id, name=" ".join(name.split()), addresses=normal)


def delete_contact(tenant_id: int, external_id: str) -> None:
    """Forget a person.

    Raises:
        NotFound: there is none of that name.
    """
    with transaction() as s:
        if not contacts.delete_contact(s, tenant_id, external_id):
            raise NotFound("This person is not known here.")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
