"""Read what lies further down, a slice at a time, newest first: the inbox to its end, then the other folders.

A message comes with its text: heads and texts of the next batches are on the line while the last is being stored. What
texts are left after that (the first page's, and those that a server did not give with the others) come at the end.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator

from webmail import queue
from webmail.errors import Refused
from webmail.providers.base import FolderState
from webmail.store.accounts import is_wanted, update_account
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import folders_of, update_folder
from webmail.store.messages import bodies_waiting, conversation_ids_of
from webmail.store.models import Folder
from webmail.store.placements import count_in_folder, drop_stale, has_stale
from webmail.store.private_mail import left_out_of
from webmail.store.session import after_commit, reading
from webmail.sync.arrivals import store_messages
from webmail.sync.bodies import fetch_bodies
from webmail.sync.changes import push_changes
from webmail.sync.context import SyncContext
from webmail.sync.news import BATCH, compare_uids, pull_folder
from webmail.sync.older_mail import look_again

SLICE_S = 2.0
_SLICE = 5000
"""UIDs that are asked for at once: more than two seconds' worth."""
_BODY_CHUNK = 50


def backfill_slice(context: SyncContext) -> bool:
    """Do the next piece of an account's first import: two seconds, or until a sync is wanted.

    Returns:
        False when nothing is left, which is then recorded, or nothing but what the server refuses.

    Raises:
        ProviderError: the line or the server failed; what was committed stays.
        LeaseLost: somebody else syncs the account now.
    """
    with reading() as s:
        folders = [folder for folder in folders_of(s, context.account.id) if folder.is_synced]
    folders.sort(key=lambda folder: folder.role != "inbox")
    for step in (_messages, _drop_leftovers, look_again, _bodies):
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


def _messages(context: SyncContext, folder: Folder) -> bool:
    """Read further down a folder for up to two seconds; False when it has been read to its end."""
    if folder.backfill_uid is None or folder.backfill_uid <= 1:
        return False
    if _open(context, folder) is None:
        return True
    uids = context.imap.newest_uids(folder.backfill_uid, _SLICE)
    given: deque[list[int]] = deque()
    new = 0
    for messages in context.imap.read_messages(_until_late(context, uids, given)):
        lowest = given.popleft()[-1]
        if len(uids) < _SLICE and lowest == uids[-1]:
            lowest = 1
        new += len(store_messages(context, folder, messages, backfill_uid=lowest).new_message_ids)
        folder.backfill_uid = lowest
    push_changes(context)
    if not uids or folder.backfill_uid == 1:
        folder.backfill_uid = 1
        _close_gaps(context, folder)
    if new:
        queue.publish(context.account.user_id, "mail-new", count=0)
    return True


def _until_late(context: SyncContext, uids: list[int], given: deque[list[int]]) -> Iterator[list[int]]:
    """Cut UIDs into batches and note them in `given`, until the slice is over or a sync is wanted."""
    ends_at = time.monotonic() + SLICE_S
    for start in range(0, len(uids), BATCH):
        if start and (time.monotonic() > ends_at or _is_wanted(context)):
            return
        given.append(uids[start : start + BATCH])
        yield given[-1]


def _is_wanted(context: SyncContext) -> bool:
    with reading() as s:
        return is_wanted(s, context.account.id)


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
        stored = count_in_folder(s, folder.id) + len(left_out_of(s, folder.id))
    if stored != state.exists:
        compare_uids(context, folder)
    with context.lease.transaction() as s:
        message_ids = drop_stale(s, folder.id)
        refresh_conversations(s, context.account, conversation_ids_of(s, message_ids))
        update_folder(s, folder.id, server_count=state.exists, backfill_uid=1)


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
