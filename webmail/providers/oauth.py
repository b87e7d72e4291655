"""What signing in at Google and at Microsoft has in common: the values, the line to their servers, its failures.

An identity server that is slow, busy or broken is `Retryable`: only an answer that names the credentials ends a
connection (field notes, pain 14). So the line itself turns 429, 5xx, silence and what is no JSON into `Retryable`,
before Authlib or MSAL make something else of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from webmail.errors import Retryable

SIDE = "oauth"
_TIMEOUT_S = 10.0
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class OAuthClient:
    """This installation as it is registered with an identity server; `authority` is the server's base address.

    `graph_url` is where Microsoft Graph is, "" for its own address; `is_stand_in` says that this is no real provider.
    """

    client_id: str
    client_secret: str = field(repr=False)
    authority: str
    ca_file: str | None = None
    graph_url: str = ""
    is_stand_in: bool = False


@dataclass(frozen=True)
class Begun:
    """A sign-in that has begun: where to send the browser, and what must come back with it.

    `flow` holds JSON values (state, nonce, PKCE verifier) and is kept with the browser's session, never in the URL.
    """

    url: str
    flow: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Tokens:
    """What an identity server gave; `refresh_token` is "" where it gave no new one: the old one stays good."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    scopes: frozenset[str]


@dataclass(frozen=True)
class Grant:
    """Who signed in, and what for; `subject` is the identity server's own, lasting name of the person.

    `graph` is there where sending through Microsoft Graph was asked for; `tokens` has the refresh token of both.
    """

    subject: str
    email: str
    tokens: Tokens
    graph: Tokens | None = None


class TokenLine(requests.Session):
    """The line to one identity server: with a time limit, its own CA if there is one, and plain failures."""

    def __init__(self, name: str, ca_file: str | None) -> None:
        super().__init__()
        self._name = name
        if ca_file:
            self.verify = ca_file
            # A CA bundle in the environment would silently take precedence over this one.
            self.trust_env = False

    def request(  # type: ignore[override]  # what is passed on needs no types of its own
        self, method: str, url: str, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request; MSAL and Authlib come through here.

        Raises:
            Retryable: no answer, 429, 5xx, or an answer that is no JSON where JSON was due.
        """
        kwargs["timeout"] = _TIMEOUT_S
        kwargs["allow_redirects"] = False
        try:
            response = super().request(method, url, *args, **kwargs)
        except OSError as error:
            # All that requests raises, and a file of certificates that is not there.
            raise self._away(type(error).__name__) from error
        if response.status_code == 429 or response.status_code >= 500:
            raise self._away(f"HTTP {response.status_code}", retry_after_s(response.headers))
        if len(response.content) > _MOST_BYTES or not _is_json(response):
            raise self._away(f"HTTP {response.status_code} without JSON")
        return response

    def _away(self, what: str, retry_after_s: float | None = None) -> Retryable:
        return Retryable(
            f"{self._name} sign-in does not answer properly just now.",
            side=SIDE,
            cause="identity_server_away",
            next_step="It is tried again by itself.",
            server_answer=what,
            retry_after_s=retry_after_s,
        )


def open_line(ca_file: str | None) -> requests.Session:
    """Open a line to a provider's own services, which trusts the stand-ins' authority where there are any."""
    line = requests.Session()
    if ca_file:
        line.verify, line.trust_env = ca_file, False
    return line


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds a server asks to wait, at most an hour; None where it does not say."""
    value = headers.get("Retry-After", "")
    return min(float(value), 3600.0) if value.isascii() and value.isdigit() else None


def _is_json(response: requests.Response) -> bool:
    # RFC 7009 answers a revocation with 200 and whatever body; nobody reads that one.
    if not response.content:
        return True
    try:
        return isinstance(response.json(), dict)
    except ValueError:
        return False
