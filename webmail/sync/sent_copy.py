"""Find a mail that was sent in the folder for sent mail, and put it there.

Some servers file what is sent through them by themselves, within seconds; the others leave it to the mail client. Only
a search tells (field notes, section 3), so the copy is searched for before it is written, each time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from webmail.domain.headers import ParsedHeaders, parse_headers
from webmail.providers.imap import ImapSession

PATIENT = (0.0, 1.0, 1.5, 2.5)
"""Waits before each look where the server may file by itself: four looks over five seconds, the first at once."""
AT_ONCE = (0.0,)


@dataclass(frozen=True)
class FoundCopy:
    """Where a copy lies; `headers` are its own, where the server has put another Message-ID in the place of ours."""

    uid: int
    uidvalidity: int
    headers: ParsedHeaders | None = None


def find_copy(imap: ImapSession, folder: str, message_id: str, waits: Sequence[float]) -> list[FoundCopy]:
    """Look for a mail by its Message-ID, a few times.

    Args:
        message_id: without its angle brackets.
        waits: seconds before each look.

    Returns:
        All copies there, ascending by UID; empty when there is none even at the last look.

    Raises:
        ProviderError: the line or the server failed, or the folder is not there.
    """
    for wait in waits:
        time.sleep(wait)
        # Opened anew each time: some servers show what came meanwhile only then.
        state = imap.select(folder)
        found = imap.search_message_id(message_id)
        if found:
            heads = {each.uid: parse_headers(each.header) for each in imap.fetch_messages(found)}
            replaced = {uid: head for uid, head in heads.items() if head.message_id != message_id}
            return [FoundCopy(uid, state.uidvalidity, replaced.get(uid)) for uid in found]
    return []


def append_copy(imap: ImapSession, folder: str, mime: bytes, sent_at: datetime, message_id: str) -> list[FoundCopy]:
    """Put a mail into a folder, marked as read, and say which copies of it lie there now.

    More than one copy means that the server filed its own in the meantime.

    Returns:
        Ours last where the server told its UID; empty where it can be found by nothing.

    Raises:
        ProviderError: the line or the server failed, or the folder is not there.
    """
    uid = imap.append(folder, mime, ["\\Seen"], sent_at)
    found = find_copy(imap, folder, message_id, AT_ONCE)
    if uid is None:
        return found
    others = [copy for copy in found if copy.uid != uid]
    ours = [copy for copy in found if copy.uid == uid]
    return [*others, *ours]
