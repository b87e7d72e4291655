"""Open what is fetched only when somebody wants it: attachments, and bodies that the backfill has not reached."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from io import SEEK_END
from typing import IO
from uuid import UUID

from webmail import queue
from webmail.actions._pieces import pieces_from_server
from webmail.domain.mime import part_content
from webmail.domain.structure import decode_pieces
from webmail.errors import NotFound, Refused
from webmail.store import cache
from webmail.store.accounts import find_account
from webmail.store.messages import WaitingBody, load_attachment, load_message, where_it_lies
from webmail.store.models import Account, Attachment
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.submissions import mime_of_message
from webmail.sync.bodies import body_rows, store_rows
from webmail.sync.connections import open_imap_for

_TIMEOUT_S = 20
_MAX_BYTES = 200 * 1024 * 1024
"""Of an attachment as it is transferred; no mail server takes larger mail."""
_IN_MEMORY_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class OpenedAttachment:
    """An attachment with its decoded content; name and type are the sender's and not to be trusted."""

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class AttachmentFile:
    """An attachment as an open file, which the caller closes; name and type are the sender's and not to be trusted."""

    account_uuid: UUID
    uuid: UUID
    filename: str
    media_type: str
    size_bytes: int
    file: IO[bytes]


def open_attachment(scope: Scope, uuid: UUID) -> OpenedAttachment:
    """Give an attachment's content, from the cache or from the server.

    Raises:
        NotFound: no such attachment, or its message is no longer in the mailbox.
        ProviderError: the server could not be reached or did not give it.
    """
    opened = open_attachment_file(scope, uuid)
    with opened.file as file:
        return OpenedAttachment(opened.filename, opened.media_type, file.read())


def open_attachment_file(scope: Scope, uuid: UUID) -> AttachmentFile:
    """Open an attachment, from the cache or from the server; however large it is, it is not held in memory.

    Raises:
        NotFound, ProviderError: as `open_attachment()` does.
    """
    with reading() as s:
        attachment = load_attachment(s, scope, uuid)
        account = find_account(s, attachment.message.account_id)
    if account is None:
        raise NotFound
    file: IO[bytes] | None = cache.open_file(account.uuid, attachment.uuid)
    if file is None:
        file = _from_outbox(attachment)
    if file is None:
        file = _fetch(account, attachment)
        cache.write_file(account.uuid, attachment.uuid, file)
    size = file.seek(0, SEEK_END)
    file.seek(0)
    return AttachmentFile(account.uuid, attachment.uuid, attachment.filename, attachment.media_type, size, file)


def _from_outbox(attachment: Attachment) -> IO[bytes] | None:
    """Take it out of a mail that was sent from here, as long as no copy of it is known to lie on the server."""
    with reading() as s:
        mime = mime_of_message(s, attachment.message_id)
    return None if mime is None else _spooled([part_content(mime, attachment.section)])


def _fetch(account: Account, attachment: Attachment) -> IO[bytes]:
    """Fetch an attachment into a file of its own, at its beginning."""
    pieces = pieces_from_server(account, attachment.message, attachment.section, _MAX_BYTES)
    return _spooled(decode_pieces(pieces, attachment.encoding))


def _spooled(pieces: Iterable[bytes]) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  # the caller closes it
    for piece in pieces:
        file.write(piece)
    file.seek(0)
    return file


def ensure_body(scope: Scope, message_uuid: UUID) -> None:
    """Have a message's text fetched next, if it is not here yet; `conversation-changed` tells when it is.

    Raises:
        NotFound: no such message.
    """
    with reading() as s:
        message = load_message(s, scope, message_uuid)
    if message.body_state == "headers":
        queue.enqueue("fetch_body", message.id, job_id=f"body-{message.uuid}")


def retry_body(scope: Scope, message_uuid: UUID) -> None:
    """Ask the server once more for a text that it did not give.

    Raises:
        NotFound: no such message.
    """
    with transaction() as s:
        message = load_message(s, scope, message_uuid)
        if message.body_state == "broken":
            message.body_state = "headers"
    ensure_body(scope, message_uuid)


def store_body(message_id: int) -> None:
    """Fetch the text of one message, as a job. It needs no lease: whoever else stores it stores the same."""
    with reading() as s:
        place = where_it_lies(s, message_id)
        account = find_account(s, place.account_id) if place else None
    if place is None or account is None or account.secret is None:
        return
    waiting = WaitingBody(message_id, place.uid, place.size_bytes)
    with open_imap_for(account, timeout_s=_TIMEOUT_S) as imap:
        try:
            if imap.select(place.folder_name).uidvalidity != place.uidvalidity:
                return
            rows = [row for batch in body_rows(imap, [waiting]) for row in batch]
        except Refused:
            return
    with transaction() as s:
        store_rows(s, account, rows)
    queue.publish(account.user_id, "conversation-changed", uuid=str(place.conversation_uuid))
