"""Contacts, as a tenant's own server tells of them: one, or a thousand at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webmail.actions import privacy
from webmail.domain.addresses import normalise_email
from webmail.domain.columns import MOST_FIELDS, TARGETS, field_name, is_time_zone
from webmail.errors import InputRefused
from webmail.store import api_contacts, audit
from webmail.store.session import transaction
from webmail.store.users import hold_tenant

_AT_ONCE = 100
_LINES = ("name", "first_name", "last_name", "company")


@dataclass
class Told:
    """What became of many contacts; `refused` are (place in the list, field, sentence)."""

    created: int = 0
    updated: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)


def upsert(tenant_id: int, external_id: str, fields: Mapping[str, Any]) -> bool:
    """Make or update a person; what `fields` leaves out stays as it is. Says whether they are new.

    Raises:
        InputRefused: the id or a field is not what it has to be.
    """
    require_external_id(external_id)
    values = _columns(fields)
    with transaction() as s:
        hold_tenant(s, tenant_id)
        privacy.contacts_changed(s, tenant_id)
        return api_contacts.upsert_contact(s, tenant_id, external_id, values)


def upsert_many(tenant_id: int, people: Sequence[Mapping[str, Any]]) -> Told:
    """Make or update many people; one that cannot be taken keeps nobody else out.

    Args:
        people: the fields of each, with `id`.
    """
    told = Told()
    taken: list[tuple[str, dict[str, Any]]] = []
    for at, each in enumerate(people):
        try:
            require_external_id(each["id"])
            taken.append((each["id"], _columns(each)))
        except InputRefused as refused:
            told.refused.append((at, refused.field, refused.user_message))
    for start in range(0, len(taken), _AT_ONCE):
        with transaction() as s:
            hold_tenant(s, tenant_id)
            privacy.contacts_changed(s, tenant_id)
            for external_id, values in taken[start : start + _AT_ONCE]:
                is_new = api_contacts.upsert_contact(s, tenant_id, external_id, values)
                told.created += is_new
                told.updated += not is_new
            privacy.contacts_changed(s, tenant_id)
    return told


def delete(tenant_id: int, name: str) -> None:
    """Forget a person; their mail stays.

    Raises:
        NotFound: there is none of that name.
    """
    with transaction() as s:
        contact = api_contacts.find_contact(s, tenant_id, name)
        audit.add_entry(s, tenant_id, None, "contact_erased", subject=contact.uuid)
        s.delete(contact)


def require_external_id(external_id: str) -> None:
    """Check an id of the tenant's own.

    Raises:
        InputRefused: it can stand in no address.
    """
    is_usable = 0 < len(external_id) <= 200 and external_id.isprintable() and external_id == external_id.strip()
    if not is_usable or "/" in external_id or external_id in (".", ".."):
        raise InputRefused("id", "An id takes from 1 to 200 characters, without / and spaces around.")


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {name: " ".join(fields[name].split()) for name in _LINES if name in fields}
    if "name" not in values and (values.get("first_name") or values.get("last_name")):
        values["name"] = f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()
    if "addresses" in fields:
        values["addresses"] = _addresses(fields["addresses"])
    if "tags" in fields:
        values["tags"] = list(dict.fromkeys(" ".join(each.split()) for each in fields["tags"] if each.strip()))
    if "fields" in fields:
        wrong = next((name for name in fields["fields"] if field_name(name) != name or name in TARGETS), None)
        if wrong is not None:
            raise InputRefused("fields", f"{wrong[:80]!r} is no name of a further field: small letters, digits and _.")
        if len(fields["fields"]) > MOST_FIELDS:
            raise InputRefused("fields", f"A contact takes up to {MOST_FIELDS} further fields.")
        values["fields"] = dict(fields["fields"])
    if "time_zone" in fields:
        if fields["time_zone"] and not is_time_zone(fields["time_zone"]):
            raise InputRefused("time_zone", f"There is no time zone {fields['time_zone']}.")
        values["time_zone"] = fields["time_zone"]
    return values


def _addresses(typed: Sequence[str]) -> list[str]:
    for each in typed:
        local, _, domain = each.strip().rpartition("@")
        if not local or not domain or any(character.isspace() or not character.isprintable() for character in each):
            raise InputRefused("addresses", f"{each[:80]!r} is no mail address.")
    return list(dict.fromkeys(normalise_email(each) for each in typed))
