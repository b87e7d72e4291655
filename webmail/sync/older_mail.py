"""Bring in what was left out of an account that keeps only mail with contacts, once it is with a contact after all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import structlog

from webmail.errors import Refused
from webmail.store.accounts import find_account, update_account
from webmail.store.folders import update_folder
from webmail.store.models import Folder
from webmail.store.private_mail import has_forgotten, left_out_of, mark_searched, unsearched
from webmail.store.session import reading
from webmail.sync.arrivals import store_messages
from webmail.sync.context import SyncContext
from webmail.sync.news import BATCH, pull_folder
from webmail.sync.private_mail import MOST_SEARCHED

log = structlog.get_logger(__name__)

_SLICE_S = 2.0


def look_again(context: SyncContext, folder: Folder) -> bool:
    """Look for up to two seconds at what was left out of a folder, oldest first; False when nothing is left to do.

    How far it has come is a column of the folder, so it goes on where it was.

    Raises:
        ProviderError: the line or the server failed.
        LeaseLost: somebody else syncs the account now.
    """
    first = folder.second_look_uid
    if context.chooser is None or first is None:
        return False
    with reading() as s:
        uids = sorted(uid for uid in left_out_of(s, folder.id) if uid >= first)
    if uids and context.imap.select(folder.name).uidvalidity != folder.uidvalidity:
        pull_folder(context, folder)
        return True
    given: list[list[int]] = []
    for at, messages in enumerate(context.imap.read_messages(_until_late(uids, given))):
        first = given[at][-1] + 1
        store_messages(context, folder, messages, second_look_uid=first)
    folder.second_look_uid = first if uids and first <= uids[-1] else None
    if folder.second_look_uid is None:
        with context.lease.transaction() as s:
            update_folder(s, folder.id, second_look_uid=None)
    return True


def _until_late(uids: Sequence[int], given: list[list[int]]) -> Iterator[list[int]]:
    ends_at = time.monotonic() + _SLICE_S
    for start in range(0, len(uids), BATCH):
        if start and time.monotonic() > ends_at:
            return
        given.append(list(uids[start : start + BATCH]))
        yield given[-1]


def read_older(context: SyncContext, folders: Sequence[Folder]) -> None:
    """Look for the older mail of contacts that are new since the last time; what was done is not done again.

    Answers to what is found may have been left out, too: they are for a second look, which is the backfill's.

    Args:
        folders: those that are synced whole.
    """
    if context.chooser is None:
        return
    with reading() as s:
        account = find_account(s, context.account.id)
        addresses = unsearched(s, context.account, MOST_SEARCHED + 1)
        is_stale = has_forgotten(s, context.account)
    if account is None or not account.is_backfilled or not (addresses or is_stale):
        return
    are_many = len(addresses) > MOST_SEARCHED
    starts = {folder.id: 1 if are_many else _search(context, folder, addresses) for folder in folders if addresses}
    with context.lease.transaction() as s:
        for folder in folders:
            if starts.get(folder.id) is not None:
                folder.second_look_uid = starts[folder.id]
                update_folder(s, folder.id, second_look_uid=folder.second_look_uid)
                update_account(s, context.account.id, is_backfilled=False)
        mark_searched(s, context.account, None if are_many else addresses)
    log.info("older_mail_looked_for", account=context.account.id, are_many=are_many)


def _search(context: SyncContext, folder: Folder, addresses: Sequence[str]) -> int | None:
    """Read what the server finds of these addresses among what was left out.

    Returns:
        The UID from which on answers to it may lie; None when nothing came in.
    """
    try:
        if context.imap.select(folder.name).uidvalidity != folder.uidvalidity:
            return None
        found = {uid for address in addresses for uid in context.imap.search_address(address)}
    except Refused:
        # Where a server does not search, all that was left out is looked at again.
        return 1
    with reading() as s:
        uids = sorted(found & left_out_of(s, folder.id))
    came = 0
    for messages in context.imap.read_messages(uids[at : at + BATCH] for at in range(0, len(uids), BATCH)):
        store_messages(context, folder, messages)
        came += len(messages)
    return uids[0] if came else None
