"""A mailbox as a sync leaves it: folders, and messages with their texts and where they lie."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from tests.unit.blueprints.written import add_account
from webmail.domain.identity import message_identity
from webmail.domain.mime import parse_message
from webmail.domain.text import html_to_text, make_snippet
from webmail.domain.threading import thread_keys
from webmail.store import messages as store
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import folder_by_role
from webmail.store.models import Account, Conversation, Folder, Message
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.sync.arrivals import attachment_of, header_values

ROLES = {"INBOX": "inbox", "Sent": "sent", "Archive": "archive", "Trash": "trash"}


def add_mailbox(scope: Scope, email: str = "rita@acme.example", **columns: Any) -> Account:
    """Add a connected account with its folders, synced just now."""
    values = {"is_backfilled": True, "last_synced_at": datetime.now(UTC)}
    account = add_account(scope, email, **(values | columns))
    with transaction() as s:
        s.add_all(Folder(account_id=account.id, name=name, role=role) for name, role in ROLES.items())
    return account


def receive(
    account: Account, *mails: bytes, role: str = "inbox", unread: bool = False, **columns: Any
) -> list[Message]:
    """Store mails in a folder, with what `columns` says of each; gives them in the same order."""
    with transaction() as s:
        folder = folder_by_role(s, account.id, role)
        first_uid = time.time_ns() // 1000
        arrivals = [
            _arrival(raw, first_uid + at, {"is_unread": unread, "is_outgoing": role == "sent"} | columns)
            for at, raw in enumerate(mails)
        ]
        taken = store.take_in(s, account, folder, arrivals)
        refresh_conversations(s, account, taken.conversation_ids)
        stored = [s.get(Message, taken.message_id_by_uid[arrival.uid or 0]) for arrival in arrivals]
        return [message for message in stored if message is not None]


def conversation_of(message: Message) -> Conversation:
    """Give the conversation of a message as it is stored now."""
    with reading() as s:
        current = s.get(Message, message.id)
        assert current is not None
        conversation = s.get(Conversation, current.conversation_id)
    assert conversation is not None
    return conversation


def _arrival(raw: bytes, uid: int, columns: dict[str, Any]) -> store.Arrival:
    parsed = parse_message(raw)
    values = header_values(parsed.headers) | {
        "sent_at": parsed.headers.date,
        "size_bytes": len(raw),
        "text": parsed.text,
        "html": parsed.html,
        "snippet": make_snippet(parsed.text or html_to_text(parsed.html)),
        "body_state": "stored",
    }
    return store.Arrival(
        identity=message_identity(parsed.headers),
        thread_keys=thread_keys(parsed.headers),
        values=values | columns,
        attachments=[attachment_of(part) for part in parsed.attachments],
        uid=uid,
    )
