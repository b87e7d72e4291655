"""Move conversations to any folder of their mailbox, there as here; `webmail.actions.mail` takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from webmail.actions import mail
from webmail.errors import InputRefused, NotFound
from webmail.store.conversations import find_conversation
from webmail.store.folders import folders_of
from webmail.store.messages import messages_of_conversations
from webmail.store.models import Conversation, Folder, Placement
from webmail.store.scope import Scope
from webmail.store.session import Session, reading, transaction

_STAYS = frozenset({"sent", "drafts", "all"})
"""Roles of folders that nothing is moved into, nor out of: what was sent stays with what was sent."""
_FIRST = ("inbox", "archive", "junk", "trash")


@dataclass(frozen=True)
class MovedTo:
    """What a move came to; `batch` is what `mail.undo_batch()` takes."""

    folder: Folder
    batch: UUID
    count: int


def folders_for(scope: Scope, conversation_uuid: UUID) -> list[Folder]:
    """Give the folders that a conversation can be moved to: those with a role first, the others by name.

    Raises:
        NotFound: no such conversation.
    """
    with reading() as s:
        return _usable(s, [find_conversation(s, scope, conversation_uuid)])


def folders_for_selected(scope: Scope, conversation_uuids: Sequence[UUID]) -> list[Folder]:
    """Give the folders that several conversations can be moved to in one go.

    Raises:
        InputRefused: there is none, there are too many, or they are of several mailboxes.
    """
    with reading() as s:
        return _usable(s, _of_one_mailbox(mail.selected(s, scope, conversation_uuids)))


def move(scope: Scope, conversation_uuid: UUID, folder_uuid: UUID | None) -> MovedTo:
    """Move a conversation to a folder; what was sent of it stays, unless it goes to the trash.

    Raises:
        NotFound: no such conversation, or its mailbox has no such folder.
        InputRefused: no folder was chosen, or there is nothing to move there.
    """
    with transaction() as s:
        return _move(s, [find_conversation(s, scope, conversation_uuid)], folder_uuid)


def move_selected(scope: Scope, conversation_uuids: Sequence[UUID], folder_uuid: UUID | None) -> MovedTo:
    """Move several conversations of one mailbox to a folder; those that lie there already are left out.

    Raises:
        InputRefused: as for `move()`; or there is none, there are too many, or they are of several mailboxes.
    """
    with transaction() as s:
        return _move(s, _of_one_mailbox(mail.selected(s, scope, conversation_uuids)), folder_uuid)


def _of_one_mailbox(conversations: list[Conversation]) -> list[Conversation]:
    if len({each.account_id for each in conversations}) > 1:
        raise InputRefused(
            "", "These conversations lie in several mailboxes. Select those of one mailbox to move them."
        )
    return conversations


def _usable(s: Session, conversations: Sequence[Conversation]) -> list[Folder]:
    lies_in = {
        place.folder_id
        for message in messages_of_conversations(s, [each.id for each in conversations])
        for place in message.placements
        if not place.is_leaving and place.folder.role not in _STAYS
    }
    folders = folders_of(s, conversations[0].account_id)
    usable = [each for each in folders if each.role not in _STAYS and lies_in != {each.id}]
    return sorted(
        usable, key=lambda each: (_FIRST.index(each.role) if each.role in _FIRST else 9, each.name.casefold())
    )


def _move(s: Session, conversations: Sequence[Conversation], folder_uuid: UUID | None) -> MovedTo:
    if folder_uuid is None:
        raise InputRefused("folder", "Choose a folder.")
    folders = folders_of(s, conversations[0].account_id)
    target = next((each for each in folders if each.uuid == folder_uuid and each.role not in _STAYS), None)
    if target is None:
        raise NotFound("This folder is not in the mailbox any more.")
    batch = uuid4()
    count = mail.move_out(s, conversations, target.role, target, batch, lambda place: _leaves(place, target))
    if not count:
        raise InputRefused("", "There is nothing to move: it lies there already, or it was only sent.")
    return MovedTo(target, batch, count)


def _leaves(place: Placement, target: Folder) -> bool:
    return place.folder_id != target.id and (target.role == "trash" or place.folder.role not in _STAYS)
