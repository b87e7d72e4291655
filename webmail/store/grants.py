"""Grants of identity servers: the tokens of an account, and the right to refresh them.

A refresh token may be good for one use only, so two processes must never spend it at once: whoever refreshes holds a
short lease of its own (not the sync's: sending must not wait for a backfill), and what it brings back is stored only
while that lease is still its.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from webmail.errors import LeaseLost
from webmail.store.models import Account, OAuthGrant, utc_now
from webmail.store.scope import Scope
from webmail.store.secrets import seal, unseal
from webmail.store.session import Session

REFRESH_LEASE_S = 30
"""Longer than an identity server is given to answer."""


@dataclass(frozen=True)
class StoredTokens:
    """A grant's tokens, unsealed; `graph_token` is "" until it is needed."""

    refresh_token: str = field(repr=False)
    access_token: str = field(repr=False)
    graph_token: str = field(default="", repr=False)


def find_grant(s: Session, account_id: int) -> OAuthGrant | None:
    """Give an account's grant, None when it signs in by password."""
    return s.get(OAuthGrant, account_id)


def grants_of_user(s: Session, scope: Scope) -> dict[int, OAuthGrant]:
    """Give the grants of all the user's accounts, by account id."""
    query = (
        select(OAuthGrant)
        .join(Account, Account.id == OAuthGrant.account_id)
        .where(Account.tenant_id == scope.tenant_id, Account.user_id == scope.user_id)
    )
    return {grant.account_id: grant for grant in s.scalars(query)}


def all_grants(s: Session) -> dict[int, OAuthGrant]:
    """Give the grants of all tenants' accounts, by account id, for the operator."""
    return {grant.account_id: grant for grant in s.scalars(select(OAuthGrant))}


def tokens_of(grant: OAuthGrant) -> StoredTokens:
    """Unseal a grant's tokens."""
    return StoredTokens(**unseal(grant.secret))


def save_grant(
    s: Session,
    account_id: int,
    *,
    provider: str,
    subject: str,
    tokens: StoredTokens,
    expires_at: datetime,
    scopes: Sequence[str],
    graph_expires_at: datetime | None = None,
) -> None:
    """Store what a sign-in brought; it replaces an earlier grant and fences off a refresh under way."""
    grant = s.get(OAuthGrant, account_id) or OAuthGrant(account_id=account_id, generation=0, lease_token=0)
    grant.provider, grant.subject = provider, subject
    grant.secret = seal(vars(tokens))
    grant.expires_at, grant.graph_expires_at = expires_at, graph_expires_at
    grant.scopes = sorted(scopes)
    grant.renewed_at = grant.granted_at = utc_now()
    grant.generation += 1
    grant.lease_token += 1
    grant.lease_until = None
    s.add(grant)
    s.flush()


def acquire_refresh(s: Session, account_id: int) -> int | None:
    """Take the right to refresh an account's tokens; gives the fencing token, None while another process has it."""
    now = utc_now()
    taken = s.execute(
        update(OAuthGrant)
        .where(OAuthGrant.account_id == account_id, or_(OAuthGrant.lease_until.is_(None), OAuthGrant.lease_until < now))
        .values(lease_token=OAuthGrant.lease_token + 1, lease_until=now + timedelta(seconds=REFRESH_LEASE_S))
        .returning(OAuthGrant.lease_token)
    )
    return taken.scalar_one_or_none()


def store_refreshed(
    s: Session,
    account_id: int,
    lease_token: int,
    *,
    tokens: StoredTokens,
    expires_at: datetime | None = None,
    graph_expires_at: datetime | None = None,
) -> None:
    """Store refreshed tokens and give the right back.

    Raises:
        LeaseLost: another process refreshes, or the user signed in again, meanwhile.
    """
    values = {"expires_at": expires_at} if expires_at else {"graph_expires_at": graph_expires_at}
    stored = s.execute(
        update(OAuthGrant)
        .where(OAuthGrant.account_id == account_id, OAuthGrant.lease_token == lease_token)
        .values(
            secret=seal(vars(tokens)),
            renewed_at=utc_now(),
            generation=OAuthGrant.generation + 1,
            lease_until=None,
            **values,
        )
        .returning(OAuthGrant.account_id)
    )
    if stored.scalar_one_or_none() is None:
        raise LeaseLost


def release_refresh(s: Session, account_id: int, lease_token: int) -> None:
    """Give the right to refresh back without having refreshed; harmless when it is another's by now."""
    s.execute(
        update(OAuthGrant)
        .where(OAuthGrant.account_id == account_id, OAuthGrant.lease_token == lease_token)
        .values(lease_until=None)
    )


def erase_grant(s: Session, account_id: int) -> None:
    """Forget an account's tokens."""
    grant = s.get(OAuthGrant, account_id)
    if grant is not None:
        s.delete(grant)
        s.flush()


def grants_to_renew(s: Session, provider: str, renewed_before: datetime) -> list[int]:
    """Give the accounts whose grant was not used since, so that it does not die of idleness."""
    query = (
        select(OAuthGrant.account_id)
        .join(Account, Account.id == OAuthGrant.account_id)
        .where(
            OAuthGrant.provider == provider,
            OAuthGrant.renewed_at < renewed_before,
            Account.status.in_(("connected", "error")),
        )
    )
    return list(s.scalars(query))


def other_grants_of_subject(s: Session, grant: OAuthGrant) -> int:
    """Count the other accounts that live from the same person's grant at the same provider."""
    query = select(OAuthGrant.account_id).where(
        OAuthGrant.provider == grant.provider,
        OAuthGrant.subject == grant.subject,
        OAuthGrant.account_id != grant.account_id,
    )
    return len(list(s.scalars(query)))
