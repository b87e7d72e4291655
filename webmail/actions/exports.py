"""Contacts, and the addresses that are not to be mailed, as files that spreadsheets open and lists are read from.

Each file takes people's data out of the product, so the audit log says who asked for it, and of how many it was.
"""

from __future__ import annotations

from webmail.domain.tables import write_table
from webmail.store import audit
from webmail.store.contacts import every_contact, field_names_of
from webmail.store.scope import Scope
from webmail.store.session import transaction
from webmail.store.suppressions import every_suppression, suppressed_among

_CONTACT = ("Name", "First name", "Last name", "Email", "Company", "Tags", "Time zone")


def contact_lines(scope: Scope, *, search: str = "", tag: str = "") -> str:
    """Give the contacts that are found as CSV; a column says who is not to be mailed."""
    with transaction() as s:
        fields = field_names_of(s, scope.tenant_id)
        rows = list(every_contact(s, scope.tenant_id, search=search, tag=tag))
        addresses = {address for contact in rows for address in contact.addresses}
        suppressed = suppressed_among(s, scope.tenant_id, addresses)
        audit.add_entry(s, scope.tenant_id, scope.user_id, "contacts_exported", count=len(rows))
    lines = (
        [
            contact.name,
            contact.first_name,
            contact.last_name,
            ", ".join(contact.addresses),
            contact.company,
            ", ".join(contact.tags),
            contact.time_zone,
            *(str(contact.fields.get(name, "")) for name in fields),
            ", ".join(address for address in contact.addresses if address in suppressed),
        ]
        for contact in rows
    )
    return "".join(write_table([*_CONTACT, *fields, "Do not mail"], lines))


def suppression_lines(scope: Scope) -> str:
    """Give the tenant's list of addresses that are not to be mailed as CSV."""
    with transaction() as s:
        rows = [
            [each.email, each.reason, f"{each.created_at:%Y-%m-%d %H:%M}", each.detail]
            for each in every_suppression(s, scope)
        ]
        audit.add_entry(s, scope.tenant_id, scope.user_id, "suppressions_exported", count=len(rows))
    return "".join(write_table(["Email", "Reason", "Since (UTC)", "Note"], rows))
