"""Sessions for an account: its settings and its secret or fresh token, joined only here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from webmail.errors import NeedsSignIn, Refused
from webmail.providers import identities
from webmail.providers.base import XOAUTH2, Credentials, ServerSettings
from webmail.providers.imap import ImapSession, open_imap
from webmail.providers.oauth import OAuthClient
from webmail.store.models import Account
from webmail.store.secrets import unseal
from webmail.sync.tokens import access_token, graph_token

Result = TypeVar("Result")
PASSWORD = "password"  # noqa: S105  # the name of a way to sign in


def credentials_of(account: Account) -> Credentials:
    """Give what the account's servers are shown at sign-in; a token is renewed first where it is about to run out.

    Raises:
        NeedsSignIn, Retryable: as `webmail.sync.tokens.access_token` does.
    """
    if account.auth == PASSWORD:
        return Credentials(account.user_name, unseal(account.secret).get("password", ""))
    return Credentials(account.user_name, access_token(account), XOAUTH2)


def signed_in(account: Account, use: Callable[[Credentials], Result]) -> Result:
    """Call `use` with the account's credentials, and once more with a new token where the present one is refused.

    Args:
        use: signs in and does its work; a `NeedsSignIn` from it means that nothing has been done yet.

    Raises:
        Refused: the identity server vouches for the user, but the mail server does not let them in.
    """
    credentials = credentials_of(account)
    try:
        return use(credentials)
    except NeedsSignIn:
        if credentials.mechanism != XOAUTH2:
            raise
    token = access_token(account, refused=credentials.secret)
    try:
        return use(Credentials(account.user_name, token, XOAUTH2))
    except NeedsSignIn as error:
        raise _token_refused(account, error) from error


def by_graph(account: Account, use: Callable[[OAuthClient, str], Result]) -> Result:
    """Call `use` with this installation's registration and a token for Microsoft Graph, renewed once where refused.

    Args:
        use: as in `signed_in()`.

    Raises:
        Refused: nobody has allowed sending through Graph, or Graph takes no token of this mailbox.
        NeedsSignIn, Retryable: as `webmail.sync.tokens.graph_token` does.
    """
    client = identities.client_of(account.auth)
    token = graph_token(account)
    try:
        return use(client, token)
    except NeedsSignIn:
        token = graph_token(account, refused=token)
    try:
        return use(client, token)
    except NeedsSignIn as error:
        raise _token_refused(account, error) from error


def _token_refused(account: Account, error: NeedsSignIn) -> Refused:
    brand, service = account.auth.title(), error.side.upper()
    return Refused(
        f"{brand} vouches for you, but its mail server does not let you in by {service}.",
        side=error.side,
        cause="token_refused",
        next_step=f"{service} may be switched off for this mailbox: ask your administrator to allow it.",
        server_answer=error.server_answer,
    )


def open_imap_for(account: Account, timeout_s: float = 30) -> ImapSession:
    """Sign in to the account's IMAP server.

    Raises:
        ProviderError: as `webmail.providers.imap.open_imap` and `signed_in()` do.
    """
    settings = ServerSettings(account.imap_host, account.imap_port or 993, account.imap_security)
    return signed_in(account, lambda credentials: open_imap(settings, credentials, timeout_s=timeout_s))


def smtp_settings_of(account: Account) -> ServerSettings:
    """Give where the account's mail goes out."""
    return ServerSettings(account.smtp_host, account.smtp_port, account.smtp_security)
