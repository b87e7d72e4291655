"""Which conversation a message belongs to: the store's half of `webmail.domain.threading`.

Each key of a message names one conversation of its account. A message whose keys name several joins them: the
oldest conversation stays, takes the messages and keys of the others, and answers to their URLs too.
Since keys only ever unite, the order of arrival does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import Table, delete, insert, select, update

from webmail.domain import privacy
from webmail.store.models import Account, Conversation, ConversationAlias, Message, ThreadKey
from webmail.store.session import Session

_CHUNK = 500
_KEYS, _CONVERSATIONS = (cast("Table", each.__table__) for each in (ThreadKey, Conversation))


@dataclass(frozen=True)
class Threadable:
    """What threading needs to know of one message."""

    keys: Sequence[str]
    subject: str
    sent_at: datetime


def assign_conversations(s: Session, account: Account, items: Sequence[Threadable]) -> list[int]:
    """Give the conversation of each item, making and merging conversations as their keys say.

    Returns:
        Conversation ids in the order of `items`, as they are after all merges.
    """
    owner = _load_owners(s, account.id, {key for item in items for key in item.keys})
    known = set(owner)
    joined: dict[int, int] = {}
    made: dict[int, Threadable] = {}
    targets: list[int] = []
    for item in items:
        candidates = sorted({_find(joined, owner[key]) for key in item.keys if key in owner}, key=_by_age)
        target = candidates[0] if candidates else -1 - len(made)
        if not candidates:
            made[target] = item
        joined.update(dict.fromkeys(candidates[1:], target))
        for key in item.keys:
            owner.setdefault(key, target)
        targets.append(target)
    _merge(s, {old: target for old, target in joined.items() if old > 0})
    ids = _insert_conversations(s, account, {number: item for number, item in made.items() if number not in joined})
    final = {number: ids.get(found := _find(joined, number), found) for number in {*targets, *owner.values()}}
    if fresh := [key for key in owner if key not in known]:
        s.execute(
            insert(_KEYS),
            [{"account_id": account.id, "key": key, "conversation_id": final[owner[key]]} for key in fresh],
        )
    return [final[target] for target in targets]


def _by_age(number: int) -> tuple[bool, int]:
    """Sort stored conversations first, oldest first; those just made have negative numbers until they are stored."""
    return number < 0, abs(number)


def _load_owners(s: Session, account_id: int, keys: set[str]) -> dict[str, int]:
    owners: dict[str, int] = {}
    ordered = sorted(keys)
    for start in range(0, len(ordered), _CHUNK):
        query = select(ThreadKey.key, ThreadKey.conversation_id).where(
            ThreadKey.account_id == account_id, ThreadKey.key.in_(ordered[start : start + _CHUNK])
        )
        owners.update({key: conversation_id for key, conversation_id in s.execute(query)})
    return owners


def _find(merged: dict[int, int], conversation_id: int) -> int:
    while conversation_id in merged:
        conversation_id = merged[conversation_id]
    return conversation_id


def _insert_conversations(s: Session, account: Account, made: dict[int, Threadable]) -> dict[int, int]:
    if not made:
        return {}
    rows: list[dict[str, Any]] = [
        {
            "uuid": uuid4(),
            "tenant_id": account.tenant_id,
            "user_id": account.user_id,
            "account_id": account.id,
            "subject": item.subject,
            "last_at": item.sent_at,
        }
        for item in made.values()
    ]
    # Past the ORM, and asked for their keys afterwards: SQLite would give them back one by one.
    s.execute(insert(_CONVERSATIONS), rows)
    ids: dict[UUID, int] = {}
    for start in range(0, len(rows), _CHUNK):
        uuids = [row["uuid"] for row in rows[start : start + _CHUNK]]
        found = s.execute(select(Conversation.uuid, Conversation.id).where(Conversation.uuid.in_(uuids)))
        ids.update({uuid: conversation_id for uuid, conversation_id in found})
    return {number: ids[row["uuid"]] for number, row in zip(made, rows, strict=True)}


def _merge(s: Session, merged: dict[int, int]) -> None:
    for old in merged:
        target = _find(merged, old)
        _keep_private(s, old, target)
        s.execute(update(Message).where(Message.conversation_id == old).values(conversation_id=target))
        s.execute(update(ThreadKey).where(ThreadKey.conversation_id == old).values(conversation_id=target))
        _keep_url(s, old, target)
        s.execute(delete(Conversation).where(Conversation.id == old))


def _keep_private(s: Session, old: int, target: int) -> None:
    """Let what becomes one conversation be as private as the most private part of it."""
    query = select(Conversation.sharing).where(Conversation.id.in_((old, target)))
    choice = privacy.merged(s.scalars(query))
    s.execute(update(Conversation).where(Conversation.id == target).values(sharing=choice))


def _keep_url(s: Session, old: int, target: int) -> None:
    """Let the URL of a conversation that ends, and those that led to it, lead to the one that takes its place."""
    aliases = update(ConversationAlias).where(ConversationAlias.conversation_id == old).values(conversation_id=target)
    s.execute(aliases)
    uuid = s.scalar(select(Conversation.uuid).where(Conversation.id == old))
    if uuid is not None:
        s.execute(insert(ConversationAlias), [{"uuid": uuid, "conversation_id": target}])
