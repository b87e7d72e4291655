"""What a user does to conversations: read, unread, star, archive, delete, and take it back.

Each shows here at once and is written down as a Change in the same transaction; the sync engine tells the server.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID, uuid4

from webmail import queue
from webmail.actions._telling import flagged_places, seen_places, tell, tell_marks
from webmail.errors import InputRefused
from webmail.store import changes as ledger
from webmail.store.accounts import find_account, load_account
from webmail.store.conversations import (
    find_conversation,
    find_conversations,
    refresh_conversations,
    uuids_of_conversations,
)
from webmail.store.folders import folder_by_role, folders_of
from webmail.store.messages import conversation_ids_of, messages_of_conversation, messages_of_conversations
from webmail.store.models import Account, Change, Conversation, Folder, Message, Placement
from webmail.store.placements import add_provisional, keep_in_folder, set_leaving
from webmail.store.scope import Scope
from webmail.store.session import Session, after_commit, transaction
from webmail.store.snoozes import end_snoozes
from webmail.sync import requests
from webmail.sync.read_marks import record_put_back

SELECTION_LIMIT = 500
"""How many conversations one request may act on."""


@dataclass(frozen=True)
class Moved:
    """What a move of several conversations came to; `batch` is what `undo_batch()` takes."""

    batch: UUID
    count: int


def mark_read(scope: Scope, conversation_uuid: UUID) -> None:
    """Mark a conversation's messages as read here; under *Keep in step* also on the server."""
    with transaction() as s:
        _mark_read(s, [find_conversation(s, scope, conversation_uuid)])


def mark_unread(scope: Scope, conversation_uuid: UUID) -> None:
    """Mark a conversation's newest received message as unread here; under *Keep in step* also on the server."""
    with transaction() as s:
        turn_unread(s, [find_conversation(s, scope, conversation_uuid)])


def star(scope: Scope, conversation_uuid: UUID) -> None:
    """Star a conversation's newest message, there (`\\Flagged`) as here; one that is starred stays as it is."""
    with transaction() as s:
        _star(s, [find_conversation(s, scope, conversation_uuid)])


def unstar(scope: Scope, conversation_uuid: UUID) -> None:
    """Take the star off all messages of a conversation, there as here."""
    with transaction() as s:
        _unstar(s, [find_conversation(s, scope, conversation_uuid)])


def mark_selected(scope: Scope, conversation_uuids: Sequence[UUID], mark: str) -> int:
    """Mark several conversations in one go.

    Args:
        mark: `read`, `unread`, `star` or `unstar`, each as for a single one.

    Returns:
        How many there are; those that are not here any more are left out.

    Raises:
        InputRefused: there is none, or there are too many.
    """
    act = {"read": _mark_read, "unread": turn_unread, "star": _star, "unstar": _unstar}[mark]
    with transaction() as s:
        conversations = selected(s, scope, conversation_uuids)
        for _, group in groupby(conversations, lambda each: each.account_id):
            act(s, list(group))
        return len(conversations)


def selected(s: Session, scope: Scope, uuids: Sequence[UUID]) -> list[Conversation]:
    """Give the user's conversations of these, by account.

    Raises:
        InputRefused: there is none, or there are too many.
    """
    if len(uuids) > SELECTION_LIMIT:
        raise InputRefused("", f"Select up to {SELECTION_LIMIT} conversations at a time.")
    conversations = find_conversations(s, scope, uuids)
    if not conversations:
        raise InputRefused("", "Select at least one conversation.")
    return sorted(conversations, key=lambda each: each.account_id)


def _mark_read(s: Session, conversations: Sequence[Conversation]) -> None:
    messages = messages_of_conversations(s, [each.id for each in conversations])
    unread = [message for message in messages if message.is_unread]
    if unread:
        _set_unread(s, conversations, unread, is_unread=False)


def turn_unread(s: Session, conversations: Sequence[Conversation]) -> None:
    """Mark the newest received message of conversations of one account as unread, as `mark_unread()` does."""
    newest = []
    for conversation in conversations:
        messages = messages_of_conversation(s, conversation.id)
        received = [message for message in messages if not message.is_outgoing] or messages
        newest += received[-1:]
    if newest:
        _set_unread(s, conversations, newest, is_unread=True)


def _set_unread(
    s: Session, conversations: Sequence[Conversation], messages: Sequence[Message], *, is_unread: bool
) -> None:
    account = conversations[0].account
    for message in messages:
        message.is_unread = is_unread
    s.flush()
    if account.read_marks == "keep":
        tell_marks(s, account, seen_places(s, account, messages, is_seen=not is_unread), "\\Seen", is_set=not is_unread)
    show_changed(s, account, [each.id for each in conversations])


def _star(s: Session, conversations: Sequence[Conversation]) -> None:
    plain = [each for each in conversations if not each.is_flagged]
    newest = [message for each in plain for message in messages_of_conversation(s, each.id)[-1:]]
    if newest:
        _set_flagged(s, plain, newest, is_flagged=True)


def _unstar(s: Session, conversations: Sequence[Conversation]) -> None:
    messages = messages_of_conversations(s, [each.id for each in conversations])
    starred = [message for message in messages if message.is_flagged]
    if starred:
        _set_flagged(s, conversations, starred, is_flagged=False)


def _set_flagged(
    s: Session, conversations: Sequence[Conversation], messages: Sequence[Message], *, is_flagged: bool
) -> None:
    account = conversations[0].account
    for message in messages:
        message.is_flagged = is_flagged
    s.flush()
    tell_marks(s, account, flagged_places(messages), "\\Flagged", is_set=is_flagged)
    show_changed(s, account, [each.id for each in conversations])


def archive(scope: Scope, conversation_uuid: UUID) -> None:
    """Take a conversation out of the inbox, there as here: its messages move to the archive folder.

    Raises:
        NotFound: no such conversation.
        InputRefused: it is out of the inbox already.
    """
    _move_one(scope, conversation_uuid, "archive")


def delete(scope: Scope, conversation_uuid: UUID) -> None:
    """Move a conversation's messages to the trash, there as here.

    Raises:
        NotFound: no such conversation.
        InputRefused: it lies in the trash already.
    """
    _move_one(scope, conversation_uuid, "trash")


def archive_selected(scope: Scope, conversation_uuids: Sequence[UUID]) -> Moved:
    """Take several conversations out of the inbox in one go; those that are out of it already are left out.

    Raises:
        InputRefused: there is none to archive, or there are too many.
    """
    return _move_selected(scope, conversation_uuids, "archive")


def delete_selected(scope: Scope, conversation_uuids: Sequence[UUID]) -> Moved:
    """Move several conversations to the trash in one go; those that lie there already are left out.

    Raises:
        InputRefused: there is none to delete, or there are too many.
    """
    return _move_selected(scope, conversation_uuids, "trash")


_LEAVES: dict[str, Callable[[Folder], bool]] = {
    "archive": lambda folder: folder.role == "inbox",
    "trash": lambda folder: folder.role != "trash",
}
"""Out of which folders a move to the folder of a role takes messages."""


def _move_one(scope: Scope, conversation_uuid: UUID, role: str) -> None:
    with transaction() as s:
        if not _move_out(s, [find_conversation(s, scope, conversation_uuid)], role, uuid4()):
            where = "in the trash" if role == "trash" else "out of the inbox"
            raise InputRefused("", f"This conversation is {where} already.")


def _move_selected(scope: Scope, conversation_uuids: Sequence[UUID], role: str) -> Moved:
    batch = uuid4()
    with transaction() as s:
        by_account = groupby(selected(s, scope, conversation_uuids), lambda each: each.account_id)
        count = sum(_move_out(s, list(group), role, batch) for _, group in by_account)
        if not count:
            where = "in the trash" if role == "trash" else "out of the inbox"
            raise InputRefused("", f"These conversations are {where} already.")
    return Moved(batch, count)


def _move_out(s: Session, conversations: Sequence[Conversation], role: str, batch: UUID) -> int:
    """Write down that these conversations of one account move; gives how many of them do."""
    target = folder_by_role(s, conversations[0].account_id, role)
    return move_out(s, conversations, role, target, batch, lambda place: _LEAVES[role](place.folder))


def move_out(
    s: Session,
    conversations: Sequence[Conversation],
    role: str,
    target: Folder | None,
    batch: UUID,
    leaves: Callable[[Placement], bool],
) -> int:
    """Write down that conversations of one account move to a folder, which may still have to be made there.

    Args:
        role: that of the folder, "" where it has none.
        leaves: whether a message moves out of a place.

    Returns:
        How many of the conversations move; one that was put off is so no more.
    """
    account = conversations[0].account
    placements, moving = [], set()
    for message in messages_of_conversations(s, [each.id for each in conversations]):
        leaving = [each for each in message.placements if not each.is_leaving and leaves(each)]
        placements += leaving
        moving |= {message.conversation_id} if leaving else set()
    if not placements:
        return 0
    tell(s, account, "move", placements, {"role": role, "to": target.id if target else 0, "batch": batch.hex})
    set_leaving(s, [placement.id for placement in placements], True)
    end_snoozes(s, moving)
    requests.request_sync(s, account)
    show_changed(s, account, moving)
    return len(moving)


def undo_move(scope: Scope, conversation_uuid: UUID) -> None:
    """Take the latest archive, delete or move of a conversation back.

    What the server has not been told yet is simply cancelled; the rest is moved back by a Change of its own.

    Raises:
        InputRefused: there is nothing to take back.
    """
    with transaction() as s:
        conversation = find_conversation(s, scope, conversation_uuid)
        messages = messages_of_conversation(s, conversation.id)
        moves = ledger.latest_moves(s, conversation.account_id, [message.id for message in messages])
        if not moves:
            raise InputRefused("", "There is nothing to undo.")
        _undo(s, conversation.account, moves)


def undo_batch(scope: Scope, batch: UUID) -> None:
    """Take back one move of several conversations, as `undo_move()` does for one.

    Raises:
        InputRefused: there is nothing to take back.
    """
    with transaction() as s:
        moves = ledger.moves_of_batch(s, scope, batch.hex)
        if not moves:
            raise InputRefused("", "There is nothing to undo.")
        for account_id, group in groupby(moves, lambda each: each.account_id):
            account = find_account(s, account_id)
            if account is not None:
                _undo(s, account, list(group))


def _undo(s: Session, account: Account, moves: Iterable[Change]) -> None:
    folders = {folder.id: folder for folder in folders_of(s, account.id)}
    touched: set[int] = set()
    for move in moves:
        touched |= set(move.message_ids)
        if ledger.cancel(s, move.id):
            keep_in_folder(s, move.folder_id or 0, move.message_ids)
        else:
            move_back(s, account, move, folders)
    requests.request_sync(s, account)
    show_changed(s, account, conversation_ids_of(s, touched))


def move_back(s: Session, account: Account, move: Change, folders: dict[int, Folder]) -> None:
    """Have a move that the server has been told, or is being told, taken back by a change of its own.

    Args:
        folders: all of the account's, by key.
    """
    source = folders[move.folder_id or 0]
    target = folders.get(move.payload.get("to", 0))
    # Under another UIDVALIDITY the UIDs that they got there mean other messages; then they are looked up.
    is_numbered_alike = target is not None and move.payload.get("to_uidvalidity") == target.uidvalidity
    ledger.record_change(
        s,
        account,
        kind="move",
        reason="undo",
        folder=target,
        uids=[uid for uid in move.payload.get("new_uids", []) if uid] if is_numbered_alike else [],
        message_ids=move.message_ids,
        payload={"to": source.id, "from_role": move.payload.get("role", ""), "undoes": str(move.uuid)},
    )
    for message_id in move.message_ids:
        add_provisional(s, source, message_id)
    if move.state == "done":
        ledger.finish_change(move, "undone")


def request_sync(scope: Scope, account_uuid: UUID) -> None:
    """Have an account synced now, whatever its back-off says.

    Raises:
        NotFound: no such account.
    """
    with transaction() as s:
        account = load_account(s, scope, account_uuid)
        account.retry_at = None
        s.flush()
        requests.request_sync(s, account)


def put_back_marks(scope: Scope, account_uuid: UUID) -> int:
    """Have the read-mark rule's marks taken off again on the server.

    Returns:
        How many messages will be unread there again.

    Raises:
        NotFound: no such account.
    """
    with transaction() as s:
        account = load_account(s, scope, account_uuid)
        count = record_put_back(s, account, {folder.id: folder for folder in folders_of(s, account.id)})
        requests.request_sync(s, account)
        return count


def show_changed(s: Session, account: Account, conversation_ids: Collection[int]) -> None:
    """Work out again what the list shows of these conversations, and have open pages read it."""
    uuids = uuids_of_conversations(s, conversation_ids)
    refresh_conversations(s, account, conversation_ids)
    # A change without a uuid is one of several.
    named = {"uuid": str(uuids[0])} if len(uuids) == 1 else {}
    after_commit(s, lambda: queue.publish(account.user_id, "conversation-changed", **named))
