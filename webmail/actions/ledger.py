"""Take back what was done in a user's mailbox, one entry of the ledger at a time.

What the server has not been told yet is cancelled. What it has been told is undone by a change of its own, which stands
in the ledger like any other. Marks and moves can be taken back; a copy that was filed, or a mail that was deleted for
good, cannot: IMAP has no way to take them back without deleting something.
"""

from __future__ import annotations

from uuid import UUID

from webmail import queue
from webmail.actions.mail import move_back
from webmail.errors import InputRefused
from webmail.store import changes as ledger
from webmail.store.accounts import find_account
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import folders_of
from webmail.store.ledger import load_own_change
from webmail.store.messages import conversation_ids_of, set_unread
from webmail.store.models import Account, Change
from webmail.store.placements import placements_by_uid, set_leaving
from webmail.store.scope import Scope
from webmail.store.session import Session, after_commit, transaction
from webmail.sync import requests

_BY_ITSELF = ("undo", "put_back")
"""Reasons of changes that take others back: those are not taken back in turn, but done again where they were done."""
_LIVE = ("connected", "error")


def can_undo(change: Change) -> bool:
    """Say whether an entry can be taken back, as far as the entry itself tells."""
    is_there = change.state in ("pending", "done")
    return is_there and change.kind in ("flag", "move") and change.reason not in _BY_ITSELF


def undo(scope: Scope, change_uuid: UUID) -> None:
    """Take a change back, there as here.

    Raises:
        NotFound: no such change.
        InputRefused: it cannot be taken back, or the mailbox is not connected.
    """
    with transaction() as s:
        change = load_own_change(s, scope, change_uuid)
        account = find_account(s, change.account_id)
        if account is None or account.secret is None or account.status not in _LIVE:
            raise InputRefused("", "This mailbox is not connected, so nothing can be changed there.")
        if not can_undo(change):
            raise InputRefused("", "This cannot be taken back any more.")
        is_cancelled = ledger.cancel(s, change.id)
        if change.kind == "move":
            _undo_move(s, account, change, is_cancelled=is_cancelled)
        else:
            _undo_flags(s, account, change, is_cancelled=is_cancelled)
        requests.request_sync(s, account)
        conversation_ids = conversation_ids_of(s, change.message_ids)
        refresh_conversations(s, account, conversation_ids)
        after_commit(s, lambda: queue.publish(account.user_id, "conversation-changed", uuid=""))


def _undo_move(s: Session, account: Account, change: Change, *, is_cancelled: bool) -> None:
    if not is_cancelled:
        move_back(s, account, change, {folder.id: folder for folder in folders_of(s, account.id)})
        return
    if change.folder_id is not None:
        leaving = placements_by_uid(s, change.folder_id, change.uids).values()
        set_leaving(s, [placement.id for placement in leaving if placement.message_id in change.message_ids], False)


def _undo_flags(s: Session, account: Account, change: Change, *, is_cancelled: bool) -> None:
    add, remove = change.payload.get("add", []), change.payload.get("remove", [])
    if change.reason == "user" and "\\Seen" in [*add, *remove]:
        set_unread(s, change.message_ids, is_unread="\\Seen" in add)
    if is_cancelled:
        return
    folder = next((each for each in folders_of(s, account.id) if each.id == change.folder_id), None)
    if folder is None:
        raise InputRefused("", "The folder is not there any more.")
    ledger.record_change(
        s,
        account,
        kind="flag",
        reason="undo",
        folder=folder,
        # UIDs of an older UIDVALIDITY mean nothing; the messages are then looked up.
        uids=change.uids if folder.uidvalidity == change.uidvalidity else (),
        message_ids=change.message_ids,
        payload={"add": remove, "remove": add, "undoes": str(change.uuid)},
    )
    ledger.finish_change(change, "undone")
    if change.reason == "read_marks":
        account.marked_count = max(0, account.marked_count - len(change.message_ids))
