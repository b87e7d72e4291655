"""The secret of an attempt: a password that was typed, tokens that a sign-in brought, or what is stored already.

Sealed, it is one of {"password"}, {"grant": {...}} and {"stored_grant": true}; the last stands with the account too,
whose tokens lie in their own row, because they change every hour.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webmail.errors import NotFound
from webmail.providers.base import XOAUTH2, Credentials
from webmail.providers.oauth import Grant
from webmail.store import grants
from webmail.store.accounts import find_account
from webmail.store.grants import StoredTokens
from webmail.store.models import Account, ConnectAttempt
from webmail.store.secrets import seal, unseal
from webmail.store.session import Session, reading
from webmail.sync.connections import PASSWORD, credentials_of

STORED_GRANT: dict[str, Any] = {"stored_grant": True}


def seal_grant(provider: str, grant: Grant) -> bytes:
    """Seal what a sign-in at `google` or `microsoft` brought."""
    tokens = grant.tokens
    return seal(
        {
            "grant": {
                "provider": provider,
                "subject": grant.subject,
                "refresh_token": tokens.refresh_token,
                "access_token": tokens.access_token,
                "expires_at": tokens.expires_at.isoformat(),
                "scopes": sorted(tokens.scopes),
            }
        }
    )


def credentials_of_attempt(attempt: ConnectAttempt) -> Credentials:
    """Give what the servers are shown while an attempt is checked.

    Raises:
        NotFound: it stands for an account that is gone.
        ProviderError: the account's tokens could not be renewed.
    """
    secret, user_name = unseal(attempt.secret), attempt.settings["user_name"]
    if "password" in secret:
        return Credentials(user_name, secret["password"])
    if "grant" in secret:
        return Credentials(user_name, secret["grant"]["access_token"], XOAUTH2)
    with reading() as s:
        account = find_account(s, attempt.account_id or 0)
    if account is None:
        raise NotFound("This mailbox is not connected any more.")
    return credentials_of(account)


def save_secret(s: Session, account: Account, sealed: bytes | None) -> None:
    """Make an attempt's secret the account's own; the account has its key already."""
    secret = unseal(sealed)
    if "password" in secret:
        grants.erase_grant(s, account.id)
        account.auth, account.secret = PASSWORD, sealed
    elif "grant" in secret:
        given = secret["grant"]
        old = grants.find_grant(s, account.id)
        # An identity server that gives no new refresh token means that the old one stays good.
        kept = grants.tokens_of(old).refresh_token if old is not None and old.subject == given["subject"] else ""
        grants.save_grant(
            s,
            account.id,
            provider=given["provider"],
            subject=given["subject"],
            tokens=StoredTokens(given["refresh_token"] or kept, given["access_token"]),
            expires_at=datetime.fromisoformat(given["expires_at"]),
            scopes=given["scopes"],
        )
        account.auth, account.secret = given["provider"], seal(STORED_GRANT)
