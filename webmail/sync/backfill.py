"""Read what lies further down, a slice at a time: headers of all folders first, then bodies, newest first."""

from __future__ import annotations

import time
from collections.abc import Callable

from webmail import queue
from webmail.errors import Refused
from webmail.providers.base import FolderState
from webmail.store.accounts import update_account
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import folders_of, update_folder
from webmail.store.messages import bodies_waiting, conversation_ids_of
from webmail.store.models import Folder
from webmail.store.placements import count_in_folder, drop_stale, has_stale
from webmail.store.session import after_commit, reading
from webmail.sync.arrivals import store_messages
from webmail.sync.bodies import fetch_bodies
from webmail.sync.changes import push_changes
from webmail.sync.context import SyncContext
from webmail.sync.news import BATCH, compare_uids, pull_folder

SLICE_S = 2.0
_BODY_CHUNK = 50


def backfill_slice(context: SyncContext) -> bool:
    """Do the next piece of an account's first import: at most 200 messages or two seconds.

    Returns:
        False when nothing is left, which is then recorded, or nothing but what the server refuses.

    Raises:
        ProviderError: the line or the server failed; what was committed stays.
        LeaseLost: somebody else syncs the account now.
    """
    with reading() as s:
        folders = [folder for folder in folders_of(s, context.account.id) if folder.is_synced]
    folders.sort(key=lambda folder: folder.role != "inbox")
    for step in (_headers, _drop_leftovers, _bodies):
        for folder in folders:
            if folder.id not in context.refused and _step(context, folder, step):
                return True
    if not context.refused:
        _finish(context, folders)
    return False


def _step(context: SyncContext, folder: Folder, step: Callable[[SyncContext, Folder], bool]) -> bool:
    """Take a step in a folder; one that the server does not open holds up none of the others."""
    try:
        return step(context, folder)
    except Refused as error:
        context.refused[folder.id] = error
        return False


def _open(context: SyncContext, folder: Folder) -> FolderState | None:
    """Open a folder; None when its UIDs are no longer those that are stored, which is then seen to first."""
    state = context.imap.select(folder.name)
    if state.uidvalidity == folder.uidvalidity:
        return state
    pull_folder(context, folder)
    return None


def _headers(context: SyncContext, folder: Folder) -> bool:
    if folder.backfill_uid is None or folder.backfill_uid <= 1:
        return False
    if _open(context, folder) is None:
        return True
    uids = context.imap.newest_uids(folder.backfill_uid, BATCH)
    lowest = min(uids) if len(uids) == BATCH else 1
    messages = list(context.imap.fetch_messages(uids))
    taken = store_messages(context, folder, messages, backfill_uid=lowest)
    push_changes(context)
    if lowest == 1:
        folder.backfill_uid = 1
        _close_gaps(context, folder)
    if taken.new_message_ids:
        queue.publish(context.account.user_id, "mail-new", count=0)
    return True


def _drop_leftovers(context: SyncContext, folder: Folder) -> bool:
    """Drop what an older UIDVALIDITY has left, also where the newest page was all there is."""
    with reading() as s:
        is_clean = not has_stale(s, folder.id)
    if not is_clean:
        _close_gaps(context, folder)
    return not is_clean


def _close_gaps(context: SyncContext, folder: Folder) -> None:
    """Having read a folder to its end, make sure that nothing was missed, and drop what an older UIDVALIDITY left."""
    state = _open(context, folder)
    if state is None:
        return
    with reading() as s:
        stored = count_in_folder(s, folder.id)
    if stored != state.exists:
        compare_uids(context, folder)
    with context.lease.transaction() as s:
        message_ids = drop_stale(s, folder.id)
        refresh_conversations(s, context.account, conversation_ids_of(s, message_ids))
        update_folder(s, folder.id, server_count=state.exists)


def _bodies(context: SyncContext, folder: Folder) -> bool:
    """Fetch bodies of this folder for up to two seconds; False when none was waiting."""
    started = time.monotonic()
    fetched = 0
    while fetched < BATCH and time.monotonic() - started < SLICE_S:
        with reading() as s:
            waiting = bodies_waiting(s, folder, _BODY_CHUNK)
        if not waiting:
            break
        if not fetched and _open(context, folder) is None:
            return True
        fetch_bodies(context, waiting)
        fetched += len(waiting)
    return fetched > 0


def _finish(context: SyncContext, folders: list[Folder]) -> None:
    account = context.account
    total = sum(folder.server_count for folder in folders)
    with context.lease.transaction() as s:
        update_account(s, account.id, is_backfilled=True, sync_done=total, sync_total=total)
        after_commit(s, lambda: queue.publish(account.user_id, "account-changed", uuid=str(account.uuid)))
