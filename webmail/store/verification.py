"""What is stored of a folder's messages, to be held against the server, and who is to be compared next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, update

from webmail.store.models import Account, Folder, Message, Placement
from webmail.store.session import Session

_CHUNK = 500


@dataclass(frozen=True)
class KnownPlacement:
    """A message of a folder as it is stored: `flags` as `webmail.store.messages.flag_values()` names them."""

    message_id: int
    identity: str
    subject: str
    flags: dict[str, bool]
    is_leaving: bool


def placements_between(s: Session, folder_id: int, low: int, high: int) -> dict[int, KnownPlacement]:
    """Give what is stored of the UIDs from `low` to `high`, both included, by UID."""
    query = (
        select(Placement, Message.identity, Message.subject)
        .join(Message, Placement.message_id == Message.id)
        .where(Placement.folder_id == folder_id, Placement.uid.between(low, high))
    )
    return {
        placement.uid: KnownPlacement(
            placement.message_id,
            identity,
            subject,
            {
                "is_seen": placement.is_seen,
                "is_flagged": placement.is_flagged,
                "is_answered": placement.is_answered,
                "is_draft": placement.is_draft,
            },
            placement.is_leaving,
        )
        for placement, identity, subject in s.execute(query)
    }


def lost_messages(s: Session, account_id: int, limit: int) -> list[tuple[int, str, str]]:
    """Give (key, identity, Message-ID) of the newest messages that lie nowhere as far as is known here.

    They were deleted there, or moved where nobody has looked yet.
    """
    is_placed = select(Placement.id).where(Placement.message_id == Message.id).exists()
    query = (
        select(Message.id, Message.identity, Message.message_id_header)
        .where(Message.account_id == account_id, Message.message_id_header != "", ~is_placed)
        .order_by(Message.sent_at.desc())
        .limit(limit)
    )
    return [(key, identity, header) for key, identity, header in s.execute(query)]


def forget_placements(s: Session, folder_id: int, uids: Iterable[int]) -> None:
    """Have those UIDs point at no message, because they point at a wrong one; they are stored anew at once."""
    ordered = sorted(uids)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        query = select(Placement).where(Placement.folder_id == folder_id, Placement.uid.in_(chunk))
        for placement in s.scalars(query):
            s.delete(placement)
    s.flush()


def accounts_to_verify(s: Session, now: datetime, limit: int) -> list[Account]:
    """Give accounts that nobody works on and of which a folder is to be compared, the longest overdue first."""
    due = func.min(func.coalesce(Folder.verify_after, Account.created_at))
    query = (
        select(Account)
        .join(Folder, Folder.account_id == Account.id)
        .where(
            Account.secret.is_not(None),
            Account.reads_mail,
            Account.status == "connected",
            Account.is_backfilled,
            Account.wanted_at.is_(None),
            Account.retry_at.is_(None),
            or_(Account.lease_until.is_(None), Account.lease_until < now),
            Folder.synced_at.is_not(None),
            or_(Folder.verify_after.is_(None), Folder.verify_after <= now),
        )
        .group_by(Account.id)
        .order_by(due)
        .limit(limit)
    )
    return list(s.scalars(query))


def next_folder_to_verify(s: Session, account_id: int, now: datetime) -> Folder | None:
    """Give the folder of an account whose comparison goes on or is due, the inbox first."""
    query = (
        select(Folder)
        .where(
            Folder.account_id == account_id,
            Folder.synced_at.is_not(None),
            or_(Folder.verify_after.is_(None), Folder.verify_after <= now),
        )
        .order_by(Folder.role != "inbox", Folder.is_synced.desc(), Folder.id)
        .limit(1)
    )
    return s.scalar(query)


def find_accounts(s: Session, name: str) -> list[Account]:
    """Give the accounts of all tenants with this address or uuid, for the operator."""
    try:
        query = select(Account).where(Account.uuid == UUID(name))
    except ValueError:
        query = select(Account).where(func.lower(Account.email) == name.lower())
    return list(s.scalars(query.order_by(Account.id)))


def receipts_of(s: Session, account_ids: Sequence[int]) -> dict[int, list[Folder]]:
    """Give the folders that have a receipt worth showing, by account, those that are synced whole first."""
    query = (
        select(Folder)
        .where(
            Folder.account_id.in_(list(account_ids)),
            Folder.verified_at.is_not(None),
            or_(Folder.is_synced, Folder.verified_count > 0),
        )
        .order_by(Folder.is_synced.desc(), Folder.id)
    )
    found: dict[int, list[Folder]] = {}
    for folder in s.scalars(query):
        found.setdefault(folder.account_id, []).append(folder)
    return found


def verify_all_again(s: Session, account_id: int) -> None:
    """Have every folder of an account compared from its beginning, at the next opportunity."""
    s.execute(update(Folder).where(Folder.account_id == account_id).values(verify_after=None, verify_progress={}))
