"""The search index on PostgreSQL: a table beside the messages, with a tsvector under GIN.

Vectors and queries are written out in full, never made by a text search configuration: the words are ours, and another
version of the server's dictionaries changes nothing. The weights say where a word stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from webmail.domain.search import Term
from webmail.store._search_entry import Entry, Wanted
from webmail.store.session import Session

_WEIGHTS = {"subject": "A", "from": "B", "to": "C", "": ""}
_LAST_POSITION = 16_383
_MAX_PLACES = 255
"""A tsvector keeps no more of one word."""
_GAP = 10
"""Between two fields, so that no phrase reaches from one into the next."""
_SAVE = text(
    "INSERT INTO message_index (message_id, user_id, key, terms) "
    "VALUES (:message_id, :user_id, :key, CAST(:terms AS tsvector)) "
    "ON CONFLICT (message_id) DO UPDATE SET key = excluded.key, terms = excluded.terms"
)
_MISSING = text(
    "SELECT m.id FROM messages m WHERE m.id > :after_id "
    "AND NOT EXISTS (SELECT 1 FROM message_index i WHERE i.message_id = m.id) ORDER BY m.id LIMIT :limit"
)
_NEWEST = text(
    "SELECT key FROM message_index WHERE user_id = :user_id AND key < :below AND key >= :oldest "
    "AND terms @@ CAST(:match AS tsquery) ORDER BY key DESC LIMIT :limit"
)
_MATCHING = "SELECT key FROM message_index WHERE user_id = :user_id AND terms @@ CAST(:match AS tsquery) AND key IN "


def save(s: Session, entries: Sequence[Entry], /) -> None:
    """Write entries, in place of older ones of the same messages."""
    rows = [
        {"message_id": each.message_id, "user_id": each.user_id, "key": each.key, "terms": _vector(each)}
        for each in entries
    ]
    s.execute(_SAVE, rows)


def missing(s: Session, after_id: int, limit: int, /) -> list[int]:
    """Give the first messages above a key that have no entry, ascending."""
    return list(s.scalars(_MISSING, {"after_id": after_id, "limit": limit}))


def newest(s: Session, wanted: Wanted, below: int, limit: int, /) -> list[int]:
    """Give the keys of the newest entries below a key that match, newest first."""
    values = {"user_id": wanted.user_id, "match": _match(wanted), "below": below, "oldest": wanted.oldest}
    return list(s.scalars(_NEWEST, {**values, "limit": limit}))


def matching(s: Session, wanted: Wanted, keys: Sequence[int], /) -> set[int]:
    """Give those of these keys, at least one, whose entries match."""
    statement = text(f"{_MATCHING} ({','.join(map(str, keys))})")
    return set(s.scalars(statement, {"user_id": wanted.user_id, "match": _match(wanted)}))


def _vector(entry: Entry) -> str:
    """Write out a tsvector: each word with its places, and words with a sign in them for whose the message is."""
    places: dict[str, list[str]] = {}
    at = 1
    fields = (("A", entry.subject), ("B", entry.sender), ("C", entry.recipients), ("D", entry.body))
    for weight, words in fields:
        for at, word in enumerate(words, at):  # noqa: B020  # counting goes on where the last field ended
            known = places.setdefault(word, [])
            if len(known) < _MAX_PLACES:
                known.append(f"{min(at, _LAST_POSITION)}{weight}")
        at += _GAP
    pieces = [f"'{word}':{','.join(where)}" for word, where in places.items()]
    pieces += [f"'user={entry.user_id}'", f"'account={entry.account_id}'"]
    if entry.has_attachments:
        pieces.append("'has=attachment'")
    return " ".join(pieces)


def _match(wanted: Wanted) -> str:
    """Write out a tsquery; words are letters and digits only, and quoted all the same."""
    account_id = wanted.account_id
    pieces = [f"'user={wanted.user_id}'" if account_id is None else f"'account={account_id}'"]
    if wanted.query.has_attachment:
        pieces.append("'has=attachment'")
    pieces += map(_phrase, wanted.query.terms)
    return " & ".join(pieces)


def _phrase(term: Term) -> str:
    weight = _WEIGHTS[term.field]
    words = [f"'{word}'" + (f":{weight}" if weight else "") for word in term.words]
    if term.is_prefix:
        words[-1] = f"'{term.words[-1]}':*{weight}"
    return f"({' <-> '.join(words)})"
