"""Sign-in at Google by authorization code with PKCE (RFC 6749, 7636; OpenID Connect Core 1.0), on Authlib.

The ID token is checked here: signature by Google's published keys, issuer, audience, time with two minutes of grace,
and the nonce that this sign-in began with. Google answers a refresh with no new refresh token: the old one stays good.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from webmail.errors import ProviderError, Refused
from webmail.providers.oauth import SIDE, Begun, Grant, OAuthClient, TokenLine, Tokens
from webmail.providers.oauth_answers import refusal

MAIL_SCOPE = "https://mail.google.com/"
_SCOPES = f"openid email {MAIL_SCOPE}"
_NAME = "Google"
_GRACE_S = 120


class _Session(OAuth2Session, TokenLine):  # type: ignore[misc]  # Authlib ships no types
    """Authlib's client on our line: its requests run through `TokenLine.request()`."""

    def __init__(self, client: OAuthClient, redirect_uri: str = "") -> None:
        OAuth2Session.__init__(
            self,
            client_id=client.client_id,
            client_secret=client.client_secret,
            scope=_SCOPES,
            redirect_uri=redirect_uri or None,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_post",  # noqa: S106  # the name of a method
            revocation_endpoint_auth_method="none",
        )
        line = TokenLine(_NAME, client.ca_file)
        self._name, self.verify, self.trust_env = _NAME, line.verify, line.trust_env


def begin(client: OAuthClient, redirect_uri: str, *, login_hint: str = "") -> Begun:
    """Begin a sign-in: the account chooser always shows, with `login_hint` picked out.

    Raises:
        Retryable: Google's description of itself could not be read.
    """
    with _Session(client, redirect_uri) as session:
        endpoints = _discover(session, client)
        verifier, nonce, state = secrets.token_urlsafe(64), secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        url, _ = session.create_authorization_url(
            endpoints["authorization_endpoint"],
            state=state,
            code_verifier=verifier,
            nonce=nonce,
            access_type="offline",
            prompt="select_account consent",
            response_mode="query",
            **({"login_hint": login_hint} if login_hint else {}),
        )
    return Begun(url, {"state": state, "nonce": nonce, "verifier": verifier, "redirect_uri": redirect_uri})


def finish(client: OAuthClient, flow: Mapping[str, Any], answer: Mapping[str, str]) -> Grant:
    """Turn what came back with the browser into a grant.

    Args:
        flow: of the `Begun` that this answers; to be used once.
        answer: the callback's query.

    Raises:
        Refused: denied, a foreign state or issuer, a missing scope, a code or ID token that does not fit.
        Retryable: Google could not be asked.
    """
    if not secrets.compare_digest(answer.get("state", "").encode(), str(flow.get("state", "")).encode()):
        raise _mismatch("This sign-in was not begun here, or was finished already.")
    with _Session(client, flow["redirect_uri"]) as session:
        endpoints = _discover(session, client)
        # RFC 9207: an answer that names another issuer was mixed up on the way.
        if answer.get("iss", endpoints["issuer"]) != endpoints["issuer"]:
            raise _mismatch("The answer came from another identity server than the one that was asked.")
        if "error" in answer:
            raise refusal(_NAME, answer["error"], answer.get("error_description", ""), of_code=True)
        if not answer.get("code"):
            raise _mismatch("Google's answer was empty.")
        token = _ask(
            lambda: session.fetch_token(
                endpoints["token_endpoint"],
                code=answer["code"],
                code_verifier=flow["verifier"],
                grant_type="authorization_code",
            ),
            of_code=True,
        )
        claims = _claims(session, client, endpoints, str(token.get("id_token", "")), str(flow["nonce"]))
    tokens = _tokens(token)
    if MAIL_SCOPE not in tokens.scopes:
        raise Refused(
            "The box that allows reading and sending mail was not ticked, so nothing was connected.",
            side=SIDE,
            cause="scope_missing",
            next_step="Connect again and tick the box for Gmail on Google's page.",
        )
    return Grant(str(claims["sub"]), str(claims["email"]), tokens)


def refresh(client: OAuthClient, refresh_token: str) -> Tokens:
    """Get a fresh access token.

    Raises:
        NeedsSignIn: Google says that the grant is over.
        Retryable: Google could not be asked, or did not give a clear answer.
    """
    with _Session(client) as session:
        endpoint = _discover(session, client)["token_endpoint"]
        token = _ask(lambda: session.refresh_token(endpoint, refresh_token=refresh_token))
    tokens = _tokens(token)
    same = tokens.refresh_token == refresh_token
    return Tokens(tokens.access_token, "" if same else tokens.refresh_token, tokens.expires_at, tokens.scopes)


def revoke(client: OAuthClient, refresh_token: str) -> None:
    """Withdraw the grant at Google: all of this person's tokens for this installation end (RFC 7009).

    Raises:
        Retryable: Google could not be asked.
    """
    with _Session(client) as session:
        endpoint = _discover(session, client).get("revocation_endpoint")
        if endpoint:
            session.request("POST", endpoint, data={"token": refresh_token}, withhold_token=True)


def _discover(session: _Session, client: OAuthClient) -> dict[str, Any]:
    address = f"{client.authority}/.well-known/openid-configuration"
    found: dict[str, Any] = session.request("GET", address, withhold_token=True).json()
    if not {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"} <= set(found):
        raise refusal(_NAME, "server_error", "the discovery document is incomplete")
    return found


def _ask(call: Any, *, of_code: bool = False) -> dict[str, Any]:
    try:
        token: dict[str, Any] = call()
    except ProviderError:
        raise
    except AuthlibBaseError as error:
        raise refusal(_NAME, str(error.error), str(error.description or ""), of_code=of_code) from None
    except ValueError as error:
        raise refusal(_NAME, "server_error", type(error).__name__) from None
    if not token.get("access_token"):
        raise refusal(_NAME, "server_error", "no access token in the answer")
    return token


def _tokens(token: Mapping[str, Any]) -> Tokens:
    lifetime = str(token.get("expires_in"))
    seconds = int(lifetime) if lifetime.isdigit() else 300
    return Tokens(
        access_token=str(token["access_token"]),
        refresh_token=str(token.get("refresh_token") or ""),
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
        scopes=frozenset(str(token.get("scope", "")).split()),
    )


def _claims(
    session: _Session, client: OAuthClient, endpoints: Mapping[str, Any], id_token: str, nonce: str
) -> dict[str, Any]:
    """Check an ID token (OpenID Connect Core, section 3.1.3.7) and give its claims."""
    keys = KeySet.import_key_set(session.request("GET", endpoints["jwks_uri"], withhold_token=True).json())
    registry = jwt.JWTClaimsRegistry(
        leeway=_GRACE_S,
        iss={"essential": True, "values": [endpoints["issuer"], str(endpoints["issuer"]).removeprefix("https://")]},
        aud={"essential": True, "value": client.client_id},
        exp={"essential": True},
        sub={"essential": True},
        email={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        claims: dict[str, Any] = jwt.decode(id_token, keys, algorithms=["RS256", "ES256"]).claims
        registry.validate(claims)
    except (JoseError, ValueError) as error:
        raise _mismatch("Google's word on who signed in does not fit this sign-in.", type(error).__name__) from None
    return claims


def _mismatch(sentence: str, detail: str = "") -> Refused:
    return Refused(sentence, side=SIDE, cause="answer_mismatch", next_step="Connect again.", server_answer=detail)
