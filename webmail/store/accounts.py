"""Reading and updating accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import selectinload

from webmail.errors import NotFound
from webmail.store.models import Account, Message, Placement, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session
from webmail.store.webhooks import Fact, record

POLL_S = 120
"""Each account is synced at least this often, whatever its watcher says: only the inbox is watched."""


def list_accounts(s: Session, scope: Scope) -> list[Account]:
    """Give the user's accounts, oldest first, each with its signature."""
    query = (
        select(Account)
        .where(Account.tenant_id == scope.tenant_id, Account.user_id == scope.user_id)
        .options(selectinload(Account.signatures))
        .order_by(Account.id)
    )
    return list(s.scalars(query))


def list_all_accounts(s: Session) -> list[Account]:
    """Give the accounts of all tenants, for the operator."""
    return list(s.scalars(select(Account).order_by(Account.tenant_id, Account.email)))


def load_account(s: Session, scope: Scope, uuid: UUID) -> Account:
    """Give one of the user's accounts, with its signature.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    query = (
        select(Account)
        .where(Account.uuid == uuid, Account.tenant_id == scope.tenant_id, Account.user_id == scope.user_id)
        .options(selectinload(Account.signatures))
    )
    account = s.scalar(query)
    if account is None:
        raise NotFound("This mailbox is not connected any more.")
    return account


def find_account(s: Session, account_id: int) -> Account | None:
    """Give an account by its key, for jobs; None when it is gone."""
    return s.get(Account, account_id)


def own_addresses(s: Session, scope: Scope) -> set[str]:
    """Give the addresses of all the user's accounts, their further ones too, in lower case."""
    query = select(Account.email, Account.aliases).where(
        Account.tenant_id == scope.tenant_id, Account.user_id == scope.user_id
    )
    return {address.casefold() for email, aliases in s.execute(query) for address in (email, *aliases)}


def update_account(s: Session, account_id: int, **values: Any) -> None:
    """Set columns of one account, without loading it."""
    s.execute(update(Account).where(Account.id == account_id).values(**values))


def is_wanted(s: Session, account_id: int) -> bool:
    """Say whether somebody asked for a sync that has not begun."""
    return s.scalar(select(Account.wanted_at).where(Account.id == account_id)) is not None


def clear_wanted(s: Session, account_id: int, seen_at: datetime | None) -> None:
    """Take back a wish for a sync that is now fulfilled; a later wish stays."""
    if seen_at is not None:
        s.execute(update(Account).where(Account.id == account_id, Account.wanted_at <= seen_at).values(wanted_at=None))


def accounts_due(s: Session, now: datetime, poll_before: datetime) -> list[Account]:
    """Give the accounts that somebody should sync now and nobody does: wanted, unfinished, or not looked at for long.

    Args:
        poll_before: accounts last synced before this are due.
    """
    query = select(Account).where(
        Account.secret.is_not(None),
        Account.reads_mail,
        Account.status.in_(("connected", "error")),
        or_(Account.lease_until.is_(None), Account.lease_until < now),
        or_(Account.retry_at.is_(None), Account.retry_at <= now),
        or_(
            Account.wanted_at.is_not(None),
            Account.is_backfilled.is_(False),
            Account.last_synced_at.is_(None),
            Account.last_synced_at < poll_before,
        ),
    )
    return list(s.scalars(query))


@dataclass(frozen=True)
class WatchedInbox:
    """An account's inbox and what the line to it depends on; of thousands, so no more than that."""

    account_id: int
    host: str
    port: int | None
    security: str
    user_name: str
    secret: bytes | None
    folder: str


def inboxes_to_watch(s: Session) -> list[WatchedInbox]:
    """Give the inboxes that should be watched for news."""
    query = select(
        Account.id,
        Account.imap_host,
        Account.imap_port,
        Account.imap_security,
        Account.user_name,
        Account.secret,
        Account.imap_folder,
    ).where(Account.secret.is_not(None), Account.reads_mail, Account.status.in_(("connected", "error")))
    return [WatchedInbox(*row) for row in s.execute(query)]


def stored_count(s: Session, account_id: int) -> int:
    """Count the placements of an account: what is shown as "n of N"."""
    return s.scalar(select(func.count()).select_from(Placement).where(Placement.account_id == account_id)) or 0


def missed_count(s: Session, account: Account) -> int:
    """Count the mails that came while an account's sign-in was missing, the last time."""
    if account.away_from is None or account.away_until is None:
        return 0
    query = (
        select(func.count())
        .select_from(Message)
        .where(
            Message.account_id == account.id,
            Message.is_outgoing.is_(False),
            Message.sent_at > account.away_from,
            Message.sent_at <= account.away_until,
        )
    )
    return s.scalar(query) or 0


def mark_failure(
    s: Session,
    account_id: int,
    *,
    status: str,
    sentence: str,
    next_step: str,
    detail: str,
    retry_at: datetime | None,
    cause: str = "",
) -> None:
    """Record why an account could not be synced, and count it; a missing sign-in is told to the tenant's server."""
    if status == "reconnect_needed":
        columns = select(Account.tenant_id, Account.user_id, Account.uuid, Account.status)
        for tenant_id, user_id, uuid, before in s.execute(columns.where(Account.id == account_id)):
            if before != status:
                record(s, tenant_id, "account.reconnect_needed", [Fact(user_id, uuid, details={"cause": cause})])
    since = func.coalesce(Account.status_since, utc_now()) if status == "reconnect_needed" else None
    s.execute(
        update(Account)
        .where(Account.id == account_id)
        .values(
            status=status,
            status_sentence=sentence[:500],
            status_next_step=next_step[:500],
            status_detail=detail,
            status_cause=cause[:40],
            status_since=since,
            failures=Account.failures + 1,
            retry_at=retry_at,
        )
    )


def mark_success(s: Session, account_id: int) -> None:
    """Record that an account was synced just now and all is well."""
    s.execute(
        update(Account)
        .where(Account.id == account_id, Account.status.in_(("connected", "error")))
        .values(
            status="connected",
            status_sentence="",
            status_next_step="",
            status_detail="",
            status_cause="",
            failures=0,
            retry_at=None,
            last_synced_at=utc_now(),
        )
    )
