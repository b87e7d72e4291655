"""What the search index holds of a message, and how it is asked: the same for both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from webmail.domain.search import SearchQuery
from webmail.store.session import Session

NEWEST_KEY = 2**63 - 1
_ID_BITS = 31
_LAST_SECOND = 2**32 - 1


def key_of(sent_at: datetime, message_id: int) -> int:
    """Give the key of a message's entry: ascending with time, then with the message's key."""
    second = min(max(int(sent_at.timestamp()), 0), _LAST_SECOND)
    return second << _ID_BITS | message_id


def message_id_of(key: int) -> int:
    """Give the message of an entry."""
    return key & ((1 << _ID_BITS) - 1)


def time_of(key: int) -> datetime:
    """Give the second of an entry."""
    return datetime.fromtimestamp(key >> _ID_BITS, UTC)


@dataclass(frozen=True)
class Entry:
    """A message as it is indexed: who may find it, and its words by where they stand."""

    key: int
    message_id: int
    user_id: int
    account_id: int
    has_attachments: bool
    subject: list[str]
    sender: list[str]
    recipients: list[str]
    body: list[str]


@dataclass(frozen=True)
class Wanted:
    """What is looked for in the index, and in whose mail."""

    query: SearchQuery
    user_id: int
    account_id: int | None
    """Only this mailbox."""
    oldest: int = 0
    """Only keys at or above this one: what `after:` says."""


class SearchDialect(Protocol):
    """What each database does in its own way; its modules are named `_search_<database>`."""

    def save(self, s: Session, entries: Sequence[Entry], /) -> None:
        """Write entries, in place of older ones of the same messages."""

    def missing(self, s: Session, after_id: int, limit: int, /) -> list[int]:
        """Give the first messages above a key that have no entry, ascending."""

    def newest(self, s: Session, wanted: Wanted, below: int, limit: int, /) -> list[int]:
        """Give the keys of the newest entries below a key that match, newest first."""

    def matching(self, s: Session, wanted: Wanted, keys: Sequence[int], /) -> set[int]:
        """Give those of these keys, at least one, whose entries match."""
