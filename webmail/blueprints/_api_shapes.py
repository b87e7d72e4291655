"""The shapes of what the API takes and gives, as JSON Schema: shown by its document, and requests are held to them."""

from __future__ import annotations

from typing import Any

from webmail.actions.api_keys import SCOPES
from webmail.actions.drafts import MAX_FILES
from webmail.domain.shapes import Shape
from webmail.domain.webhooks import EVENTS

_STATES = ["draft", "queued", "sending", "sent", "failed", "unsure", "cancelled"]
_STATUSES = ["connected", "error", "reconnect_needed", "disconnecting", "erasing", "not_connected"]


def _text(most: int, about: str = "", least: int = 0) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "string", "maxLength": most}
    if least:
        shape["minLength"] = least
    return shape | ({"description": about} if about else {})


def _said(about: str = "") -> dict[str, Any]:
    return {"type": "string"} | ({"description": about} if about else {})


def _or_null(shape: dict[str, Any]) -> dict[str, Any]:
    return shape | {"type": [shape["type"], "null"]}


def _named(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: dict[str, Any], most: int | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items} | ({"maxItems": most} if most else {}) | more


def _object(
    properties: dict[str, Any], *, optional: tuple[str, ...] = (), required: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """Describe an object; what is not optional is required, unless `required` says what is."""
    needed = [name for name in properties if name not in optional] if required is None else list(required)
    shape: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return shape | ({"required": needed} if needed else {})


def _page_of(name: str) -> dict[str, Any]:
    cursor = _or_null(_said("Give it back as `cursor` for the next page; null on the last."))
    return _object({"data": _list(_named(name)), "next_cursor": cursor})


_UUID = {"type": "string", "format": "uuid"}
_TIME = {"type": "string", "format": "date-time"}
_FLAG = {"type": "boolean"}
_COUNT = {"type": "integer"}
_ADDRESSES = _list(_text(320, least=3), 20, description="Mail addresses; the first is where new mail goes to.")
_FIELDS = {
    "type": "object",
    "additionalProperties": _text(2000),
    "description": "Merge fields of your own; names are small letters, digits and `_`.",
}
_CONTACT = {
    "name": _text(200),
    "first_name": _text(100),
    "last_name": _text(100),
    "company": _text(200),
    "addresses": _ADDRESSES,
    "tags": _list(_text(40, least=1), 50),
    "fields": _FIELDS,
    "time_zone": _text(64, "An IANA name, such as Europe/Paris."),
}
_EXTERNAL_ID = _text(200, "Your own id; without `/`.", least=1)
_ONE_OF_MANY = _object({"id": _EXTERNAL_ID} | _CONTACT, required=("id",))
_RECIPIENTS = _list(_text(400, least=3), 100, description="`ana@x.example` or `Ana Silva <ana@x.example>`.")
_OWNER = _object({"id": _or_null(_said("Your own id; null for whom you have not told of.")), "uuid": _UUID})
_ACCOUNT_NAME = _object({"id": _UUID, "email": _said()})
_PERSON = _object({"name": _said(), "email": _said()})

SHAPES: dict[str, Shape] = {
    "Problem": _object(
        {
            "type": _said(),
            "title": _said(),
            "status": _COUNT,
            "detail": _said(),
            "field": _said("Which field or argument it is about."),
        },
        optional=("field",),
    ),
    "ContactFields": _object(_CONTACT, required=()),
    "Contact": _object(
        {"id": _or_null(_said("Your own id; null for whom only this product knows.")), "uuid": _UUID}
        | _CONTACT
        | {"updated_at": _TIME}
    ),
    "ContactPage": _page_of("Contact"),
    "ContactBulk": _object(
        {"contacts": _list(_object({"id": _EXTERNAL_ID} | _CONTACT, required=("id",)), 1000, minItems=1)}
    ),
    "ContactBulkResult": _object(
        {
            "created": _COUNT,
            "updated": _COUNT,
            "refused": _list(
                _object({"index": _COUNT, "field": _said(), "detail": _said()}),
                description="What was left out, by its place in your list; everything else is stored.",
            ),
        }
    ),
    "UserFields": _object(
        {"name": _text(200, least=1), "email": _text(320, "Shown; proves nothing.")}, optional=("email",)
    ),
    "User": _object({"id": _or_null(_said()), "uuid": _UUID, "name": _said(), "email": _said(), "created_at": _TIME}),
    "UserPage": _page_of("User"),
    "Account": _object(
        {
            "id": _UUID,
            "user": _OWNER,
            "email": _said(),
            "provider": _said(),
            "status": {"type": "string", "enum": _STATUSES},
            "reason": _said("One sentence for the user; empty when all is well."),
            "next_step": _said(),
            "cause": _said("A stable word for what is wrong, such as `password_refused`."),
            "since": _or_null(_TIME),
            "reads_mail": _FLAG,
            "can_send": _FLAG,
            "synced": _object({"done": _COUNT, "total": _COUNT, "at": _or_null(_TIME)}),
        }
    ),
    "AccountPage": _page_of("Account"),
    "Conversation": _object(
        {
            "id": _UUID,
            "user": _OWNER,
            "account": _ACCOUNT_NAME,
            "subject": _said(),
            "snippet": _said(),
            "last_at": _TIME,
            "message_count": _COUNT,
            "unread_count": _COUNT,
            "has_attachments": _FLAG,
        }
    ),
    "ConversationPage": _page_of("Conversation"),
    "Attachment": _object(
        {"id": _UUID, "filename": _said(), "media_type": _said(), "size_bytes": _COUNT, "is_inline": _FLAG}
    ),
    "Message": _object(
        {
            "id": _UUID,
            "message_id": _said("The Message-ID field of the mail."),
            "is_outgoing": _FLAG,
            "sent_at": _TIME,
            "from": _PERSON,
            "to": _list(_PERSON),
            "cc": _list(_PERSON),
            "subject": _said(),
            "is_unread": _FLAG,
            "body_state": {"type": "string", "enum": ["stored", "headers", "broken"]},
            "text": _said(),
            "html": _said("Cleaned: no scripts, no forms. Pictures elsewhere load where it is shown."),
            "attachments": _list(_named("Attachment")),
        }
    ),
    "MessagePage": _page_of("Message"),
    "Hit": _object({"conversation": _named("Conversation"), "sent_at": _TIME, "subject": _said(), "snippet": _said()}),
    "HitPage": _page_of("Hit"),
    "NewFile": _object(
        {
            "filename": _text(255, least=1),
            "media_type": _text(120, "Such as `application/pdf`; guessed by the name when left out."),
            "content": _text(20_000_000, "The file in base64; line breaks in it do not matter.")
            | {"contentEncoding": "base64"},
        },
        optional=("media_type",),
    ),
    "NewSubmission": _object(
        {
            "account": _UUID | {"description": "One of the user's accounts; the first that can send when left out."},
            "to": _RECIPIENTS,
            "cc": _RECIPIENTS,
            "bcc": _RECIPIENTS,
            "subject": _text(900),
            "html": _text(4_000_000, "Either this or `text`."),
            "text": _text(4_000_000),
            "attachments": _list(_named("NewFile"), MAX_FILES, description="15 MB together."),
            "reply_to_message": _UUID | {"description": "What this answers; `to` and `subject` may be left out."},
            "signature": _FLAG | {"default": True, "description": "The account's signature, once."},
        },
        required=(),
    ),
    "Submission": _object(
        {
            "id": _UUID,
            "account": _or_null(_UUID),
            "state": {"type": "string", "enum": _STATES},
            "held_reason": _said("Why it waits: `retry`, `reconnect`, `pacing` …; empty when it does not."),
            "not_before": _or_null(_TIME),
            "sent_at": _or_null(_TIME),
            "error": _said(),
            "refusals": {
                "type": "object",
                "additionalProperties": _said(),
                "description": "By address.",
            },
            "conversation": _or_null(_UUID),
            "message": _or_null(_UUID),
        }
    ),
    "WebhookEndpointFields": _object(
        {
            "url": _text(2000, "https://, a public host, port 443 or 8443.", least=1),
            "events": _list({"type": "string", "enum": list(EVENTS)}, len(EVENTS), minItems=1),
            "is_enabled": _FLAG,
        },
        optional=("is_enabled",),
    ),
    "WebhookEndpoint": _object(
        {
            "id": _UUID,
            "url": _said(),
            "events": _list(_said()),
            "is_enabled": _FLAG,
            "disabled_because": _said(),
            "created_at": _TIME,
            "secret": _said("Shown when it is made, and when it is made anew."),
        },
        optional=("secret",),
    ),
    "WebhookEndpointList": _object({"data": _list(_named("WebhookEndpoint"))}),
    "Delivery": _object(
        {
            "id": _UUID,
            "event_id": _said("The `webhook-id`."),
            "type": {"type": "string", "enum": list(EVENTS)},
            "state": {"type": "string", "enum": ["pending", "delivered", "failed"]},
            "attempts": _COUNT,
            "next_at": _or_null(_TIME),
            "tried_at": _or_null(_TIME),
            "status_code": _or_null(_COUNT),
            "answer": _said("How the receiver's last answer began, or why there was none."),
            "created_at": _TIME,
        }
    ),
    "DeliveryPage": _page_of("Delivery"),
    "Event": _object(
        {
            "type": {"type": "string", "enum": list(EVENTS)},
            "timestamp": _TIME,
            "sequence": _COUNT | {"description": "Greater for what happened later; events may come in another order."},
            "data": _object(
                {
                    "user": _OWNER,
                    "account": _or_null(_UUID),
                    "conversation": _or_null(_UUID),
                    "message": _or_null(_UUID),
                    "submission": _or_null(_UUID),
                    "mailing": _or_null(_UUID),
                    "contacts": _list(_said(), description="Your ids of the people whose addresses are in the mail."),
                    "cause": _said(),
                },
                optional=("cause",),
            ),
        }
    ),
    "Erasing": _object({"is_done": _FLAG, "detail": _said()}),
    "Erased": _object({"contacts": _COUNT, "messages": _COUNT, "submissions": _COUNT, "recipients": _COUNT}),
    "Export": {
        "type": "object",
        "additionalProperties": {},
        "description": "See docs/api.md.",
    },
}
"""By name; `SCOPES` and `EVENTS` are the other words of the API."""

__all__ = ["SCOPES", "SHAPES"]
