"""The secret of an attempt: a password that was typed, tokens that a sign-in brought, or what is stored already.

Sealed, it is one of {"password"}, {"grant": {...}} and {"stored_grant": true}; the last stands with the account too,
whose tokens lie in their own row, because they change every hour.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webmail.errors import NotFound, Refused
from webmail.providers.base import XOAUTH2, Credentials
from webmail.providers.graph import SIDE as GRAPH
from webmail.providers.oauth import Grant
from webmail.store import grants
from webmail.store.accounts import find_account
from webmail.store.grants import StoredTokens
from webmail.store.models import Account, ConnectAttempt
from webmail.store.secrets import seal, unseal
from webmail.store.session import Session, reading
from webmail.sync.connections import PASSWORD, credentials_of
from webmail.sync.tokens import graph_token

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
                **_sealed_graph(grant),
            }
        }
    )


def _sealed_graph(grant: Grant) -> dict[str, Any]:
    if grant.graph is None:
        return {}
    return {"graph_token": grant.graph.access_token, "graph_expires_at": grant.graph.expires_at.isoformat()}


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


def require_graph(attempt: ConnectAttempt) -> None:
    """See that the attempt's account may send through Microsoft Graph.

    Raises:
        ProviderError: nobody has allowed it, or Microsoft could not be asked.
    """
    secret = unseal(attempt.secret)
    if "graph_token" in secret.get("grant", {}):
        return
    with reading() as s:
        account = find_account(s, attempt.account_id or 0)
    if account is None or "stored_grant" not in secret:
        raise Refused(
            "Sending through Microsoft Graph has not been allowed yet.",
            side=GRAPH,
            cause="graph_not_allowed",
            next_step="Allow it on Microsoft's page.",
        )
    graph_token(account)


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
            tokens=StoredTokens(given["refresh_token"] or kept, given["access_token"], given.get("graph_token", "")),
            expires_at=datetime.fromisoformat(given["expires_at"]),
            graph_expires_at=datetime.fromisoformat(given["graph_expires_at"]) if "graph_token" in given else None,
            scopes=given["scopes"],
        )
        account.auth, account.secret = given["provider"], seal(STORED_GRANT)
