"""The API's mail: conversations of a contact, their messages, search, and sending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

from webmail.actions import api_send
from webmail.blueprints._api import Answer, Argument, Asked, operation
from webmail.blueprints._api_pages import PAGING, cursor_at, limit_of, moment, page, position_of
from webmail.blueprints._api_users import USER
from webmail.domain.html import clean_mail_html
from webmail.domain.search import parse_query
from webmail.store.api_contacts import find_contact
from webmail.store.api_mail import (
    Owner,
    Sent,
    conversations_of_contact,
    find_conversation,
    find_submission,
    message_page,
    owners_of,
)
from webmail.store.api_users import find_user
from webmail.store.models import Conversation, Message
from webmail.store.scope import Scope
from webmail.store.search import search_page
from webmail.store.session import reading

_MOST_MESSAGES = 20
_SEND_BYTES = 25 * 1024 * 1024
"""Files of 15 MB in base64, and the text."""


@operation(
    "GET",
    "/contacts/<external_id>/conversations",
    summary="List conversations with a contact",
    scope="mail:read",
    answers={200: "ConversationPage"},
    arguments=(*PAGING, USER),
    about="Over all users and mailboxes of the tenant, newest first; of each user the newest 200.",
)
def list_conversations(asked: Asked, external_id: str) -> Answer:
    at, limit = position_of(asked, external_id), limit_of(asked)
    with reading() as s:
        contact = find_contact(s, asked.tenant_id, external_id)
        user = find_user(s, asked.tenant_id, asked.arguments["user"]) if "user" in asked.arguments else None
        rows = conversations_of_contact(
            s,
            asked.tenant_id,
            contact.addresses,
            user_id=user.id if user else None,
            after=(moment(at[0]), at[1]) if at else None,
            limit=limit + 1,
        )
        owners = owners_of(s, [row.user_id for row in rows])
    return page(
        asked,
        rows,
        limit,
        shown=lambda row: _conversation(row, owners),
        position=lambda row: [row.last_at.isoformat(), row.id],
        of=external_id,
    )


@operation(
    "GET",
    "/conversations/<uuid:conversation_uuid>/messages",
    summary="Read a conversation",
    scope="mail:read",
    answers={200: "MessagePage"},
    arguments=PAGING,
    about=f"Oldest first, up to {_MOST_MESSAGES} a page. HTML comes cleaned.",
)
def list_messages(asked: Asked, conversation_uuid: UUID) -> Answer:
    of, limit = str(conversation_uuid), limit_of(asked, _MOST_MESSAGES)
    at = position_of(asked, of)
    with reading() as s:
        conversation = find_conversation(s, asked.tenant_id, conversation_uuid)
        rows = message_page(s, conversation.id, after=(moment(at[0]), at[1]) if at else None, limit=limit + 1)
    return page(asked, rows, limit, shown=_message, position=lambda row: [row.sent_at.isoformat(), row.id], of=of)


@operation(
    "GET",
    "/users/<external_id>/search",
    summary="Search in a user's mail",
    scope="mail:read",
    answers={200: "HitPage"},
    arguments=(
        Argument("q", {"type": "string", "minLength": 1, "maxLength": 500}, "With the product's operators.", True),
        Argument("account", {"type": "string", "format": "uuid"}, "Only this mailbox."),
        *PAGING,
    ),
    about="`from:`, `to:`, `subject:`, `has:attachment`, `is:unread`, `is:starred`, `in:`, `before:`, `after:`, quotes "
    "and `-`. Days begin and end in UTC.",
)
def search(asked: Asked, external_id: str) -> Answer:
    at, limit = position_of(asked, external_id), limit_of(asked)
    account = asked.arguments.get("account")
    with reading() as s:
        user = find_user(s, asked.tenant_id, external_id)
        found = search_page(
            s,
            Scope(user.tenant_id, user.id),
            parse_query(asked.arguments["q"]),
            zone=UTC,
            account_uuid=UUID(account) if account else None,
            cursor=at[0] if at else "",
            limit=limit,
        )
    owners = {user.id: Owner(user.uuid, user.external_id)}
    hits = [
        {
            "conversation": _conversation(hit.conversation, owners),
            "sent_at": hit.sent_at.isoformat(),
            "subject": hit.subject,
            "snippet": hit.snippet,
        }
        for hit in found.hits
    ]
    cursor = cursor_at(asked, [found.next_cursor], external_id) if found.next_cursor else None
    return Answer({"data": hits, "next_cursor": cursor})


@operation(
    "POST",
    "/users/<external_id>/submissions",
    summary="Send an individual mail as a user",
    scope="mail:send",
    body="NewSubmission",
    answers={202: "Submission"},
    max_body=_SEND_BYTES,
    about="From one of the user's own mailboxes; the copy lies in its Sent folder, the conversation shows here. The "
    "account's signature stands below once, unless `signature` is false. Send an Idempotency-Key: then a request that "
    "got no answer can be sent again without a second mail.",
)
def send(asked: Asked, external_id: str) -> Answer:
    with reading() as s:
        user = find_user(s, asked.tenant_id, external_id)
    api_send.send(Scope(user.tenant_id, user.id), asked.uuid, asked.body)
    with reading() as s:
        return Answer(_submission(find_submission(s, asked.tenant_id, asked.uuid)), 202)


@operation(
    "GET",
    "/submissions/<uuid:submission_uuid>",
    summary="See what became of a mail",
    scope="mail:send",
    answers={200: "Submission"},
)
def show_submission(asked: Asked, submission_uuid: UUID) -> Answer:
    with reading() as s:
        return Answer(_submission(find_submission(s, asked.tenant_id, submission_uuid)))


def _conversation(row: Conversation, owners: Mapping[int, Owner]) -> dict[str, Any]:
    owner = owners[row.user_id]
    return {
        "id": str(row.uuid),
        "user": {"id": owner.external_id, "uuid": str(owner.uuid)},
        "account": {"id": str(row.account.uuid), "email": row.account.email},
        "subject": row.subject,
        "snippet": row.snippet,
        "last_at": row.last_at.isoformat(),
        "message_count": row.message_count,
        "unread_count": row.unread_count,
        "has_attachments": row.has_attachments,
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.uuid),
        "message_id": message.message_id_header,
        "is_outgoing": message.is_outgoing,
        "sent_at": message.sent_at.isoformat(),
        "from": {"name": message.from_name, "email": message.from_email},
        "to": _people(message.to),
        "cc": _people(message.cc),
        "subject": message.subject,
        "is_unread": message.is_unread,
        "body_state": message.body_state,
        "text": message.text,
        "html": clean_mail_html(message.html, cid_urls={}).html if message.html.strip() else "",
        "attachments": [
            {
                "id": str(each.uuid),
                "filename": each.filename,
                "media_type": each.media_type,
                "size_bytes": each.size_bytes,
                "is_inline": each.is_inline,
            }
            for each in message.attachments
        ],
    }


def _people(pairs: Iterable[Iterable[str]]) -> list[dict[str, str]]:
    return [dict(zip(("name", "email"), pair, strict=True)) for pair in pairs]


def _submission(found: Sent) -> dict[str, Any]:
    row = found.submission
    return {
        "id": str(row.uuid),
        "account": str(found.account) if found.account else None,
        "state": row.state,
        "held_reason": row.held_reason,
        "not_before": row.not_before.isoformat() if row.not_before else None,
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "error": row.error_sentence,
        "refusals": row.refusals,
        "conversation": str(found.conversation) if found.conversation else None,
        "message": str(found.message) if found.message else None,
    }
