"""What a user does to conversations: read, unread, archive, delete, and take it back.

Each shows here at once and is written down as a Change in the same transaction; the sync engine tells the server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID, uuid4

from webmail import queue
from webmail.errors import InputRefused
from webmail.store import changes as ledger
from webmail.store.accounts import load_account
from webmail.store.conversations import find_conversation, refresh_conversations
from webmail.store.folders import folder_by_role, folders_of
from webmail.store.messages import messages_of_conversation
from webmail.store.models import Account, Change, Conversation, Folder, Message, Placement
from webmail.store.placements import add_provisional, set_leaving
from webmail.store.scope import Scope
from webmail.store.session import Session, after_commit, transaction
from webmail.sync import requests
from webmail.sync.read_marks import record_put_back


def mark_read(scope: Scope, conversation_uuid: UUID) -> None:
    """Mark a conversation's messages as read here; under *Keep in step* also on the server."""
    with transaction() as s:
        conversation = find_conversation(s, scope, conversation_uuid)
        unread = [message for message in messages_of_conversation(s, conversation.id) if message.is_unread]
        if unread:
            _set_unread(s, conversation, unread, is_unread=False)


def mark_unread(scope: Scope, conversation_uuid: UUID) -> None:
    """Mark a conversation's newest received message as unread here; under *Keep in step* also on the server."""
    with transaction() as s:
        conversation = find_conversation(s, scope, conversation_uuid)
        messages = messages_of_conversation(s, conversation.id)
        received = [message for message in messages if not message.is_outgoing] or messages
        if received:
            _set_unread(s, conversation, received[-1:], is_unread=True)


def _set_unread(s: Session, conversation: Conversation, messages: Sequence[Message], *, is_unread: bool) -> None:
    account = conversation.account
    for message in messages:
        message.is_unread = is_unread
    s.flush()
    if account.read_marks == "keep":
        placements = [
            placement
            for message in messages
            for placement in message.placements
            if placement.folder.role == "inbox" and placement.uid > 0 and placement.is_seen == is_unread
        ]
        payload = {"add": [] if is_unread else ["\\Seen"], "remove": ["\\Seen"] if is_unread else []}
        for folder, group in _by_folder(placements):
            _record(s, account, "flag", "user", folder, group, payload)
        if placements:
            requests.request_sync(s, account)
    _show(s, account, conversation)


def archive(scope: Scope, conversation_uuid: UUID) -> None:
    """Take a conversation out of the inbox, there as here: its messages move to the archive folder.

    Raises:
        NotFound: no such conversation.
    """
    _move_out(scope, conversation_uuid, "archive", lambda folder: folder.role == "inbox")


def delete(scope: Scope, conversation_uuid: UUID) -> None:
    """Move a conversation's messages to the trash, there as here.

    Raises:
        NotFound: no such conversation.
        InputRefused: it lies in the trash already.
    """
    _move_out(scope, conversation_uuid, "trash", lambda folder: folder.role != "trash")


def _move_out(scope: Scope, conversation_uuid: UUID, role: str, leaves: Callable[[Folder], bool]) -> None:
    with transaction() as s:
        conversation = find_conversation(s, scope, conversation_uuid)
        account = conversation.account
        placements = [
            placement
            for message in messages_of_conversation(s, conversation.id)
            for placement in message.placements
            if leaves(placement.folder) and placement.uid > 0 and not placement.is_leaving
        ]
        if not placements:
            where = "in the trash" if role == "trash" else "out of the inbox"
            raise InputRefused("", f"This conversation is {where} already.")
        target = folder_by_role(s, account.id, role)
        payload = {"role": role, "to": target.id if target else 0, "batch": uuid4().hex}
        for folder, group in _by_folder(placements):
            _record(s, account, "move", "user", folder, group, payload)
        set_leaving(s, [placement.id for placement in placements], True)
        requests.request_sync(s, account)
        _show(s, account, conversation)


def undo_move(scope: Scope, conversation_uuid: UUID) -> None:
    """Take the latest archive or delete of a conversation back.

    What the server has not been told yet is simply cancelled; the rest is moved back by a Change of its own.

    Raises:
        InputRefused: there is nothing to take back.
    """
    with transaction() as s:
        conversation = find_conversation(s, scope, conversation_uuid)
        account = conversation.account
        messages = messages_of_conversation(s, conversation.id)
        moves = ledger.latest_moves(s, account.id, [message.id for message in messages])
        if not moves:
            raise InputRefused("", "There is nothing to undo.")
        folders = {folder.id: folder for folder in folders_of(s, account.id)}
        for move in moves:
            if ledger.cancel(s, move.id):
                leaving = [each.id for message in messages for each in message.placements if each.is_leaving]
                set_leaving(s, leaving, False)
            else:
                move_back(s, account, move, folders)
        requests.request_sync(s, account)
        _show(s, account, conversation)


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


def _by_folder(placements: Sequence[Placement]) -> list[tuple[Folder, list[Placement]]]:
    groups: dict[int, tuple[Folder, list[Placement]]] = {}
    for placement in placements:
        groups.setdefault(placement.folder_id, (placement.folder, []))[1].append(placement)
    return list(groups.values())


def _record(
    s: Session,
    account: Account,
    kind: str,
    reason: str,
    folder: Folder,
    placements: Sequence[Placement],
    payload: Mapping[str, object],
) -> None:
    ledger.record_change(
        s,
        account,
        kind=kind,
        reason=reason,
        folder=folder,
        uids=[placement.uid for placement in placements],
        message_ids=[placement.message_id for placement in placements],
        payload=dict(payload),
    )


def _show(s: Session, account: Account, conversation: Conversation) -> None:
    refresh_conversations(s, account, [conversation.id])
    uuid = str(conversation.uuid)
    after_commit(s, lambda: queue.publish(account.user_id, "conversation-changed", uuid=uuid))
