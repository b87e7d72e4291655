"""Search in the user's mail: conversations in which a message matches, the newest such message first.

A hit is a conversation with its newest message that matches: its time places the hit, its text is the excerpt. Words
are asked of the index, newest first, a batch at a time; what changes too often to stand in it (unread, starred, where
it lies) is asked of the conversations that a batch leads to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from itertools import islice
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import joinedload

from webmail.domain.search import SearchQuery
from webmail.store._search_entry import NEWEST_KEY, Wanted, key_of, message_id_of, time_of
from webmail.store.models import Account, Conversation, Message
from webmail.store.scope import Scope
from webmail.store.search_index import dialect_of
from webmail.store.session import Session

_BATCH_PER_ROW = 5
_MAX_BATCH = 5000
_FEW = 400
"""The messages of so many conversations are matched themselves, rather than looked for among all that match."""
_EXCERPT_FROM = 6000
"""Characters of a body, from its beginning, in which the words are looked for to be shown."""
# A cross join, because SQLite takes its order as it stands: otherwise it begins with all conversations of the user.
_CONVERSATIONS = (
    "SELECT m.id, m.conversation_id FROM messages m CROSS JOIN conversations c "
    "WHERE c.id = m.conversation_id AND c.tenant_id = {scope.tenant_id:d} AND c.user_id = {scope.user_id:d}"
)
_FILTERS = {
    "is_unread": "c.unread_count > 0",
    "is_starred": "c.is_flagged = TRUE",
    "inbox": "c.in_inbox = TRUE",
    "sent": "c.in_sent = TRUE",
    "trash": "c.in_trash = TRUE",
}


@dataclass(frozen=True)
class Hit:
    """A conversation that was found, with its account, and what is shown of the newest message in it that matches."""

    conversation: Conversation
    sent_at: datetime
    subject: str
    snippet: str
    text: str
    """How the body begins; "" when the mail came as HTML only."""


@dataclass(frozen=True)
class HitPage:
    """One page of what was found, newest first; `next_cursor` is "" on the last page."""

    hits: list[Hit]
    next_cursor: str


def search_page(
    s: Session,
    scope: Scope,
    query: SearchQuery,
    *,
    zone: tzinfo,
    account_uuid: UUID | None = None,
    cursor: str = "",
    limit: int = 50,
) -> HitPage:
    """Give a page of the conversations in which a message matches, each once.

    Args:
        zone: in which the days of `before:` and `after:` begin and end.
        account_uuid: only this mailbox; one that is not the user's has nothing in it.
        cursor: `next_cursor` of the page before; one that makes no sense gives the first page.
    """
    account_id = None
    if account_uuid is not None:
        account_id = s.scalar(select(Account.id).where(Account.uuid == account_uuid, Account.user_id == scope.user_id))
    if query.is_empty or (account_uuid is not None and account_id is None):
        return HitPage([], "")
    oldest = _first_key(query.after, zone) if query.after else 0
    newest = _first_key(query.before, zone) if query.before else NEWEST_KEY
    wanted = Wanted(query, scope.user_id, account_id, oldest)
    below = min(int(cursor), newest) if cursor.isascii() and cursor.isdigit() and len(cursor) < 20 else newest
    keys = _find(s, scope, wanted, below=below, newest=newest, limit=limit + 1)
    hits = _load(s, dict(list(keys.items())[:limit]))
    return HitPage(hits, str(list(keys.values())[limit - 1]) if len(keys) > limit else "")


def _first_key(day: date, zone: tzinfo) -> int:
    return key_of(datetime.combine(day, time.min, zone), 0)


def _find(s: Session, scope: Scope, wanted: Wanted, *, below: int, newest: int, limit: int) -> dict[int, int]:
    """Give the keys of the newest hits below a key, by conversation, in order."""
    few = _few_candidates(s, scope, wanted)
    if few is not None:
        return _newest_of(s, wanted, few, below=below, newest=newest, limit=limit)
    found: dict[int, int] = {}
    batch, before = limit * _BATCH_PER_ROW, below
    while len(found) < limit:
        keys = dialect_of(s).newest(s, wanted, below, batch)
        fresh: dict[int, int] = {}
        for key, conversation_id in _conversations_of(s, scope, wanted.query, keys):
            if conversation_id not in found:
                fresh.setdefault(conversation_id, key)
        if before < newest and fresh:
            for conversation_id in _shown_before(s, wanted, list(fresh), before, newest):
                del fresh[conversation_id]
        found.update(fresh)
        if len(keys) < batch:
            break
        below, batch = keys[-1], min(batch * 4, _MAX_BATCH)
    return dict(islice(found.items(), limit))


def _filters(query: SearchQuery) -> list[str]:
    """Give the conditions that a conversation meets where it is looked for, as it is wanted, but that of no trash."""
    return [piece for name, piece in _FILTERS.items() if getattr(query, name, False) or name == query.place]


def _filtered(query: SearchQuery) -> str:
    """Write out those conditions, to follow others."""
    no_trash = [] if query.place == "trash" else ["NOT c.in_trash"]
    return "".join(f" AND {piece}" for piece in no_trash + _filters(query))


def _few_candidates(s: Session, scope: Scope, wanted: Wanted) -> dict[int, int] | None:
    """Give the keys of all messages in the conversations that pass the filters, with these; None when there are many.

    Where few conversations are starred, unread or in the trash, a walk through all that matches would meet hardly any.
    """
    if not _filters(wanted.query):
        return None
    owned = "SELECT c.id FROM conversations c WHERE c.tenant_id = :tenant_id AND c.user_id = :user_id"
    passing = text(f"{owned}{_filtered(wanted.query)} LIMIT {_FEW + 1}")
    ids = s.scalars(passing, {"tenant_id": scope.tenant_id, "user_id": scope.user_id}).all()
    if len(ids) > _FEW:
        return None
    columns = select(Message.id, Message.sent_at, Message.conversation_id)
    rows = s.execute(columns.where(Message.conversation_id.in_(ids)))
    return {key_of(sent_at, message_id): conversation_id for message_id, sent_at, conversation_id in rows}


def _newest_of(
    s: Session, wanted: Wanted, owners: Mapping[int, int], *, below: int, newest: int, limit: int
) -> dict[int, int]:
    """Give the keys of the newest hits below a key among these, by conversation, in order."""
    keys = sorted((key for key in owners if wanted.oldest <= key < newest), reverse=True)
    shown: set[int] = set()
    found: dict[int, int] = {}
    batch = limit * _BATCH_PER_ROW
    for start in range(0, len(keys), batch):
        some = keys[start : start + batch]
        for key in sorted(dialect_of(s).matching(s, wanted, some), reverse=True):
            if key >= below:
                shown.add(owners[key])
            elif owners[key] not in shown:
                found.setdefault(owners[key], key)
        if len(found) >= limit:
            break
    return dict(islice(found.items(), limit))


def _conversations_of(s: Session, scope: Scope, query: SearchQuery, keys: Sequence[int]) -> list[tuple[int, int]]:
    """Give (key, conversation) of those entries whose conversations are the user's and pass the filters."""
    # Numbers of ours, written out: hundreds of parameters would cost more than the query itself.
    ids = ",".join(str(message_id_of(key)) for key in keys) or "NULL"
    statement = f"{_CONVERSATIONS.format(scope=scope)}{_filtered(query)} AND m.id IN ({ids})"
    rows = s.connection().exec_driver_sql(statement)
    owners = {message_id: conversation_id for message_id, conversation_id in rows}
    return [(key, owners[message_id]) for key in keys if (message_id := message_id_of(key)) in owners]


def _shown_before(s: Session, wanted: Wanted, conversation_ids: Sequence[int], above: int, newest: int) -> set[int]:
    """Give those conversations of which an earlier page has shown a newer message."""
    query = select(Message.id, Message.sent_at, Message.conversation_id).where(
        Message.conversation_id.in_(conversation_ids), Message.sent_at >= time_of(above)
    )
    owners = {key_of(sent_at, message_id): owner for message_id, sent_at, owner in s.execute(query)}
    newer = [key for key in owners if above <= key < newest]
    return {owners[key] for key in dialect_of(s).matching(s, wanted, newer)} if newer else set()


def _load(s: Session, found: Mapping[int, int]) -> list[Hit]:
    if not found:
        return []
    # By key alone, for the same reason; whose they are was asked when they were found.
    query = select(Conversation).where(Conversation.id.in_(list(found)))
    conversations = {
        each.id: each
        for each in s.scalars(query.options(joinedload(Conversation.account).load_only(Account.uuid, Account.email)))
    }
    columns = (
        Message.id,
        Message.sent_at,
        Message.subject,
        Message.snippet,
        func.substr(Message.text, 1, _EXCERPT_FROM),
    )
    ids = [message_id_of(key) for key in found.values()]
    shown = {message_id: rest for message_id, *rest in s.execute(select(*columns).where(Message.id.in_(ids)))}
    return [
        Hit(conversations[conversation_id], *shown[message_id_of(key)])
        for conversation_id, key in found.items()
        if conversation_id in conversations
    ]
