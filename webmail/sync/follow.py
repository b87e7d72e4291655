"""Follow messages that we know into folders that we do not sync: archive, trash and the like.

When the mail client at home archives or deletes, a message vanishes from the inbox and turns up elsewhere. Of those
other folders only the UIDs that are new since the last look are fetched, and only messages that we know are kept: so a
move is seen as a move, and nothing that the user keeps out of the product comes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from webmail.domain.headers import parse_headers
from webmail.errors import Refused
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import folders_of, update_folder
from webmail.store.messages import conversation_ids_of, ids_by_identity
from webmail.store.models import Folder, utc_now
from webmail.store.placements import add_placement, remove_uids, sync_message_flags, uids_in_folder
from webmail.store.session import reading
from webmail.sync.arrivals import header_identity, identity_of
from webmail.sync.context import SyncContext

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
    now = utc_now()
    for folder in folders:
        is_due = folder.synced_at is None or now - folder.synced_at > _LOOK_EVERY
        if folder.is_synced or not (context.has_vanished or is_due):
            continue
        try:
            follow_folder(context, folder)
        except Refused:
            # Hidden or removed since: nothing to follow there.
            continue


def follow_folder(context: SyncContext, folder: Folder) -> None:
    """Look into one folder that is not synced whole; its attributes are brought up to date along with the row.

    Raises:
        Refused: it is hidden or gone.
    """
    state = context.imap.select(folder.name)
    is_reset = folder.uidvalidity != state.uidvalidity
    known: dict[int, int] = {}
    # Under another UIDVALIDITY the old UIDs mean nothing, but what we know most likely still lies there.
    if is_reset or state.uidnext > folder.uidnext:
        known = _known_among(context, context.imap.uids_since(1 if is_reset else folder.uidnext)[-_MOST_NEW:])
    with reading() as s:
        here = uids_in_folder(s, folder.id)
    # Whether a known message has left can be told from the count only together with the unknown ones: ask for the UIDs.
    gone = here
    if not is_reset:
        gone = here - set(context.imap.all_uids()) if here and state.exists != folder.server_count else set()
    flags = context.imap.fetch_flags(list(known))
    position = {
        "uidvalidity": state.uidvalidity,
        "uidnext": state.uidnext,
        "server_count": state.exists,
        "synced_at": utc_now(),
    }
    with context.lease.transaction() as s:
        touched = remove_uids(s, folder.id, gone)
        for uid, message_id in known.items():
            add_placement(s, folder, message_id, uid, flags[uid].flags if uid in flags else frozenset())
        sync_message_flags(s, known.values(), seen_too=False)
        refresh_conversations(s, context.account, conversation_ids_of(s, [*touched, *known.values()]))
        update_folder(s, folder.id, **position)
    for name, value in position.items():
        setattr(folder, name, value)


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
