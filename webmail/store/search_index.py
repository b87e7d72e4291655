"""The index that search asks, kept in step with the messages themselves.

Both databases get the words of `webmail.domain.words` and nothing else, so that both find the same. An entry's key is
made of the message's time and its own key: entries lie in order of time, and a page of hits is read from the newest
down without sorting all there are. Each entry also holds whose it is, as a word of its own, so that one user's search
walks past nobody else's mail. Entries go with their messages: by a foreign key on PostgreSQL, by a trigger on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import case, select

from webmail.domain.text import html_to_text
from webmail.domain.words import words_of
from webmail.store import _search_postgres, _search_sqlite
from webmail.store._search_entry import Entry, SearchDialect, key_of
from webmail.store.models import Message
from webmail.store.session import Session, transaction

_CHUNK = 200
_MAX_TEXT = 100_000
"""Characters of a body that are searched; what comes after is a pasted log or worse."""


def dialect_of(s: Session) -> SearchDialect:
    """Give what this session's database does in its own way."""
    return _search_sqlite if s.get_bind().dialect.name == "sqlite" else _search_postgres


def index_messages(s: Session, message_ids: Iterable[int], texts: Mapping[int, str] | None = None) -> None:
    """Bring the entries of these messages up to date, in the transaction that has stored them.

    Args:
        texts: what a reader sees of those whose text is at hand, as for mail that came as HTML only.
    """
    ids = sorted(set(message_ids))
    for start in range(0, len(ids), _CHUNK):
        entries = _entries(s, ids[start : start + _CHUNK], texts or {})
        if entries:
            dialect_of(s).save(s, entries)


def index_new(s: Session, rows: Iterable[tuple[Mapping[str, Any], str]]) -> None:
    """Index messages that have just been inserted, from the rows at hand ("id" among them) and what a reader sees."""
    entries = [_entry(row, visible) for row, visible in rows]
    if entries:
        dialect_of(s).save(s, entries)


def _entries(s: Session, message_ids: Sequence[int], texts: Mapping[int, str]) -> list[Entry]:
    query = select(
        Message.id,
        Message.user_id,
        Message.account_id,
        Message.sent_at,
        Message.has_attachments,
        Message.subject,
        Message.from_name,
        Message.from_email,
        Message.to.label("to"),
        Message.cc,
        Message.text,
        case((Message.text == "", Message.html), else_="").label("html"),
    ).where(Message.id.in_(message_ids))
    return [_entry(row, texts.get(row["id"], "")) for row in s.execute(query).mappings()]


def _entry(row: Mapping[Any, Any], visible: str) -> Entry:
    body = visible or row["text"] or html_to_text(row["html"])
    people = " ".join(f"{name} {email}" for name, email in [*row["to"], *row["cc"]])
    return Entry(
        key=key_of(row["sent_at"], row["id"]),
        message_id=row["id"],
        user_id=row["user_id"],
        account_id=row["account_id"],
        has_attachments=row["has_attachments"],
        subject=words_of(row["subject"]),
        sender=words_of(f"{row['from_name']} {row['from_email']}"),
        recipients=words_of(people),
        body=words_of(body[:_MAX_TEXT]),
    )


def index_missing() -> int:
    """Index the messages that have no entry, some at a time, so that nobody waits long; gives how many there were.

    Needed once for mail that is older than the index, and harmless at any time.
    """
    done = last = 0
    while True:
        with transaction() as s:
            ids = dialect_of(s).missing(s, last, _CHUNK)
            index_messages(s, ids)
        if not ids:
            return done
        done, last = done + len(ids), ids[-1]
