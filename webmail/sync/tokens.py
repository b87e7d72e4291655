"""Access tokens that are always fresh: refreshed ahead of time, by one process at a time for each account.

The order is what makes it safe: take the right to refresh -> ask the identity server -> store what it gave -> use it.
No transaction is open while the server is asked. A process that dies between the answer and the commit loses the new
refresh token: Microsoft leaves the spent one good for that case, Google does not replace it at all. Whoever finds the
right taken waits for the new tokens instead of asking a second time.
"""

from __future__ import annotations

import time
from datetime import timedelta

import structlog

from webmail.errors import LeaseLost, NeedsSignIn, Retryable
from webmail.providers import google, identities, microsoft
from webmail.providers.oauth import SIDE, Tokens
from webmail.store import grants
from webmail.store.grants import StoredTokens
from webmail.store.models import Account, OAuthGrant, utc_now
from webmail.store.session import reading, transaction

log = structlog.get_logger(__name__)

_AHEAD = timedelta(minutes=5)
_WAIT_S = 15.0
_LOOK_EVERY_S = 0.1
KEEP_ALIVE_EVERY = timedelta(hours=20)
"""An idle grant is used at least daily: Microsoft's dies after 90 days without use, some policies end it sooner."""


def access_token(account: Account, *, refused: str = "") -> str:
    """Give a token for the account's IMAP and SMTP servers.

    Args:
        refused: a token that a server has just refused although its time was not over; another one is fetched.

    Raises:
        NeedsSignIn: the identity server says that the grant is over.
        Retryable: it could not be asked, or is being asked by another process for too long.
    """
    grant = _load(account.id)
    tokens = grants.tokens_of(grant)
    if grant.expires_at - utc_now() > _AHEAD and tokens.access_token != refused:
        return tokens.access_token
    return _refresh(account.id, grant.generation).access_token


def graph_token(account: Account, *, refused: str = "") -> str:
    """Give a token for Microsoft Graph's `sendMail`, as `access_token()` does for the mail servers.

    Raises:
        Refused: nobody has allowed sending through Graph yet.
        NeedsSignIn, Retryable: as `access_token()` does.
    """
    grant = _load(account.id)
    if _has_graph_token(grant, refused):
        return grants.tokens_of(grant).graph_token
    return _refresh(account.id, grant.generation, for_graph=True, refused=refused).graph_token


def _has_graph_token(grant: OAuthGrant, refused: str) -> bool:
    is_fresh = grant.graph_expires_at is not None and grant.graph_expires_at - utc_now() > _AHEAD
    return is_fresh and grants.tokens_of(grant).graph_token != refused


def keep_alive() -> None:
    """Use every grant that nobody has used for most of a day; failures are the next sync's to tell."""
    with reading() as s:
        idle = grants.grants_to_renew(s, "microsoft", utc_now() - KEEP_ALIVE_EVERY)
    for account_id in idle:
        try:
            _refresh(account_id, _load(account_id).generation)
        except (NeedsSignIn, Retryable) as error:
            log.warning("grant_not_renewed", account=account_id, cause=error.cause)


def withdraw(account_id: int) -> None:
    """Take an account's grant back at the provider, where it offers that, as far as nobody else lives from it.

    Google ends all of a person's tokens for this installation at once, so the last account of an address does it;
    Microsoft lets only the user take a grant back. What cannot be done now is left: the tokens are erased here anyway.
    """
    with reading() as s:
        grant = grants.find_grant(s, account_id)
        is_shared = grant is not None and grants.other_grants_of_subject(s, grant) > 0
    if grant is None or grant.provider != "google" or is_shared:
        return
    try:
        google.revoke(identities.client_of("google"), grants.tokens_of(grant).refresh_token)
    except Retryable as error:
        log.warning("grant_not_withdrawn", account=account_id, cause=error.cause)


def _load(account_id: int) -> OAuthGrant:
    with reading() as s:
        grant = grants.find_grant(s, account_id)
    if grant is None:
        raise NeedsSignIn(
            "This mailbox has no sign-in any more.", side=SIDE, cause="withdrawn", next_step="Sign in again."
        )
    return grant


def _refresh(account_id: int, generation: int, *, for_graph: bool = False, refused: str = "") -> StoredTokens:
    def is_done(grant: OAuthGrant) -> bool:
        return _has_graph_token(grant, refused) if for_graph else grant.generation != generation

    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        grant = _load(account_id)
        if is_done(grant):
            return grants.tokens_of(grant)
        with transaction() as s:
            lease_token = grants.acquire_refresh(s, account_id)
        if lease_token is None:
            time.sleep(_LOOK_EVERY_S)
            continue
        try:
            # Read again under the right: what another process stored meanwhile must not be spent twice.
            grant = _load(account_id)
            if not is_done(grant):
                return _refresh_now(grant, lease_token, for_graph=for_graph)
            with transaction() as s:
                grants.release_refresh(s, account_id, lease_token)
            return grants.tokens_of(grant)
        except LeaseLost:
            continue
        except BaseException:
            with transaction() as s:
                grants.release_refresh(s, account_id, lease_token)
            raise
    raise Retryable(
        "Another process is renewing this mailbox's sign-in.",
        side=SIDE,
        cause="refresh_busy",
        next_step="It is tried again by itself.",
    )


def _refresh_now(grant: OAuthGrant, lease_token: int, *, for_graph: bool) -> StoredTokens:
    old = grants.tokens_of(grant)
    given = _ask(grant, old.refresh_token, for_graph=for_graph)
    refresh_token = given.refresh_token or old.refresh_token
    if for_graph:
        tokens = StoredTokens(refresh_token, old.access_token, given.access_token)
    else:
        tokens = StoredTokens(refresh_token, given.access_token, old.graph_token)
    with transaction() as s:
        grants.store_refreshed(
            s,
            grant.account_id,
            lease_token,
            tokens=tokens,
            expires_at=None if for_graph else given.expires_at,
            graph_expires_at=given.expires_at if for_graph else None,
        )
    log.info("grant_renewed", account=grant.account_id, provider=grant.provider)
    return tokens


def _ask(grant: OAuthGrant, refresh_token: str, *, for_graph: bool) -> Tokens:
    client = identities.client_of(grant.provider)
    if grant.provider == "google":
        return google.refresh(client, refresh_token)
    scopes = microsoft.GRAPH_SCOPES if for_graph else microsoft.MAIL_SCOPES
    return microsoft.refresh(client, refresh_token, scopes)
