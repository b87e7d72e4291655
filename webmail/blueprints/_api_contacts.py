"""The API's contacts."""

from __future__ import annotations

from typing import Any

from webmail.actions import api_contacts
from webmail.blueprints._api import Answer, Argument, Asked, operation
from webmail.blueprints._api_pages import PAGING, limit_of, moment, page, position_of
from webmail.store.api_contacts import contact_page, find_contact
from webmail.store.models import Contact
from webmail.store.session import reading

_BULK_BYTES = 4 * 1024 * 1024


@operation(
    "GET",
    "/contacts",
    summary="List contacts",
    scope="contacts:read",
    answers={200: "ContactPage"},
    arguments=(
        *PAGING,
        Argument("updated_since", {"type": "string", "format": "date-time"}, "Only those changed at or after this."),
    ),
    about="Those that have not changed for longest come first: whoever remembers the last `updated_at` misses nobody.",
)
def list_contacts(asked: Asked) -> Answer:
    at, limit = position_of(asked), limit_of(asked)
    since = asked.arguments.get("updated_since")
    with reading() as s:
        rows = contact_page(
            s,
            asked.tenant_id,
            updated_since=moment(since) if since else None,
            after=(moment(at[0]), at[1]) if at else None,
            limit=limit + 1,
        )
    return page(asked, rows, limit, shown=shown, position=lambda row: [row.updated_at.isoformat(), row.id])


@operation("GET", "/contacts/<external_id>", summary="Show a contact", scope="contacts:read", answers={200: "Contact"})
def show_contact(asked: Asked, external_id: str) -> Answer:
    with reading() as s:
        return Answer(shown(find_contact(s, asked.tenant_id, external_id)))


@operation(
    "PUT",
    "/contacts/<external_id>",
    summary="Make or update a contact",
    scope="contacts:write",
    body="ContactFields",
    answers={200: "Contact", 201: "Contact"},
    about="What is left out stays as it is. The same request twice is the same as once.",
)
def put_contact(asked: Asked, external_id: str) -> Answer:
    is_new = api_contacts.upsert(asked.tenant_id, external_id, asked.body)
    with reading() as s:
        return Answer(shown(find_contact(s, asked.tenant_id, external_id)), 201 if is_new else 200)


@operation(
    "POST",
    "/contacts",
    summary="Make or update up to 1,000 contacts",
    scope="contacts:write",
    body="ContactBulk",
    answers={200: "ContactBulkResult"},
    max_body=_BULK_BYTES,
)
def put_contacts(asked: Asked) -> Answer:
    told = api_contacts.upsert_many(asked.tenant_id, asked.body["contacts"])
    refused = [{"index": at, "field": field, "detail": sentence} for at, field, sentence in told.refused]
    return Answer({"created": told.created, "updated": told.updated, "refused": refused})


def shown(contact: Contact) -> dict[str, Any]:
    """Describe a contact as the shape `Contact` has it."""
    return {
        "id": contact.external_id,
        "uuid": str(contact.uuid),
        "name": contact.name,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "company": contact.company,
        "addresses": contact.addresses,
        "tags": contact.tags,
        "fields": contact.fields,
        "time_zone": contact.time_zone,
        "updated_at": contact.updated_at.isoformat(),
    }
