"""Who asks: the signed-in user of a request, and the rules of the session cookie.

A session names the user, the epoch in which it began, and itself: raising `User.session_epoch` ends every session of
the user, signing out ends this one, for whoever has copied its cookie, too.
Every route needs a signed-in user unless it says `@public`. Inside a host's page the session is the frame's own
(`webmail.blueprints._framed`), which has to be alive besides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from flask import Response, current_app, make_response, redirect, render_template, request, session, url_for
from flask_login import LoginManager, current_user, login_user
from werkzeug.wrappers import Response as BaseResponse

from webmail.blueprints._framed import HEADER, current_frame
from webmail.blueprints._htmx import is_htmx
from webmail.store import frames, sessions, users
from webmail.store.models import User, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading

View = TypeVar("View", bound=Callable[..., Any])

STRANGERS_BYTES = 2 * 1024 * 1024
_API_BYTES = 26 * 1024 * 1024
"""More than any operation takes; each has its own limit besides, and reads nothing before it knows the key."""

login_manager = LoginManager()
login_manager.session_protection = None


class SignedIn:
    """The user of this request, as pages and views see them."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, user: User, session_uuid: UUID, *, is_framed: bool = False, theme: str = "") -> None:
        self.scope = Scope(user.tenant_id, user.id)
        self.uuid = user.uuid
        self.name = user.name
        self.email = user.launch_email or user.email
        self.theme = theme or user.theme
        self.locale = user.locale
        self.undo_s = user.undo_s
        self.title = user.title
        self.phone = user.phone
        self._epoch = user.session_epoch
        self.session_uuid = session_uuid
        self.is_framed = is_framed

    @property
    def initials(self) -> str:
        words = self.name.split() or [self.email]
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()

    def get_id(self) -> str:
        """Give what the session keeps."""
        return f"{self.uuid}.{self._epoch}.{'' if self.is_framed else '.'}{self.session_uuid}"


@login_manager.user_loader  # type: ignore[untyped-decorator]  # flask-login ships no types
def load_signed_in(session_id: str) -> SignedIn | None:
    """Find the user of a session; None when the user is gone, or the session's epoch or the session itself is over."""
    uuid, _, rest = session_id.partition(".")
    epoch, _, named = rest.partition(".")
    is_framed = not named.startswith(".")
    try:
        key, session_key = UUID(uuid), UUID(named.removeprefix("."))
    except ValueError:
        return None
    with reading() as s:
        user = users.find_by_uuid(s, key) if is_framed else sessions.find_user(s, key, session_key)
        found = frames.find_session(s, session_key) if is_framed else None
    if user is None or str(user.session_epoch) != epoch:
        return None
    if not is_framed:
        return SignedIn(user, session_key)
    is_alive = found is not None and found[0].user_id == user.id and found[0].ends_at > utc_now()
    theme = str(found[0].data.get("theme", "")) if found else ""
    return SignedIn(user, session_key, is_framed=True, theme=theme) if is_alive else None


def signed_in() -> SignedIn:
    """Give the user of this request; only for routes that are not `@public`."""
    return cast("SignedIn", current_user)


def current_scope() -> Scope:
    """Give the scope that every query and action of this request carries."""
    return signed_in().scope


def begin_session(user: User) -> None:
    """Sign a user in, with nothing left over from whoever used this browser before."""
    session.clear()
    session.permanent = True
    login_user(SignedIn(user, uuid4()))


def public(view: View) -> View:
    """Mark a view that answers without a signed-in user."""
    view.is_public = True  # type: ignore[attr-defined]  # a mark on a function
    return view


def require_sign_in() -> BaseResponse | None:
    """Stop a request that nobody is signed in for, unless its view is public."""
    view = current_app.view_functions.get(request.endpoint or "")
    is_open = view is None or getattr(view, "is_public", False) or request.endpoint == "static"
    return None if is_open or current_user.is_authenticated else ask_to_sign_in()


def limit_strangers() -> None:
    """Hold a body that nobody has signed in for to a size, before anything reads it: a form is read into memory."""
    if request.method not in ("GET", "HEAD") and not current_user.is_authenticated:
        request.max_content_length = _API_BYTES if request.blueprint == "api" else STRANGERS_BYTES


def ask_to_sign_in() -> BaseResponse:
    """Answer a request whose session is dead, in the way that loses nothing of what was typed."""
    if current_frame() is not None:
        return frame_refused("ended")
    if is_htmx() or request.endpoint == "events.stream":
        # The page shows its "Sign in again" dialog at this status (app.js) and stays as it is.
        response: BaseResponse = Response(status=401)
    elif request.method in ("GET", "HEAD"):
        response = redirect(url_for("auth.login", next=request.full_path.rstrip("?")), 303)
    else:
        response = make_response(render_template("errors/signed_out.html"), 401)
    return response


def refuse_frame() -> BaseResponse | None:
    """Stop a request whose frame's session has ended, or is not the one that its page belongs to."""
    frame = current_frame()
    return frame_refused(frame.refusal) if frame is not None and frame.refusal else None


def frame_refused(refusal: str) -> BaseResponse:
    """Answer a page whose session is gone (`ended`) or another's by now (`other`): nothing on it changes."""
    is_quiet = is_htmx() or HEADER in request.headers
    page = "" if is_quiet else render_template("embed/ended.html", refusal=refusal)
    response = make_response(page, 409 if refusal == "other" else 401)
    response.headers[HEADER] = refusal
    response.headers["HX-Reswap"] = "none"
    return response


def safe_next(target: str | None) -> str | None:
    """Give a path of our own to go on to after sign-in; None for anything that leads elsewhere."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return None
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or any(ord(character) < 32 for character in target):
        return None
    return target
