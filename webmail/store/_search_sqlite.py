"""The search index on SQLite: an FTS5 table whose rowid is the entry's key, so that it is read newest first as it lies.

Its tokenizer is `ascii`, which divides at spaces and leaves all other letters as they are: the words are ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from webmail.domain.search import Term
from webmail.store._search_entry import Entry, Wanted
from webmail.store.session import Session

_ANYWHERE = "{subject sender recipients body}"
_COLUMNS = {"from": "sender", "to": "recipients", "subject": "subject", "": _ANYWHERE}
_SAVE = (
    "INSERT OR REPLACE INTO message_index (rowid, scope, subject, sender, recipients, body) VALUES (?, ?, ?, ?, ?, ?)"
)
_MISSING = text(
    "SELECT m.id FROM messages m WHERE m.id > :after_id AND NOT EXISTS (SELECT 1 FROM message_index_content c "
    "WHERE c.id = (min(max(CAST(strftime('%s', substr(m.sent_at, 1, 19)) AS INTEGER), 0), 4294967295) << 31 | m.id)) "
    "ORDER BY m.id LIMIT :limit"
)
_NEWEST = text(
    "SELECT rowid FROM message_index WHERE message_index MATCH :match AND rowid < :below AND rowid >= :oldest "
    "ORDER BY rowid DESC LIMIT :limit"
)
# The plus keeps SQLite from looking for each key by itself, which takes longer than to walk past all that match.
_MATCHING = (
    "SELECT rowid FROM message_index WHERE message_index MATCH :match AND rowid BETWEEN :first AND :last AND +rowid IN "
)


def save(s: Session, entries: Sequence[Entry], /) -> None:
    """Write entries, in place of older ones of the same messages."""
    rows = [
        (
            each.key,
            f"u{each.user_id} a{each.account_id}{' attachment' if each.has_attachments else ''}",
            " ".join(each.subject),
            " ".join(each.sender),
            " ".join(each.recipients),
            " ".join(each.body),
        )
        for each in entries
    ]
    s.connection().exec_driver_sql(_SAVE, rows)


def missing(s: Session, after_id: int, limit: int, /) -> list[int]:
    """Give the first messages above a key that have no entry, ascending."""
    return list(s.scalars(_MISSING, {"after_id": after_id, "limit": limit}))


def newest(s: Session, wanted: Wanted, below: int, limit: int, /) -> list[int]:
    """Give the keys of the newest entries below a key that match, newest first."""
    values = {"match": _match(wanted), "below": below, "oldest": wanted.oldest, "limit": limit}
    return list(s.scalars(_NEWEST, values))


def matching(s: Session, wanted: Wanted, keys: Sequence[int], /) -> set[int]:
    """Give those of these keys, at least one, whose entries match."""
    statement = text(f"{_MATCHING} ({','.join(map(str, keys))})")
    return set(s.scalars(statement, {"match": _match(wanted), "first": min(keys), "last": max(keys)}))


def _match(wanted: Wanted) -> str:
    """Build an FTS5 expression; words are letters and digits only, and quoted all the same."""
    scope = f"u{wanted.user_id}" if wanted.account_id is None else f"a{wanted.account_id}"
    pieces = [f'scope : "{scope}"']
    if wanted.query.has_attachment:
        pieces.append('scope : "attachment"')
    pieces += map(_phrase, wanted.query.terms)
    return " AND ".join(pieces)


def _phrase(term: Term) -> str:
    return f'{_COLUMNS[term.field]} : "{" ".join(term.words)}"{" *" if term.is_prefix else ""}'
