"""The session of a request that comes from inside a host's page.

A frame's session lies in the database. Two things can name it:

- a cookie of its own, `__Host-webmail-embed`, partitioned by the host's site, where the browser takes it. Addresses
  then carry the session's public name as `frame=<uuid>`, so that a tab whose cookie was replaced by another launch
  notices: the cookie and the name have to agree.
- where the browser refuses the cookie, a signed token with a short life stands in the same places instead. htmx sends
  it as a header; the page renews it (`static/frame.js`), and every answer to an old one brings a new one.

A request that names no session has the stand-alone one, as if no frame existed. Which pages may hold an answer follows
from the same: the tenant's own origins for a frame's session, nobody's otherwise.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Flask, Request, Response, has_request_context, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer
from werkzeug.wrappers import Response as BaseResponse

from webmail.store import frames
from webmail.store.models import FrameSession, utc_now
from webmail.store.session import reading, transaction

COOKIE = "__Host-webmail-embed"
HEADER = "X-Webmail-Frame"
ARGUMENT = "frame"
TOKEN_S = 600
_ENTER_S = 60
_UNNAMED = frozenset(
    {"static", "assets.file", "messages.part", "messages.image", "oauth.callback", "oauth.redeem", "embed.launch"}
)
"""Addresses that name no session: they need none, or others have to know them as they are."""
_PUBLIC_PATHS = ("/static/", "/assets/", "/healthz", "/readyz", "/embed/launch", "/oauth/popup", "/u/")


@dataclass(frozen=True)
class Frame:
    """What a request has to do with a frame; `refusal` is "", `ended` or `other` (the cookie is another session's)."""

    origins: list[str] = field(default_factory=list)
    row: FrameSession | None = None
    name: str = ""
    is_by_token: bool = False
    refusal: str = ""

    @property
    def origin(self) -> str:
        """The host's origin, with which the page exchanges messages."""
        return self.row.origin if self.row else ""


class FramedSession(SecureCookieSession):
    """A session whose values lie in the database."""

    frame: Frame


class Sessions(SecureCookieSessionInterface):
    """Opens the session of a frame where a request names one, and the stand-alone session elsewhere."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        named = _named(request)
        is_framed = named is not None and not request.path.startswith(_PUBLIC_PATHS)
        if named is None or not is_framed:
            return super().open_session(app, request)
        frame = _find(app, request, named)
        values = dict(frame.row.data) if frame.row and not frame.refusal else {}
        if values and frame.row:
            # Bound to the session, so that no page has to be told it anew, and none of another session has it.
            values["csrf_token"] = _csrf_secret(app, frame.row.uuid)
        opened = FramedSession(values)
        opened.frame = frame
        return opened

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, FramedSession):
            super().save_session(app, session, response)
            return
        row = session.frame.row
        kept = {name: value for name, value in session.items() if name != "csrf_token"}
        if row is not None and not session.frame.refusal and session.modified and kept != row.data:
            with transaction() as s:
                frames.save_data(s, row.id, kept)


def current_frame() -> Frame | None:
    """Give the frame that this request comes from; None outside of one."""
    opened = session._get_current_object() if has_request_context() else None  # type: ignore[attr-defined]  # a proxy
    return opened.frame if isinstance(opened, FramedSession) else None


def with_ancestors(policy: str, origins: list[str]) -> str:
    """Write into a page's policy who may hold it in a frame; nobody when there are no origins."""
    return policy.replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(origins)}") if origins else policy


def inner_ancestors() -> str:
    """Give who may hold a frame within the product's own pages: those pages, and whoever may hold them."""
    frame = current_frame()
    return " ".join(["'self'", *frame.origins]) if frame else "'self'"


def set_cookie(app: Flask, response: BaseResponse, session_uuid: UUID) -> None:
    """Offer the browser a frame's cookie; it may refuse."""
    value = URLSafeSerializer(app.config["SECRET_KEY"], salt="frame-cookie").dumps(session_uuid.hex)
    response.set_cookie(COOKIE, str(value), secure=True, httponly=True, samesite="None", path="/", partitioned=True)


def make_token(app: Flask, session_uuid: UUID) -> str:
    """Make a token that names a frame's session for `TOKEN_S`."""
    return str(_tokens(app).dumps(session_uuid.hex))


def entering(app: Flask, request: Request) -> tuple[UUID, bool] | None:
    """Give the session that a launch has just begun, and whether the browser took its cookie; None for a stale one."""
    uuid = _uuid_of_token(app, request.args.get("entry", ""), _ENTER_S)
    return None if uuid is None else (uuid, _uuid_of_cookie(app, request) == uuid)


def name_frame(endpoint: str, values: dict[str, Any]) -> None:
    """Have each address that is built for a frame's page name its session (for `app.url_defaults`)."""
    frame = current_frame()
    if frame and frame.name and endpoint not in _UNNAMED:
        values.setdefault(ARGUMENT, frame.name)


def name_in_headers(response: Response, name: str) -> None:
    """Have an answer that leads elsewhere name the session there, whoever built its address."""
    for header in ("Location", "HX-Redirect"):
        address = response.headers.get(header, "")
        if address.startswith("/") and f"{ARGUMENT}=" not in address:
            path, mark, fragment = address.partition("#")
            response.headers[header] = f"{path}{'&' if '?' in path else '?'}{ARGUMENT}={name}{mark}{fragment}"


def _named(request: Request) -> str | None:
    named = request.headers.get(HEADER) or request.args.get(ARGUMENT)
    if named is not None:
        return named
    # Without a script, a form that asks by GET loses what its address named; only a browser that has no session
    # of the stand-alone kind is taken at its cookie's word, and never where the page is not in a frame.
    is_within = request.headers.get("Sec-Fetch-Dest") == "iframe"
    has_own = request.cookies.get("webmail_session") is not None
    return "" if is_within and not has_own and COOKIE in request.cookies else None


def _find(app: Flask, request: Request, named: str) -> Frame:
    by_cookie = _uuid_of_cookie(app, request)
    by_token = _uuid_of_token(app, named, TOKEN_S)
    uuid = by_token or _uuid_of(named) or (by_cookie if not named else None)
    with reading() as s:
        found = frames.find_session(s, uuid) if uuid else None
        other = frames.find_session(s, by_cookie) if by_cookie and by_cookie != uuid else None
    if found is None:
        return Frame(refusal="ended")
    row, origins = found
    if by_token is None and by_cookie is None:
        return Frame(origins, row, refusal="ended")
    if by_token is None and by_cookie != uuid:
        return Frame(origins, row, refusal="other" if other and other[0].ends_at > utc_now() else "ended")
    if row.ends_at <= utc_now() or row.origin not in origins:
        return Frame(origins, row, refusal="ended")
    name = make_token(app, row.uuid) if by_token else str(row.uuid)
    return Frame(origins, row, name, is_by_token=by_token is not None)


def _uuid_of_cookie(app: Flask, request: Request) -> UUID | None:
    try:
        value = URLSafeSerializer(app.config["SECRET_KEY"], salt="frame-cookie").loads(request.cookies.get(COOKIE, ""))
    except BadSignature:
        return None
    return _uuid_of(str(value))


def _uuid_of_token(app: Flask, token: str, most_s: int) -> UUID | None:
    try:
        return _uuid_of(str(_tokens(app).loads(token, max_age=most_s)))
    except BadSignature:
        return None


def _uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _tokens(app: Flask) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="frame-token")


def _csrf_secret(app: Flask, uuid: UUID) -> str:
    key = f"frame-csrf:{app.config['SECRET_KEY']}".encode()
    return hmac.new(key, uuid.bytes, "sha256").hexdigest()
