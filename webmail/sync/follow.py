"""Follow messages that we know into folders that we do not sync: archive, trash and the like.

When the mail client at home archives or deletes, a message vanishes from the inbox and turns up elsewhere. Of those
other folders only the UIDs that are new since the last look are fetched, and only messages that we know are kept: so a
move is seen as a move, and nothing that the user keeps out of the product comes in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from webmail.domain.headers import parse_headers
from webmail.errors import Refused
from webmail.providers.base import FolderState, RemoteFlags
from webmail.store.changes import pending_message_ids
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import folders_of, update_folder
from webmail.store.messages import conversation_ids_of, ids_by_identity
from webmail.store.models import Folder, utc_now
from webmail.store.placements import (
    add_placement,
    placements_by_uid,
    remove_uids,
    save_flags,
    sync_message_flags,
    uids_in_folder,
)
from webmail.store.session import reading
from webmail.sync.arrivals import header_identity, identity_of
from webmail.sync.context import SyncContext
from webmail.sync.renames import look_at_folders

FOLLOWED_ROLES = ("archive", "trash", "all")
_LOOK_EVERY = timedelta(minutes=10)
_MOST_NEW = 500
"""Of a folder that got more than this at once only the newest are looked at."""


def begin_following(context: SyncContext, folders: Sequence[Folder]) -> None:
    """Note where the folders end now, so that later only what is new is looked at."""
    for folder in folders:
        if folder.role in FOLLOWED_ROLES and folder.uidvalidity is None:
            try:
                state = context.imap.select(folder.name)
            except Refused:
                continue
            with context.lease.transaction() as s:
                update_folder(
                    s,
                    folder.id,
                    uidvalidity=state.uidvalidity,
                    uidnext=state.uidnext,
                    server_count=state.exists,
                    backfill_uid=state.uidnext,
                    synced_at=utc_now(),
                )


def follow_moves(context: SyncContext) -> None:
    """Look into the followed folders for messages that we know, and for known ones that are gone from there.

    Raises:
        ProviderError: the line or the server failed.
        LeaseLost: somebody else syncs the account now.
    """
    with reading() as s:
        folders = [folder for folder in folders_of(s, context.account.id) if folder.role in FOLLOWED_ROLES]
    due = [folder for folder in folders if not folder.is_synced and _is_due(folder)]
    if due:
        begin_following(context, look_at_folders(context))
        with reading() as s:
            folders = [folder for folder in folders_of(s, context.account.id) if folder.role in FOLLOWED_ROLES]
    for folder in folders:
        if folder.is_synced or not (context.has_vanished or _is_due(folder)):
            continue
        try:
            follow_folder(context, folder)
        except Refused:
            # Hidden or removed since: nothing to follow there.
            continue


def _is_due(folder: Folder) -> bool:
    return folder.synced_at is None or utc_now() - folder.synced_at > _LOOK_EVERY


def follow_folder(context: SyncContext, folder: Folder) -> None:
    """Look into one folder that is not synced whole; its attributes are brought up to date along with the row.

    Raises:
        Refused: it is hidden or gone.
    """
    state = context.imap.select(folder.name)
    is_reset = folder.uidvalidity != state.uidvalidity
    fresh: Sequence[int] = []
    # Under another UIDVALIDITY the old UIDs mean nothing, but what we know most likely still lies there.
    if is_reset or state.uidnext > folder.uidnext:
        fresh = context.imap.uids_since(1 if is_reset else folder.uidnext)
    known = _known_among(context, fresh[-_MOST_NEW:])
    with reading() as s:
        here = uids_in_folder(s, folder.id)
    # What was moved here from our side since the last look has not been counted yet: it is among the fresh, or gone.
    gone = here if is_reset else {uid for uid in here if uid >= folder.uidnext} - set(fresh)
    # Whether a known message has left can be told from the count only together with the unknown ones: ask for the UIDs.
    if here and not is_reset and state.exists != folder.server_count + len(fresh):
        gone = here - set(context.imap.all_uids())
    flags = _flags(context, folder, state, known, here - gone)
    _take_over(context, folder, state, known, gone, flags)


def _take_over(
    context: SyncContext,
    folder: Folder,
    state: FolderState,
    known: dict[int, int],
    gone: set[int],
    flags: dict[int, RemoteFlags],
) -> None:
    position = {
        "uidvalidity": state.uidvalidity,
        "uidnext": state.uidnext,
        "highestmodseq": state.highestmodseq,
        "server_count": state.exists,
        "synced_at": utc_now(),
    }
    with context.lease.transaction() as s:
        touched = [*remove_uids(s, folder.id, gone), *known.values()]
        pending = pending_message_ids(s, context.account.id)
        ours = {uid for uid, each in placements_by_uid(s, folder.id, flags).items() if each.message_id in pending}
        theirs = {uid: (each.flags, each.modseq) for uid, each in flags.items() if uid not in ours}
        touched += save_flags(s, folder.id, theirs)
        for uid, message_id in known.items():
            add_placement(s, folder, message_id, uid, flags[uid].flags if uid in flags else frozenset())
        sync_message_flags(s, touched, seen_too=False)
        refresh_conversations(s, context.account, conversation_ids_of(s, touched))
        update_folder(s, folder.id, **position)
    for name, value in position.items():
        setattr(folder, name, value)


def _flags(
    context: SyncContext, folder: Folder, state: FolderState, known: Iterable[int], here: set[int]
) -> dict[int, RemoteFlags]:
    """Fetch the flags of what is new here and known, and of what was here already as far as they may have changed."""
    flags = context.imap.fetch_flags(sorted(known))
    is_unchanged = state.highestmodseq is not None and state.highestmodseq == folder.highestmodseq
    if here and not is_unchanged:
        since = folder.highestmodseq if state.highestmodseq is not None else None
        flags |= context.imap.fetch_flags(sorted(here), changed_since=since)
    return flags


def _known_among(context: SyncContext, uids: Sequence[int]) -> dict[int, int]:
    """Give {uid: message id} of those messages that we have stored."""
    heads: dict[int, tuple[str, str]] = {}
    for each in context.imap.fetch_messages(list(uids)):
        headers = parse_headers(each.header)
        heads[each.uid] = (identity_of(each, headers), header_identity(each, headers))
    with reading() as s:
        ids = ids_by_identity(s, context.account.id, [identity for pair in heads.values() for identity in pair])
    known = {uid: next((ids[each] for each in pair if each in ids), None) for uid, pair in heads.items()}
    return {uid: message_id for uid, message_id in known.items() if message_id is not None}
