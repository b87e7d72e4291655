"""Fetch what a message says: its text parts, never its big attachments.

A small message is fetched whole, many in one command; of a large one only the text parts, found by BODYSTRUCTURE.
A message whose parts the server never gives is marked `broken` after being asked for by itself: it stays in the list,
readable as far as it is, and does not hold up the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import structlog

from webmail.domain.mime import parse_message
from webmail.domain.structure import Part, decode_text, decode_transfer, leaf_parts, text_parts
from webmail.domain.text import html_to_text, make_snippet
from webmail.errors import Refused
from webmail.providers.imap import ImapSession
from webmail.store.conversations import refresh_conversations
from webmail.store.messages import WaitingBody, conversation_ids_of, save_bodies
from webmail.store.models import Account
from webmail.store.session import Session
from webmail.sync.arrivals import storable
from webmail.sync.context import SyncContext

log = structlog.get_logger(__name__)

WHOLE_BELOW_BYTES = 128 * 1024
_BATCH_BYTES = 8 * 1024 * 1024
_MAX_TEXT_BYTES = 2 * 1024 * 1024


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
    for batch in _batches([each for each in waiting if each.size_bytes < WHOLE_BELOW_BYTES]):
        yield _fetch_whole(imap, batch)
    for each in waiting:
        if each.size_bytes >= WHOLE_BELOW_BYTES:
            yield [_fetch_text_parts(imap, each)]


def store_rows(s: Session, account: Account, rows: list[dict[str, Any]]) -> list[int]:
    """Store bodies with what the lists show of them; gives the conversations concerned."""
    save_bodies(s, rows)
    conversation_ids = conversation_ids_of(s, [row["id"] for row in rows])
    refresh_conversations(s, account, conversation_ids)
    return conversation_ids


def _batches(waiting: Sequence[WaitingBody]) -> list[list[WaitingBody]]:
    """Cut into pieces of bounded size, so that a worker's memory does not depend on the mailbox."""
    batches: list[list[WaitingBody]] = [[]]
    size = 0
    for each in waiting:
        if batches[-1] and size + each.size_bytes > _BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(each)
        size += each.size_bytes
    return [batch for batch in batches if batch]


def _fetch_whole(imap: ImapSession, batch: Sequence[WaitingBody]) -> list[dict[str, Any]]:
    by_uid = {each.uid: each.message_id for each in batch}
    rows = []
    for uid, raw in imap.fetch_whole(sorted(by_uid, reverse=True)):
        message_id = by_uid.pop(uid, None)
        if message_id is not None:
            parsed = parse_message(raw, with_headers=False)
            rows.append(_row(message_id, parsed.text, parsed.html))
    for uid, message_id in by_uid.items():
        log.warning("body_missing", message=message_id, uid=uid)
        rows.append({**_row(message_id, "", ""), "body_state": "broken"})
    return rows


def _fetch_text_parts(imap: ImapSession, each: WaitingBody) -> dict[str, Any]:
    heads = list(imap.fetch_messages([each.uid]))
    if not heads:
        return {**_row(each.message_id, "", ""), "body_state": "broken"}
    try:
        plain, html = text_parts(leaf_parts(heads[0].structure))
        return _row(each.message_id, _text_of(imap, each.uid, plain), _text_of(imap, each.uid, html))
    except Refused as error:
        log.warning("body_refused", message=each.message_id, uid=each.uid, cause=error.cause)
        return {**_row(each.message_id, "", ""), "body_state": "broken"}


def _text_of(imap: ImapSession, uid: int, part: Part | None) -> str:
    if part is None:
        return ""
    raw = imap.fetch_section(uid, part.section, limit_bytes=_MAX_TEXT_BYTES)
    return decode_text(decode_transfer(raw, part.encoding), part.charset)


def _row(message_id: int, text: str, html: str) -> dict[str, Any]:
    text, html = storable(text), storable(html)
    visible = text or storable(html_to_text(html))
    return {
        "id": message_id,
        "text": text,
        "html": html,
        "snippet": make_snippet(visible)[:250],
        "body_state": "stored",
        "visible": visible,
    }
