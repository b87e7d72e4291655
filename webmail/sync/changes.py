"""Carry what was done here to the server: flags, moves and deletions, once, in the order in which they were done.

A Change is committed before anything is sent. Each kind can be carried out twice without harm (a flag that is set
already stays set; a UID that has been moved away is no longer there), so a crash between the server's answer and our
commit costs a repetition and nothing else. A Change whose UIDVALIDITY is no longer the folder's is looked up anew by
the messages' present placements; so is one that was written down while they were on their way. A mark follows its
message to where it has been moved since.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from webmail.domain.headers import parse_headers
from webmail.errors import ProviderError, Refused
from webmail.providers.base import FolderState
from webmail.store import changes as ledger
from webmail.store.accounts import find_account
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import folder_by_role, folders_of, lower_server_count
from webmail.store.messages import conversation_ids_of
from webmail.store.models import Change, Folder
from webmail.store.placements import (
    add_placement,
    drop_provisional,
    has_stale,
    identities_by_uid,
    message_id_headers,
    placements_by_uid,
    placements_in_folder,
    places_of,
    remove_uids,
    set_flags,
    set_leaving,
    without_place,
)
from webmail.store.session import reading
from webmail.sync.arrivals import identity_of
from webmail.sync.context import SyncContext
from webmail.sync.read_marks import adopt_flags
from webmail.sync.renames import look_at_folders

log = structlog.get_logger(__name__)

_BATCH = 500
_MOST_LOOKS = 3
"""So many syncs a change waits for a message to turn up; then it is gone, and there is nobody to be told."""


def push_changes(context: SyncContext) -> int:
    """Carry out all pending changes of the account.

    Returns:
        How many were carried out.

    Raises:
        ProviderError: the line or the server failed; what is left stays pending.
        LeaseLost: somebody else syncs the account now.
    """
    with reading() as s:
        pending = ledger.pending_changes(s, context.account.id)
        folders = {folder.id: folder for folder in folders_of(s, context.account.id)}
    done, has_looked = 0, False
    for waiting in pending:
        with context.lease.transaction() as s:
            change = ledger.claim(s, waiting.id)
        if change is None:
            continue
        try:
            done += _carry_out(context, change, folders)
        except Refused as error:
            if error.cause != "folder_missing" or has_looked:
                _fail(context, change, error)
                continue
            # It may only have another name now.
            has_looked = True
            look_at_folders(context)
            with reading() as s:
                folders = {folder.id: folder for folder in folders_of(s, context.account.id)}
            done += _try_again(context, change, folders)
    return done


def _try_again(context: SyncContext, change: Change, folders: dict[int, Folder]) -> bool:
    try:
        return _carry_out(context, change, folders)
    except Refused as error:
        _fail(context, change, error)
        return False


def _carry_out(context: SyncContext, change: Change, folders: dict[int, Folder]) -> bool:
    """Tell the server of one change; False when its messages have still to be found anew, so that it waits."""
    folder = folders.get(change.folder_id or 0) or _folder_known_since(context, change)
    if folder is None:
        _finish(context, change, "failed", "the folder is gone")
        return True
    state = context.imap.select(folder.name, readonly=False)
    uids = _present_uids(change, folder, state)
    if uids is None:
        return False
    if change.kind == "flag":
        _push_flags(context, change, [(folder, uids), *_moved_since(change, folder)])
    elif change.kind == "move":
        _push_move(context, change, folder, folders, uids)
    elif change.kind == "delete":
        context.imap.delete(uids)
        _forget(context, change, folder, uids)
    return True


def _folder_known_since(context: SyncContext, change: Change) -> Folder | None:
    """Find the folder of a change that was written down before the folder had been made."""
    role = change.payload.get("from_role")
    if not role:
        return None
    with reading() as s:
        return folder_by_role(s, context.account.id, role)


def _present_uids(change: Change, folder: Folder, state: FolderState) -> list[int] | None:
    """Give the UIDs that a change means now: its own, or where its messages lie since.

    None after a change of UIDVALIDITY, until the folder has been read far enough to tell; and for a few syncs while
    nobody knows where a message lies, because its server did not say where it was moved to.
    """
    if change.uids and change.uidvalidity == state.uidvalidity:
        return list(change.uids)
    if folder.uidvalidity not in (None, state.uidvalidity):
        return None
    with reading() as s:
        found = placements_in_folder(s, folder.id, change.message_ids)
        is_being_read = has_stale(s, folder.id, change.message_ids)
        are_lost = change.reason == "user" and bool(without_place(s, change.message_ids))
    if is_being_read or (are_lost and change.attempts < _MOST_LOOKS):
        return None
    return [placement.uid for placement in found]


def _moved_since(change: Change, folder: Folder) -> list[tuple[Folder, list[int]]]:
    """Give where those messages of a user's mark lie now that have left its folder since it was written down."""
    if change.reason != "user":
        return []
    with reading() as s:
        staying = {each.message_id for each in placements_in_folder(s, folder.id, change.message_ids)}
        moved = [message_id for message_id in change.message_ids if message_id not in staying]
        return [(place, uids) for place, uids in places_of(s, moved) if place.role not in ("sent", "drafts")]


def _push_flags(context: SyncContext, change: Change, places: Sequence[tuple[Folder, Sequence[int]]]) -> None:
    """Set and clear flags; the first of the places is open, and what it says counts even if nothing lies there."""
    add, remove = change.payload.get("add", []), change.payload.get("remove", [])
    for number, (folder, uids) in enumerate(places):
        if number:
            state = context.imap.select(folder.name, readonly=False)
            # What we know of a folder that has not been looked at yet is what has just been moved there.
            if folder.uidvalidity not in (None, state.uidvalidity):
                continue
        for start in range(0, len(uids), _BATCH):
            context.imap.store_flags(uids[start : start + _BATCH], add=add, remove=remove)
    with context.lease.transaction() as s:
        for folder, uids in places:
            set_flags(s, folder.id, uids, add=add, remove=remove)
        if change.reason == "read_marks":
            account = find_account(s, context.account.id)
            if account is not None:
                account.marked_count += len(places[0][1])
        ledger.finish_change(ledger.load_change(s, change.id), "done")


def _push_move(
    context: SyncContext, change: Change, folder: Folder, folders: dict[int, Folder], uids: Sequence[int]
) -> None:
    target = folders.get(change.payload.get("to", 0)) or _folder_for_role(context, change.payload.get("role", ""))
    new_uids = _finish_copying(context, folder, target, uids) if change.attempts > 1 else {}
    new_uids |= context.imap.move([uid for uid in uids if uid not in new_uids], target.name)
    missing = [uid for uid in uids if uid not in new_uids]
    if missing:
        new_uids |= _search_moved(context, folder, target, missing)
        # What was not found by its Message-ID is found by looking through all that is new there.
        context.has_vanished |= any(uid not in new_uids for uid in missing)
    with context.lease.transaction() as s:
        placements = placements_by_uid(s, folder.id, uids)
        for uid, placement in placements.items():
            if uid in new_uids:
                flags = frozenset(
                    name
                    for name, is_set in (
                        ("\\Seen", placement.is_seen),
                        ("\\Flagged", placement.is_flagged),
                        ("\\Answered", placement.is_answered),
                    )
                    if is_set
                )
                add_placement(s, target, placement.message_id, new_uids[uid], flags)
        touched = remove_uids(s, folder.id, uids)
        lower_server_count(s, folder.id, len(touched))
        # What was shown on its way here lies here now, or was not there to be moved any more.
        drop_provisional(s, change.message_ids)
        current = ledger.load_change(s, change.id)
        current.payload = {
            **change.payload,
            "to": target.id,
            "to_uidvalidity": target.uidvalidity,
            "new_uids": [new_uids.get(uid) for uid in change.uids],
        }
        ledger.finish_change(current, "done")
        if target.role == "inbox":
            adopt_flags(s, context.account, target, change.message_ids)
        refresh_conversations(s, context.account, conversation_ids_of(s, change.message_ids))


def _finish_copying(context: SyncContext, source: Folder, target: Folder, uids: Sequence[int]) -> dict[int, int]:
    """Finish a move whose line was lost between copying and deleting, so that nothing is copied a second time.

    Returns:
        {old uid: new uid} of what had been copied, and is deleted now; {} where the server moves in one step.
    """
    if "MOVE" in context.imap.capabilities:
        return {}
    candidates = _search_moved(context, source, target, uids)
    heads = context.imap.fetch_messages(list(candidates.values()))
    there = {head.uid: identity_of(head, parse_headers(head.header)) for head in heads}
    with reading() as s:
        here = identities_by_uid(s, source.id, list(candidates))
    copied = {uid: new for uid, new in candidates.items() if there.get(new) == here.get(uid)}
    context.imap.select(source.name, readonly=False)
    context.imap.delete(list(copied))
    return copied


def _folder_for_role(context: SyncContext, role: str) -> Folder:
    """Find the account's folder of a role, or make one: a mailbox need not have an archive."""
    name = {"archive": "Archive", "trash": "Trash"}.get(role)
    if name is None:
        raise Refused("The folder is gone.", side="imap", cause="folder_missing")
    with reading() as s:
        folder = folder_by_role(s, context.account.id, role)
    if folder is not None:
        return folder
    context.imap.create_folder(name)
    with context.lease.transaction() as s:
        folder = Folder(account_id=context.account.id, name=name, role=role)
        s.add(folder)
        s.flush()
    return folder


def _search_moved(context: SyncContext, source: Folder, target: Folder, uids: Sequence[int]) -> dict[int, int]:
    """Find moved messages in their new folder by Message-ID, where the server did not tell their new UIDs."""
    with reading() as s:
        ids = message_id_headers(s, source.id, uids)
    context.imap.select(target.name)
    found: dict[int, int] = {}
    for uid, message_id in ids.items():
        hits = context.imap.search_message_id(message_id) if message_id else []
        if hits:
            found[uid] = hits[-1]
    return found


def _forget(context: SyncContext, change: Change, folder: Folder, uids: Sequence[int]) -> None:
    with context.lease.transaction() as s:
        touched = remove_uids(s, folder.id, uids)
        lower_server_count(s, folder.id, len(touched))
        ledger.finish_change(ledger.load_change(s, change.id), "done")
        refresh_conversations(s, context.account, conversation_ids_of(s, touched))


def _finish(context: SyncContext, change: Change, state: str, error: str = "") -> None:
    with context.lease.transaction() as s:
        ledger.finish_change(ledger.load_change(s, change.id), state, error)


def _fail(context: SyncContext, change: Change, error: ProviderError) -> None:
    """Give up a change that the server refuses for good, and show its messages as the server has them."""
    log.warning("change_refused", account=context.account.id, change=change.id, kind=change.kind, cause=error.cause)
    with context.lease.transaction() as s:
        ledger.finish_change(ledger.load_change(s, change.id), "failed", error.user_message)
        drop_provisional(s, change.message_ids)
        if change.folder_id is not None:
            placements = placements_by_uid(s, change.folder_id, change.uids)
            set_leaving(s, [placement.id for placement in placements.values()], False)
        refresh_conversations(s, context.account, conversation_ids_of(s, change.message_ids))
