"""Read a message, or a part of it, from wherever it lies, piece by piece: so little of it is held at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from webmail.errors import NotFound, Refused
from webmail.providers.imap import ImapSession
from webmail.store.models import Account, Message
from webmail.sync.connections import open_imap_for

PIECE_BYTES = 512 * 1024
_TIMEOUT_S = 20


def pieces_from_server(account: Account, message: Message, section: str, limit_bytes: int) -> Iterator[bytes]:
    """Read a part of a message as it was transferred; the first piece is here when this returns.

    Args:
        message: with its placements (with folder); it may have been moved since we looked.
        section: as `ImapSession.fetch_section()` takes it.
        limit_bytes: no more than that.

    Raises:
        NotFound: it is no longer in the mailbox, or the mailbox is disconnected.
        ProviderError: the server could not be asked; while the answer is read, the same.
    """
    if account.secret is None:
        raise NotFound("This mailbox is disconnected, so nothing more can be fetched from it. Connect it again.")
    pieces = _pieces(account, message, section, limit_bytes)
    first = next(pieces, b"")
    return chain([first], pieces)


def _pieces(account: Account, message: Message, section: str, limit_bytes: int) -> Iterator[bytes]:
    placements = [placement for placement in message.placements if placement.uid > 0]
    with open_imap_for(account, timeout_s=_TIMEOUT_S) as imap:
        for placement in placements:
            try:
                if imap.select(placement.folder.name).uidvalidity != placement.folder.uidvalidity:
                    continue
                first = imap.fetch_section(placement.uid, section, min(PIECE_BYTES, limit_bytes))
            except Refused:
                continue
            yield first
            yield from _rest(imap, placement.uid, section, len(first), limit_bytes)
            return
    raise NotFound("This message is no longer in the mailbox.")


def _rest(imap: ImapSession, uid: int, section: str, start: int, limit_bytes: int) -> Iterator[bytes]:
    is_more = start == PIECE_BYTES
    while is_more and start < limit_bytes:
        try:
            piece = imap.fetch_section(uid, section, min(PIECE_BYTES, limit_bytes - start), start)
        except Refused:
            # It was over just there: some servers have no answer then, where others give an empty one.
            return
        yield piece
        start += len(piece)
        is_more = len(piece) == PIECE_BYTES
