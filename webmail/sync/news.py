"""Bring one folder up to date: new mail, vanished mail, changed flags.

The order matters. Expunges and flags are compared first against what was stored, then new mail is fetched and the
folder's position (UIDNEXT, HIGHESTMODSEQ, count) is moved in the same transaction that stores it. A crash at any
point repeats work and loses none.

What the user did here and the server has not confirmed wins: flags of such messages are left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog

from webmail.providers.base import FolderChanges, FolderState
from webmail.store.accounts import update_account
from webmail.store.changes import pending_message_ids
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import update_folder
from webmail.store.messages import conversation_ids_of
from webmail.store.models import Folder, utc_now
from webmail.store.placements import (
    make_stale,
    placements_by_uid,
    remove_uids,
    save_flags,
    sync_message_flags,
    uids_in_folder,
)
from webmail.store.private_mail import left_out_of, mark_searched
from webmail.store.session import reading
from webmail.sync.arrivals import store_messages
from webmail.sync.context import SyncContext
from webmail.sync.decide import FLAG_WINDOW, Plan, ServerFolder, StoredFolder, has_expunged, plan_folder

log = structlog.get_logger(__name__)

FIRST_PAGE = 50
BATCH = 300


def pull_folder(context: SyncContext, folder: Folder) -> int:
    """Bring a folder up to date, as far down as it has been read.

    Args:
        folder: as stored; its attributes are brought up to date along with the row.

    Returns:
        How many messages were new here.

    Raises:
        ProviderError: the line or the server failed.
        LeaseLost: somebody else syncs the account now.
    """
    state = context.imap.select(folder.name)
    server = ServerFolder(state.uidvalidity, state.uidnext, state.highestmodseq, state.exists)
    stored = StoredFolder(
        folder.uidvalidity, folder.uidnext, folder.highestmodseq, folder.server_count, folder.flags_compared_at
    )
    plan = plan_folder(stored, server, utc_now())
    if plan.begin:
        return _begin(context, folder, state, forget_uids=plan.forget_uids)
    new, read, taken_away = 0, 0, set[int]()
    if plan.fetch_from is not None:
        uids = context.imap.uids_since(plan.fetch_from)
        with reading() as s:
            # What was moved here from our side has not been counted yet: it is among the new, or gone already.
            taken_away = uids_in_folder(s, folder.id, plan.fetch_from) - set(uids)
        new, read = len(uids), _fetch_new(context, folder, uids)
    changes = None if plan.flags_since is None else context.imap.fetch_changes(plan.flags_since)
    gone = _drop(context, folder, changes.vanished) if changes else 0
    # What the server tells of as gone is checked by the number of what is left: some servers lie.
    if taken_away or has_expunged(stored, new, server, gone):
        read += compare_uids(context, folder)
    is_complete = _pull_flags(context, folder, plan, changes)
    _save_position(context, folder, state, is_complete=is_complete)
    return read


def _begin(context: SyncContext, folder: Folder, state: FolderState, *, forget_uids: bool) -> int:
    """Read a folder as one never seen: its newest page now, the rest is the backfill's."""
    uids = context.imap.newest_uids(None, FIRST_PAGE)
    # Of a folder that is known, news may be among them, and what it says of our mails stands in its text.
    batches = context.imap.read_messages([uids]) if forget_uids else [context.imap.fetch_messages(uids)]
    messages = [message for batch in batches for message in batch]
    with context.lease.transaction() as s:
        update_account(s, context.account.id, is_backfilled=False)
        if context.chooser is not None and not forget_uids and folder.role == "inbox":
            # Mail with the contacts of this moment is about to be read; of later ones it is looked for.
            mark_searched(s, context.account)
        if forget_uids:
            log.info("uidvalidity_changed", account=context.account.id, folder=folder.id)
            make_stale(s, folder.id)
            update_folder(s, folder.id, uidvalidity=None, left_out="")
    position: dict[str, Any] = {
        "uidvalidity": state.uidvalidity,
        "uidnext": max(state.uidnext, max(uids, default=0) + 1),
        "highestmodseq": state.highestmodseq,
        "server_count": state.exists,
        "backfill_uid": min(uids) if len(uids) == FIRST_PAGE else 1,
        "synced_at": utc_now(),
        "flags_compared_at": utc_now(),
        "second_look_uid": None if context.chooser is None else 1,
    }
    _apply(folder, position)
    taken = store_messages(context, folder, messages, **position)
    return len(taken.new_message_ids)


def _fetch_new(context: SyncContext, folder: Folder, uids: Sequence[int]) -> int:
    """Fetch new messages oldest first, so that the position can move with each batch; gives how many came in."""
    read = 0
    batches = [uids[start : start + BATCH] for start in range(0, len(uids), BATCH)]
    for at, messages in enumerate(context.imap.read_messages(batches)):
        uidnext = max(folder.uidnext, batches[at][-1] + 1)
        told = len(messages) + len(context.left_out_among(folder, batches[at]))
        count = folder.server_count + told
        position: dict[str, Any] = {"uidnext": uidnext, "server_count": count}
        if told < len(batches[at]):
            # One that could not be read just now is not skipped for good: the next comparison asks for it again.
            position |= {"verify_after": None, "verify_progress": {}}
        store_messages(context, folder, messages, is_news=True, **position)
        folder.uidnext, folder.server_count = uidnext, count
        read += len(messages)
    return read


def compare_uids(context: SyncContext, folder: Folder) -> int:
    """Compare all UIDs of the part that has been read with the server's: drop what is gone, fetch what was missed.

    Returns:
        How many had been missed and came in.
    """
    from_uid = folder.backfill_uid or 1
    there = set(context.imap.uids_since(from_uid))
    with reading() as s:
        here = uids_in_folder(s, folder.id, from_uid) | left_out_of(s, folder.id)
    gone, missed = here - there, sorted(there - here)
    read = 0
    for messages in context.imap.read_messages(missed[at : at + BATCH] for at in range(0, len(missed), BATCH)):
        store_messages(context, folder, messages)
        read += len(messages)
    _drop(context, folder, [uid for uid in gone if uid >= from_uid])
    return read


def _drop(context: SyncContext, folder: Folder, uids: Collection[int]) -> int:
    """Drop what is gone from the server; gives how many of them were known here."""
    if not uids:
        return 0
    with context.lease.transaction() as s:
        message_ids = remove_uids(s, folder.id, uids)
        refresh_conversations(s, context.account, conversation_ids_of(s, message_ids))
        left_out = context.forget_left_out(s, folder, uids)
    context.has_vanished |= bool(message_ids)
    return len(message_ids) + left_out


def _pull_flags(context: SyncContext, folder: Folder, plan: Plan, changes: FolderChanges | None) -> bool:
    """Take over the server's flags as far as the plan says; False when some had to wait for what was done here."""
    if changes is not None:
        found = changes.flags
    elif plan.compare_flags == "window":
        window = context.imap.newest_uids(None, FLAG_WINDOW)
        found = context.imap.fetch_flags(window) if window else {}
    elif plan.compare_flags == "all":
        found = context.imap.fetch_flags("1:*")
    else:
        return True
    flags = {uid: (each.flags, each.modseq) for uid, each in found.items()}
    with context.lease.transaction() as s:
        pending = pending_message_ids(s, context.account.id)
        ours = {uid for uid, each in placements_by_uid(s, folder.id, flags).items() if each.message_id in pending}
        changed = save_flags(s, folder.id, {uid: each for uid, each in flags.items() if uid not in ours})
        sync_message_flags(s, changed, seen_too=context.account.read_marks == "keep" and folder.role == "inbox")
        refresh_conversations(s, context.account, conversation_ids_of(s, changed))
        if plan.compare_flags == "all":
            folder.flags_compared_at = utc_now()
            update_folder(s, folder.id, flags_compared_at=folder.flags_compared_at)
    return not ours


def _save_position(context: SyncContext, folder: Folder, state: FolderState, *, is_complete: bool) -> None:
    position = {
        "uidnext": max(folder.uidnext, state.uidnext),
        "highestmodseq": state.highestmodseq if is_complete else folder.highestmodseq,
        "server_count": state.exists,
        "synced_at": utc_now(),
    }
    _apply(folder, position)
    with context.lease.transaction() as s:
        update_folder(s, folder.id, **position)


def _apply(folder: Folder, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        setattr(folder, name, value)
