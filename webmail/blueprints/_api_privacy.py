"""The API's erasing and exporting of a person, be they a contact or a user."""

from __future__ import annotations

from webmail.actions import api_contacts, api_privacy
from webmail.blueprints._api import Answer, Argument, Asked, operation


@operation(
    "DELETE",
    "/contacts/<external_id>",
    summary="Forget a contact, or erase all that is kept of the person",
    scope="contacts:write",
    arguments=(Argument("erase", {"type": "string", "enum": ["mail"]}, "`mail`: everything, see docs/api.md."),),
    answers={200: "Erased", 204: ""},
    about="Without `erase` only the contact goes. With `erase=mail` the key needs the scope mail:read, too.",
)
def delete_contact(asked: Asked, external_id: str) -> Answer:
    if asked.arguments.get("erase") == "mail":
        asked.require("mail:read")
        erased = api_privacy.erase_contact(asked.tenant_id, external_id)
        return Answer(vars(erased))
    api_contacts.delete(asked.tenant_id, external_id)
    return Answer(status=204)


@operation(
    "GET",
    "/contacts/<external_id>/export",
    summary="Everything that is kept of a person",
    scope="mail:read",
    answers={200: "Export"},
)
def export_contact(asked: Asked, external_id: str) -> Answer:
    asked.require("contacts:read")
    return Answer(pieces=api_privacy.export_contact(asked.tenant_id, external_id))


@operation(
    "DELETE",
    "/users/<external_id>",
    summary="Erase a user with all that is kept of them",
    scope="users:write",
    answers={202: "Erasing"},
    about="The user can do nothing from this moment. Mailboxes are disconnected, and what is here of them goes "
    "within minutes; what lies in the mailboxes themselves stays there.",
)
def delete_user(asked: Asked, external_id: str) -> Answer:
    is_done = api_privacy.erase_user(asked.tenant_id, external_id)
    detail = "The user is gone." if is_done else "The user's mailboxes are being disconnected."
    return Answer({"is_done": is_done, "detail": detail}, 202)


@operation(
    "GET",
    "/users/<external_id>/export",
    summary="Everything that is kept of a user",
    scope="mail:read",
    answers={200: "Export"},
)
def export_user(asked: Asked, external_id: str) -> Answer:
    asked.require("users:read")
    return Answer(pieces=api_privacy.export_user(asked.tenant_id, external_id))
