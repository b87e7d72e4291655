"""One sync per account: a lease row with owner, fencing token and a short expiry (design, section 4, rule 3).

The token goes up with each new owner. Every commit of a sync calls `guard()` first: a process that was thought dead
and comes back holds an old token, and what it would write is rolled back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from webmail.errors import LeaseLost
from webmail.store.models import Account, utc_now
from webmail.store.session import Session, count_changed

LEASE_S = 10
"""How long an owner that has died keeps the others out."""


def acquire(s: Session, account_id: int, owner: str) -> int | None:
    """Take the account's lease if it is free, and start a new generation of sync jobs.

    Args:
        owner: who takes it, for logs.

    Returns:
        The fencing token, or None when somebody else holds the lease.
    """
    now = utc_now()
    taken = count_changed(
        s,
        update(Account)
        .where(Account.id == account_id, or_(Account.lease_until.is_(None), Account.lease_until < now))
        .values(
            lease_owner=owner,
            lease_token=Account.lease_token + 1,
            lease_until=now + timedelta(seconds=LEASE_S),
            sync_generation=Account.sync_generation + 1,
        ),
    )
    if taken == 0:
        return None
    return s.scalar(select(Account.lease_token).where(Account.id == account_id))


def guard(s: Session, account_id: int, token: int) -> None:
    """Renew the lease inside a transaction that is about to write.

    Raises:
        LeaseLost: another process has taken it meanwhile, or the account is gone.
    """
    renewed = count_changed(
        s,
        update(Account)
        .where(Account.id == account_id, Account.lease_token == token, Account.lease_owner.is_not(None))
        .values(lease_until=utc_now() + timedelta(seconds=LEASE_S)),
    )
    if renewed == 0:
        raise LeaseLost


def release(s: Session, account_id: int, token: int) -> None:
    """Give the lease back; harmless when it is another's by now."""
    s.execute(
        update(Account)
        .where(Account.id == account_id, Account.lease_token == token)
        .values(lease_owner=None, lease_until=None)
    )


def revoke(s: Session, account_id: int) -> None:
    """Take the lease from whoever holds it: it commits nothing more, and somebody else may begin at once."""
    s.execute(update(Account).where(Account.id == account_id).values(lease_owner=None, lease_until=None))


def held(s: Session, prefix: str, now: datetime) -> list[tuple[int, str]]:
    """Give (account id, owner) of the leases that have not run out and whose owner's name begins so."""
    query = select(Account.id, Account.lease_owner).where(
        Account.lease_until >= now, Account.lease_owner.startswith(prefix, autoescape=True)
    )
    return [(account_id, owner) for account_id, owner in s.execute(query) if owner]


def revoke_from(s: Session, account_id: int, owner: str) -> None:
    """Take the lease from an owner, if it still is."""
    s.execute(
        update(Account)
        .where(Account.id == account_id, Account.lease_owner == owner)
        .values(lease_owner=None, lease_until=None)
    )
