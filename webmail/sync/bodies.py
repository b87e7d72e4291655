"""Fetch what a message says, where it did not come with its head: its text parts, never its big attachments.

Where the server does not give the parts that its BODYSTRUCTURE tells of, a small message is fetched whole and taken
apart here. A message whose text the server never gives is marked `broken` after being asked for by itself: it stays in
the list, readable as far as it is, and does not hold up the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import structlog

from webmail.domain.mime import parse_message
from webmail.domain.structure import Part, decode_text, decode_transfer, text_parts
from webmail.errors import Refused
from webmail.providers.base import RemoteMessage
from webmail.providers.imap import ImapSession
from webmail.providers.reading import MAX_TEXT_BYTES
from webmail.store.conversations import refresh_conversations
from webmail.store.messages import WaitingBody, conversation_ids_of, save_bodies
from webmail.store.models import Account
from webmail.store.session import Session
from webmail.sync.context import SyncContext
from webmail.sync.texts import fetched_values, text_values

log = structlog.get_logger(__name__)

WHOLE_BELOW_BYTES = 128 * 1024
_BATCH = 100


def fetch_bodies(context: SyncContext, waiting: Sequence[WaitingBody]) -> None:
    """Fetch and store the bodies of these messages, all of them in the selected folder.

    Raises:
        ProviderError: the line or the server failed; what has been committed stays.
        LeaseLost: somebody else syncs the account now.
    """
    for rows in body_rows(context.imap, waiting):
        with context.lease.transaction() as s:
            store_rows(s, context.account, rows)


def body_rows(imap: ImapSession, waiting: Sequence[WaitingBody]) -> Iterator[list[dict[str, Any]]]:
    """Fetch bodies and yield them as rows for `store_rows()`, some at a time."""
    left = {each.uid: each for each in waiting}
    heads: dict[int, RemoteMessage] = {}
    uids = [each.uid for each in waiting]
    for messages in imap.read_messages(uids[start : start + _BATCH] for start in range(0, len(uids), _BATCH)):
        rows = []
        for message in messages:
            values = fetched_values(message)
            if values is None:
                heads[message.uid] = message
            else:
                rows.append({"id": left.pop(message.uid).message_id, **values})
        if rows:
            yield rows
    for each in left.values():
        yield [{"id": each.message_id, **_fetch_alone(imap, each, heads.get(each.uid))}]


def store_rows(s: Session, account: Account, rows: list[dict[str, Any]]) -> list[int]:
    """Store bodies with what the lists show of them; gives the conversations concerned."""
    save_bodies(s, rows)
    conversation_ids = conversation_ids_of(s, [row["id"] for row in rows])
    refresh_conversations(s, account, conversation_ids)
    return conversation_ids


def _fetch_alone(imap: ImapSession, each: WaitingBody, head: RemoteMessage | None) -> dict[str, Any]:
    """Fetch one body by itself: whole where the message is small, else the text parts that BODYSTRUCTURE tells of."""
    try:
        if each.size_bytes < WHOLE_BELOW_BYTES:
            for _, raw in imap.fetch_whole([each.uid]):
                parsed = parse_message(raw, with_headers=False)
                return text_values(parsed.text, parsed.html)
        elif head is not None:
            plain, html = text_parts(head.parts)
            return text_values(_text_of(imap, each.uid, plain), _text_of(imap, each.uid, html))
    except Refused as error:
        log.warning("body_refused", message=each.message_id, uid=each.uid, cause=error.cause)
    else:
        log.warning("body_missing", message=each.message_id, uid=each.uid)
    return {**text_values("", ""), "body_state": "broken"}


def _text_of(imap: ImapSession, uid: int, part: Part | None) -> str:
    if part is None:
        return ""
    raw = imap.fetch_section(uid, part.section, limit_bytes=MAX_TEXT_BYTES)
    return decode_text(decode_transfer(raw, part.encoding), part.charset)
