"""Folders of an account and how far each of them is synced."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from webmail.store.models import Account, Folder
from webmail.store.placements import make_stale
from webmail.store.session import Session


def folders_of(s: Session, account_id: int) -> list[Folder]:
    """Give all known folders of an account."""
    return list(s.scalars(select(Folder).where(Folder.account_id == account_id).order_by(Folder.id)))


def folder_by_role(s: Session, account_id: int, role: str) -> Folder | None:
    """Give the account's folder of that role, None if it has none.

    On Gmail a mail is archived by leaving the inbox: it lies in All Mail, whatever a label may be called.
    """
    roles = ("all", role) if role == "archive" and is_gmail(s, account_id) else (role,)
    query = select(Folder).where(Folder.account_id == account_id).order_by(Folder.id).limit(1)
    return next((found for each in roles if (found := s.scalar(query.where(Folder.role == each)))), None)


def is_gmail(s: Session, account_id: int) -> bool:
    """Say whether an account's server has Gmail's labels, as it was found at Connect."""
    fingerprint = s.scalar(select(Account.fingerprint).where(Account.id == account_id)) or {}
    return "X-GM-EXT-1" in fingerprint.get("capabilities", [])


def save_folders(s: Session, account_id: int, found: dict[str, str], synced: set[str]) -> list[Folder]:
    """Bring the known folders in line with what the server lists.

    A folder that is no longer listed stays: users hide folders from IMAP, and LIST may come back empty
    (field notes, section 1).

    Args:
        found: role by name.
        synced: names of the folders that are synced whole.
    """
    known = {folder.name: folder for folder in folders_of(s, account_id)}
    for name, role in found.items():
        folder = known.get(name)
        if folder is None:
            folder = known[name] = Folder(account_id=account_id, name=name)
            s.add(folder)
        folder.role = role
    for name, folder in known.items():
        folder.is_synced = name in synced
    s.flush()
    return list(known.values())


def forget_position(s: Session, folder: Folder) -> None:
    """Have a folder read as one never seen; its placements stay until their messages turn up again."""
    make_stale(s, folder.id)
    folder.uidvalidity = folder.highestmodseq = folder.backfill_uid = None
    folder.uidnext = folder.server_count = 0
    folder.synced_at = folder.flags_compared_at = None


def update_folder(s: Session, folder_id: int, **values: Any) -> None:
    """Set columns of one folder, without loading it."""
    s.execute(update(Folder).where(Folder.id == folder_id).values(**values))


def lower_server_count(s: Session, folder_id: int, by: int) -> None:
    """Take messages that we ourselves removed out of the count by which expunges are noticed."""
    s.execute(update(Folder).where(Folder.id == folder_id).values(server_count=Folder.server_count - by))
