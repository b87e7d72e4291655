"""A stand-in for the identity servers of Google and Microsoft: real OAuth 2 and OpenID Connect, invented people.

For `make run`, so that signing in can be tried without registering an app, and for tests, which make it fail on
purpose. It never runs in production. It speaks discovery, authorize (with account chooser and consent), token with
PKCE and rotation, revocation, JWKS and introspection, and words its refusals as Google and Microsoft do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from webmail.demo.sign_in_page import chooser, refusal, stylesheet

ACCESS_TOKEN_S = 3600
CODE_S = 300
_TENANT = "9122040d-6c67-4c5b-b112-36a304b66dad"


@dataclass
class Person:
    """Somebody who can sign in; the answers of the sign-in page depend on `ending`, "" for a good one."""

    email: str
    name: str
    subject: str
    ending: str = ""
    note: str = ""
    """What the page says of this account."""


@dataclass
class Allowed:
    """What a person has allowed an app to do."""

    person: Person
    client_id: str
    scope: str
    is_revoked: str = ""
    """The reason, once it is over: a key of the tables below."""


@dataclass
class _Code:
    grant: Allowed
    redirect_uri: str
    challenge: str
    nonce: str
    expires_at: float
    is_used: bool = False


@dataclass
class Faults:
    """What goes wrong next, for tests: each is used up by one request of the token endpoint, in order."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    """(HTTP status, body) given instead of an answer."""
    delay_s: float = 0.0
    wrong_nonce: bool = False
    wrong_issuer: bool = False
    clock_skew_s: float = 0.0
    loses_answer_once: bool = False
    """The next refresh is carried out, but its answer is lost."""


class IdentityServer:
    """One identity server; a WSGI application.

    Args:
        style: `google` or `microsoft`: paths, rotation, wording.
        base_url: where it is reached, without a slash at the end; Microsoft's authority is `<base_url>/common`.
        clients: {client id: secret}.
        people: who can choose to sign in.
        now: the clock, for tests that travel in time.
        pages_url: where browsers reach it, if that is elsewhere.
        redirect_uris: where it sends browsers back to; None for anywhere.
        on_change: called after each change of what it has given out.
    """

    def __init__(
        self,
        style: str,
        base_url: str,
        clients: dict[str, str],
        people: Iterable[Person],
        *,
        now: Callable[[], float] = time.time,
        pages_url: str = "",
        redirect_uris: Iterable[str] | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.style = style
        self.base_url = base_url
        self.clients = clients
        self.people = {person.email: person for person in people}
        self.faults = Faults()
        self.token_requests = 0
        self._now = now
        self._pages_url = pages_url or base_url
        self._redirect_uris = None if redirect_uris is None else frozenset(redirect_uris)
        self.on_change = on_change
        self._key = RSAKey.generate_key(2048, parameters={"kid": "stand-in", "use": "sig", "alg": "RS256"})
        self._codes: dict[str, _Code] = {}
        self.refresh_tokens: dict[str, tuple[Allowed, float]] = {}
        self.access_tokens: dict[str, tuple[Allowed, float, str]] = {}
        prefix = "/common/v2.0" if style == "microsoft" else ""
        oauth = "/common/oauth2/v2.0" if style == "microsoft" else "/o/oauth2"
        self.issuer = f"{base_url}/{_TENANT}/v2.0" if style == "microsoft" else base_url
        self.paths = {
            "discovery": f"{prefix}/.well-known/openid-configuration",
            "authorize": f"{oauth}/authorize",
            "token": f"{oauth}/token",
            "revoke": f"{oauth}/revoke",
            "keys": f"{prefix}/keys",
            "introspect": "/introspect",
            "css": f"{oauth}/sign_in.css",
        }
        self._urls = Map([Rule(path, endpoint=name) for name, path in self.paths.items()])

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        try:
            endpoint, _ = self._urls.bind_to_environ(environ).match()
            response = getattr(self, f"_{endpoint}")(request)
        except HTTPException as error:
            response = error.get_response(environ)
        answer: Iterable[bytes] = response(environ, start_response)
        return answer

    def revoke_grants(self, email: str, reason: str) -> None:
        """End all of a person's grants; `reason` is what the next refresh will hear."""
        for grant, _ in self.refresh_tokens.values():
            if grant.person.email == email:
                grant.is_revoked = reason
        self.on_change()

    def email_of(self, access_token: str) -> str | None:
        """Give whose access token this is; None when it is unknown, over or revoked."""
        found = self.access_tokens.get(access_token)
        if found is None or found[0].is_revoked or found[1] < self._now():
            return None
        return found[0].person.email

    def has_scope(self, access_token: str, scope: str) -> bool:
        """Say whether an access token allows something."""
        found = self.access_tokens.get(access_token)
        return found is not None and scope in found[2].split()

    def _discovery(self, _request: Request) -> Response:
        url = {name: self.base_url + path for name, path in self.paths.items()}
        issuer = self.issuer.replace(_TENANT, "{tenantid}") if self.style == "microsoft" else self.issuer
        return _json(
            {
                "issuer": issuer,
                "authorization_endpoint": self._pages_url + self.paths["authorize"],
                "token_endpoint": url["token"],
                "revocation_endpoint": url["revoke"],
                "jwks_uri": url["keys"],
                "introspection_endpoint": url["introspect"],
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    def _keys(self, _request: Request) -> Response:
        return _json({"keys": [self._key.as_dict(private=False)]})

    def _authorize(self, request: Request) -> Response:
        wanted = request.values
        css_url = self._pages_url + self.paths["css"]
        if wanted.get("client_id") not in self.clients:
            return refusal(self.style, "This app is not known here", "Its client id is not registered.", css_url)
        if self._redirect_uris is not None and wanted.get("redirect_uri") not in self._redirect_uris:
            uri = wanted.get("redirect_uri", "")
            return refusal(self.style, "The redirect URI does not fit", f"{uri} is not registered here.", css_url)
        if request.method == "GET":
            return chooser(self.style, self.people.values(), request.args.items(), css_url)
        person = self.people.get(wanted.get("email", ""))
        if person is None:
            raise NotFound
        back = {"state": wanted.get("state", "")}
        denied = person.ending or ("access_denied" if wanted.get("choice") != "allow" else "")
        if denied:
            back |= self._words(denied)
        else:
            scope = wanted.get("scope", "") if wanted.get("mail", "1") else "openid email"
            code = secrets.token_urlsafe(24)
            grant = Allowed(person, wanted["client_id"], scope)
            self._codes[code] = _Code(
                grant,
                wanted.get("redirect_uri", ""),
                wanted.get("code_challenge", ""),
                wanted.get("nonce", ""),
                self._now() + CODE_S,
            )
            back["code"] = code
        if self.style == "google":
            back["iss"] = "https://elsewhere.example" if self.faults.wrong_issuer else self.issuer
        else:
            back["client_info"] = _encoded({"uid": person.subject, "utid": _TENANT})
        return redirect(f"{wanted.get('redirect_uri', '')}?{urlencode(back)}", 302)

    def _css(self, _request: Request) -> Response:
        return stylesheet()

    def _token(self, request: Request) -> Response:
        self.token_requests += 1
        if self.faults.delay_s:
            time.sleep(self.faults.delay_s)
        if self.faults.answers:
            status, body = self.faults.answers.pop(0)
            return Response(body, status, mimetype="application/json", headers={"Retry-After": "7"})
        form = request.form
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if not hmac.compare_digest(self.clients.get(client_id, "\0"), secret):
            return self._error("invalid_client")
        if form.get("grant_type") == "authorization_code":
            return self._redeem(form.get("code", ""), form)
        return self._renew(form.get("refresh_token", ""), form)

    def _redeem(self, key: str, form: Any) -> Response:
        code = self._codes.get(key)
        verifier = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            code is None
            or code.is_used
            or code.expires_at < self._now()
            or code.grant.client_id != form.get("client_id")
            or code.redirect_uri != form.get("redirect_uri")
            or verifier.rstrip(b"=").decode() != code.challenge
        ):
            return self._error("invalid_grant")
        refusal = self._refusal_of_scopes(code.grant, form)
        if refusal:
            return self._error(refusal)
        code.is_used = True
        return self._give(code.grant, form, nonce="another" if self.faults.wrong_nonce else code.nonce)

    def _renew(self, key: str, form: Any) -> Response:
        found = self.refresh_tokens.get(key)
        if found is None or found[0].client_id != form.get("client_id"):
            return self._error("invalid_grant")
        grant, expires_at = found
        if grant.is_revoked:
            return self._error(grant.is_revoked)
        if expires_at < self._now():
            return self._error("inactive" if self.style == "microsoft" else "invalid_grant")
        refusal = self._refusal_of_scopes(grant, form)
        if refusal:
            return self._error(refusal)
        answer = self._give(grant, form, replaces=key)
        if self.faults.loses_answer_once:
            self.faults.loses_answer_once = False
            return Response("", 502)
        return answer

    def _refusal_of_scopes(self, grant: Allowed, form: Any) -> str:
        """Microsoft gives a token for one server at a time, and only for what the user has allowed."""
        asked = {scope for scope in form.get("scope", "").split() if "://" in scope}
        if self.style != "microsoft" or "://" not in grant.scope:
            return ""
        if len({urlsplit(scope).netloc for scope in asked}) > 1:
            return "two_resources"
        return "" if asked <= set(grant.scope.split()) else "not_consented"

    def _give(self, grant: Allowed, form: Any, *, nonce: str = "", replaces: str = "") -> Response:
        access = secrets.token_urlsafe(32)
        asked = [scope for scope in form.get("scope", grant.scope).split() if "://" in scope]
        scope = " ".join(asked or grant.scope.split()) if self.style == "microsoft" else grant.scope
        if self.style == "microsoft" and "://" not in grant.scope:
            scope = grant.scope
        self.access_tokens[access] = (grant, self._now() + ACCESS_TOKEN_S, scope)
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "access_token": access,
            "expires_in": ACCESS_TOKEN_S,
            "scope": scope,
        }
        if self.style == "microsoft" or not replaces:
            # Microsoft's tokens live for 90 days from their last use; the one that was spent is not revoked.
            refresh = secrets.token_urlsafe(32)
            lifetime = 90 * 86400 if self.style == "microsoft" else 100 * 365 * 86400
            self.refresh_tokens[refresh] = (grant, self._now() + lifetime)
            answer["refresh_token"] = refresh
        if replaces and self.style == "microsoft":
            self.refresh_tokens[replaces] = (grant, self._now() + 86400)
        self.on_change()
        if nonce or not replaces:
            answer["id_token"] = self._id_token(grant, nonce)
        if self.style == "microsoft":
            answer["client_info"] = _encoded({"uid": grant.person.subject, "utid": _TENANT})
        return _json(answer)

    def _id_token(self, grant: Allowed, nonce: str) -> str:
        now = int(time.time() + self.faults.clock_skew_s)
        claims = {
            "iss": self.issuer,
            "aud": grant.client_id,
            "sub": grant.person.subject,
            "oid": grant.person.subject,
            "tid": _TENANT,
            "email": grant.person.email,
            "preferred_username": grant.person.email,
            "name": grant.person.name,
            "iat": now,
            "exp": now + 3600,
            "nonce": nonce,
        }
        return jwt.encode({"alg": "RS256", "kid": "stand-in"}, claims, self._key)

    def _revoke(self, request: Request) -> Response:
        found = self.refresh_tokens.get(request.form.get("token", ""))
        if found:
            self.revoke_grants(found[0].person.email, "invalid_grant")
        return _json({})

    def _introspect(self, request: Request) -> Response:
        email = self.email_of(request.form.get("token", ""))
        return _json({"active": bool(email), **({"email": email, "username": email} if email else {})})

    def _words(self, reason: str) -> dict[str, str]:
        error, description = REFUSALS[self.style].get(reason, (reason, ""))
        return {"error": error, **({"error_description": description} if description else {})}

    def _error(self, reason: str) -> Response:
        return _json(self._words(reason), 401 if reason == "invalid_client" else 400)


REFUSALS: dict[str, dict[str, tuple[str, str]]] = {
    "google": {
        "invalid_grant": ("invalid_grant", "Token has been expired or revoked."),
        "invalid_client": ("invalid_client", "The OAuth client was not found."),
    },
    "microsoft": {
        "access_denied": ("access_denied", "AADSTS65004: User declined to consent to access the app."),
        "admin_consent": ("access_denied", "AADSTS90094: The grant requires admin permission."),
        "not_consented": ("invalid_grant", "AADSTS65001: The user or administrator has not consented to use the app."),
        "invalid_grant": ("invalid_grant", "AADSTS70000: Provided grant is invalid or malformed."),
        "inactive": (
            "invalid_grant",
            "AADSTS700082: The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.",
        ),
        "revoked": ("invalid_grant", "AADSTS50173: The provided grant has expired due to it being revoked."),
        "mfa": (
            "interaction_required",
            "AADSTS50076: Due to a change made by your administrator, you must use multi-factor authentication.",
        ),
        "policy": (
            "invalid_grant",
            "AADSTS70043: The refresh token has expired or is invalid due to sign-in frequency.",
        ),
        "two_resources": ("invalid_request", "AADSTS28000: The scopes belong to more than one resource."),
        "app_secret": ("invalid_client", "AADSTS7000222: The provided client secret keys are expired."),
        "invalid_client": ("invalid_client", "AADSTS7000215: Invalid client secret provided."),
    },
}
"""How each server words a refusal: reason -> (error, error_description)."""


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json", headers={"Cache-Control": "no-store"})


def _encoded(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
