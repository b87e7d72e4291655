"""The page behind an unsubscribe link: one button, no sign-in, no cookie.

Looking never acts, because scanners and previews follow every link in a mail. What acts is the button, or the one
request that a mail program makes by itself (RFC 8058). The link's own signature is what guards both, so there is
neither session nor CSRF token.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, make_response, render_template, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from webmail import queue
from webmail.actions import unsubscribe
from webmail.blueprints._session import public
from webmail.errors import NotFound

blueprint = Blueprint("unsubscribe", __name__)

_UNDO_S = 3600
_WINDOW_S = 600
_DEAD_LINKS_PER_ADDRESS = 60
_TRIES_PER_LINK = 30
_HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
"""The address is the key: it is told to nobody."""


@blueprint.get("/u/<token>")
@public
def show(token: str) -> Response:
    return _page(token, unsubscribe.look_at(token))


@blueprint.post("/u/<token>")
@public
def confirm(token: str) -> Response:
    is_one_click = request.form.get("List-Unsubscribe") == "One-Click"
    if not is_one_click and request.form.get("confirm") != "yes":
        return show(token)
    if not queue.is_within_limit(f"unsubscribe:{token}", limit=_TRIES_PER_LINK, window_s=_WINDOW_S):
        return _dead_page(429)
    how = "By the button of a mail program." if is_one_click else "By the link in a mail."
    standing = unsubscribe.unsubscribe(token, detail=how)
    if is_one_click:
        return Response("Unsubscribed.\n", mimetype="text/plain", headers=_HEADERS)
    return _page(token, standing, undo_key=_serializer().dumps(token) if standing.can_undo else "")


@blueprint.post("/u/<token>/undo")
@public
def undo(token: str) -> Response:
    """Take the click back, for whoever has the page that came of it."""
    try:
        is_own = _serializer().loads(request.form.get("key", ""), max_age=_UNDO_S) == token
    except BadSignature:
        is_own = False
    return _page(token, unsubscribe.undo(token), is_undone=True) if is_own else show(token)


@blueprint.errorhandler(NotFound)
def _dead(_error: NotFound) -> Response:
    """Say the same of every link that does not work, whatever the reason."""
    key = f"dead-link:{request.remote_addr}"
    return _dead_page(404 if queue.is_within_limit(key, limit=_DEAD_LINKS_PER_ADDRESS, window_s=_WINDOW_S) else 429)


def _page(token: str, standing: unsubscribe.Standing, **values: object) -> Response:
    page = render_template("unsubscribe/show.html", token=token, standing=standing, **values)
    return make_response(page, _HEADERS)


def _dead_page(status: int) -> Response:
    return make_response(render_template("unsubscribe/dead.html", is_busy=status == 429), status, _HEADERS)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="unsubscribe-undo")
