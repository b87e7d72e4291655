"""Folders that are renamed, made and deleted on the server.

A folder is known by its name, because IMAP has no other. Where a known name is gone and a new one is there, it is the
same folder if its UIDVALIDITY is the same and the messages that we know lie in it under the UIDs that we know: many
servers give the same UIDVALIDITY to every folder, so that alone proves nothing. A folder that is only hidden, or really
gone, stays as it is: nothing is concluded from what LIST leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from webmail.domain.headers import parse_headers
from webmail.errors import Refused
from webmail.providers.base import RemoteFolder, RemoteMessage
from webmail.store.accounts import update_account
from webmail.store.folders import folders_of, save_folders, update_folder
from webmail.store.models import Folder
from webmail.store.placements import identities_by_uid, uids_in_folder
from webmail.store.session import reading
from webmail.sync.arrivals import header_identity, identity_of
from webmail.sync.context import SyncContext

log = structlog.get_logger(__name__)

_SAMPLE = 5
_MOST_CANDIDATES = 20


def look_at_folders(context: SyncContext) -> list[Folder]:
    """Ask the server for its folders: take over new names of folders that we know, and note those that are new.

    Returns:
        The folders that were not known before.

    Raises:
        ProviderError: the line or the server failed.
        LeaseLost: somebody else syncs the account now.
    """
    listed = [each for each in context.imap.list_folders() if each.is_selectable]
    with reading() as s:
        known = folders_of(s, context.account.id)
    names = {each.name for each in listed}
    missing = [folder for folder in known if listed and folder.name not in names and folder.uidvalidity is not None]
    unknown = [each for each in listed if each.name not in {folder.name for folder in known}]
    for folder in missing:
        found = _same_folder(context, folder, unknown[:_MOST_CANDIDATES])
        if found is not None:
            unknown.remove(found)
            log.info("folder_renamed", account=context.account.id, folder=folder.id)
            _rename(context, folder, found.name)
    if not unknown:
        return []
    # A role that another folder plays already, by the settings or by being there first, stays with that one.
    taken = {folder.role for folder in known if folder.role}
    roles = {each.name: "" if each.role in taken else each.role for each in unknown}
    with context.lease.transaction() as s:
        synced = {folder.name for folder in folders_of(s, context.account.id) if folder.is_synced}
        return [folder for folder in save_folders(s, context.account.id, roles, synced) if folder.name in roles]


def is_renamed(context: SyncContext, folder: Folder) -> bool:
    """Look whether a folder that cannot be opened has another name now; `folder.name` is then the new one."""
    look_at_folders(context)
    with reading() as s:
        name = next((each.name for each in folders_of(s, context.account.id) if each.id == folder.id), folder.name)
    was, folder.name = folder.name, name
    return name != was


def _rename(context: SyncContext, folder: Folder, name: str) -> None:
    """Take over a folder's new name, also in the settings that named it."""
    account, settings = context.account, {}
    for setting in ("imap_folder", "outbox_folder"):
        if getattr(account, setting) == folder.name:
            settings[setting] = name
            # The sync that is going on reads the settings from here.
            setattr(account, setting, name)
    with context.lease.transaction() as s:
        update_folder(s, folder.id, name=name)
        if settings:
            update_account(s, account.id, **settings)


def _same_folder(context: SyncContext, folder: Folder, candidates: Sequence[RemoteFolder]) -> RemoteFolder | None:
    with reading() as s:
        sample = sorted(uids_in_folder(s, folder.id))[-_SAMPLE:]
        known = identities_by_uid(s, folder.id, sample)
    for candidate in candidates:
        try:
            state = context.imap.select(candidate.name)
        except Refused:
            continue
        if state.uidvalidity != folder.uidvalidity or state.uidnext < folder.uidnext:
            continue
        heads = list(context.imap.fetch_messages(sample))
        same = [head for head in heads if known[head.uid] in _identities(head)]
        if len(same) == len(heads) and (same or (not sample and candidate.role == folder.role != "")):
            return candidate
    return None


def _identities(head: RemoteMessage) -> tuple[str, str]:
    headers = parse_headers(head.header)
    return identity_of(head, headers), header_identity(head, headers)
