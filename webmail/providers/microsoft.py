"""Sign-in at Microsoft for work, school and personal accounts, on MSAL.

MSAL keeps no tokens for us: its cache lives for one call. A refresh token is replaced on every use and lives for 90
days from then; the caller stores the new one before anything is done with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msal

from webmail.errors import ProviderError, Refused
from webmail.providers.oauth import SIDE, Begun, Grant, OAuthClient, TokenLine, Tokens
from webmail.providers.oauth_answers import refusal

MAIL_SCOPES = (
    "https://outlook.office.com/IMAP.AccessAsUser.All",
    "https://outlook.office.com/SMTP.Send",
)
GRAPH_SCOPES = ("https://graph.microsoft.com/Mail.Send",)
REFRESH_TOKEN_DAYS = 90
"""How long a refresh token lives after its last use (Microsoft identity platform, "Refresh tokens")."""
_NAME = "Microsoft"


def begin(client: OAuthClient, redirect_uri: str, *, login_hint: str = "", with_graph: bool = False) -> Begun:
    """Begin a sign-in: the account chooser always shows, so that no account is ever taken silently.

    Args:
        with_graph: leave to send through Microsoft Graph is asked for too. One sign-in can ask for several servers'
            scopes; a token is for one of them ("Microsoft identity platform and OAuth 2.0 authorization code flow").

    Raises:
        Retryable: Microsoft's description of itself could not be read.
    """
    with _application(client) as application:
        flow = application.initiate_auth_code_flow(
            [*MAIL_SCOPES, *(GRAPH_SCOPES if with_graph else ()), "email"],
            redirect_uri=redirect_uri,
            state=secrets.token_urlsafe(24),
            prompt="select_account",
            login_hint=login_hint or None,
            response_mode="query",
        )
    return Begun(flow["auth_uri"], flow)


def finish(client: OAuthClient, flow: Mapping[str, Any], answer: Mapping[str, str]) -> Grant:
    """Turn what came back with the browser into a grant; MSAL checks state, PKCE and nonce.

    Raises:
        Refused: denied, a foreign state, a missing scope, a code that does not fit.
        Retryable: Microsoft could not be asked.
    """
    with _application(client) as application:
        try:
            result = application.acquire_token_by_auth_code_flow(dict(flow), dict(answer), scopes=list(MAIL_SCOPES))
        except RuntimeError as error:
            raise _mismatch(type(error).__name__) from None
    _require_token(result, of_code=True)
    claims = result.get("id_token_claims") or {}
    tokens = _tokens(result)
    _require_scopes(tokens, MAIL_SCOPES)
    email = str(claims.get("email") or claims.get("preferred_username") or "")
    subject = f"{claims.get('tid', '')}.{claims.get('oid') or claims.get('sub', '')}"
    if "@" not in email or subject == ".":
        raise _mismatch("no address in the answer")
    if not set(GRAPH_SCOPES) <= set(flow.get("scope", [])):
        return Grant(subject, email, tokens)
    graph = refresh(client, tokens.refresh_token, GRAPH_SCOPES)
    _require_scopes(graph, GRAPH_SCOPES)
    return Grant(subject, email, replace(tokens, refresh_token=graph.refresh_token or tokens.refresh_token), graph)


def _require_scopes(tokens: Tokens, wanted: tuple[str, ...]) -> None:
    missing = {_short(scope) for scope in wanted} - {_short(scope) for scope in tokens.scopes}
    if missing:
        raise Refused(
            "Microsoft did not grant everything that reading and sending mail needs.",
            side=SIDE,
            cause="scope_missing",
            next_step="Connect again and accept all that is asked for, or ask your administrator to allow it.",
            server_answer="missing: " + ", ".join(sorted(missing)),
        )


def refresh(client: OAuthClient, refresh_token: str, scopes: tuple[str, ...] = MAIL_SCOPES) -> Tokens:
    """Get fresh tokens; the old refresh token should be forgotten once the new one is stored.

    Raises:
        NeedsSignIn: Microsoft says that the grant is over, and why.
        Retryable: Microsoft could not be asked, or it is this installation's own fault.
    """
    with _application(client) as application:
        result = application.acquire_token_by_refresh_token(refresh_token, list(scopes))
    _require_token(result)
    return _tokens(result)


@contextmanager
def _application(client: OAuthClient) -> Iterator[msal.ConfidentialClientApplication]:
    """Build MSAL's client for one call, and translate what it raises."""
    is_stand_in = not client.authority.startswith("https://login.microsoftonline.com/")
    with TokenLine(_NAME, client.ca_file) as line:
        try:
            yield msal.ConfidentialClientApplication(
                client.client_id,
                client_credential=client.client_secret,
                authority=client.authority,
                http_client=line,
                validate_authority=not is_stand_in,
                instance_discovery=False if is_stand_in else None,
            )
        except ProviderError:
            raise
        except ValueError as error:
            # State mismatch, an answer without a code, a discovery document that makes no sense.
            raise _mismatch(type(error).__name__) from None


def _require_token(result: Mapping[str, Any], *, of_code: bool = False) -> None:
    if "error" in result:
        raise refusal(_NAME, str(result["error"]), str(result.get("error_description", "")), of_code=of_code)
    if not result.get("access_token"):
        raise refusal(_NAME, "server_error", "no access token in the answer")


def _tokens(result: Mapping[str, Any]) -> Tokens:
    return Tokens(
        access_token=str(result["access_token"]),
        refresh_token=str(result.get("refresh_token") or ""),
        expires_at=datetime.now(UTC) + timedelta(seconds=int(result.get("expires_in") or 300)),
        scopes=frozenset(str(result.get("scope", "")).split()),
    )


def _short(scope: str) -> str:
    """Microsoft names a scope with or without its resource, in the case of the day."""
    return scope.rsplit("/", 1)[-1].lower()


def _mismatch(detail: str) -> Refused:
    return Refused(
        "This sign-in was not begun here, or was finished already.",
        side=SIDE,
        cause="answer_mismatch",
        next_step="Connect again.",
        server_answer=detail,
    )
