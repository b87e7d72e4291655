"""Open what is fetched only when somebody wants it: attachments, and bodies that the backfill has not reached."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from webmail import queue
from webmail.domain.mime import part_content
from webmail.domain.structure import decode_transfer
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


@dataclass(frozen=True)
class OpenedAttachment:
    """An attachment with its decoded content; name and type are the sender's and not to be trusted."""

    filename: str
    media_type: str
    content: bytes


def open_attachment(scope: Scope, uuid: UUID) -> OpenedAttachment:
    """Give an attachment's content, from the cache or from the server.

    Raises:
        NotFound: no such attachment, or its message is no longer in the mailbox.
        ProviderError: the server could not be reached or did not give it.
    """
    with reading() as s:
        attachment = load_attachment(s, scope, uuid)
        account = find_account(s, attachment.message.account_id)
    if account is None:
        raise NotFound
    content = cache.read(account.uuid, attachment.uuid)
    if content is None:
        content = _from_outbox(attachment)
    if content is None:
        if account.secret is None:
            raise NotFound("This mailbox is disconnected, so its attachments cannot be fetched. Connect it again.")
        content = decode_transfer(_fetch(account, attachment), attachment.encoding)
        cache.write(account.uuid, attachment.uuid, content)
    return OpenedAttachment(attachment.filename, attachment.media_type, content)


def _from_outbox(attachment: Attachment) -> bytes | None:
    """Take it out of a mail that was sent from here, as long as no copy of it is known to lie on the server."""
    with reading() as s:
        mime = mime_of_message(s, attachment.message_id)
    return None if mime is None else part_content(mime, attachment.section)


def _fetch(account: Account, attachment: Attachment) -> bytes:
    """Fetch an attachment from wherever its message lies; it may have been moved since we looked."""
    placements = [placement for placement in attachment.message.placements if placement.uid > 0]
    with open_imap_for(account, timeout_s=_TIMEOUT_S) as imap:
        for placement in placements:
            try:
                if imap.select(placement.folder.name).uidvalidity == placement.folder.uidvalidity:
                    return imap.fetch_section(placement.uid, attachment.section)
            except Refused:
                continue
    raise NotFound("The message of this attachment is no longer in the mailbox.")


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
