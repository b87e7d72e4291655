"""Turn what a server tells of messages into rows, and store them with the folder's new position in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from webmail.domain.addresses import Address
from webmail.domain.headers import ParsedHeaders, parse_headers
from webmail.domain.identity import message_identity
from webmail.domain.structure import Part
from webmail.domain.threading import thread_keys
from webmail.providers.base import RemoteMessage
from webmail.providers.imap_values import EPOCH
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import update_folder
from webmail.store.messages import Arrival, NewAttachment, TakenIn, take_in
from webmail.store.models import Account, Folder
from webmail.store.session import Session
from webmail.store.webhooks import record_received
from webmail.sync.context import SyncContext
from webmail.sync.read_marks import adopt_flags, record_read_marks
from webmail.sync.reports import look_at, take_in_returns
from webmail.sync.texts import fetched_values, storable

_DELAYED = timedelta(days=2)
_MAX_ATTACHMENTS = 200
_LONGEST_SECTION = 100
_LONGEST_ID = 998
_LARGEST = 2**31 - 1
"""What the columns hold; a server may name any size."""


def store_messages(
    context: SyncContext,
    folder: Folder,
    messages: Iterable[RemoteMessage],
    *,
    is_news: bool = False,
    **folder_values: Any,
) -> TakenIn:
    """Store messages found in a folder, apply the read-mark rule to them, and move the folder's position.

    All of it is one transaction: after a crash the position never lies beyond what is stored.

    Args:
        is_news: they came while we were looking, so the server's time of arrival holds.
        folder_values: columns of the folder to set along with it, such as `uidnext`.

    Raises:
        LeaseLost: somebody else syncs the account now.
    """
    found = list(messages)
    arrivals = [arrival_of(context.account, folder, message, is_news=is_news) for message in found]
    seen = look_at(context.account, found, arrivals, role=folder.role)
    with context.lease.transaction() as s:
        taken = _store(s, context.account, folder, arrivals, folder_values)
        take_in_returns(s, context.account, seen, taken)
        context.save_left_out(s, folder, taken.message_id_by_uid)
        if is_news and folder.role == "inbox":
            record_received(s, context.account, taken.new_message_ids)
        return taken


def _store(
    s: Session, account: Account, folder: Folder, arrivals: list[Arrival], folder_values: dict[str, Any]
) -> TakenIn:
    taken = take_in(s, account, folder, arrivals)
    if folder.role == "inbox":
        record_read_marks(s, account, folder, arrivals, taken)
        adopt_flags(s, account, folder, set(taken.message_id_by_uid.values()) - set(taken.new_message_ids))
    refresh_conversations(s, account, taken.conversation_ids)
    if folder_values:
        update_folder(s, folder.id, **folder_values)
    return taken


def arrival_of(account: Account, folder: Folder, message: RemoteMessage, *, is_news: bool) -> Arrival:
    """Describe a message on the server as the row that it becomes."""
    headers = parse_headers(message.header)
    lowered = {flag.lower() for flag in message.flags}
    own = {account.email.casefold(), *account.aliases}
    is_own = headers.from_.email.casefold() in own or "\\Sent" in message.labels
    is_outgoing = folder.role == "sent" or is_own
    values = header_values(headers)
    values |= {
        "sent_at": place_in_time(headers.date, message.internal_date, is_news=is_news),
        "size_bytes": min(message.size_bytes, _LARGEST),
        "is_outgoing": is_outgoing,
        "is_unread": folder.role == "inbox" and "\\seen" not in lowered and not is_outgoing,
        "is_flagged": "\\flagged" in lowered,
        "is_answered": "\\answered" in lowered,
    }
    text = fetched_values(message) or {"visible": ""}
    visible = text.pop("visible")
    return Arrival(
        identity=identity_of(message, headers),
        known_as=header_identity(message, headers) if message.gmail_id else "",
        thread_keys=thread_keys(headers, gmail_thread_id=message.gmail_thread_id),
        values=values | text,
        visible=visible,
        attachments=_attachments(message.parts),
        uid=message.uid,
        modseq=message.modseq,
        flags=message.flags,
    )


def identity_of(message: RemoteMessage, headers: ParsedHeaders) -> str:
    """Give a message's identity: Gmail's own id for it where there is one."""
    if message.gmail_id:
        return message_identity(headers, gmail_id=message.gmail_id)
    return header_identity(message, headers)


def header_identity(message: RemoteMessage, headers: ParsedHeaders) -> str:
    """Give a message's identity by its header; with neither Message-ID nor Date only its time of arrival tells."""
    if not headers.message_id and headers.date is None:
        headers = replace(headers, date=message.internal_date)
    return message_identity(headers)


def header_values(headers: ParsedHeaders) -> dict[str, Any]:
    """Give the columns of a message that its header fields fill."""
    return {
        "message_id_header": clip_bytes(storable(headers.message_id), _LONGEST_ID),
        "in_reply_to": storable(headers.in_reply_to),
        "references": [storable(reference) for reference in headers.references],
        "date_header_at": headers.date,
        "from_name": storable(headers.from_.name),
        "from_email": storable(headers.from_.email)[:320],
        "reply_to": _pairs(headers.reply_to),
        "to": _pairs(headers.to),
        "cc": _pairs(headers.cc),
        "bcc": _pairs(headers.bcc),
        "subject": storable(headers.subject),
    }


def place_in_time(date: datetime | None, internal_date: datetime, *, is_news: bool) -> datetime:
    """Choose the time by which a message is sorted.

    It is the moment at which the server got it, which a sender cannot forge. But a server that was filled by a
    migration got everything at once: where its moment lies days after the Date field, the field is the better guess.
    Not so for news: a sender's clock that is years behind must not hide a mail that came just now.
    """
    if date is None or date.year < 1990:
        return internal_date
    if internal_date == EPOCH or (not is_news and internal_date - date > _DELAYED):
        return date
    return internal_date


def clip_bytes(text: str, limit: int) -> str:
    """Shorten a text to so many bytes of UTF-8: an index of PostgreSQL takes no more than 2,700."""
    return text.encode()[:limit].decode(errors="ignore")


def _pairs(addresses: Iterable[Address]) -> list[list[str]]:
    return [[storable(address.name), storable(address.email)] for address in addresses]


def _attachments(parts: Iterable[Part]) -> list[NewAttachment]:
    wanted = (part for part in parts if part.is_attachment and len(part.section) <= _LONGEST_SECTION)
    return [attachment_of(part) for part in islice(wanted, _MAX_ATTACHMENTS)]


def attachment_of(part: Part) -> NewAttachment:
    """Describe a part of a message as the row that it becomes."""
    return NewAttachment(
        section=part.section,
        filename=storable(part.filename)[:255] or "attachment",
        media_type=storable(part.media_type)[:127],
        size_bytes=min(part.size_bytes, _LARGEST),
        content_id=storable(part.content_id)[:255],
        is_inline=bool(part.content_id) and part.disposition != "attachment" and part.media_type.startswith("image/"),
        encoding=storable(part.encoding)[:20].lower(),
    )
